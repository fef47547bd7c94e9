{# How many assessments were done, of how many required, and who was left out. Assessments count in the Area and unit of
   their own row, requirements where they are held (`int_requirements_held`). A quarterly requirement (casework
   since 2021) adds up over a period's quarters, a monthly one over its months; an annual one (advocacy) stands in the
   financial year's rows only. #}
with reporting_rows as (

    select * from {{ ref('int_reporting_rows') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

requirements as (

    select * from {{ ref('fct_requirement') }}

),

misses as (

    select * from {{ ref('int_misses_windowed') }}

),

requirement_policies as (

    select unnest(['strict', 'half', 'pro_rata']) as policy

),

interval_constants as (

    select {{ interval_z() }} as z

),

-- The periods each requirement counts in: its own year, or every period that holds its quarter or month.
requirement_periods as (

    select
        'quarter' as requirement_period_type,
        quarter_start as requirement_start,
        period_type,
        period_start
    from period_quarters

    union all

    select
        'month' as requirement_period_type,
        cast(period_quarters.quarter_start + to_months(months.month_offset) as date) as requirement_start,
        period_quarters.period_type,
        period_quarters.period_start
    from period_quarters
    cross join (select unnest([0, 1, 2]) as month_offset) as months

    union all

    select distinct
        'financial_year' as requirement_period_type,
        period_start as requirement_start,
        period_type,
        period_start
    from period_quarters
    where period_type = 'financial_year'

),

iqa_cells as (

    select
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        count(*) as iqas_assessed,
        sum(case when is_themed then 1 else 0 end) as themed,
        sum(case when is_late_closed then 1 else 0 end) as late_closed
    from iqas
    group by area_code, unit_type, quarter_start, assessment_type

),

iqa_counts as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        iqa_cells.assessment_type,
        sum(iqa_cells.iqas_assessed) as iqas_assessed,
        sum(iqa_cells.themed) as themed,
        sum(iqa_cells.late_closed) as late_closed
    from iqa_cells
    inner join level_members
        on
            iqa_cells.area_code = level_members.member_area_code
            and iqa_cells.unit_type = level_members.member_unit_type
    inner join period_quarters
        on iqa_cells.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        iqa_cells.assessment_type

),

-- Assessments of people who were required, wherever the requirement is held.
required_iqa_cells as (

    select
        iqas.area_code,
        iqas.unit_type,
        requirements.period_type,
        requirements.period_start,
        iqas.assessment_type,
        requirements.policy,
        count(*) as iqas_of_required
    from iqas
    inner join requirements
        on
            iqas.subject_id = requirements.staff_id
            and iqas.assessment_type = requirements.assessment_type
            and iqas.assessed_on between requirements.period_start and requirements.period_end
    where requirements.is_required
    group by
        iqas.area_code,
        iqas.unit_type,
        requirements.period_type,
        requirements.period_start,
        iqas.assessment_type,
        requirements.policy

),

required_iqa_counts as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        requirement_periods.period_type,
        requirement_periods.period_start,
        required_iqa_cells.assessment_type,
        required_iqa_cells.policy,
        sum(required_iqa_cells.iqas_of_required) as iqas_of_required
    from required_iqa_cells
    inner join level_members
        on
            required_iqa_cells.area_code = level_members.member_area_code
            and required_iqa_cells.unit_type = level_members.member_unit_type
    inner join requirement_periods
        on
            required_iqa_cells.period_type = requirement_periods.requirement_period_type
            and required_iqa_cells.period_start = requirement_periods.requirement_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        requirement_periods.period_type,
        requirement_periods.period_start,
        required_iqa_cells.assessment_type,
        required_iqa_cells.policy

),

requirement_cells as (

    select
        area_code,
        unit_type,
        period_type,
        period_start,
        requirement_den,
        assessment_type,
        policy,
        sum(requirement_num) as requirement_num,
        sum(counted_num) as counted_num,
        sum(case when is_required then 1 else 0 end) as prosecutors_required,
        sum(case when is_covered then 1 else 0 end) as prosecutors_covered,
        sum(case when is_required and line_manager_id is null then 1 else 0 end) as without_manager,
        sum(on_track_expected) as on_track_expected,
        sum(case when on_track_expected is not null then least(iqas_done, on_track_expected) end)
            as on_track_done
    from requirements
    group by area_code, unit_type, period_type, period_start, requirement_den, assessment_type, policy

),

requirement_levels as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        requirement_cells.period_type,
        requirement_cells.period_start,
        requirement_cells.requirement_den,
        requirement_cells.assessment_type,
        requirement_cells.policy,
        sum(requirement_cells.requirement_num) as requirement_num,
        sum(requirement_cells.counted_num) as counted_num,
        sum(requirement_cells.prosecutors_required) as prosecutors_required,
        sum(requirement_cells.prosecutors_covered) as prosecutors_covered,
        sum(requirement_cells.without_manager) as without_manager,
        sum(requirement_cells.on_track_expected) as on_track_expected,
        sum(requirement_cells.on_track_done) as on_track_done
    from requirement_cells
    inner join level_members
        on
            requirement_cells.area_code = level_members.member_area_code
            and requirement_cells.unit_type = level_members.member_unit_type
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        requirement_cells.period_type,
        requirement_cells.period_start,
        requirement_cells.requirement_den,
        requirement_cells.assessment_type,
        requirement_cells.policy

),

requirement_counts as (

    -- Whole numbers up to here; the doubles of a window's quarters are added in the order of the quarters.
    select
        requirement_levels.level,
        requirement_levels.area_code,
        requirement_levels.unit_type,
        requirement_periods.period_type,
        requirement_periods.period_start,
        requirement_levels.assessment_type,
        requirement_levels.policy,
        sum(
            {{ rate('requirement_levels.requirement_num', 'requirement_levels.requirement_den') }}
            order by requirement_levels.period_start, requirement_levels.requirement_den
        ) as iqas_required,
        sum(
            {{ rate('requirement_levels.counted_num', 'requirement_levels.requirement_den') }}
            order by requirement_levels.period_start, requirement_levels.requirement_den
        ) as iqas_counted,
        sum(requirement_levels.prosecutors_required) as prosecutors_required,
        sum(requirement_levels.prosecutors_covered) as prosecutors_covered,
        sum(requirement_levels.without_manager) as without_manager,
        sum(requirement_levels.on_track_expected) as on_track_expected,
        sum(requirement_levels.on_track_done) as on_track_done
    from requirement_levels
    inner join requirement_periods
        on
            requirement_levels.period_type = requirement_periods.requirement_period_type
            and requirement_levels.period_start = requirement_periods.requirement_start
    group by
        requirement_levels.level,
        requirement_levels.area_code,
        requirement_levels.unit_type,
        requirement_periods.period_type,
        requirement_periods.period_start,
        requirement_levels.assessment_type,
        requirement_levels.policy

),

miss_cells as (

    select
        area_code,
        unit_type,
        last_quarter_start,
        assessment_type,
        policy,
        sum(case when has_missed_twice then 1 else 0 end) as missed_twice,
        count(*) as required_twice
    from misses
    where required_periods >= 2
    group by area_code, unit_type, last_quarter_start, assessment_type, policy

),

miss_counts as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        miss_cells.last_quarter_start,
        miss_cells.assessment_type,
        miss_cells.policy,
        sum(miss_cells.missed_twice) as missed_twice,
        sum(miss_cells.required_twice) as required_twice
    from miss_cells
    inner join level_members
        on
            miss_cells.area_code = level_members.member_area_code
            and miss_cells.unit_type = level_members.member_unit_type
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        miss_cells.last_quarter_start,
        miss_cells.assessment_type,
        miss_cells.policy

),

-- Line managers of required people are expected to assess; each counts once in a period, however many quarters.
manager_cells as (

    select distinct
        area_code,
        unit_type,
        period_type,
        period_start,
        assessment_type,
        policy,
        line_manager_id
    from requirements
    where
        is_required
        and line_manager_id is not null

),

managers_expected as (

    select distinct
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        requirement_periods.period_type,
        requirement_periods.period_start,
        manager_cells.assessment_type,
        manager_cells.policy,
        manager_cells.line_manager_id
    from manager_cells
    inner join level_members
        on
            manager_cells.area_code = level_members.member_area_code
            and manager_cells.unit_type = level_members.member_unit_type
    inner join requirement_periods
        on
            manager_cells.period_type = requirement_periods.requirement_period_type
            and manager_cells.period_start = requirement_periods.requirement_start

),

assessors_at_work as (

    select distinct
        iqas.assessor_id,
        iqas.assessment_type,
        period_quarters.period_type,
        period_quarters.period_start
    from iqas
    inner join period_quarters
        on iqas.quarter_start = period_quarters.quarter_start

),

manager_counts as (

    select
        managers_expected.level,
        managers_expected.area_code,
        managers_expected.unit_type,
        managers_expected.period_type,
        managers_expected.period_start,
        managers_expected.assessment_type,
        managers_expected.policy,
        count(*) as assessors_expected,
        count(assessors_at_work.assessor_id) as assessors_active
    from managers_expected
    left join assessors_at_work
        on
            managers_expected.line_manager_id = assessors_at_work.assessor_id
            and managers_expected.assessment_type = assessors_at_work.assessment_type
            and managers_expected.period_type = assessors_at_work.period_type
            and managers_expected.period_start = assessors_at_work.period_start
    group by
        managers_expected.level,
        managers_expected.area_code,
        managers_expected.unit_type,
        managers_expected.period_type,
        managers_expected.period_start,
        managers_expected.assessment_type,
        managers_expected.policy

),

joined as (

    select
        reporting_rows.*,
        requirement_policies.policy,
        reporting_rows.requirement_withheld is null as has_requirement,
        reporting_rows.requirement_withheld is null
        and not reporting_rows.is_annual_requirement as has_quarterly_requirement,
        coalesce(iqa_counts.iqas_assessed, 0) as iqas_assessed,
        coalesce(iqa_counts.themed, 0) as themed,
        coalesce(iqa_counts.late_closed, 0) as late_closed,
        coalesce(required_iqa_counts.iqas_of_required, 0) as iqas_of_required,
        coalesce(requirement_counts.iqas_required, 0) as iqas_required,
        coalesce(requirement_counts.iqas_counted, 0) as iqas_counted,
        coalesce(requirement_counts.prosecutors_required, 0) as prosecutors_required,
        coalesce(requirement_counts.prosecutors_covered, 0) as prosecutors_covered,
        coalesce(requirement_counts.without_manager, 0) as without_manager,
        requirement_counts.on_track_expected,
        requirement_counts.on_track_done,
        coalesce(miss_counts.missed_twice, 0) as missed_twice,
        coalesce(miss_counts.required_twice, 0) as required_twice,
        coalesce(manager_counts.assessors_active, 0) as assessors_active,
        coalesce(manager_counts.assessors_expected, 0) as assessors_expected
    from reporting_rows
    cross join requirement_policies
    left join iqa_counts
        on
            reporting_rows.level = iqa_counts.level
            and reporting_rows.area_code = iqa_counts.area_code
            and reporting_rows.unit_type = iqa_counts.unit_type
            and reporting_rows.period_type = iqa_counts.period_type
            and reporting_rows.period_start = iqa_counts.period_start
            and reporting_rows.assessment_type = iqa_counts.assessment_type
    left join required_iqa_counts
        on
            reporting_rows.level = required_iqa_counts.level
            and reporting_rows.area_code = required_iqa_counts.area_code
            and reporting_rows.unit_type = required_iqa_counts.unit_type
            and reporting_rows.period_type = required_iqa_counts.period_type
            and reporting_rows.period_start = required_iqa_counts.period_start
            and reporting_rows.assessment_type = required_iqa_counts.assessment_type
            and requirement_policies.policy = required_iqa_counts.policy
    left join requirement_counts
        on
            reporting_rows.level = requirement_counts.level
            and reporting_rows.area_code = requirement_counts.area_code
            and reporting_rows.unit_type = requirement_counts.unit_type
            and reporting_rows.period_type = requirement_counts.period_type
            and reporting_rows.period_start = requirement_counts.period_start
            and reporting_rows.assessment_type = requirement_counts.assessment_type
            and requirement_policies.policy = requirement_counts.policy
    left join miss_counts
        on
            reporting_rows.level = miss_counts.level
            and reporting_rows.area_code = miss_counts.area_code
            and reporting_rows.unit_type = miss_counts.unit_type
            and reporting_rows.last_quarter_start = miss_counts.last_quarter_start
            and reporting_rows.assessment_type = miss_counts.assessment_type
            and requirement_policies.policy = miss_counts.policy
    left join manager_counts
        on
            reporting_rows.level = manager_counts.level
            and reporting_rows.area_code = manager_counts.area_code
            and reporting_rows.unit_type = manager_counts.unit_type
            and reporting_rows.period_type = manager_counts.period_type
            and reporting_rows.period_start = manager_counts.period_start
            and reporting_rows.assessment_type = manager_counts.assessment_type
            and requirement_policies.policy = manager_counts.policy

),

withheld as (

    -- A withheld requirement takes every figure built on it along; counts of work done stay.
    select
        joined.regime,
        joined.level,
        joined.area_code,
        joined.area_name,
        joined.unit_type,
        joined.period_type,
        joined.period_label,
        joined.period_start,
        joined.period_end,
        joined.compliance_figure_status as figure_status,
        joined.assessment_type,
        joined.policy,
        joined.requirement_withheld,
        joined.is_annual_requirement,
        joined.subject_kind,
        cast(joined.iqas_assessed as bigint) as iqas_assessed,
        cast(joined.themed as bigint) as themed,
        cast(joined.late_closed as bigint) as late_closed,
        cast(case when joined.has_requirement then joined.iqas_of_required end as bigint) as iqas_of_required,
        case when joined.has_requirement then joined.iqas_required end as iqas_required,
        case when joined.has_requirement then joined.iqas_counted end as iqas_counted,
        cast(case when joined.has_requirement then joined.prosecutors_required end as bigint)
            as prosecutors_required,
        cast(case when joined.has_requirement then joined.prosecutors_covered end as bigint)
            as prosecutors_covered,
        cast(case when joined.has_requirement then joined.without_manager end as bigint) as without_manager,
        cast(case when joined.has_quarterly_requirement then joined.missed_twice end as bigint) as missed_twice,
        cast(case when joined.has_quarterly_requirement then joined.required_twice end as bigint)
            as required_twice,
        cast(case when joined.has_requirement then joined.assessors_active end as bigint) as assessors_active,
        cast(case when joined.has_requirement then joined.assessors_expected end as bigint)
            as assessors_expected,
        cast(joined.on_track_expected as bigint) as on_track_expected,
        cast(joined.on_track_done as bigint) as on_track_done
    from joined

),

measured as (

    select
        withheld.*,
        {{ rate('withheld.iqas_assessed', 'withheld.iqas_required') }} as volume_ratio,
        {{ rate('withheld.iqas_of_required', 'withheld.iqas_required') }} as volume_ratio_required_only,
        {{ rate('withheld.prosecutors_covered', 'withheld.prosecutors_required') }} as coverage_rate,
        {{ wilson_low('withheld.prosecutors_covered', 'withheld.prosecutors_required', 'interval_constants.z') }}
            as coverage_low,
        {{ wilson_high('withheld.prosecutors_covered', 'withheld.prosecutors_required', 'interval_constants.z') }}
            as coverage_high,
        {{ rate('withheld.iqas_counted', 'withheld.iqas_required') }} as capped_rate,
        {{ rate('withheld.missed_twice', 'withheld.required_twice') }} as missed_twice_rate,
        {{ rate('withheld.assessors_active', 'withheld.assessors_expected') }} as assessor_coverage_rate,
        {{ rate('withheld.themed', 'withheld.iqas_assessed') }} as themed_share,
        {{ rate('withheld.late_closed', 'withheld.iqas_assessed') }} as late_closed_share,
        {{ rate('withheld.on_track_done', 'withheld.on_track_expected') }} as on_track_rate
    from withheld
    cross join interval_constants

),

{%- set withheld_by = [
    ("requirement_withheld = 'no_requirement'", 'no_requirement'),
    ("requirement_withheld = 'annual_requirement'", 'annual_requirement'),
    ("requirement_withheld = 'pending'", 'pending'),
] -%}
{%- set reasons = [] -%}
{%- for column in [
    'iqas_required', 'volume_ratio', 'volume_ratio_required_only', 'prosecutors_required', 'prosecutors_covered',
    'coverage_rate', 'coverage_low', 'coverage_high', 'capped_rate', 'missed_twice', 'missed_twice_rate',
    'assessors_active', 'assessors_expected', 'assessor_coverage_rate',
] -%}
    {%- for condition, reason in withheld_by -%}{% do reasons.append((column, condition, reason)) %}{% endfor -%}
    {%- if column in ['missed_twice', 'missed_twice_rate'] -%}
        {%- do reasons.append((column, 'is_annual_requirement', 'annual_requirement')) -%}
    {%- endif -%}
    {%- do reasons.append((column, 'true', 'no_requirement')) -%}
{%- endfor -%}
{%- do reasons.append(('themed_share', 'true', 'no_activity')) -%}
{%- do reasons.append(('late_closed_share', 'true', 'no_activity')) %}

final as (

    select
        {{ standard_columns('measured', 'coalesce(measured.prosecutors_required, measured.iqas_assessed)') }},
        {{ null_reason(reasons) }} as null_reason,
        measured.assessment_type,
        measured.policy,
        measured.iqas_assessed,
        measured.iqas_required,
        measured.volume_ratio,
        measured.volume_ratio_required_only,
        measured.iqas_of_required as volume_ratio_required_only_num,
        measured.iqas_required as volume_ratio_required_only_den,
        measured.prosecutors_required,
        measured.prosecutors_covered,
        measured.coverage_rate,
        measured.coverage_low,
        measured.coverage_high,
        measured.capped_rate,
        measured.iqas_counted as capped_num,
        measured.iqas_required as capped_den,
        measured.missed_twice,
        measured.missed_twice_rate,
        measured.required_twice as missed_twice_den,
        measured.assessors_active,
        measured.assessors_expected,
        measured.assessor_coverage_rate,
        measured.without_manager as prosecutors_without_manager,
        measured.themed_share,
        measured.themed as themed_share_num,
        measured.iqas_assessed as themed_share_den,
        measured.late_closed_share,
        measured.late_closed as late_closed_share_num,
        measured.iqas_assessed as late_closed_share_den,
        measured.on_track_rate,
        measured.on_track_done as on_track_num,
        measured.on_track_expected as on_track_den,
        measured.subject_kind
    from measured

)

select * from final
