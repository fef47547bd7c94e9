{# Actions raised by assessments that count. Overdue: due before the reporting date and not done. #}
with actions as (

    select * from {{ ref('stg_actions') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

final as (

    select
        actions.action_id,
        actions.iqa_id,
        actions.question_code,
        actions.action_level,
        iqas.assessment_type,
        iqas.area_code,
        iqas.unit_type,
        iqas.area_code || '-' || iqas.unit_type as unit_key,
        iqas.assessed_on,
        iqas.quarter_start,
        owners.staff_key as owner_key,
        verifiers.staff_key as verified_by_key,
        actions.raised_on,
        actions.due_on,
        actions.completed_on,
        actions.completed_on is not null as is_completed,
        actions.verified_by_id is not null as is_verified,
        case when actions.due_on is not null then coalesce(actions.completed_on <= actions.due_on, false) end
            as is_done_on_time,
        case
            when actions.due_on is not null then actions.due_on < {{ as_of() }} and actions.completed_on is null
        end as is_overdue,
        cast(
            coalesce(actions.completed_on, {{ as_of() }}) - actions.raised_on as integer
        ) as age_days
    from actions
    inner join iqas
        on actions.iqa_id = iqas.iqa_id
    left join staff_pseudonyms as owners
        on actions.owner_id = owners.staff_id
    left join staff_pseudonyms as verifiers
        on actions.verified_by_id = verifiers.staff_id

)

select * from final
