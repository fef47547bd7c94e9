{# The rows whose figures were revised: something behind them changed after one of their quarters was frozen. A row that
   is not here is provisional (P). Verification is set at release, from the sign-off log. #}
with revision_causes as (

    select * from {{ ref('int_revision_causes') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

final as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        revision_causes.assessment_type,
        'R' as figure_status,
        string_agg(distinct revision_causes.cause, ';' order by revision_causes.cause) as revision_causes,
        bool_or(revision_causes.change_kinds like '%late_extract%') as has_late_extract,
        bool_or(revision_causes.change_kinds like '%correction%') as has_correction,
        bool_or(revision_causes.change_kinds like '%withdrawn%') as has_withdrawn,
        cast(sum(revision_causes.changed_facts) as bigint) as changed_facts,
        min(revision_causes.first_changed_on) as first_changed_on
    from revision_causes
    inner join level_members
        on
            revision_causes.area_code = level_members.member_area_code
            and revision_causes.unit_type = level_members.member_unit_type
    inner join period_quarters
        on revision_causes.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        revision_causes.assessment_type

)

select * from final
