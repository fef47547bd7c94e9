{# Whether the assessments that were dip sampled are like those that were not (D7). Where they are not, a rate of the dips
   is no estimate of the Area. Means (score, share not applicable) are compared by their standardised difference and a
   chi-square on one degree of freedom; mixes (unit type, assessor) by the chi-square of the table and by the largest
   standardised difference of a single category. #}
{%- set keys = ['level', 'area_code', 'unit_type', 'period_type', 'period_start', 'assessment_type'] -%}
with reporting_rows as (

    select * from {{ ref('int_reporting_rows') }}
    where level <> 'unit'

),

traits as (

    select * from {{ ref('int_dip_traits') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}
    where level <> 'unit'

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

level_traits as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        traits.assessment_type,
        traits.characteristic,
        traits.category,
        traits.is_dipped,
        traits.n_iqas,
        traits.amount_sum,
        traits.amount_squared,
        level_members.member_area_code,
        level_members.member_unit_type,
        period_quarters.quarter_start
    from traits
    inner join level_members
        on
            traits.area_code = level_members.member_area_code
            and traits.unit_type = level_members.member_unit_type
    inner join period_quarters
        on traits.quarter_start = period_quarters.quarter_start

),

-- Apart from the mixes, which are as many as there are assessors and have no amounts to add up in order.
rolled_means as (

    select
        {{ keys | join(', ') }},
        characteristic,
        cast(coalesce(sum(case when is_dipped then n_iqas end), 0) as bigint) as n_dipped,
        cast(coalesce(sum(case when not is_dipped then n_iqas end), 0) as bigint) as n_not_dipped,
        {%- for side, condition in [('dipped', 'is_dipped'), ('not_dipped', 'not is_dipped')] %}
        {%- set last_side = loop.last %}
        {%- for amount in ['amount_sum', 'amount_squared'] %}
        sum(case when {{ condition }} then {{ amount }} end order by member_area_code, member_unit_type, quarter_start)
            as {{ side }}_{{ amount }}
        {{- ',' if not (last_side and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from level_traits
    where characteristic in ('score', 'na_rate')
    group by {{ keys | join(', ') }}, characteristic

),

rolled_mixes as (

    select
        {{ keys | join(', ') }},
        characteristic,
        category,
        cast(coalesce(sum(case when is_dipped then n_iqas end), 0) as bigint) as n_dipped,
        cast(coalesce(sum(case when not is_dipped then n_iqas end), 0) as bigint) as n_not_dipped
    from level_traits
    where characteristic in ('unit_type', 'assessor')
    group by {{ keys | join(', ') }}, characteristic, category

),

spreads as (

    select
        rolled_means.*,
        {%- for side in ['dipped', 'not_dipped'] %}
        {{ rate(side ~ '_amount_sum', 'n_' ~ side) }} as {{ side }}_mean,
        -- A spread of less than a billionth is the rounding of equal values.
        case
            when {{ side }}_amount_squared - {{ side }}_amount_sum * {{ rate(side ~ '_amount_sum', 'n_' ~ side) }} > 1e-9
                then ({{ side }}_amount_squared - {{ side }}_amount_sum * {{ rate(side ~ '_amount_sum', 'n_' ~ side) }})
                    / nullif(n_{{ side }} - 1, 0)
            when n_{{ side }} > 1 then 0e0
        end as {{ side }}_variance{{ ',' if not loop.last }}
        {%- endfor %}
    from rolled_means

),

compared_means as (

    select
        {{ keys | join(', ') }},
        characteristic,
        n_dipped,
        n_not_dipped,
        dipped_mean,
        not_dipped_mean,
        (dipped_mean - not_dipped_mean) / nullif(sqrt((dipped_variance + not_dipped_variance) / 2e0), 0)
            as standardised_difference,
        power(dipped_mean - not_dipped_mean, 2)
        / nullif(dipped_variance / nullif(n_dipped, 0) + not_dipped_variance / nullif(n_not_dipped, 0), 0) as chi_squared,
        cast(1 as bigint) as degrees_of_freedom
    from spreads

),

shares as (

    select
        rolled_mixes.*,
        sum(n_dipped) over mix as all_dipped,
        sum(n_not_dipped) over mix as all_not_dipped,
        count(*) over mix as category_count,
        {{ rate('n_dipped', 'sum(n_dipped) over mix') }} as dipped_share,
        {{ rate('n_not_dipped', 'sum(n_not_dipped) over mix') }} as not_dipped_share
    from rolled_mixes
    window mix as (partition by {{ keys | join(', ') }}, characteristic)

),

deviations as (

    select
        shares.*,
        abs(dipped_share - not_dipped_share) / nullif(
            sqrt((dipped_share * (1 - dipped_share) + not_dipped_share * (1 - not_dipped_share)) / 2e0), 0
        ) as category_difference,
        -- (observed - expected)^2 / expected of both sides, in whole numbers until the division.
        power(cast(n_dipped * all_not_dipped - n_not_dipped * all_dipped as double), 2)
        / nullif(cast(n_dipped + n_not_dipped as double) * all_dipped * all_not_dipped, 0) as deviation
    from shares

),

compared_mixes as (

    select
        {{ keys | join(', ') }},
        characteristic,
        cast(max(all_dipped) as bigint) as n_dipped,
        cast(max(all_not_dipped) as bigint) as n_not_dipped,
        cast(null as double) as dipped_mean,
        cast(null as double) as not_dipped_mean,
        max(category_difference) as standardised_difference,
        case when max(category_count) > 1 then sum(deviation order by category) end as chi_squared,
        cast(max(category_count) - 1 as bigint) as degrees_of_freedom
    from deviations
    group by {{ keys | join(', ') }}, characteristic

),

compared as (

    select * from compared_means
    union all
    select * from compared_mixes

),

tested as (

    select
        compared.*,
        case
            when
                -- A chi-square on a handful of cases finds differences that are not there.
                least(n_dipped, n_not_dipped) >= {{ policy('representativeness_cases_min') }}
                and degrees_of_freedom > 0
                then {{ chi_squared_tail('chi_squared', 'degrees_of_freedom') }}
        end as p_value
    from compared

),

adjusted as (
{{ adjusted_p(
    'tested', ['level', 'period_type', 'period_start', 'assessment_type', 'characteristic'], ['area_code'], 'p_value'
) }}
),

named as (

    select
        reporting_rows.* exclude (figure_status),
        case
            when adjusted.characteristic in ('score', 'na_rate') then reporting_rows.answer_figure_status
            else reporting_rows.figure_status
        end as figure_status,
        adjusted.characteristic,
        adjusted.n_dipped,
        adjusted.n_not_dipped,
        adjusted.dipped_mean,
        adjusted.not_dipped_mean,
        adjusted.standardised_difference,
        adjusted.chi_squared,
        adjusted.degrees_of_freedom,
        adjusted.p_value,
        adjusted.adjusted_p as q_value,
        -- Two sides that share no category have no pooled spread, and could not be less alike.
        coalesce(
            coalesce(
                abs(adjusted.standardised_difference) > {{ policy('representativeness_difference_max') }}, true
            )
            and adjusted.adjusted_p <= {{ policy('alert_q_max') }},
            false
        ) as is_unlike
    from adjusted
    inner join reporting_rows
        on {{ same_columns('adjusted', 'reporting_rows', keys) }}

),

{%- set reasons = [] -%}
{%- for column in ['dipped_mean', 'not_dipped_mean'] -%}
    {%- do reasons.append((column, "characteristic in ('unit_type', 'assessor')", 'not_applicable')) -%}
    {%- do reasons.append((column, 'true', 'no_activity')) -%}
{%- endfor -%}
{%- for column in ['standardised_difference', 'chi_squared', 'p_value', 'q_value'] -%}
    {%- do reasons.append((column, 'n_dipped = 0 or n_not_dipped = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'degrees_of_freedom = 0', 'single_category')) -%}
    {%- if column in ['p_value', 'q_value'] -%}
        {%- do reasons.append((column, 'least(n_dipped, n_not_dipped) < ' ~ policy('representativeness_cases_min'), 'too_few')) -%}
    {%- endif -%}
    {%- do reasons.append((column, 'true', 'no_spread')) -%}
{%- endfor %}

final as (

    select
        {{ standard_columns('named', 'least(named.n_dipped, named.n_not_dipped)') }},
        {{ null_reason(reasons) }} as null_reason,
        named.assessment_type,
        named.characteristic,
        named.n_dipped,
        named.n_not_dipped,
        named.dipped_mean,
        named.not_dipped_mean,
        named.standardised_difference,
        named.chi_squared,
        named.degrees_of_freedom,
        named.p_value,
        named.q_value,
        named.is_unlike
    from named

)

select * from final
