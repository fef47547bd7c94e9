{# Which themes have rows under which question category in a period: those of the category itself and good practice
   always, so that a zero is shown as a zero; a theme of another category only in a period in which a comment there
   raised it somewhere. #}
with eligible as (

    select * from {{ ref('int_theme_eligible') }}

),

counts as (

    select * from {{ ref('int_theme_counts') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

themes as (

    select * from {{ ref('theme_patterns') }}

),

quarter_pairs as (

    select distinct
        eligible.quarter_start,
        eligible.assessment_type,
        eligible.question_category,
        themes.theme_code
    from eligible
    inner join themes
        on
            eligible.question_category = themes.theme_category
            or themes.is_good_practice

    union

    select distinct
        quarter_start,
        assessment_type,
        question_category,
        theme_code
    from counts

),

final as (

    select distinct
        period_quarters.period_type,
        period_quarters.period_start,
        quarter_pairs.assessment_type,
        quarter_pairs.question_category,
        quarter_pairs.theme_code
    from quarter_pairs
    inner join period_quarters
        on quarter_pairs.quarter_start = period_quarters.quarter_start

)

select * from final
