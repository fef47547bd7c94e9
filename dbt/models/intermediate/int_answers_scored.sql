{# Every question that an assessment's instrument could ask, with what was recorded against it. The absences stay apart:
   not applicable (the assessor said so), missing (asked, nothing recorded), not collected (never asked). A value that was
   recorded against a question nobody had to ask still counts as an answer; "not applicable" does too, except for a whole
   category that the unit does not collect. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

questions as (

    select * from {{ ref('int_questions_scoped') }}

),

answers as (

    select * from {{ ref('stg_iqa_answers') }}

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
        iqas.is_test_area,
        iqas.subject_id,
        iqas.assessor_id,
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
        answers.answer,
        scale_values.ordinal_rank,
        scale_values.points,
        scale_maxima.max_points,
        iqas.has_comments_collected,
        length(trim(coalesce(answers.comment, ''))) > 0 as has_comment,
        coalesce(answers.is_issue, false) as is_issue,
        coalesce(answers.is_good_practice, false) as is_good_practice
    from iqas
    inner join questions
        on
            iqas.instrument_version = questions.instrument_version
            and iqas.unit_type = questions.unit_type
    left join answers
        on
            iqas.iqa_id = answers.iqa_id
            and questions.question_code = answers.question_code
    left join scale_values
        on
            iqas.answer_scale = scale_values.scale_code
            and answers.answer = scale_values.value_code
    left join scale_maxima
        on iqas.answer_scale = scale_maxima.scale_code

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
        is_test_area,
        subject_id,
        assessor_id,
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
        is_good_practice
    from recorded

)

select * from final
