{# What the application's own totals say against what the marts say, control total by control total. A total for a unit
   is compared with the unit's row, one for ALL with the Area's. Nothing in a mart for a complete quarter means 0. #}
with control_totals as (

    select * from {{ ref('stg_control_totals') }}

),

areas as (

    select * from {{ ref('areas') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

quarter_rules as (

    select
        quarter_start,
        assessment_type,
        bool_or(requirement_period_type = 'financial_year') as is_annual
    from {{ ref('int_quarter_rules') }}
    group by quarter_start, assessment_type

),

compliance as (

    select * from {{ ref('compliance') }}
    where
        period_type = 'quarter'
        and policy = {{ policy_text('requirement_default_policy') }}

),

dip_sampling as (

    select * from {{ ref('dip_sampling') }}
    where period_type = 'quarter'

),

matched as (

    select
        quarters.regime,
        case when control_totals.unit_type = 'ALL' then 'area' else 'unit' end as level,
        control_totals.area_code,
        areas.area_name,
        control_totals.unit_type,
        'quarter' as period_type,
        quarters.quarter_label as period_label,
        control_totals.quarter_start as period_start,
        quarters.quarter_end as period_end,
        coalesce(compliance.figure_status, 'P') as figure_status,
        control_totals.assessment_type,
        control_totals.measure,
        control_totals.supplied_on,
        control_totals.value as expected,
        case
            when quarters.quarter_start is null then 'unknown_period'
            when control_totals.measure <> 'prosecutors_required' then null
            when quarter_rules.quarter_start is null then 'no_requirement'
            when quarter_rules.is_annual then 'annual_requirement'
            when quarters.is_pending then 'pending'
        end as withheld,
        case control_totals.measure
            when 'iqas_assessed' then coalesce(compliance.iqas_assessed, 0)
            when 'dips_valid' then coalesce(dip_sampling.dips_valid, 0)
            when 'prosecutors_required' then coalesce(compliance.prosecutors_required, 0)
        end as counted
    from control_totals
    inner join areas
        on control_totals.area_code = areas.area_code
    left join quarters
        on control_totals.quarter_start = quarters.quarter_start
    left join quarter_rules
        on
            control_totals.quarter_start = quarter_rules.quarter_start
            and control_totals.assessment_type = quarter_rules.assessment_type
    left join compliance
        on
            control_totals.area_code = compliance.area_code
            and control_totals.unit_type = compliance.unit_type
            and control_totals.assessment_type = compliance.assessment_type
            and control_totals.quarter_start = compliance.period_start
    left join dip_sampling
        on
            control_totals.area_code = dip_sampling.area_code
            and control_totals.unit_type = dip_sampling.unit_type
            and control_totals.assessment_type = dip_sampling.assessment_type
            and control_totals.quarter_start = dip_sampling.period_start

),

compared as (

    select
        matched.*,
        cast(case when matched.withheld is null then matched.counted end as double) as actual,
        cast(case when matched.withheld is null then matched.counted end as double) - matched.expected
            as difference,
        {{ policy('control_total_tolerance') }} as tolerance
    from matched

),

judged as (

    select
        compared.*,
        abs(compared.difference) <= compared.tolerance as is_agreed
    from compared

),

{%- set reasons = [] -%}
{%- for column in ['period_label', 'period_end'] -%}
    {%- do reasons.append((column, 'true', 'unknown_period')) -%}
{%- endfor -%}
{%- for column in ['actual', 'difference', 'is_agreed'] -%}
    {%- for reason in ['unknown_period', 'no_requirement', 'annual_requirement', 'pending'] -%}
        {%- do reasons.append((column, "withheld = '" ~ reason ~ "'", reason)) -%}
    {%- endfor -%}
{%- endfor %}

final as (

    select
        {{ standard_columns('judged', 'judged.expected') }},
        {{ null_reason(reasons) }} as null_reason,
        judged.assessment_type,
        judged.measure,
        judged.supplied_on,
        judged.expected,
        judged.actual,
        judged.difference,
        judged.is_agreed,
        judged.tolerance
    from judged

)

select * from final
