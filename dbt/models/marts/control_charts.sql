{# XmR charts by month with the signals of NHS Making Data Count. Limits belong to a phase; they may pass 0 or 100%, which
   a chart clips and this table does not. #}
with phases as (

    select * from {{ ref('int_chart_phases') }}

),

chart_metrics as (

    select * from {{ ref('chart_metrics') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

figure_status as (

    select * from {{ ref('int_figure_status') }}

),

switches as (

    select
        {{ policy('xmr_screen_ranges') }} = 1 as is_screened,
        {{ policy('xmr_baseline_points') }} as baseline_points,
        {{ policy('xmr_break_at_gaps') }} = 1 as has_breaks_at_gaps,
        {{ policy('xmr_points_min') }} as points_min

),

switched as (

    select
        phases.*,
        switches.is_screened,
        switches.points_min,
        switches.baseline_points <= 0 or phases.phase_point <= switches.baseline_points as is_baseline,
        switches.has_breaks_at_gaps and phases.months_missing_before > 0 as has_run_break
    from phases
    cross join switches

),

charted as (

    {{ xmr_chart(
        'switched',
        ['metric', 'assessment_type', 'level', 'area_code', 'unit_type', 'phase'],
        'month',
        'value',
        baseline='is_baseline',
        run_break='has_run_break',
        is_screened='is_screened'
    ) | indent(4) }}

),

described as (

    select
        charted.*,
        quarters.regime,
        'month' as period_type,
        strftime(charted.month, '%B %Y') as period_label,
        charted.month as period_start,
        cast(charted.month + interval 1 month - interval 1 day as date) as period_end,
        coalesce(figure_status.figure_status, 'P') as figure_status,
        chart_metrics.metric_id,
        chart_metrics.metric_name,
        chart_metrics.unit as metric_unit,
        chart_metrics.direction,
        chart_metrics.target,
        charted.is_outside_limits or charted.is_in_run or charted.is_in_trend or charted.is_in_two_of_three
            as is_special_cause,
        -- Which way a signal points: a trend has the direction of its steps, any other signal its side of the mean.
        case
            when charted.is_outside_limits or charted.is_in_run or charted.is_in_two_of_three then charted.side
            when charted.is_in_trend then charted.trend_direction
        end as signal_direction
    from charted
    inner join chart_metrics
        on
            charted.metric = chart_metrics.metric
            and charted.assessment_type = chart_metrics.assessment_type
    left join quarters
        on charted.month between quarters.quarter_start and quarters.quarter_end
    left join figure_status
        on
            charted.level = figure_status.level
            and charted.area_code = figure_status.area_code
            and charted.unit_type = figure_status.unit_type
            and charted.assessment_type = figure_status.assessment_type
            and figure_status.period_type = 'quarter'
            and chart_metrics.status_basis = figure_status.status_basis
            and quarters.quarter_start = figure_status.period_start

),

final as (

    select
        {{ standard_columns('described', 'coalesce(described.value_den, described.value_num)') | indent(8) }},
        {{ null_reason([
            ('value_den', "metric_unit = 'count'", 'not_applicable'),
            ('average_moving_range', 'true', 'too_few_points'),
            ('limit_low', 'true', 'too_few_points'),
            ('limit_high', 'true', 'too_few_points'),
            ('near_low', 'true', 'too_few_points'),
            ('near_high', 'true', 'too_few_points'),
        ]) | indent(8) }} as null_reason,
        metric,
        assessment_type,
        month,
        metric_id,
        metric_name,
        metric_unit,
        value_num,
        value_den,
        value,
        cast(phase as integer) as phase,
        rebase_reason,
        cast(point_number as integer) as point_number,
        cast(points_in_phase as integer) as points_in_phase,
        months_missing_before,
        is_baseline,
        centre_line,
        average_moving_range,
        limit_low,
        limit_high,
        near_low,
        near_high,
        is_outside_limits,
        is_in_run,
        is_in_trend,
        is_in_two_of_three,
        is_special_cause,
        case
            when not is_special_cause then 'common_cause'
            when direction = 'none' and signal_direction > 0 then 'neither_high'
            when direction = 'none' then 'neither_low'
            when (direction = 'up') = (signal_direction > 0) then 'improvement'
            else 'concern'
        end as variation,
        target,
        case
            when target is null or limit_low is null then null
            when direction = 'down' and limit_high <= target then 'consistently_passes'
            when direction = 'down' and limit_low > target then 'consistently_fails'
            when direction <> 'down' and limit_low >= target then 'consistently_passes'
            when direction <> 'down' and limit_high < target then 'consistently_fails'
            else 'hit_or_miss'
        end as assurance,
        nullif(concat_ws(
            ';',
            case when points_in_phase < points_min then 'few_points' end,
            case when months_missing_before > 0 then 'months_missing' end
        ), '') as chart_warning
    from described

)

select * from final
