{# What comments say, by period and level: how often each theme is raised (H1, H2), whether it is emerging (H3) or
   persistent (H4), and whether governance took an emerging one up (H6). #}
with theme_periods as (

    select * from {{ ref('int_theme_periods') }}

),

signals as (

    select * from {{ ref('int_theme_signals') }}

),

persistence as (

    select * from {{ ref('int_theme_persistence') }}

),

reporting_rows as (

    select * from {{ ref('int_reporting_rows') }}

),

themes as (

    select * from {{ ref('theme_patterns') }}

),

taken_up as (

    select * from {{ ref('int_themes_taken_up') }}

),

constants as (

    select {{ interval_z() }} as z

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
        case when taken_up.is_revised then 'R' else reporting_rows.answer_figure_status end as figure_status,
        theme_periods.assessment_type,
        theme_periods.question_category,
        theme_periods.theme_code,
        themes.theme_name,
        themes.theme_category,
        themes.is_good_practice,
        theme_periods.iqas_with_theme,
        theme_periods.iqas_eligible,
        {{ rate('theme_periods.iqas_with_theme', 'theme_periods.iqas_eligible') }} as theme_rate,
        {{ wilson_low('theme_periods.iqas_with_theme', 'theme_periods.iqas_eligible', 'constants.z') }} as low,
        {{ wilson_high('theme_periods.iqas_with_theme', 'theme_periods.iqas_eligible', 'constants.z') }} as high,
        theme_periods.below_met_answers_with_theme as below_met_num,
        theme_periods.below_met_answers as below_met_den,
        {{ rate('theme_periods.below_met_answers_with_theme', 'theme_periods.below_met_answers') }} as below_met_rate,
        case when theme_periods.period_type = 'quarter' then theme_periods.compared_num end as compared_num,
        case when theme_periods.period_type = 'quarter' then theme_periods.compared_den end as compared_den,
        case when signals.baseline_den > 0 then signals.baseline_num end as baseline_num,
        case when signals.baseline_den > 0 then signals.baseline_den end as baseline_den,
        {{ rate('signals.baseline_num', 'signals.baseline_den') }} as baseline_rate,
        case
            when signals.baseline_den > 0
                then case when signals.has_own_baseline then 'own' else 'national' end
        end as baseline_source,
        signals.rate_ratio,
        signals.rate_ratio_low,
        signals.shrunk_ratio,
        signals.p_value,
        signals.q_value,
        signals.family_size,
        signals.emerging_reason in ('above_baseline', 'new') as is_emerging,
        signals.emerging_reason,
        persistence.is_persistent,
        taken_up.in_governance,
        themes.pattern_set_version
    from theme_periods
    cross join constants
    inner join reporting_rows
        on
            theme_periods.level = reporting_rows.level
            and theme_periods.area_code = reporting_rows.area_code
            and theme_periods.unit_type = reporting_rows.unit_type
            and theme_periods.period_type = reporting_rows.period_type
            and theme_periods.period_start = reporting_rows.period_start
            and theme_periods.assessment_type = reporting_rows.assessment_type
    inner join themes
        on theme_periods.theme_code = themes.theme_code
    left join signals
        on
            theme_periods.period_type = 'quarter'
            and theme_periods.level = signals.level
            and theme_periods.area_code = signals.area_code
            and theme_periods.unit_type = signals.unit_type
            and theme_periods.period_start = signals.quarter_start
            and theme_periods.assessment_type = signals.assessment_type
            and theme_periods.question_category = signals.question_category
            and theme_periods.theme_code = signals.theme_code
    left join persistence
        on
            theme_periods.level = persistence.level
            and theme_periods.area_code = persistence.area_code
            and theme_periods.unit_type = persistence.unit_type
            and theme_periods.period_type = persistence.period_type
            and theme_periods.period_start = persistence.period_start
            and theme_periods.assessment_type = persistence.assessment_type
            and theme_periods.question_category = persistence.question_category
            and theme_periods.theme_code = persistence.theme_code
    left join taken_up
        on
            signals.level = taken_up.level
            and signals.area_code = taken_up.area_code
            and signals.theme_code = taken_up.theme_code
            and signals.quarter_start = taken_up.quarter_start
            and signals.emerging_reason in ('above_baseline', 'new')

),

{%- set reasons = [('below_met_rate', 'true', 'no_activity')] -%}
{%- for column in [
    'baseline_rate', 'rate_ratio', 'p_value', 'q_value', 'is_emerging', 'emerging_reason'
] -%}
    {%- do reasons.append((column, "period_type <> 'quarter'", 'quarter_only')) -%}
    {%- do reasons.append((column, 'compared_den = 0', 'themed_only')) -%}
    {%- do reasons.append((column, 'baseline_den is null', 'no_baseline')) -%}
    {%- do reasons.append((column, "true", 'no_hits')) -%}
{%- endfor -%}
{%- do reasons.append(('is_persistent', "level = 'national'", 'defined_at_area')) -%}
{%- do reasons.append(('is_persistent', 'true', 'too_few_quarters')) -%}
{%- do reasons.append(('in_governance', "period_type <> 'quarter'", 'quarter_only')) -%}
{%- do reasons.append(('in_governance', 'is_emerging', 'pending')) -%}
{%- do reasons.append(('in_governance', 'true', 'not_emerging')) %}

final as (

    select
        {{ standard_columns('named', 'named.iqas_eligible') }},
        {{ null_reason(reasons) }} as null_reason,
        named.assessment_type,
        named.question_category,
        named.theme_code,
        named.theme_name,
        named.theme_category,
        named.is_good_practice,
        named.iqas_with_theme,
        named.iqas_eligible,
        named.theme_rate,
        named.low,
        named.high,
        named.below_met_num,
        named.below_met_den,
        named.below_met_rate,
        named.compared_num,
        named.compared_den,
        named.baseline_num,
        named.baseline_den,
        named.baseline_rate,
        named.baseline_source,
        named.rate_ratio,
        named.rate_ratio_low,
        named.shrunk_ratio,
        named.p_value,
        named.q_value,
        named.family_size,
        named.is_emerging,
        named.emerging_reason,
        named.is_persistent,
        named.in_governance,
        named.pattern_set_version
    from named
    -- Good practice is looked for in every category, so the zeros of units would add a quarter to the mart; the Area's row
    -- shows them.
    where
        named.level <> 'unit'
        or not named.is_good_practice
        or named.iqas_with_theme > 0

)

select * from final
