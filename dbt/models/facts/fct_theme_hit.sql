{# Themes raised by comments: the rows behind the themes mart. The comment itself stays in the warehouse. #}
with theme_hits as (

    select * from {{ ref('int_theme_hits') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

final as (

    select
        theme_hits.iqa_id,
        theme_hits.question_code,
        theme_hits.theme_code,
        theme_hits.question_category,
        theme_hits.theme_category,
        theme_hits.is_good_practice,
        theme_hits.assessment_type,
        theme_hits.area_code,
        theme_hits.unit_type,
        theme_hits.area_code || '-' || theme_hits.unit_type as unit_key,
        theme_hits.assessed_on,
        theme_hits.quarter_start,
        subjects.staff_key as subject_key,
        assessors.staff_key as assessor_key,
        theme_hits.is_themed,
        theme_hits.is_met,
        theme_hits.sentence_count,
        theme_hits.pattern_set_version
    from theme_hits
    left join staff_pseudonyms as subjects
        on theme_hits.subject_id = subjects.staff_id
    left join staff_pseudonyms as assessors
        on theme_hits.assessor_id = assessors.staff_id

)

select * from final
