{# Answers with their pseudonymous people. The four absences stay apart in `answer_state`; the inspector's own silence
   shows in `fct_comparison`. #}
with answers as (

    select * from {{ ref('int_answers_scored') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

final as (

    select
        answers.iqa_id,
        answers.question_code,
        answers.assessment_type,
        answers.instrument_version,
        answers.regime,
        answers.area_code,
        answers.unit_type,
        answers.area_code || '-' || answers.unit_type as unit_key,
        answers.question_category,
        subjects.staff_key as subject_key,
        assessors.staff_key as assessor_key,
        answers.assessed_on,
        answers.quarter_start,
        answers.answer_state,
        answers.not_asked_reason,
        answers.answer_value,
        answers.answer_rank,
        answers.answer_points,
        answers.max_points,
        answers.is_met,
        answers.is_critical,
        answers.has_comments_collected,
        answers.has_comment,
        answers.is_issue,
        answers.is_good_practice
    from answers
    left join staff_pseudonyms as subjects
        on answers.subject_id = subjects.staff_id
    left join staff_pseudonyms as assessors
        on answers.assessor_id = assessors.staff_id

)

select * from final
