{#- XmR chart with the rules of NHS Making Data Count (METRICS.md section 4), as one query over `relation`.

   relation        a table or import CTE
   series_columns  what makes one phase of one series; each phase has limits of its own
   order_column    the order of points within it
   value_column    the plotted value, never NULL
   baseline        SQL over the relation: does this point set the limits? (true for all but a fixed baseline)
   run_break       SQL over the relation: do runs, trends and pairs start afresh at this point?
   is_screened     SQL: leave moving ranges of 3.267 times their average or more out of the average, once

   The factors are those of the method: 2.66 and 3.267 turn an average range of two into limits, seven points make a run
   and six steps a trend. The series columns are never NULL.

   Adds: point_number, moving_range, centre_line, average_moving_range, limit_low, limit_high, near_low, near_high,
   is_outside_limits, is_in_run, is_in_trend, is_in_two_of_three, side (of the mean) and trend_direction (both 1, 0
   or -1). A moving range needs two points, so a series of one point has no limits. -#}
{% macro xmr_chart(
    relation, series_columns, order_column, value_column, baseline='true', run_break='false', is_screened='true'
) -%}
{%- set series = series_columns | join(', ') -%}
{#- Adding up doubles leaves a rounding error that would put a constant series off its own mean. -#}
{%- set slack = '1e-9 * greatest(1.0, abs(centre_line))' -%}
with numbered as (

    select
        points.*,
        row_number() over (partition by {{ series }} order by {{ order_column }}) as point_number,
        abs({{ value_column }} - lag({{ value_column }}) over (partition by {{ series }} order by {{ order_column }}))
            as moving_range,
        coalesce({{ baseline }}, true) as sets_limits,
        sum(case when {{ run_break }} then 1 else 0 end) over (
            partition by {{ series }} order by {{ order_column }} rows unbounded preceding
        ) as stretch_number
    from {{ relation }} as points

),

first_ranges as (

    select
        {{ series }},
        sum({{ value_column }} order by point_number) / nullif(count({{ value_column }}), 0) as centre_line,
        sum(moving_range order by point_number) / nullif(count(moving_range), 0) as unscreened_moving_range
    from numbered
    where sets_limits
    group by {{ series }}

),

screened_ranges as (

    select
        numbered.*,
        first_ranges.centre_line,
        first_ranges.unscreened_moving_range,
        numbered.sets_limits
        and (
            not ({{ is_screened }})
            or first_ranges.unscreened_moving_range = 0
            or numbered.moving_range < 3.267 * first_ranges.unscreened_moving_range
        ) as keeps_range
    from numbered
    left join first_ranges
        on {{ same_columns('numbered', 'first_ranges', series_columns) }}

),

average_ranges as (

    select
        {{ series }},
        sum(moving_range order by point_number) / nullif(count(moving_range), 0) as average_moving_range
    from screened_ranges
    where keeps_range
    group by {{ series }}

),

limited as (

    select
        screened_ranges.*,
        average_ranges.average_moving_range,
        screened_ranges.centre_line - 2.66 * average_ranges.average_moving_range as limit_low,
        screened_ranges.centre_line + 2.66 * average_ranges.average_moving_range as limit_high,
        screened_ranges.centre_line - 2.66 * average_ranges.average_moving_range * 2 / 3 as near_low,
        screened_ranges.centre_line + 2.66 * average_ranges.average_moving_range * 2 / 3 as near_high
    from screened_ranges
    left join average_ranges
        on {{ same_columns('screened_ranges', 'average_ranges', series_columns) }}

),

placed as (

    select
        *,
        case
            when {{ value_column }} > centre_line + {{ slack }} then 1
            when {{ value_column }} < centre_line - {{ slack }} then -1
            else 0
        end as side,
        coalesce(
            {{ value_column }} > limit_high + {{ slack }} or {{ value_column }} < limit_low - {{ slack }}, false
        ) as is_outside_limits,
        coalesce(
            {{ value_column }} > near_high + {{ slack }} or {{ value_column }} < near_low - {{ slack }}, false
        ) as is_beyond_near_limits,
        case
            when moving_range <= {{ slack }} then 0
            else
                sign({{ value_column }} - lag({{ value_column }}) over (
                    partition by {{ series }}, stretch_number order by point_number
                ))
        end as step
    from limited

),

changed as (

    select
        *,
        case
            when side = lag(side) over (partition by {{ series }}, stretch_number order by point_number) then 0
            else 1
        end as is_new_side,
        case
            when step = lag(step) over (partition by {{ series }}, stretch_number order by point_number) then 0
            else 1
        end as is_new_step,
        is_beyond_near_limits and not is_outside_limits as is_near_only
    from placed

),

grouped as (

    select
        *,
        sum(is_new_side) over (
            partition by {{ series }}, stretch_number order by point_number rows unbounded preceding
        ) as side_group,
        sum(is_new_step) over (
            partition by {{ series }}, stretch_number order by point_number rows unbounded preceding
        ) as step_group,
        abs(sum(side) over (
            partition by {{ series }}, stretch_number order by point_number rows between 2 preceding and current row
        )) = 3
        and sum(case when is_near_only then 1 else 0 end) over (
            partition by {{ series }}, stretch_number order by point_number rows between 2 preceding and current row
        ) >= 2 as ends_two_of_three
    from changed

),

counted as (

    select
        *,
        side <> 0
        and count(*) over (partition by {{ series }}, stretch_number, side_group) >= 7 as is_in_run,
        coalesce(step, 0) <> 0
        and count(*) over (partition by {{ series }}, stretch_number, step_group) >= 6
            as ends_trend_step
    from grouped

),

xmr_final as (

    select
        counted.*,
        -- A trend of six steps has seven points: the one before the first step belongs to it.
        ends_trend_step
        or coalesce(
            lead(ends_trend_step) over (partition by {{ series }}, stretch_number order by point_number), false
        ) as is_in_trend,
        coalesce(
            case when ends_trend_step then step end,
            lead(case when ends_trend_step then step end) over (
                partition by {{ series }}, stretch_number order by point_number
            )
        ) as trend_direction,
        is_near_only
        and coalesce(
            max(case when ends_two_of_three then 1 else 0 end) over (
                partition by {{ series }}, stretch_number order by point_number rows between current row and 2 following
            ), 0
        ) = 1 as is_in_two_of_three
    from counted

)

select * from xmr_final
{%- endmacro %}
