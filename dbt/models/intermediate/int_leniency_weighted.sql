{# The lenient rate of each sample, weighted to the assessments it was drawn from: strata are Area and unit, the frame is
   every counted assessment of the types in the sample that was done in its quarter or, for an inspection, between the first
   and the last assessment that it examined. A stratum the sample never reached has no weight. #}
{%- set keys = ['comparison', 'sample', 'sample_type', 'basis'] -%}
with clusters as (

    select * from {{ ref('int_comparison_clusters') }}
    where cut = 'whole' and is_in_nation

),

iqas as (

    select
        iqa_id,
        assessment_type,
        area_code,
        unit_type,
        assessed_on
    from {{ ref('int_iqas_scoped') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

both_types as (

    select *, assessment_type as sample_type from clusters
    union all
    select *, 'ALL' as sample_type from clusters

),

windows as (

    select
        {% for key in keys %}both_types.{{ key }}, {% endfor %}
        case
            when both_types.comparison = 'manager_v_dip_sampler' then min(quarters.quarter_start)
            else min(iqas.assessed_on)
        end as assessed_from,
        case
            when both_types.comparison = 'manager_v_dip_sampler' then max(quarters.quarter_end)
            else max(iqas.assessed_on)
        end as assessed_to
    from both_types
    inner join iqas
        on both_types.iqa_id = iqas.iqa_id
    left join quarters
        on both_types.quarter_start = quarters.quarter_start
    group by {% for key in keys %}both_types.{{ key }}{{ ', ' if not loop.last }}{% endfor %}

),

sampled as (

    select
        {{ keys | join(', ') }},
        area_code,
        unit_type,
        cast(sum(case when n_compared > 0 then 1 else 0 end) as bigint) as stratum_clusters,
        cast(sum(n_lenient) as bigint) as stratum_hits,
        cast(sum(n_compared) as bigint) as stratum_total,
        cast(sum(n_lenient * n_lenient) as bigint) as stratum_hits_squared,
        cast(sum(n_lenient * n_compared) as bigint) as stratum_hits_total,
        cast(sum(n_compared * n_compared) as bigint) as stratum_total_squared
    from both_types
    group by {{ keys | join(', ') }}, area_code, unit_type

),

days as (

    select
        area_code,
        unit_type,
        assessment_type,
        assessed_on,
        count(*) as day_count
    from iqas
    group by area_code, unit_type, assessment_type, assessed_on

),

-- A sample of both types that drew one of them alone stands for that one.
types as (

    select distinct
        {% for key in keys %}both_types.{{ key }}, {% endfor %}
        both_types.assessment_type
    from both_types

),

frame as (

    select
        {% for key in keys %}windows.{{ key }}, {% endfor %}
        days.area_code,
        days.unit_type,
        cast(sum(days.day_count) as bigint) as stratum_population
    from windows
    inner join days
        on
            days.assessed_on between windows.assessed_from and windows.assessed_to
    inner join types
        on
            {{ same_columns('windows', 'types', keys) }}
            and days.assessment_type = types.assessment_type
    group by {% for key in keys %}windows.{{ key }}, {% endfor %}days.area_code, days.unit_type

),

strata as (

    select
        sampled.*,
        frame.stratum_population
    from sampled
    inner join frame
        on
            {{ same_columns('sampled', 'frame', keys) }}
            and sampled.area_code = frame.area_code
            and sampled.unit_type = frame.unit_type

),

final as (
{{ weighted_rate('strata', keys, ['area_code', 'unit_type']) }}
)

select * from final
