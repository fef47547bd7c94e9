{# Wordings that one assessor used in several assessments within a year (Q5): letters and digits only, whatever the case.
   The year ends with the quarter of the comment, so that what is written later changes no earlier figure. #}
with answer_comments as (

    select * from {{ ref('int_answer_comments') }}

),

comments as (

    select * from {{ ref('int_comments') }}

),

quarterly as (

    select
        answer_comments.assessor_id,
        comments.duplicate_key,
        answer_comments.quarter_start,
        count(distinct answer_comments.iqa_id) as iqa_count
    from answer_comments
    inner join comments
        on answer_comments.comment_key = comments.comment_key
    group by
        answer_comments.assessor_id,
        comments.duplicate_key,
        answer_comments.quarter_start

),

yearly as (

    select
        assessor_id,
        duplicate_key,
        quarter_start,
        sum(iqa_count) over (
            partition by assessor_id, duplicate_key
            order by quarter_start
            range between interval 9 month preceding and current row
        ) as iqa_count
    from quarterly

),

final as (

    select
        assessor_id,
        duplicate_key,
        quarter_start,
        iqa_count
    from yearly
    where iqa_count >= {{ policy('comment_duplicate_iqas') }}

)

select * from final
