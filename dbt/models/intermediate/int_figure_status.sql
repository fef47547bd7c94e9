{# The rows whose figures were revised: something behind them changed after one of their quarters was frozen. A row that
   is not here is provisional (P). Verification is set at release, from the sign-off log.
   A corrected answer moves no count of assessments, and a corrected action no answer. So a row has several statuses:
   `records`, for what counts assessments, dip samples and people; `compliance`, which counts those closed late as well;
   `answers`, for what is made of answers, comments, ratings and dates too; `follow_up`, for what counts actions, evidence
   requests and feedback besides. A cause that is not named here moves all of them. #}
{%- set after_answers = ['actions', 'evidence requests', 'feedback'] -%}
{%- set unmoved_by = {
    'records': after_answers + ['answers', 'closing'],
    'compliance': after_answers + ['answers'],
    'answers': after_answers,
    'follow_up': [],
} -%}
with revision_causes as (

    select * from {{ ref('int_revision_causes') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

revised as (

    {% for status_basis, causes in unmoved_by.items() -%}
    select
        revision_causes.*,
        '{{ status_basis }}' as status_basis
    from revision_causes
    {% if causes -%}
    where revision_causes.cause not in ('{{ causes | join("', '") }}')
    {% endif -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        revised.assessment_type,
        revised.status_basis,
        'R' as figure_status,
        string_agg(distinct revised.cause, ';' order by revised.cause) as revision_causes,
        bool_or(revised.change_kinds like '%late_extract%') as has_late_extract,
        bool_or(revised.change_kinds like '%correction%') as has_correction,
        bool_or(revised.change_kinds like '%withdrawn%') as has_withdrawn,
        cast(sum(revised.changed_facts) as bigint) as changed_facts,
        min(revised.first_changed_on) as first_changed_on
    from revised
    inner join level_members
        on
            revised.area_code = level_members.member_area_code
            and revised.unit_type = level_members.member_unit_type
    inner join period_quarters
        on revised.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        revised.assessment_type,
        revised.status_basis

)

select * from final
