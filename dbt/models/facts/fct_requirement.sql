{# Who had to be assessed, and was. Amounts are whole numbers over `requirement_den` (the period's days), so that sums
   are exact under every policy: strict and half ask for all of it or nothing, pro_rata for the share available. #}
with requirements as (

    select * from {{ ref('int_requirements_held') }}

),

pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

requirement_policies as (

    select unnest(['strict', 'half', 'pro_rata']) as policy

),

measured as (

    select
        requirements.*,
        requirement_policies.policy,
        case
            when requirements.is_pending then null
            when requirement_policies.policy = 'pro_rata'
                then requirements.frequency * requirements.available_days
            when requirement_policies.policy = 'strict'
                then requirements.frequency * requirements.period_days
            when requirements.period_type <> 'financial_year'
                then case
                    when
                        requirements.available_days
                        >= {{ policy('half_quarter_share') }} * requirements.period_days
                        then requirements.frequency * requirements.period_days
                    else 0
                end
            when requirements.available_days >= {{ policy('advocacy_full_days') }}
                then requirements.frequency * requirements.period_days
            when requirements.available_days >= {{ policy('advocacy_part_days') }}
                then {{ integer_divide('(requirements.frequency + 1)', 2) }} * requirements.period_days
            else 0
        end as requirement_num
    from requirements
    cross join requirement_policies
    where requirements.period_type = requirements.requirement_period_type

),

final as (

    select
        measured.staff_id,
        pseudonyms.staff_key,
        measured.assessment_type,
        measured.policy,
        measured.period_type,
        measured.period_start,
        measured.period_end,
        measured.rule_id,
        measured.subject_kind,
        measured.area_code,
        measured.unit_type,
        measured.line_manager_id,
        managers.staff_key as line_manager_key,
        measured.is_pending,
        measured.period_days,
        measured.in_post_days,
        measured.available_days,
        {{ rate('measured.available_days', 'measured.period_days') }} as available_share,
        measured.requirement_num > 0 as is_required,
        cast(measured.requirement_num as integer) as requirement_num,
        measured.period_days as requirement_den,
        {{ rate('measured.requirement_num', 'measured.period_days') }} as iqas_required,
        measured.iqas_done,
        -- least() passes over NULL, and a requirement that is withheld is no requirement of 0.
        cast(
            case
                when measured.requirement_num is not null
                    then least(measured.iqas_done * measured.period_days, measured.requirement_num)
            end as integer
        ) as counted_num,
        case when measured.requirement_num > 0 then measured.iqas_done > 0 end as is_covered,
        -- What a year under way could be expected to show so far; an aid, not compliance.
        case
            when measured.is_pending and measured.period_type = 'financial_year'
                then cast({{ integer_divide('(measured.frequency * measured.available_days)', 365) }} as integer)
        end as on_track_expected
    from measured
    left join pseudonyms
        on measured.staff_id = pseudonyms.staff_id
    left join pseudonyms as managers
        on measured.line_manager_id = managers.staff_id

)

select * from final
