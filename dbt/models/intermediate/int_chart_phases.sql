{# Points of the control charts with the phase they belong to. A new phase begins with the month that holds a change of
   regime or a recorded break of the series; months without a point are closed up and counted. #}
with chart_months as (

    select * from {{ ref('int_chart_months') }}

),

chart_metrics as (

    select * from {{ ref('chart_metrics') }}

),

series_breaks as (

    select * from {{ ref('series_breaks') }}

),

regimes as (

    select * from {{ ref('regimes') }}

),

breaks as (

    select
        'all' as metric_family,
        effective_from as break_on,
        'Start of regime ' || regime as reason
    from regimes

    union

    select
        metric_family,
        break_on,
        reason
    from series_breaks

),

metric_breaks as (

    select
        chart_metrics.metric,
        chart_metrics.assessment_type,
        cast(date_trunc('month', breaks.break_on) as date) as break_month,
        string_agg(breaks.reason, '; ' order by breaks.break_on, breaks.reason) as rebase_reason
    from chart_metrics
    inner join breaks
        on breaks.metric_family in ('all', chart_metrics.break_family, chart_metrics.metric)
    group by chart_metrics.metric, chart_metrics.assessment_type, date_trunc('month', breaks.break_on)

),

phase_starts as (

    select
        chart_months.metric,
        chart_months.assessment_type,
        chart_months.level,
        chart_months.area_code,
        chart_months.area_name,
        chart_months.unit_type,
        chart_months.month,
        chart_months.value_num,
        chart_months.value_den,
        chart_months.value,
        max(metric_breaks.break_month) as break_month
    from chart_months
    left join metric_breaks
        on
            chart_months.metric = metric_breaks.metric
            and chart_months.assessment_type = metric_breaks.assessment_type
            and chart_months.month >= metric_breaks.break_month
    group by
        chart_months.metric,
        chart_months.assessment_type,
        chart_months.level,
        chart_months.area_code,
        chart_months.area_name,
        chart_months.unit_type,
        chart_months.month,
        chart_months.value_num,
        chart_months.value_den,
        chart_months.value

),

phased as (

    select
        phase_starts.*,
        dense_rank() over (
            partition by metric, assessment_type, level, area_code, unit_type
            order by break_month nulls first
        ) as phase
    from phase_starts

),

final as (

    select
        phased.metric,
        phased.assessment_type,
        phased.level,
        phased.area_code,
        phased.area_name,
        phased.unit_type,
        phased.month,
        phased.value_num,
        phased.value_den,
        phased.value,
        phased.phase,
        -- The first phase of a series rebases nothing.
        case when phased.phase > 1 then metric_breaks.rebase_reason end as rebase_reason,
        cast(coalesce(
            datediff('month', lag(phased.month) over (
                partition by
                    phased.metric, phased.assessment_type, phased.level, phased.area_code, phased.unit_type, phased.phase
                order by phased.month
            ), phased.month) - 1,
            0
        ) as integer) as months_missing_before,
        row_number() over (
            partition by
                phased.metric, phased.assessment_type, phased.level, phased.area_code, phased.unit_type, phased.phase
            order by phased.month
        ) as phase_point,
        count(*) over (
            partition by
                phased.metric, phased.assessment_type, phased.level, phased.area_code, phased.unit_type, phased.phase
        ) as points_in_phase
    from phased
    left join metric_breaks
        on
            phased.metric = metric_breaks.metric
            and phased.assessment_type = metric_breaks.assessment_type
            and phased.break_month = metric_breaks.break_month

)

select * from final
