{# Emerging themes (H3) and rows above the funnel (the step to H4), by quarter. The baseline is the cell's own last four quarters of the same
   regime; where it has fewer, or no hit in them, the nation's stands in and the theme is labelled new. Every row of the
   quarter at one level is one family of tests. #}
{%- set family = ['quarter_start', 'level'] -%}
{%- set cell = [
    'level', 'area_code', 'unit_type', 'quarter_start', 'assessment_type', 'question_category', 'theme_code'
] -%}
with theme_periods as (

    select * from {{ ref('int_theme_periods') }}

),

eligible as (

    select * from {{ ref('int_theme_eligible') }}

),

counts as (

    select * from {{ ref('int_theme_counts') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

thresholds as (

    select
        {{ policy('alert_q_max') }} as alert_q_max,
        {{ policy('theme_emerging_prior') }} as prior,
        {{ policy('theme_emerging_ratio_min') }} as ratio_min,
        {{ policy('theme_baseline_quarters') }} as baseline_quarters,
        (1 - {{ policy('interval_confidence') }}) / 2 as funnel_tail,
        {{ normal_quantile('(1e0 + ' ~ policy('theme_emerging_confidence') ~ ') / 2') }} as emerging_z

),

baseline_quarters as (

    select
        recent.quarter_start,
        earlier.quarter_start as baseline_quarter_start
    from quarters as recent
    cross join thresholds
    inner join quarters as earlier
        on
            recent.regime = earlier.regime
            and earlier.quarter_start < recent.quarter_start
            and earlier.quarter_start
            >= recent.quarter_start - to_months(cast(3 * thresholds.baseline_quarters as integer))

),

baseline_eligible as (

    select
        baseline_quarters.quarter_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category,
        count(*) filter (where eligible.compared_den > 0) as quarter_count,
        cast(sum(eligible.compared_den) as bigint) as baseline_den
    from eligible
    inner join baseline_quarters
        on eligible.quarter_start = baseline_quarters.baseline_quarter_start
    group by
        baseline_quarters.quarter_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category

),

baseline_counts as (

    select
        baseline_quarters.quarter_start,
        counts.level,
        counts.area_code,
        counts.unit_type,
        counts.assessment_type,
        counts.question_category,
        counts.theme_code,
        cast(sum(counts.compared_num) as bigint) as baseline_num
    from counts
    inner join baseline_quarters
        on counts.quarter_start = baseline_quarters.baseline_quarter_start
    group by
        baseline_quarters.quarter_start,
        counts.level,
        counts.area_code,
        counts.unit_type,
        counts.assessment_type,
        counts.question_category,
        counts.theme_code

),

quarter_rows as (

    select
        theme_periods.level,
        theme_periods.area_code,
        theme_periods.unit_type,
        theme_periods.period_start as quarter_start,
        theme_periods.assessment_type,
        theme_periods.question_category,
        theme_periods.theme_code,
        theme_periods.iqas_with_theme,
        theme_periods.iqas_eligible,
        theme_periods.compared_num,
        theme_periods.compared_den,
        coalesce(counts.gate_failed, case when counts.theme_code is null then 'too_few_iqas' end) as gate_failed,
        coalesce(counts.is_robust, false) as is_robust,
        coalesce(baseline_eligible.quarter_count, 0) as baseline_quarter_count,
        coalesce(baseline_eligible.baseline_den, 0) as own_baseline_den,
        coalesce(baseline_counts.baseline_num, 0) as own_baseline_num
    from theme_periods
    left join counts
        on
            theme_periods.level = counts.level
            and theme_periods.area_code = counts.area_code
            and theme_periods.unit_type = counts.unit_type
            and theme_periods.period_start = counts.quarter_start
            and theme_periods.assessment_type = counts.assessment_type
            and theme_periods.question_category = counts.question_category
            and theme_periods.theme_code = counts.theme_code
    left join baseline_eligible
        on
            theme_periods.level = baseline_eligible.level
            and theme_periods.area_code = baseline_eligible.area_code
            and theme_periods.unit_type = baseline_eligible.unit_type
            and theme_periods.period_start = baseline_eligible.quarter_start
            and theme_periods.assessment_type = baseline_eligible.assessment_type
            and theme_periods.question_category = baseline_eligible.question_category
    left join baseline_counts
        on
            theme_periods.level = baseline_counts.level
            and theme_periods.area_code = baseline_counts.area_code
            and theme_periods.unit_type = baseline_counts.unit_type
            and theme_periods.period_start = baseline_counts.quarter_start
            and theme_periods.assessment_type = baseline_counts.assessment_type
            and theme_periods.question_category = baseline_counts.question_category
            and theme_periods.theme_code = baseline_counts.theme_code
    where theme_periods.period_type = 'quarter'

),

national_rows as (

    select * from quarter_rows
    where level = 'national'

),

with_baseline as (

    select
        quarter_rows.level,
        quarter_rows.area_code,
        quarter_rows.unit_type,
        quarter_rows.quarter_start,
        quarter_rows.assessment_type,
        quarter_rows.question_category,
        quarter_rows.theme_code,
        quarter_rows.iqas_with_theme,
        quarter_rows.iqas_eligible,
        quarter_rows.compared_num,
        quarter_rows.compared_den,
        quarter_rows.gate_failed,
        quarter_rows.is_robust,
        {{ rate('national_rows.iqas_with_theme', 'national_rows.iqas_eligible') }} as national_rate,
        quarter_rows.baseline_quarter_count >= thresholds.baseline_quarters
        and quarter_rows.own_baseline_num > 0 as has_own_baseline,
        case
            when
                quarter_rows.baseline_quarter_count >= thresholds.baseline_quarters
                and quarter_rows.own_baseline_num > 0
                then quarter_rows.own_baseline_num
            else coalesce(national_rows.own_baseline_num, 0)
        end as baseline_num,
        case
            when
                quarter_rows.baseline_quarter_count >= thresholds.baseline_quarters
                and quarter_rows.own_baseline_num > 0
                then quarter_rows.own_baseline_den
            else coalesce(national_rows.own_baseline_den, 0)
        end as baseline_den
    from quarter_rows
    cross join thresholds
    left join national_rows
        on
            quarter_rows.quarter_start = national_rows.quarter_start
            and quarter_rows.assessment_type = national_rows.assessment_type
            and quarter_rows.question_category = national_rows.question_category
            and quarter_rows.theme_code = national_rows.theme_code

),

tested as (

    select
        with_baseline.*,
        {{ rate('compared_num', 'compared_den') }}
        / nullif({{ rate('baseline_num', 'baseline_den') }}, 0) as rate_ratio,
        (compared_num + thresholds.prior)
        / (
            cast(compared_den as double) * baseline_num / nullif(baseline_den, 0) + thresholds.prior
        ) as shrunk_ratio,
        -- Katz's limit of a ratio of two shares; half a hit stands in for a baseline without any.
        case
            when compared_num > 0 and baseline_den > 0
                then exp(
                    ln(
                        (cast(compared_num as double) / compared_den)
                        / (greatest(baseline_num, 0.5e0) / baseline_den)
                    )
                    - thresholds.emerging_z * sqrt(
                        1e0 / compared_num - 1e0 / compared_den
                        + 1e0 / greatest(baseline_num, 0.5e0) - 1e0 / baseline_den
                    )
                )
        end as rate_ratio_low,
        case
            when compared_den = 0 or baseline_den = 0 or compared_num + baseline_num = 0 then null
            -- Most cells have no hit; for them the tail has a closed form, and the exact function is left alone.
            when compared_num = 0
                then 1e0 - 0.5e0 * power(
                    cast(baseline_den as double) / (compared_den + baseline_den), compared_num + baseline_num
                )
            else {{ binomial_upper_mid_p(
                'compared_num', 'compared_num + baseline_num',
                'cast(compared_den as double) / nullif(compared_den + baseline_den, 0)'
            ) }}
        end as p_value,
        -- Above the upper funnel limit: an exact flag, because the usual limits fail near zero.
        case
            when level = 'national' or national_rate is null then null
            when iqas_with_theme <= iqas_eligible * national_rate then false
            else {{ binomial_upper_mid_p('iqas_with_theme', 'iqas_eligible', 'national_rate') }}
                < thresholds.funnel_tail
        end as is_above_funnel
    from with_baseline
    cross join thresholds

),

ratios as (

    select
        {{ cell | join(',\n        ') }},
        p_value,
        count(*) over (partition by {{ family | join(', ') }}) as family_size,
        {{ benjamini_hochberg_ratio('p_value', family, cell) }} as p_ratio
    from tested
    where p_value is not null

),

adjusted as (

    select
        {{ cell | join(',\n        ') }},
        family_size,
        {{ benjamini_hochberg_q('p_ratio', 'p_value', family, cell) }} as q_value
    from ratios

),

final as (

    select
        tested.level,
        tested.area_code,
        tested.unit_type,
        tested.quarter_start,
        tested.assessment_type,
        tested.question_category,
        tested.theme_code,
        tested.has_own_baseline,
        tested.baseline_num,
        tested.baseline_den,
        tested.rate_ratio,
        tested.rate_ratio_low,
        tested.shrunk_ratio,
        tested.p_value,
        adjusted.q_value,
        adjusted.family_size,
        tested.is_above_funnel,
        case
            when tested.baseline_den = 0 or tested.compared_den = 0 then null
            when tested.gate_failed is not null then tested.gate_failed
            when coalesce(adjusted.q_value, 1) > thresholds.alert_q_max then 'not_significant'
            when tested.shrunk_ratio < thresholds.ratio_min then 'effect_too_small'
            when coalesce(tested.rate_ratio_low, 0) <= 1 then 'lower_limit_not_above_one'
            when not tested.is_robust then 'single_assessor_artefact'
            when tested.has_own_baseline then 'above_baseline'
            else 'new'
        end as emerging_reason
    from tested
    cross join thresholds
    left join adjusted
        on
            {% for column in cell -%}
            {{ 'and ' if not loop.first }}tested.{{ column }} = adjusted.{{ column }}
            {% endfor %}

)

select * from final
