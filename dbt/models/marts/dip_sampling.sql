{# Whether enough assessments were dip sampled, by whom they were done, and whether the sampler ever disagreed. The
   requirement stands per Area and quarter; above that it is summed, each Area and quarter counting for no more than
   its own requirement. D2 to D4 count assessments with a valid dip, D5 and D8 to D10 count dips. #}
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

dips as (

    select * from {{ ref('int_dips_classified') }}

),

cohorts as (

    select * from {{ ref('int_dip_cohorts') }}

),

area_requirements as (

    select * from {{ ref('int_dip_requirements') }}

),

counts as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        cohorts.assessment_type,
        sum(cohorts.iqas_assessed) as iqas_assessed,
        sum(cohorts.iqas_dipped) as dips_valid,
        sum(cohorts.valid_dips) as valid_dips,
        sum(cohorts.invalid_dips) as dips_invalid,
        sum(cohorts.late_dips) as dips_late,
        sum(cohorts.valid_dips_within_quarter) as valid_dips_within_quarter,
        sum(cohorts.challenges) as challenges
    from cohorts
    inner join level_members
        on
            cohorts.area_code = level_members.member_area_code
            and cohorts.unit_type = level_members.member_unit_type
    inner join period_quarters
        on cohorts.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        cohorts.assessment_type

),

activity_cells as (

    select
        area_code,
        unit_type,
        sampled_quarter_start as quarter_start,
        assessment_type,
        count(*) as dips_done
    from dips
    where is_recorded
    group by area_code, unit_type, sampled_quarter_start, assessment_type

),

activity as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        activity_cells.assessment_type,
        sum(activity_cells.dips_done) as dips_activity
    from activity_cells
    inner join level_members
        on
            activity_cells.area_code = level_members.member_area_code
            and activity_cells.unit_type = level_members.member_unit_type
    inner join period_quarters
        on activity_cells.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        activity_cells.assessment_type

),

area_period_requirements as (

    select
        area_requirements.area_code,
        area_requirements.assessment_type,
        period_quarters.period_type,
        period_quarters.period_start,
        sum(area_requirements.dips_required) as dips_required,
        sum(area_requirements.iqas_dipped) as iqas_dipped,
        sum(least(area_requirements.iqas_dipped, area_requirements.dips_required)) as dips_capped,
        count(*) as area_quarters,
        sum(case when area_requirements.iqas_dipped >= area_requirements.dips_required then 1 else 0 end)
            as area_quarters_met
    from area_requirements
    inner join period_quarters
        on area_requirements.quarter_start = period_quarters.quarter_start
    group by
        area_requirements.area_code,
        area_requirements.assessment_type,
        period_quarters.period_type,
        period_quarters.period_start

),

level_areas as (

    select distinct
        level,
        area_code,
        unit_type,
        member_area_code
    from level_members
    where level <> 'unit'

),

requirement_counts as (

    select
        level_areas.level,
        level_areas.area_code,
        level_areas.unit_type,
        area_period_requirements.period_type,
        area_period_requirements.period_start,
        area_period_requirements.assessment_type,
        sum(area_period_requirements.dips_required) as dips_required,
        -- An Area's own row shows what it did, above its requirement too.
        sum(
            case
                when level_areas.level = 'area' then area_period_requirements.iqas_dipped
                else area_period_requirements.dips_capped
            end
        ) as dips_counted,
        count(*) as areas_with_iqas,
        sum(
            case
                when area_period_requirements.iqas_dipped >= area_period_requirements.dips_required then 1 else 0
            end
        ) as areas_met,
        sum(area_period_requirements.area_quarters) as area_quarters,
        sum(area_period_requirements.area_quarters_met) as area_quarters_met
    from area_period_requirements
    inner join level_areas
        on area_period_requirements.area_code = level_areas.member_area_code
    group by
        level_areas.level,
        level_areas.area_code,
        level_areas.unit_type,
        area_period_requirements.period_type,
        area_period_requirements.period_start,
        area_period_requirements.assessment_type

),

dipped_iqas as (

    select distinct iqa_id
    from dips
    where is_valid

),

assessor_cells as (

    select
        iqas.area_code,
        iqas.unit_type,
        iqas.quarter_start,
        iqas.assessment_type,
        iqas.assessor_id,
        count(*) as iqas_assessed,
        count(dipped_iqas.iqa_id) as iqas_dipped
    from iqas
    left join dipped_iqas
        on iqas.iqa_id = dipped_iqas.iqa_id
    group by iqas.area_code, iqas.unit_type, iqas.quarter_start, iqas.assessment_type, iqas.assessor_id

),

assessor_totals as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        assessor_cells.assessment_type,
        assessor_cells.assessor_id,
        sum(assessor_cells.iqas_assessed) as iqas_assessed,
        sum(assessor_cells.iqas_dipped) as iqas_dipped
    from assessor_cells
    inner join level_members
        on
            assessor_cells.area_code = level_members.member_area_code
            and assessor_cells.unit_type = level_members.member_unit_type
    inner join period_quarters
        on assessor_cells.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        assessor_cells.assessment_type,
        assessor_cells.assessor_id

),

assessor_chances as (

    select
        assessor_totals.*,
        {{ chance_of_none(
            'counts.iqas_assessed', 'assessor_totals.iqas_assessed', 'counts.dips_valid'
        ) }} as chance_of_none
    from assessor_totals
    inner join counts
        on
            assessor_totals.level = counts.level
            and assessor_totals.area_code = counts.area_code
            and assessor_totals.unit_type = counts.unit_type
            and assessor_totals.period_type = counts.period_type
            and assessor_totals.period_start = counts.period_start
            and assessor_totals.assessment_type = counts.assessment_type

),

assessor_counts as (

    select
        level,
        area_code,
        unit_type,
        period_type,
        period_start,
        assessment_type,
        count(*) as assessors_with_iqas,
        sum(case when iqas_dipped > 0 then 1 else 0 end) as assessors_reached,
        sum(1e0 - chance_of_none order by assessor_id) as assessors_reached_expected
    from assessor_chances
    group by level, area_code, unit_type, period_type, period_start, assessment_type

),

lags as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        dips.assessment_type,
        cast(median(dips.lag_days) as double) as median_lag_days
    from dips
    inner join level_members
        on
            dips.area_code = level_members.member_area_code
            and dips.unit_type = level_members.member_unit_type
    inner join period_quarters
        on dips.quarter_start = period_quarters.quarter_start
    where dips.is_valid
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        dips.assessment_type

),

joined as (

    select
        reporting_rows.*,
        reporting_rows.dip_requirement_withheld is null and reporting_rows.level <> 'unit' as has_requirement,
        reporting_rows.period_start >= {{ policy_date('dip_share_collected_from') }} as is_share_collected,
        coalesce(counts.iqas_assessed, 0) as iqas_assessed,
        coalesce(counts.dips_valid, 0) as dips_valid,
        coalesce(counts.valid_dips, 0) as valid_dips,
        coalesce(counts.dips_invalid, 0) as dips_invalid,
        coalesce(counts.dips_late, 0) as dips_late,
        coalesce(counts.valid_dips_within_quarter, 0) as valid_dips_within_quarter,
        coalesce(counts.challenges, 0) as challenges,
        coalesce(activity.dips_activity, 0) as dips_activity,
        coalesce(requirement_counts.dips_required, 0) as dips_required,
        coalesce(requirement_counts.dips_counted, 0) as dips_counted,
        coalesce(requirement_counts.areas_with_iqas, 0) as areas_with_iqas,
        coalesce(requirement_counts.areas_met, 0) as areas_met,
        coalesce(requirement_counts.area_quarters, 0) as area_quarters,
        coalesce(requirement_counts.area_quarters_met, 0) as area_quarters_met,
        coalesce(assessor_counts.assessors_with_iqas, 0) as assessors_with_iqas,
        coalesce(assessor_counts.assessors_reached, 0) as assessors_reached,
        assessor_counts.assessors_reached_expected,
        lags.median_lag_days
    from reporting_rows
    left join counts
        on
            reporting_rows.level = counts.level
            and reporting_rows.area_code = counts.area_code
            and reporting_rows.unit_type = counts.unit_type
            and reporting_rows.period_type = counts.period_type
            and reporting_rows.period_start = counts.period_start
            and reporting_rows.assessment_type = counts.assessment_type
    left join activity
        on
            reporting_rows.level = activity.level
            and reporting_rows.area_code = activity.area_code
            and reporting_rows.unit_type = activity.unit_type
            and reporting_rows.period_type = activity.period_type
            and reporting_rows.period_start = activity.period_start
            and reporting_rows.assessment_type = activity.assessment_type
    left join requirement_counts
        on
            reporting_rows.level = requirement_counts.level
            and reporting_rows.area_code = requirement_counts.area_code
            and reporting_rows.unit_type = requirement_counts.unit_type
            and reporting_rows.period_type = requirement_counts.period_type
            and reporting_rows.period_start = requirement_counts.period_start
            and reporting_rows.assessment_type = requirement_counts.assessment_type
    left join assessor_counts
        on
            reporting_rows.level = assessor_counts.level
            and reporting_rows.area_code = assessor_counts.area_code
            and reporting_rows.unit_type = assessor_counts.unit_type
            and reporting_rows.period_type = assessor_counts.period_type
            and reporting_rows.period_start = assessor_counts.period_start
            and reporting_rows.assessment_type = assessor_counts.assessment_type
    left join lags
        on
            reporting_rows.level = lags.level
            and reporting_rows.area_code = lags.area_code
            and reporting_rows.unit_type = lags.unit_type
            and reporting_rows.period_type = lags.period_type
            and reporting_rows.period_start = lags.period_start
            and reporting_rows.assessment_type = lags.assessment_type

),

measured as (

    select
        joined.*,
        cast(case when joined.has_requirement then joined.dips_required end as bigint) as dips_due,
        cast(case when joined.has_requirement then joined.dips_counted end as bigint) as fulfilment_num,
        {{ rate('case when joined.has_requirement then joined.dips_counted end', 'joined.dips_required') }}
            as fulfilment_rate,
        {{ rate('case when joined.has_requirement then joined.dips_valid end', 'joined.dips_required') }}
            as fulfilment_uncapped_rate,
        case
            when joined.has_requirement and joined.areas_with_iqas > 0
                then joined.areas_met = joined.areas_with_iqas
        end as is_met,
        {{ rate('joined.dips_valid', 'joined.iqas_assessed') }} as raw_rate,
        {{ rate(
            'case when joined.is_share_collected then joined.valid_dips end',
            'joined.valid_dips + joined.dips_invalid'
        ) }} as valid_share,
        {{ rate('joined.assessors_reached', 'joined.assessors_with_iqas') }} as assessor_reach_rate,
        {{ rate('joined.challenges', 'joined.valid_dips') }} as challenge_rate,
        case
            when joined.valid_dips > 0
                then power(1e0 - {{ policy('published_leniency_rate') }}, joined.valid_dips)
        end as zero_challenge_p
    from joined

),

-- The family of alerts: the rows of one level, period and type. A row with a challenge gives no signal (p = 1).
signals as (

    select
        level,
        area_code,
        unit_type,
        period_type,
        period_start,
        assessment_type,
        case when challenges = 0 then zero_challenge_p else 1e0 end as signal_p
    from measured
    where zero_challenge_p is not null

),

signal_ratios as (

    select
        signals.*,
        {{ benjamini_hochberg_ratio(
            'signal_p', ['level', 'period_type', 'period_start', 'assessment_type'], ['area_code', 'unit_type']
        ) }} as ratio
    from signals

),

signal_q as (

    select
        signal_ratios.*,
        {{ benjamini_hochberg_q(
            'ratio', 'signal_p', ['level', 'period_type', 'period_start', 'assessment_type'],
            ['area_code', 'unit_type']
        ) }} as signal_q
    from signal_ratios

),

alerts as (

    select
        measured.*,
        signal_q.signal_q as zero_challenge_q,
        measured.challenges = 0 and signal_q.signal_q < {{ policy('zero_challenge_alert_p') }}
            as is_zero_challenge_alert
    from measured
    left join signal_q
        on
            measured.level = signal_q.level
            and measured.area_code = signal_q.area_code
            and measured.unit_type = signal_q.unit_type
            and measured.period_type = signal_q.period_type
            and measured.period_start = signal_q.period_start
            and measured.assessment_type = signal_q.assessment_type

),

{%- set reasons = [] -%}
{%- for column in ['dips_required', 'fulfilment_rate', 'fulfilment_uncapped_rate', 'is_met', 'areas_met'] -%}
    {%- do reasons.append((column, "dip_requirement_withheld = 'no_requirement'", 'no_requirement')) -%}
    {%- do reasons.append((column, "level = 'unit'", 'defined_at_area')) -%}
    {%- do reasons.append((column, "dip_requirement_withheld = 'pending'", 'pending')) -%}
    {%- do reasons.append((column, 'true', 'no_activity')) -%}
    {%- if column == 'is_met' -%}{%- do reasons.append(('raw_rate', 'true', 'no_activity')) -%}{%- endif -%}
{%- endfor -%}
{%- do reasons.append(('areas_with_iqas', 'true', 'defined_at_area')) -%}
{%- do reasons.append(('valid_share', 'not is_share_collected', 'not_collected')) -%}
{%- for column in [
    'valid_share', 'assessor_reach_rate', 'median_lag_days', 'lag_within_quarter_rate', 'challenge_rate',
    'zero_challenge_p', 'zero_challenge_q'
] -%}
    {%- do reasons.append((column, 'true', 'no_activity')) -%}
{%- endfor %}

named as (

    select
        regime,
        level,
        area_code,
        area_name,
        unit_type,
        period_type,
        period_label,
        period_start,
        period_end,
        figure_status,
        assessment_type,
        dip_requirement_withheld,
        is_share_collected,
        cast(iqas_assessed as bigint) as iqas_assessed,
        dips_due as dips_required,
        cast(dips_valid as bigint) as dips_valid,
        cast(dips_invalid as bigint) as dips_invalid,
        fulfilment_rate,
        fulfilment_num,
        dips_due as fulfilment_den,
        fulfilment_uncapped_rate,
        cast(dips_late as bigint) as dips_late,
        cast(valid_dips - dips_valid as bigint) as dips_repeat,
        cast(dips_activity as bigint) as dips_activity,
        is_met,
        raw_rate,
        cast(case when has_requirement then areas_met end as bigint) as areas_met,
        cast(case when level <> 'unit' then areas_with_iqas end as bigint) as areas_with_iqas,
        cast(case when has_requirement then area_quarters_met end as bigint) as area_quarters_met,
        cast(case when level <> 'unit' then area_quarters end as bigint) as area_quarters_with_iqas,
        valid_share,
        cast(case when is_share_collected then valid_dips end as bigint) as valid_share_num,
        cast(case when is_share_collected then valid_dips + dips_invalid end as bigint) as valid_share_den,
        cast(assessors_with_iqas as bigint) as assessors_with_iqas,
        cast(assessors_reached as bigint) as assessors_reached,
        assessor_reach_rate,
        assessors_reached_expected,
        median_lag_days,
        {{ rate('valid_dips_within_quarter', 'valid_dips') }} as lag_within_quarter_rate,
        cast(valid_dips_within_quarter as bigint) as lag_within_quarter_num,
        cast(valid_dips as bigint) as lag_within_quarter_den,
        challenge_rate,
        cast(challenges as bigint) as challenge_num,
        cast(valid_dips as bigint) as challenge_den,
        zero_challenge_p,
        zero_challenge_q,
        is_zero_challenge_alert
    from alerts

),

final as (

    select
        {{ standard_columns('named', 'named.iqas_assessed') }},
        {{ null_reason(reasons) }} as null_reason,
        named.assessment_type,
        named.iqas_assessed,
        named.dips_required,
        named.dips_valid,
        named.dips_invalid,
        named.fulfilment_rate,
        named.fulfilment_num,
        named.fulfilment_den,
        named.fulfilment_uncapped_rate,
        named.dips_late,
        named.dips_repeat,
        named.dips_activity,
        named.is_met,
        named.raw_rate,
        named.areas_met,
        named.areas_with_iqas,
        named.area_quarters_met,
        named.area_quarters_with_iqas,
        named.valid_share,
        named.valid_share_num,
        named.valid_share_den,
        named.assessors_with_iqas,
        named.assessors_reached,
        named.assessor_reach_rate,
        named.assessors_reached_expected,
        named.median_lag_days,
        named.lag_within_quarter_rate,
        named.lag_within_quarter_num,
        named.lag_within_quarter_den,
        named.challenge_rate,
        named.challenge_num,
        named.challenge_den,
        named.zero_challenge_p,
        named.zero_challenge_q,
        named.is_zero_challenge_alert
    from named

)

select * from final
