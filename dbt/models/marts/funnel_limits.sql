{# Funnel plots over Areas. Limit rows (`row_kind` limit, level national) draw the curves: forty steps up to the largest
   denominator rounded up to tens, so that no step, and no gap between steps, tells an Area's denominator. Area rows
   (`row_kind` area) are the points, with the limits at their own denominator. Limits, not ranks: an Area inside them is
   not shown to differ from the others. #}
with points as (

    select * from {{ ref('int_funnel_points') }}

),

funnel_metrics as (

    select * from {{ ref('funnel_metrics') }}

),

families as (

    select
        metric,
        assessment_type,
        sample,
        period_type,
        period_label,
        period_start,
        period_end,
        any_value(regime) as regime,
        case when max(figure_status) = 'R' then 'R' else min(figure_status) end as figure_status,
        max(centre_rate) as centre_rate,
        max(unit_count) as unit_count,
        max(phi) as phi,
        max(tau2) as tau2,
        max(winsor_low) as winsor_low,
        max(winsor_high) as winsor_high,
        max(transform) as transform,
        bool_or(is_clustered) as is_clustered,
        cast(ceil(max(n) / 10.0) * 10 as bigint) as widest_n,
        sum(value_num) as centre_num,
        sum(n) as centre_den
    from points
    group by metric, assessment_type, sample, period_type, period_label, period_start, period_end

),

steps as (

    select cast(unnest(range(1, 41)) as integer) as step

),

denominators as (

    select distinct
        families.metric,
        families.assessment_type,
        families.sample,
        cast(ceil(families.widest_n * steps.step / 40.0) as bigint) as n
    from families
    cross join steps

),

unioned as (

    select
        'limit' as row_kind,
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        families.metric,
        families.assessment_type,
        families.sample,
        families.period_type,
        families.period_label,
        families.period_start,
        families.period_end,
        families.regime,
        families.figure_status,
        cast(null as bigint) as value_num,
        denominators.n,
        families.centre_den as reliability_n,
        families.centre_num,
        families.centre_den,
        families.centre_rate,
        families.unit_count,
        families.phi,
        families.tau2,
        families.winsor_low,
        families.winsor_high,
        families.transform,
        families.is_clustered,
        cast(null as double) as z_score,
        cast(null as double) as adjusted_z_score,
        cast(null as double) as p_value,
        cast(null as double) as q_value
    from families
    inner join denominators
        on
            families.metric = denominators.metric
            and families.assessment_type = denominators.assessment_type
            and families.sample = denominators.sample

    union all

    select
        'area' as row_kind,
        'area' as level,
        area_code,
        area_name,
        metric,
        assessment_type,
        sample,
        period_type,
        period_label,
        period_start,
        period_end,
        regime,
        figure_status,
        value_num,
        n,
        n as reliability_n,
        sum(value_num) over (partition by metric, assessment_type, sample) as centre_num,
        sum(n) over (partition by metric, assessment_type, sample) as centre_den,
        centre_rate,
        unit_count,
        phi,
        tau2,
        winsor_low,
        winsor_high,
        transform,
        is_clustered,
        z_score,
        adjusted_z_score,
        p_value,
        q_value
    from points

),

constants as (

    select
        {{ normal_quantile('(1e0 + ' ~ policy('funnel_inner_confidence') ~ ') / 2') }} as inner_z,
        {{ normal_quantile('(1e0 + ' ~ policy('funnel_outer_confidence') ~ ') / 2') }} as outer_z,
        {{ policy('alert_q_max') }} as alert_q_max

),

limited as (

    select
        unioned.*,
        'ALL' as unit_type,
        funnel_metrics.metric_id,
        funnel_metrics.metric_name,
        constants.alert_q_max,
        {{ rate('unioned.value_num', 'unioned.n') }} as value,
        {{ funnel_limit('centre_rate', 'n', '(-inner_z)', '0', 'transform') | indent(8) }} as low_95,
        {{ funnel_limit('centre_rate', 'n', 'inner_z', '0', 'transform') | indent(8) }} as high_95,
        {{ funnel_limit('centre_rate', 'n', '(-outer_z)', '0', 'transform') | indent(8) }} as low_998,
        {{ funnel_limit('centre_rate', 'n', 'outer_z', '0', 'transform') | indent(8) }} as high_998,
        {{ funnel_limit('centre_rate', 'n', '(-inner_z)', 'tau2', 'transform') | indent(8) }} as adjusted_low_95,
        {{ funnel_limit('centre_rate', 'n', 'inner_z', 'tau2', 'transform') | indent(8) }} as adjusted_high_95,
        {{ funnel_limit('centre_rate', 'n', '(-outer_z)', 'tau2', 'transform') | indent(8) }} as adjusted_low_998,
        {{ funnel_limit('centre_rate', 'n', 'outer_z', 'tau2', 'transform') | indent(8) }} as adjusted_high_998
    from unioned
    cross join constants
    inner join funnel_metrics
        on unioned.metric = funnel_metrics.metric

),

placed as (

    select
        limited.*,
        case
            when value < low_998 or value > high_998 then 'outside_998'
            when value < low_95 or value > high_95 then 'outside_95'
            when value is not null then 'inside'
        end as funnel_place,
        case
            when value < adjusted_low_998 or value > adjusted_high_998 then 'outside_998'
            when value < adjusted_low_95 or value > adjusted_high_95 then 'outside_95'
            when value is not null and tau2 is not null then 'inside'
        end as adjusted_funnel_place
    from limited

),

final as (

    select
        {{ standard_columns('placed', 'placed.reliability_n') | indent(8) }},
        {{ null_reason([
            ('value_num', 'true', 'limit_row'),
            ('value', 'true', 'limit_row'),
            ('phi', 'true', 'too_few_units'),
            ('tau2', 'true', 'too_few_units'),
            ('adjusted_low_95', 'true', 'too_few_units'),
            ('adjusted_high_95', 'true', 'too_few_units'),
            ('adjusted_low_998', 'true', 'too_few_units'),
            ('adjusted_high_998', 'true', 'too_few_units'),
            ('z_score', 'true', 'limit_row'),
            ('adjusted_z_score', "row_kind = 'limit'", 'limit_row'),
            ('adjusted_z_score', 'true', 'too_few_units'),
            ('p_value', "row_kind = 'limit'", 'limit_row'),
            ('p_value', 'true', 'too_few_units'),
            ('q_value', "row_kind = 'limit'", 'limit_row'),
            ('q_value', 'true', 'too_few_units'),
            ('funnel_place', 'true', 'limit_row'),
            ('adjusted_funnel_place', "row_kind = 'limit'", 'limit_row'),
            ('adjusted_funnel_place', 'true', 'too_few_units'),
        ]) | indent(8) }} as null_reason,
        metric,
        metric_id,
        metric_name,
        assessment_type,
        sample,
        row_kind,
        n,
        value_num,
        value,
        cast(centre_num as bigint) as centre_num,
        cast(centre_den as bigint) as centre_den,
        centre_rate,
        low_95,
        high_95,
        low_998,
        high_998,
        unit_count,
        phi,
        tau2,
        winsor_low,
        winsor_high,
        adjusted_low_95,
        adjusted_high_95,
        adjusted_low_998,
        adjusted_high_998,
        z_score,
        adjusted_z_score,
        is_clustered,
        p_value,
        q_value,
        coalesce(q_value <= alert_q_max, false) as is_flagged,
        funnel_place,
        adjusted_funnel_place
    from placed

)

select * from final
