{# Whether a failing that an action was meant to end came back (X6): the themes of the action's comment in the same
   prosecutor's next assessments after the action was done. Beside it the chance of that for anybody, from how common
   those themes are: without it, any return to the mean looks like a success. #}
with actions as (

    select * from {{ ref('stg_actions') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

theme_hits as (

    select * from {{ ref('int_theme_hits') }}
    where not is_good_practice

),

commented as (

    select distinct
        iqa_id,
        assessment_type
    from {{ ref('int_answer_comments') }}

),

theme_shares as (

    select
        hits.assessment_type,
        hits.theme_code,
        cast(hits.iqa_count as double) / totals.iqa_count as theme_share
    from (
        select assessment_type, theme_code, count(distinct iqa_id) as iqa_count
        from theme_hits
        group by assessment_type, theme_code
    ) as hits
    inner join (
        select assessment_type, count(*) as iqa_count
        from commented
        group by assessment_type
    ) as totals
        on hits.assessment_type = totals.assessment_type

),

action_themes as (

    select distinct
        actions.action_id,
        actions.iqa_id,
        actions.completed_on,
        iqas.subject_id,
        iqas.assessment_type,
        theme_hits.theme_code
    from actions
    inner join iqas
        on actions.iqa_id = iqas.iqa_id
    inner join theme_hits
        on
            actions.iqa_id = theme_hits.iqa_id
            and (actions.question_code is null or actions.question_code = theme_hits.question_code)
    where actions.completed_on is not null

),

completed_actions as (

    select distinct
        action_id,
        iqa_id,
        completed_on,
        subject_id,
        assessment_type
    from action_themes

),

later as (

    select
        completed_actions.action_id,
        completed_actions.iqa_id,
        iqas.iqa_id as later_iqa_id,
        row_number() over (
            partition by completed_actions.action_id
            order by iqas.assessed_on, iqas.iqa_id
        ) as later_number
    from completed_actions
    inner join iqas
        on
            completed_actions.subject_id = iqas.subject_id
            and completed_actions.assessment_type = iqas.assessment_type
            and completed_actions.completed_on < iqas.assessed_on
    inner join commented
        on iqas.iqa_id = commented.iqa_id

),

next_assessments as (

    select * from later
    where later_number <= {{ policy('recurrence_assessments') }}

),

followed as (

    select
        action_id,
        iqa_id,
        count(*) as later_count
    from next_assessments
    group by
        action_id,
        iqa_id

),

recurred as (

    select distinct next_assessments.action_id
    from next_assessments
    inner join action_themes
        on next_assessments.action_id = action_themes.action_id
    inner join theme_hits
        on
            next_assessments.later_iqa_id = theme_hits.iqa_id
            and action_themes.theme_code = theme_hits.theme_code

),

chances as (

    select
        followed.action_id,
        followed.later_count,
        -- Chance that none of the themes comes up in one assessment, as if they were independent.
        coalesce(product(1e0 - theme_shares.theme_share order by action_themes.theme_code), 1e0) as none_in_one
    from followed
    inner join action_themes
        on followed.action_id = action_themes.action_id
    inner join theme_shares
        on
            action_themes.assessment_type = theme_shares.assessment_type
            and action_themes.theme_code = theme_shares.theme_code
    group by
        followed.action_id,
        followed.later_count

),

final as (

    select
        followed.action_id,
        followed.iqa_id,
        recurred.action_id is not null as has_recurred,
        1e0 - power(chances.none_in_one, chances.later_count) as chance_of_recurrence
    from followed
    inner join chances
        on followed.action_id = chances.action_id
    left join recurred
        on followed.action_id = recurred.action_id

)

select * from final
