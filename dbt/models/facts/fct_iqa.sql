{# Assessments that count, with the counts of their answers, dips and actions beside them. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

answers as (

    select * from {{ ref('int_answers_scored') }}

),

dips as (

    select * from {{ ref('int_dips_classified') }}

),

actions as (

    select * from {{ ref('stg_actions') }}

),

scale_values as (

    select * from {{ ref('scale_values') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

answer_counts as (

    select
        iqa_id,
        count(case when is_asked then 1 end) as questions_asked,
        count(case when answer_state = 'answered' then 1 end) as answers_answered,
        count(case when answer_state = 'not_applicable' then 1 end) as answers_not_applicable,
        count(case when answer_state = 'missing' then 1 end) as answers_missing,
        count(case when answer_state = 'not_collected' then 1 end) as answers_not_collected,
        count(case when is_met then 1 end) as answers_met,
        count(case when not is_met and is_critical then 1 end) as critical_answers_not_met,
        coalesce(sum(answer_points), 0) as points,
        coalesce(sum(max_points), 0) as max_points,
        count(case when has_comment then 1 end) as answers_with_comment,
        count(case when is_issue then 1 end) as answers_with_issue,
        count(case when is_good_practice then 1 end) as answers_with_good_practice
    from answers
    group by iqa_id

),

dip_counts as (

    select
        iqa_id,
        count(case when is_recorded then 1 end) as dips_recorded,
        count(case when is_valid then 1 end) as dips_valid
    from dips
    group by iqa_id

),

action_counts as (

    select
        iqa_id,
        count(*) as actions_raised
    from actions
    group by iqa_id

),

rating_maxima as (

    select
        scale_code,
        max(ordinal_rank) as top_rank
    from scale_values
    where not is_na
    group by scale_code

),

final as (

    select
        iqas.iqa_id,
        iqas.assessment_type,
        iqas.instrument_version,
        iqas.regime,
        iqas.area_code,
        iqas.unit_type,
        iqas.area_code || '-' || iqas.unit_type as unit_key,
        iqas.is_test_area,
        subjects.staff_key as subject_key,
        assessors.staff_key as assessor_key,
        iqas.selection_method,
        iqas.is_themed,
        iqas.theme_campaign,
        iqas.status,
        iqas.opened_on,
        iqas.assessed_on,
        iqas.conversation_on,
        iqas.closed_on,
        iqas.feedback_on,
        iqas.quarter_start,
        cast(iqas.conversation_on - iqas.assessed_on as integer) as conversation_lag_days,
        cast(iqas.closed_on - iqas.assessed_on as integer) as closing_lag_days,
        iqas.is_late_closed,
        iqas.is_in_2024_scope,
        iqas.has_comments_collected,
        iqas.overall_rating,
        case when not ratings.is_na then ratings.ordinal_rank = rating_maxima.top_rank end as is_rated_met,
        coalesce(answer_counts.questions_asked, 0) as questions_asked,
        coalesce(answer_counts.answers_answered, 0) as answers_answered,
        coalesce(answer_counts.answers_not_applicable, 0) as answers_not_applicable,
        coalesce(answer_counts.answers_missing, 0) as answers_missing,
        coalesce(answer_counts.answers_not_collected, 0) as answers_not_collected,
        coalesce(answer_counts.answers_met, 0) as answers_met,
        coalesce(answer_counts.critical_answers_not_met, 0) as critical_answers_not_met,
        cast(coalesce(answer_counts.points, 0) as bigint) as points,
        cast(coalesce(answer_counts.max_points, 0) as bigint) as max_points,
        {{ rate('answer_counts.points', 'answer_counts.max_points') }} as score,
        coalesce(answer_counts.answers_with_comment, 0) as answers_with_comment,
        coalesce(answer_counts.answers_with_issue, 0) as answers_with_issue,
        coalesce(answer_counts.answers_with_good_practice, 0) as answers_with_good_practice,
        coalesce(dip_counts.dips_recorded, 0) as dips_recorded,
        coalesce(dip_counts.dips_valid, 0) as dips_valid,
        coalesce(dip_counts.dips_valid, 0) > 0 as is_dipped,
        coalesce(action_counts.actions_raised, 0) as actions_raised,
        iqas.extract_date as extracted_on,
        iqas.first_extract_date as first_extracted_on,
        iqas.version_number
    from iqas
    left join answer_counts
        on iqas.iqa_id = answer_counts.iqa_id
    left join dip_counts
        on iqas.iqa_id = dip_counts.iqa_id
    left join action_counts
        on iqas.iqa_id = action_counts.iqa_id
    left join scale_values as ratings
        on
            iqas.rating_scale = ratings.scale_code
            and iqas.overall_rating = ratings.value_code
    left join rating_maxima
        on iqas.rating_scale = rating_maxima.scale_code
    left join staff_pseudonyms as subjects
        on iqas.subject_id = subjects.staff_id
    left join staff_pseudonyms as assessors
        on iqas.assessor_id = assessors.staff_id

)

select * from final
