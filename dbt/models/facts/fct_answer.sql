{# Answers with their pseudonymous people. Three of the four absences stay apart in `answer_state`; the fourth, an inspector
   who looked at the file and recorded nothing on a question, is `is_unrecorded_by_inspector`. #}
{{ config(materialized='view') }}
with answers as (

    select * from {{ ref('int_answers_scored') }}

),

final as (

    select
        iqa_id,
        question_code,
        assessment_type,
        instrument_version,
        regime,
        area_code,
        unit_type,
        unit_key,
        question_category,
        subject_key,
        assessor_key,
        assessed_on,
        quarter_start,
        answer_state,
        not_asked_reason,
        answer_value,
        answer_rank,
        answer_points,
        max_points,
        is_met,
        is_critical,
        has_comments_collected,
        has_comment,
        is_issue,
        is_good_practice,
        is_unrecorded_by_inspector
    from answers

)

select * from final
