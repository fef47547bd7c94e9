{# Numerators and denominators of comments (Q), feedback and conversation (T) and actions (X), each assessment by itself.
   Everything falls in the quarter of the assessment. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

answers as (

    select * from {{ ref('int_answers_scored') }}

),

answer_comments as (

    select * from {{ ref('int_answer_comments') }}

),

comments as (

    select * from {{ ref('int_comments') }}

),

comment_duplicates as (

    select * from {{ ref('int_comment_duplicates') }}

),

theme_hits as (

    select * from {{ ref('int_theme_hits') }}

),

actions as (

    select * from {{ ref('stg_actions') }}

),

action_recurrences as (

    select * from {{ ref('int_action_recurrences') }}

),

dips as (

    select * from {{ ref('int_dips_classified') }}

),

dip_opinions as (

    select * from {{ ref('int_dip_opinions') }}

),

reassessments as (

    select * from {{ ref('stg_reassessments') }}

),

feedback_quality as (

    select * from {{ ref('stg_feedback_quality') }}

),

evidence_requests as (

    select * from {{ ref('stg_evidence_requests') }}

),

constants as (

    select
        {{ as_of() }} as as_of,
        {{ policy('comment_substantive_tokens') }} as substantive_tokens,
        cast({{ policy('feedback_response_days') }} as integer) as response_days

),

hit_answers as (

    select
        iqa_id,
        question_code,
        bool_or(not is_good_practice) as raises_failing,
        bool_or(is_good_practice) as raises_good_practice
    from theme_hits
    group by
        iqa_id,
        question_code

),

judged_comments as (

    select
        answer_comments.iqa_id,
        answer_comments.question_code,
        comments.token_count >= constants.substantive_tokens and not comments.is_boilerplate as is_substantive,
        comments.is_specific,
        comments.is_constructive,
        comments.is_welsh,
        comment_duplicates.duplicate_key is not null as is_duplicate,
        coalesce(hit_answers.raises_failing, false) as raises_failing,
        coalesce(hit_answers.raises_good_practice, false) as raises_good_practice
    from answer_comments
    cross join constants
    inner join comments
        on answer_comments.comment_key = comments.comment_key
    left join comment_duplicates
        on
            answer_comments.assessor_id = comment_duplicates.assessor_id
            and comments.duplicate_key = comment_duplicates.duplicate_key
            and answer_comments.quarter_start = comment_duplicates.quarter_start
    left join hit_answers
        on
            answer_comments.iqa_id = hit_answers.iqa_id
            and answer_comments.question_code = hit_answers.question_code

),

-- An action on the whole assessment answers each of its issues.
acted_on as (

    select distinct
        iqa_id,
        question_code
    from actions

),

answer_counts as (

    select
        answers.iqa_id,
        count(*) filter (where answers.has_comments_collected and not answers.is_met) as q1_den,
        count(judged_comments.iqa_id) filter (where not answers.is_met) as q1_num,
        count(*) filter (where answers.has_comments_collected and answers.is_met) as q2_den,
        count(judged_comments.iqa_id) filter (where answers.is_met) as q2_num,
        count(judged_comments.iqa_id) as q3_den,
        count(*) filter (where judged_comments.is_substantive) as q3_num,
        -- The patterns know English only: a Welsh comment is neither specific nor vague by them.
        count(*) filter (where not judged_comments.is_welsh) as q4_den,
        count(*) filter (where not judged_comments.is_welsh and judged_comments.is_specific) as q4_num,
        count(judged_comments.iqa_id) as q5_den,
        count(*) filter (where judged_comments.is_duplicate) as q5_num,
        count(*) filter (where not judged_comments.is_welsh and not answers.is_met) as q6_den,
        count(*) filter (
            where not judged_comments.is_welsh and not answers.is_met and judged_comments.is_constructive
        ) as q6_num,
        count(judged_comments.iqa_id) filter (where answers.is_met) as q7_den,
        count(*) filter (where answers.is_met and judged_comments.raises_failing) as q7_num,
        count(*) filter (where answers.is_issue and not answers.is_met) as x1_den,
        count(*) filter (
            where answers.is_issue and not answers.is_met
            and (question_actions.iqa_id is not null or iqa_actions.iqa_id is not null)
        ) as x1_num,
        coalesce(bool_or(
            answers.has_comments_collected
            and (judged_comments.iqa_id is not null or answers.is_good_practice)
        ), false) as is_in_h5,
        coalesce(bool_or(
            answers.has_comments_collected
            and (coalesce(judged_comments.raises_good_practice, false) or answers.is_good_practice)
        ), false) as has_good_practice
    from answers
    left join judged_comments
        on
            answers.iqa_id = judged_comments.iqa_id
            and answers.question_code = judged_comments.question_code
    left join acted_on as question_actions
        on
            answers.iqa_id = question_actions.iqa_id
            and answers.question_code = question_actions.question_code
    left join acted_on as iqa_actions
        on
            answers.iqa_id = iqa_actions.iqa_id
            and iqa_actions.question_code is null
    group by answers.iqa_id

),

action_counts as (

    select
        actions.iqa_id,
        count(*) filter (where actions.due_on <= constants.as_of) as x2_den,
        count(*) filter (where actions.due_on <= constants.as_of and actions.completed_on <= actions.due_on) as x2_num,
        count(*) filter (where actions.due_on is null) as x2_without_due_date,
        count(*) filter (where actions.due_on < constants.as_of) as x3_den,
        count(*) filter (where actions.due_on < constants.as_of and actions.completed_on is null) as x3_num,
        count(*) filter (where actions.completed_on is not null) as x4_den,
        count(*) filter (where actions.completed_on is not null and actions.verified_by_id is not null) as x4_num
    from actions
    cross join constants
    group by actions.iqa_id

),

recurrence_counts as (

    select
        iqa_id,
        count(*) as x6_den,
        count(*) filter (where has_recurred) as x6_num,
        sum(chance_of_recurrence order by action_id) as x6_expected
    from action_recurrences
    group by iqa_id

),

dip_counts as (

    select
        dips.iqa_id,
        count(*) as x5_den,
        count(*) filter (where regexp_matches(dips.action_for_assessor, '\S')) as x5_num
    from dips
    inner join dip_opinions
        on dips.dip_sample_id = dip_opinions.dip_sample_id
    where
        dips.is_recorded
        and dip_opinions.is_challenge
    group by dips.iqa_id

),

-- The reference is the last inspection of an assessment; earlier ones, calibration and quality assurance are not.
inspected as (

    select
        reassessment_id,
        iqa_id,
        row_number() over (
            partition by inspection_code, iqa_id
            order by reassessed_on desc, reassessment_id desc
        ) as inspection_rank
    from reassessments
    where purpose = 'inspection'

),

feedback_counts as (

    select
        inspected.iqa_id,
        cast(sum(feedback_quality.score) as bigint) as q9_num,
        2 * count(*) as q9_den,
        cast(coalesce(sum(feedback_quality.score) filter (where feedback_quality.side = 'dcp_comment'), 0) as bigint)
            as q9_dcp_num,
        2 * count(*) filter (where feedback_quality.side = 'dcp_comment') as q9_dcp_den,
        cast(
            coalesce(sum(feedback_quality.score) filter (where feedback_quality.side = 'sampler_comment'), 0) as bigint
        ) as q9_sampler_num,
        2 * count(*) filter (where feedback_quality.side = 'sampler_comment') as q9_sampler_den
    from inspected
    inner join feedback_quality
        on inspected.reassessment_id = feedback_quality.reassessment_id
    where
        inspected.inspection_rank = 1
        and feedback_quality.score is not null
    group by inspected.iqa_id

),

evidence_counts as (

    select
        evidence_requests.iqa_id,
        count(*) as q10_requested,
        count(*) filter (where evidence_requests.received_on is not null) as q10_received,
        -- "No evidence" can be said only once the day it was due has passed.
        count(*) filter (
            where evidence_requests.received_on is not null or evidence_requests.due_on < constants.as_of
        ) as q10_den,
        count(*) filter (
            where evidence_requests.received_on is not null and evidence_requests.is_accepted
        ) as q10_num
    from evidence_requests
    cross join constants
    group by evidence_requests.iqa_id

),

final as (

    select
        iqas.iqa_id,
        iqas.assessment_type,
        iqas.area_code,
        iqas.unit_type,
        iqas.quarter_start,
        iqas.has_comments_collected,
        {% for metric in ['q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'x1'] -%}
        coalesce(answer_counts.{{ metric }}_num, 0) as {{ metric }}_num,
        coalesce(answer_counts.{{ metric }}_den, 0) as {{ metric }}_den,
        {% endfor -%}
        case when stages.is_closed and iqas.conversation_on is not null then 1 else 0 end as q8_num,
        case when stages.is_closed then 1 else 0 end as q8_den,
        {% for metric in ['q9', 'q9_dcp', 'q9_sampler'] -%}
        coalesce(feedback_counts.{{ metric }}_num, 0) as {{ metric }}_num,
        coalesce(feedback_counts.{{ metric }}_den, 0) as {{ metric }}_den,
        {% endfor -%}
        coalesce(evidence_counts.q10_num, 0) as q10_num,
        coalesce(evidence_counts.q10_den, 0) as q10_den,
        coalesce(evidence_counts.q10_requested, 0) as q10_requested,
        coalesce(evidence_counts.q10_received, 0) as q10_received,
        case when iqas.closed_on is not null then 1 else 0 end as t2_num,
        1 as t2_den,
        cast(coalesce(iqas.closed_on, constants.as_of) - iqas.assessed_on as integer) as t2_days,
        iqas.closed_on is not null as t2_is_done,
        case when iqas.conversation_on is not null then 1 else 0 end as t3_num,
        1 as t3_den,
        -- Once closed without a conversation, there is nothing left to wait for.
        cast(coalesce(iqas.conversation_on, iqas.closed_on, constants.as_of) - iqas.assessed_on as integer) as t3_days,
        iqas.conversation_on is not null as t3_is_done,
        case when stages.is_feedback_due and iqas.feedback_on is not null then 1 else 0 end as t4_num,
        case when stages.is_feedback_due then 1 else 0 end as t4_den,
        case
            when
                stages.is_feedback_due
                and {{ days_between('iqas.closed_on', 'iqas.feedback_on') }} <= constants.response_days
                then 1
            else 0
        end as t5_num,
        case when stages.is_feedback_due and iqas.feedback_on is not null then 1 else 0 end as t5_den,
        {% for metric in ['x2', 'x3', 'x4'] -%}
        coalesce(action_counts.{{ metric }}_num, 0) as {{ metric }}_num,
        coalesce(action_counts.{{ metric }}_den, 0) as {{ metric }}_den,
        {% endfor -%}
        coalesce(action_counts.x2_without_due_date, 0) as x2_without_due_date,
        coalesce(dip_counts.x5_num, 0) as x5_num,
        coalesce(dip_counts.x5_den, 0) as x5_den,
        coalesce(recurrence_counts.x6_num, 0) as x6_num,
        coalesce(recurrence_counts.x6_den, 0) as x6_den,
        coalesce(recurrence_counts.x6_expected, 0e0) as x6_expected,
        case when answer_counts.has_good_practice then 1 else 0 end as h5_num,
        case when answer_counts.is_in_h5 then 1 else 0 end as h5_den
    from iqas
    cross join constants
    inner join (
        select
            iqas.iqa_id,
            iqas.status = 'closed' or iqas.closed_on is not null as is_closed,
            coalesce(iqas.closed_on + constants.response_days <= constants.as_of, false) as is_feedback_due
        from iqas
        cross join constants
    ) as stages
        on iqas.iqa_id = stages.iqa_id
    left join answer_counts
        on iqas.iqa_id = answer_counts.iqa_id
    left join action_counts
        on iqas.iqa_id = action_counts.iqa_id
    left join recurrence_counts
        on iqas.iqa_id = recurrence_counts.iqa_id
    left join dip_counts
        on iqas.iqa_id = dip_counts.iqa_id
    left join feedback_counts
        on iqas.iqa_id = feedback_counts.iqa_id
    left join evidence_counts
        on iqas.iqa_id = evidence_counts.iqa_id

)

select * from final
