{# Answers with their pseudonymous people. Three of the four absences stay apart in `answer_state`; the fourth, an inspector
   who looked at the file and recorded nothing on a question, is `is_unrecorded_by_inspector`. #}
with answers as (

    select * from {{ ref('int_answers_scored') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

inspection_references as (

    select * from {{ ref('int_inspection_references') }}

),

reassessment_answers as (

    select * from {{ ref('stg_reassessment_answers') }}

),

inspected_files as (

    -- A file can be in several inspections; it is recorded where one of them recorded it.
    select distinct iqa_id
    from inspection_references

),

inspected_answers as (

    select distinct
        inspection_references.iqa_id,
        reassessment_answers.question_code
    from inspection_references
    inner join reassessment_answers
        on inspection_references.reassessment_id = reassessment_answers.reassessment_id

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
        answers.is_good_practice,
        case
            when inspected_files.iqa_id is not null and answers.answer_state <> 'not_collected'
                then inspected_answers.question_code is null
        end as is_unrecorded_by_inspector
    from answers
    left join inspected_files
        on answers.iqa_id = inspected_files.iqa_id
    left join inspected_answers
        on
            answers.iqa_id = inspected_answers.iqa_id
            and answers.question_code = inspected_answers.question_code
    left join staff_pseudonyms as subjects
        on answers.subject_id = subjects.staff_id
    left join staff_pseudonyms as assessors
        on answers.assessor_id = assessors.staff_id

)

select * from final
