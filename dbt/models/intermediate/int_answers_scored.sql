{# Every question that an assessment's instrument could ask, with what was recorded against it. The absences stay apart:
   not applicable (the assessor said so), missing (asked, nothing recorded), not collected (never asked). A value that was
   recorded against a question nobody had to ask still counts as an answer; "not applicable" does too, except for a whole
   category that the unit does not collect. A fourth absence, an inspector who looked at the file and recorded nothing on a
   question, is `is_unrecorded_by_inspector`.
   The one table of this length: fct_answer is a view of it. The long join, of what could be asked with what was recorded,
   carries keys and answers only: comments, and what is the same for a whole assessment, would make it spill to disk. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

questions as (

    select * from {{ ref('int_questions_scoped') }}

),

answers as (

    select
        iqa_id,
        question_code,
        answer,
        length(trim(coalesce(comment, ''))) > 0 as has_comment,
        is_issue,
        is_good_practice
    from {{ ref('stg_iqa_answers') }}

),

inspection_references as (

    select * from {{ ref('int_inspection_references') }}

),

reassessment_answers as (

    select * from {{ ref('stg_reassessment_answers') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

scale_values as (

    select * from {{ ref('scale_values') }}

),

scale_maxima as (

    select
        scale_code,
        max(points) as max_points
    from scale_values
    where not is_na
    group by scale_code

),

inspected_answers as (

    select distinct
        inspection_references.iqa_id,
        reassessment_answers.question_code
    from inspection_references
    inner join reassessment_answers
        on inspection_references.reassessment_id = reassessment_answers.reassessment_id

),

described_iqas as (

    select
        iqas.iqa_id,
        iqas.assessment_type,
        iqas.instrument_version,
        iqas.regime,
        iqas.answer_scale,
        iqas.area_code,
        iqas.unit_type,
        iqas.area_code || '-' || iqas.unit_type as unit_key,
        iqas.is_test_area,
        iqas.subject_id,
        subjects.staff_key as subject_key,
        iqas.assessor_id,
        assessors.staff_key as assessor_key,
        iqas.assessed_on,
        iqas.quarter_start,
        iqas.has_comments_collected,
        -- A file can be in several inspections; it is recorded where one of them recorded it.
        iqas.iqa_id in (select inspection_references.iqa_id from inspection_references) as is_inspected,
        scale_maxima.max_points
    from iqas
    left join staff_pseudonyms as subjects
        on iqas.subject_id = subjects.staff_id
    left join staff_pseudonyms as assessors
        on iqas.assessor_id = assessors.staff_id
    left join scale_maxima
        on iqas.answer_scale = scale_maxima.scale_code

),

questioned as (

    select
        iqas.iqa_id,
        questions.question_code,
        answers.answer,
        answers.has_comment,
        answers.is_issue,
        answers.is_good_practice
    from iqas
    inner join questions
        on
            iqas.instrument_version = questions.instrument_version
            and iqas.unit_type = questions.unit_type
    left join answers
        on
            iqas.iqa_id = answers.iqa_id
            and questions.question_code = answers.question_code

),

recorded as (

    select
        iqas.iqa_id,
        questions.question_code,
        iqas.assessment_type,
        iqas.instrument_version,
        iqas.regime,
        iqas.answer_scale,
        iqas.area_code,
        iqas.unit_type,
        iqas.unit_key,
        iqas.is_test_area,
        iqas.subject_id,
        iqas.subject_key,
        iqas.assessor_id,
        iqas.assessor_key,
        iqas.assessed_on,
        iqas.quarter_start,
        questions.construct_id,
        questions.question_category,
        questions.question_order,
        questions.is_critical,
        questions.not_asked_reason is null as is_asked,
        questions.not_asked_reason,
        case
            when not scale_values.is_na then 'answered'
            when
                scale_values.is_na
                and coalesce(questions.not_asked_reason, 'not_for_this_court') = 'not_for_this_court'
                then 'not_applicable'
            when questions.not_asked_reason is null then 'missing'
            else 'not_collected'
        end as answer_state,
        questioned.answer,
        scale_values.ordinal_rank,
        scale_values.points,
        iqas.max_points,
        iqas.has_comments_collected,
        coalesce(questioned.has_comment, false) as has_comment,
        coalesce(questioned.is_issue, false) as is_issue,
        coalesce(questioned.is_good_practice, false) as is_good_practice,
        iqas.is_inspected,
        inspected_answers.question_code is not null as is_recorded_by_inspector
    from questioned
    inner join described_iqas as iqas
        on questioned.iqa_id = iqas.iqa_id
    inner join questions
        on
            iqas.instrument_version = questions.instrument_version
            and iqas.unit_type = questions.unit_type
            and questioned.question_code = questions.question_code
    left join scale_values
        on
            iqas.answer_scale = scale_values.scale_code
            and questioned.answer = scale_values.value_code
    left join inspected_answers
        on
            iqas.iqa_id = inspected_answers.iqa_id
            and questions.question_code = inspected_answers.question_code

),

final as (

    select
        iqa_id,
        question_code,
        assessment_type,
        instrument_version,
        regime,
        answer_scale,
        area_code,
        unit_type,
        unit_key,
        is_test_area,
        subject_id,
        subject_key,
        assessor_id,
        assessor_key,
        assessed_on,
        quarter_start,
        construct_id,
        question_category,
        question_order,
        is_critical,
        is_asked,
        not_asked_reason,
        answer_state,
        case when answer_state in ('answered', 'not_applicable') then answer end as answer_value,
        case when answer_state = 'answered' then ordinal_rank end as answer_rank,
        case when answer_state = 'answered' then points end as answer_points,
        case when answer_state = 'answered' then max_points end as max_points,
        -- Met means the top mark of the scale; anything below it wants a comment (Q1) and may raise an issue (X1).
        case when answer_state = 'answered' then points = max_points end as is_met,
        has_comments_collected,
        has_comment,
        is_issue,
        is_good_practice,
        case
            when is_inspected and answer_state <> 'not_collected' then not is_recorded_by_inspector
        end as is_unrecorded_by_inspector
    from recorded

)

select * from final
