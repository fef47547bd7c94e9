{# Percentile intervals of kappa, AC1, alpha and the relative gap for the overall rows, by resampling assessments within
   Area and unit with the policy's seed. Rows on more than one scale have none. #}
{%- set keys = ['comparison', 'sample', 'sample_type', 'basis'] -%}
with comparisons as (

    select * from {{ ref('int_comparisons') }}
    where is_valued and is_in_nation

),

positions as (

    select * from {{ ref('int_scale_positions') }}
    where not is_na

),

scale_points as (

    select
        scale_code,
        list(cast(points as bigint) order by value_rank) as points
    from positions
    group by scale_code

),

counted as (

    select
        comparison,
        sample,
        assessment_type,
        basis,
        scale_code,
        area_code,
        unit_type,
        iqa_id,
        rated_rank,
        reference_rank,
        count(*) as pair_count
    from comparisons
    group by
        comparison, sample, assessment_type, basis, scale_code, area_code, unit_type, iqa_id, rated_rank, reference_rank

),

spanned as (

    -- Where a sample holds one type only, ALL is that type over again and is not resampled twice.
    select
        counted.*,
        min(assessment_type) over (partition by comparison, sample, basis)
        = max(assessment_type) over (partition by comparison, sample, basis) as is_one_type
    from counted

),

both_types as (

    select *, assessment_type as sample_type from spanned
    union all
    select *, 'ALL' as sample_type from spanned
    where not is_one_type

),

numbered as (

    select
        both_types.*,
        dense_rank() over (partition by {{ keys | join(', ') }} order by area_code, unit_type) as stratum_number,
        dense_rank() over (partition by {{ keys | join(', ') }} order by iqa_id) as cluster_number
    from both_types

),

gathered as (

    select
        {{ keys | join(', ') }},
        min(scale_code) as scale_code,
        bool_or(is_one_type) as is_one_type,
        max(cluster_number) as n_clusters,
        list([stratum_number, cluster_number, rated_rank, reference_rank, pair_count]) as cells
    from numbered
    group by {{ keys | join(', ') }}
    having min(scale_code) = max(scale_code)

),

resampled as (

    select
        {% for key in keys %}gathered.{{ key }}, {% endfor %}
        gathered.n_clusters,
        gathered.is_one_type,
        {{ cluster_bootstrap(
            'gathered.cells', 'scale_points.points', policy('interval_confidence'),
            policy('bootstrap_draws'), policy('random_seed')
        ) }} as bounds
    from gathered
    inner join scale_points
        on gathered.scale_code = scale_points.scale_code

),

named_types as (

    select *, sample_type as named_type from resampled
    union all
    select *, 'ALL' as named_type from resampled
    where is_one_type

),

final as (

    select
        comparison,
        sample,
        named_type as sample_type,
        basis,
        bounds[1] as kappa_low,
        bounds[2] as kappa_high,
        bounds[3] as ac1_low,
        bounds[4] as ac1_high,
        bounds[5] as alpha_low,
        bounds[6] as alpha_high,
        bounds[7] as gap_relative_boot_low,
        bounds[8] as gap_relative_boot_high,
        n_clusters < {{ policy('cluster_min') }} as is_bootstrap_unreliable
    from named_types

)

select * from final
