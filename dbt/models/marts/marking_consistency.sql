{# How much of the spread of marks lies between assessors (A6), within each unit type and for the nation: the ANOVA
   estimate of the intra-assessor correlation, of the top-mark rate and of the rate marked above the dip sampler. The
   interval is the exact one of the one-way analysis of variance, from F quantiles. No assessor is named. #}
{%- set family = ['period_type', 'period_start', 'assessment_type', 'unit_type', 'measure'] -%}
with reporting_rows as (

    select * from {{ ref('int_reporting_rows') }}
    where level = 'national'

),

answers as (

    select * from {{ ref('fct_answer') }}
    where answer_state = 'answered'

),

comparisons as (

    select * from {{ ref('fct_comparison') }}
    where
        comparison = 'manager_v_dip_sampler'
        and basis = 'answer'
        and is_comparable

),

level_members as (

    select * from {{ ref('int_level_members') }}
    where level = 'national'

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

marks as (

    select
        'met_rate' as measure,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        assessor_key,
        count(case when is_met then 1 end) as n_marked,
        count(*) as n_answers
    from answers
    group by area_code, unit_type, quarter_start, assessment_type, assessor_key

    union all

    select
        'lenient_rate' as measure,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        assessor_key,
        count(case when direction = 'lenient' then 1 end) as n_marked,
        count(*) as n_answers
    from comparisons
    group by area_code, unit_type, quarter_start, assessment_type, assessor_key

),

assessors as (

    select
        period_quarters.period_type,
        period_quarters.period_start,
        marks.assessment_type,
        marks.unit_type,
        marks.measure,
        marks.assessor_key,
        sum(marks.n_marked) as n_marked,
        sum(marks.n_answers) as n_answers
    from marks
    inner join level_members
        on
            marks.area_code = level_members.member_area_code
            and marks.unit_type = level_members.member_unit_type
    inner join period_quarters
        on marks.quarter_start = period_quarters.quarter_start
    group by
        period_quarters.period_type,
        period_quarters.period_start,
        marks.assessment_type,
        marks.unit_type,
        marks.measure,
        marks.assessor_key

),

spread as (
{{ anova_shrinkage('assessors', family, 'assessor_key', 'n_marked', 'n_answers') }}
),

families as (

    select
        {{ family | join(', ') }},
        count(*) as n_assessors,
        cast(sum(n_answers) as bigint) as n_answers,
        cast(sum(n_marked) as bigint) as n_marked,
        max(pooled_rate) as pooled_rate,
        max(anova_msb) as anova_msb,
        max(anova_msw) as anova_msw,
        max(anova_n0) as anova_n0,
        max(anova_rho) as rho
    from spread
    group by {{ family | join(', ') }}

),

quantiles as (

    -- F(p; d1, d2) = d2 x / (d1 (1 - x)), x the beta quantile of d1/2 and d2/2.
    select
        families.*,
        anova_msb / nullif(anova_msw, 0) as f_ratio,
        {%- for bound, probability in [('upper', '(1e0 + ' ~ policy('interval_confidence') ~ ') / 2e0'),
                                       ('lower', '(1e0 - ' ~ policy('interval_confidence') ~ ') / 2e0')] %}
        case
            when n_assessors > 1 and n_answers > n_assessors
                then {{ beta_quantile(probability, '(n_assessors - 1) / 2e0', '(n_answers - n_assessors) / 2e0') }}
        end as beta_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from families

),

bounded as (

    select
        quantiles.*,
        {%- for bound in ['upper', 'lower'] %}
        f_ratio / nullif(
            beta_{{ bound }} * (n_answers - n_assessors) / nullif((1 - beta_{{ bound }}) * (n_assessors - 1), 0), 0
        ) as ratio_to_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from quantiles

),

named as (

    select
        reporting_rows.regime,
        reporting_rows.level,
        reporting_rows.area_code,
        reporting_rows.area_name,
        reporting_rows.unit_type,
        reporting_rows.period_type,
        reporting_rows.period_label,
        reporting_rows.period_start,
        reporting_rows.period_end,
        reporting_rows.answer_figure_status as figure_status,
        bounded.assessment_type,
        bounded.unit_type as within_unit_type,
        bounded.measure,
        bounded.n_assessors,
        bounded.n_answers,
        bounded.n_marked,
        bounded.pooled_rate,
        bounded.rho,
        (bounded.ratio_to_upper - 1) / nullif(bounded.anova_n0 + bounded.ratio_to_upper - 1, 0) as rho_low,
        (bounded.ratio_to_lower - 1) / nullif(bounded.anova_n0 + bounded.ratio_to_lower - 1, 0) as rho_high
    from bounded
    inner join reporting_rows
        on
            bounded.period_type = reporting_rows.period_type
            and bounded.period_start = reporting_rows.period_start
            and bounded.assessment_type = reporting_rows.assessment_type

),

{%- set reasons = [] -%}
{%- for column in ['rho', 'rho_low', 'rho_high'] -%}
    {%- do reasons.append((column, 'n_assessors < 2', 'single_assessor')) -%}
    {%- do reasons.append((column, 'true', 'no_spread')) -%}
{%- endfor %}

final as (

    select
        {{ standard_columns('named', 'named.n_assessors') }},
        {{ null_reason(reasons) }} as null_reason,
        named.assessment_type,
        named.within_unit_type,
        named.measure,
        named.n_assessors,
        named.n_answers,
        named.n_marked,
        named.pooled_rate,
        named.rho,
        named.rho_low,
        named.rho_high,
        named.rho_low > 0 as is_marking_unequal
    from named

)

select * from final
