{# What managers wrote beside their answers, from the day the application collected it. Only the answer's own comment is
   read: feedback and dip comments say something about other people. #}
with answers as (

    select * from {{ ref('int_answers_scored') }}

),

texts as (

    select * from {{ ref('stg_iqa_answers') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

final as (

    select
        answers.iqa_id,
        answers.question_code,
        answers.question_category,
        answers.assessment_type,
        answers.area_code,
        answers.unit_type,
        answers.subject_id,
        answers.assessor_id,
        answers.assessed_on,
        answers.quarter_start,
        iqas.is_themed,
        answers.is_met,
        answers.is_good_practice,
        md5(texts.comment) as comment_key,
        texts.comment
    from answers
    inner join texts
        on
            answers.iqa_id = texts.iqa_id
            and answers.question_code = texts.question_code
    inner join iqas
        on answers.iqa_id = iqas.iqa_id
    where
        answers.has_comments_collected
        -- White space of any kind, not only spaces, is no comment.
        and regexp_matches(texts.comment, '\S')

)

select * from final
