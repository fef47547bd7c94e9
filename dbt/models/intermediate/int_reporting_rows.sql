{# The rows of the period marts: every level, period and assessment type with an assessment or a requirement, with why
   its requirement is withheld, if it is. Feeds `standard_columns()`. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

requirements as (

    select * from {{ ref('int_requirements_held') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

quarter_rules as (

    select * from {{ ref('int_quarter_rules') }}

),

figure_status as (

    select
        level,
        area_code,
        unit_type,
        period_type,
        period_start,
        assessment_type,
        max(case when status_basis = 'records' then figure_status end) as figure_status,
        max(case when status_basis = 'compliance' then figure_status end) as compliance_figure_status,
        max(case when status_basis = 'answers' then figure_status end) as answer_figure_status,
        max(case when status_basis = 'follow_up' then figure_status end) as follow_up_figure_status
    from {{ ref('int_figure_status') }}
    group by level, area_code, unit_type, period_type, period_start, assessment_type

),

quarter_cells as (

    select area_code, unit_type, quarter_start, assessment_type from iqas
    union
    select area_code, unit_type, quarter_start, assessment_type from requirements
    where quarter_start is not null

),

period_cells as (

    select distinct
        quarter_cells.area_code,
        quarter_cells.unit_type,
        quarter_cells.assessment_type,
        period_quarters.period_type,
        period_quarters.period_start
    from quarter_cells
    inner join period_quarters
        on quarter_cells.quarter_start = period_quarters.quarter_start

    union

    -- A year's holder need not hold any of its quarters.
    select area_code, unit_type, assessment_type, period_type, period_start
    from requirements
    where period_type = 'financial_year'

),

period_rules as (

    select
        period_quarters.period_type,
        period_quarters.period_start,
        assessment_types.assessment_type,
        any_value(period_quarters.period_label) as period_label,
        any_value(period_quarters.period_end) as period_end,
        any_value(period_quarters.regime) as regime,
        bool_or(period_quarters.is_pending) as is_pending,
        max(period_quarters.quarter_start) as last_quarter_start,
        bool_and(quarter_rules.rule_id is not null) as has_rule,
        coalesce(bool_or(quarter_rules.requirement_period_type = 'financial_year'), false) as is_annual,
        coalesce(bool_and(quarter_rules.is_whole_financial_year), false) as is_whole_financial_year,
        case
            when min(quarter_rules.subject_kind) = max(quarter_rules.subject_kind)
                then min(quarter_rules.subject_kind)
        end as subject_kind
    from period_quarters
    cross join (select distinct assessment_type from {{ ref('instruments') }}) as assessment_types
    left join quarter_rules
        on
            period_quarters.quarter_start = quarter_rules.quarter_start
            and assessment_types.assessment_type = quarter_rules.assessment_type
    group by period_quarters.period_type, period_quarters.period_start, assessment_types.assessment_type

),

cells as (

    select distinct
        level_members.level,
        level_members.area_code,
        level_members.area_name,
        level_members.unit_type,
        period_cells.assessment_type,
        period_cells.period_type,
        period_cells.period_start
    from period_cells
    inner join level_members
        on
            period_cells.area_code = level_members.member_area_code
            and period_cells.unit_type = level_members.member_unit_type

),

final as (

    select
        cells.level,
        cells.area_code,
        cells.area_name,
        cells.unit_type,
        cells.period_type,
        period_rules.period_label,
        cells.period_start,
        period_rules.period_end,
        period_rules.last_quarter_start,
        period_rules.regime,
        period_rules.is_pending,
        cells.assessment_type,
        coalesce(figure_status.figure_status, 'P') as figure_status,
        -- For other marts than those of dip samples: `figure_status` there (`int_figure_status`).
        coalesce(figure_status.compliance_figure_status, 'P') as compliance_figure_status,
        coalesce(figure_status.answer_figure_status, 'P') as answer_figure_status,
        coalesce(figure_status.follow_up_figure_status, 'P') as follow_up_figure_status,
        -- Why there is no figure for the number of assessments required; NULL where there is one.
        case
            when not period_rules.has_rule then 'no_requirement'
            when period_rules.is_annual and cells.period_type <> 'financial_year' then 'annual_requirement'
            when period_rules.is_annual and not period_rules.is_whole_financial_year then 'no_requirement'
            when period_rules.is_pending then 'pending'
        end as requirement_withheld,
        period_rules.is_annual as is_annual_requirement,
        period_rules.subject_kind,
        -- The same for dip samples, which are due every quarter whatever the assessments' own rhythm.
        case
            when not period_rules.has_rule then 'no_requirement'
            when period_rules.is_pending then 'pending'
        end as dip_requirement_withheld
    from cells
    inner join period_rules
        on
            cells.period_type = period_rules.period_type
            and cells.period_start = period_rules.period_start
            and cells.assessment_type = period_rules.assessment_type
    left join figure_status
        on
            {{ same_columns(
                'cells', 'figure_status',
                ['level', 'area_code', 'unit_type', 'period_type', 'period_start', 'assessment_type']
            ) }}

)

select * from final
