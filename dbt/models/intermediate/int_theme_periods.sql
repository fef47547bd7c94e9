{# Theme counts of every published row: each period and level with a commented assessment, times its themes. #}
with eligible as (

    select * from {{ ref('int_theme_eligible') }}

),

counts as (

    select * from {{ ref('int_theme_counts') }}

),

pairs as (

    select * from {{ ref('int_theme_pairs') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

period_eligible as (

    select
        period_quarters.period_type,
        period_quarters.period_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category,
        cast(sum(eligible.iqas_eligible) as bigint) as iqas_eligible,
        cast(sum(eligible.compared_den) as bigint) as compared_den,
        cast(sum(eligible.below_met_answers) as bigint) as below_met_answers
    from eligible
    inner join period_quarters
        on eligible.quarter_start = period_quarters.quarter_start
    group by
        period_quarters.period_type,
        period_quarters.period_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category
    having sum(eligible.iqas_eligible) > 0

),

period_counts as (

    select
        period_quarters.period_type,
        period_quarters.period_start,
        counts.level,
        counts.area_code,
        counts.unit_type,
        counts.assessment_type,
        counts.question_category,
        counts.theme_code,
        cast(sum(counts.iqas_with_theme) as bigint) as iqas_with_theme,
        cast(sum(counts.compared_num) as bigint) as compared_num,
        cast(sum(counts.below_met_answers_with_theme) as bigint) as below_met_answers_with_theme
    from counts
    inner join period_quarters
        on counts.quarter_start = period_quarters.quarter_start
    group by
        period_quarters.period_type,
        period_quarters.period_start,
        counts.level,
        counts.area_code,
        counts.unit_type,
        counts.assessment_type,
        counts.question_category,
        counts.theme_code

),

final as (

    select
        period_eligible.period_type,
        period_eligible.period_start,
        period_eligible.level,
        period_eligible.area_code,
        period_eligible.unit_type,
        period_eligible.assessment_type,
        period_eligible.question_category,
        pairs.theme_code,
        period_eligible.iqas_eligible,
        period_eligible.compared_den,
        period_eligible.below_met_answers,
        coalesce(period_counts.iqas_with_theme, 0) as iqas_with_theme,
        coalesce(period_counts.compared_num, 0) as compared_num,
        coalesce(period_counts.below_met_answers_with_theme, 0) as below_met_answers_with_theme
    from period_eligible
    inner join pairs
        on
            period_eligible.period_type = pairs.period_type
            and period_eligible.period_start = pairs.period_start
            and period_eligible.assessment_type = pairs.assessment_type
            and period_eligible.question_category = pairs.question_category
    left join period_counts
        on
            period_eligible.period_type = period_counts.period_type
            and period_eligible.period_start = period_counts.period_start
            and period_eligible.level = period_counts.level
            and period_eligible.area_code = period_counts.area_code
            and period_eligible.unit_type = period_counts.unit_type
            and period_eligible.assessment_type = period_counts.assessment_type
            and period_eligible.question_category = period_counts.question_category
            and pairs.theme_code = period_counts.theme_code

)

select * from final
