{# The clusters added up for every row of `leniency`, with the sums of squares and products that its intervals take. All are
   whole numbers, so a figure is the same whatever the order in which rows were added. An assessment without a comparable
   answer is no cluster. #}
{%- set keys = ['comparison', 'sample', 'sample_type', 'basis', 'dimension', 'dimension_value'] -%}
with clusters as (

    select * from {{ ref('int_comparison_clusters') }}

),

expanded as (
{{ by_dimension('clusters', 'cut') }}

),

added_up as (

    select
        {{ keys | join(', ') }},
        case when min(regime) = max(regime) then min(regime) end as regime,
        min(quarter_start) as quarter_start,
        {%- for column in comparison_sum_columns() %}
        cast(sum({{ column }}) as bigint) as {{ column }},
        {%- endfor %}
        cast(sum(case when n_compared > 0 then 1 else 0 end) as bigint) as n_clusters,
        cast(sum(n_compared * n_compared) as bigint) as compared_squared,
        cast(sum(n_lenient * n_lenient) as bigint) as lenient_squared,
        cast(sum(n_lenient * n_compared) as bigint) as lenient_compared,
        cast(sum(n_harsh * n_harsh) as bigint) as harsh_squared,
        cast(sum(n_harsh * n_compared) as bigint) as harsh_compared,
        cast(sum(n_agree * n_agree) as bigint) as agree_squared,
        cast(sum(n_agree * n_compared) as bigint) as agree_compared,
        cast(sum(case when max_points > 0 then 1 else 0 end) as bigint) as n_scored_clusters,
        cast(sum(max_points * max_points) as bigint) as max_points_squared,
        cast(sum(rated_points * rated_points) as bigint) as rated_points_squared,
        cast(sum(reference_points * reference_points) as bigint) as reference_points_squared,
        cast(sum(rated_points * reference_points) as bigint) as rated_reference_points,
        cast(sum((rated_points - reference_points) * (rated_points - reference_points)) as bigint) as gap_squared,
        cast(sum((rated_points - reference_points) * max_points) as bigint) as gap_max_points,
        -- Only a test that is made needs its clusters: assessors are shrunk, never tested.
        list(cast(n_lenient - n_harsh as bigint)) filter (
            n_lenient <> n_harsh and basis = 'answer' and dimension <> 'assessor'
        ) as net_leniency_list
    from expanded
    group by {{ keys | join(', ') }}

),

final as (

    -- On whole assessments the score is the share that met; on answers it is points out of the most they could be.
    select
        *,
        case when basis = 'answer' then rated_points else n_both_met + n_only_rated_met end as rated_score_num,
        case when basis = 'answer' then reference_points else n_both_met + n_only_reference_met end
            as reference_score_num,
        case
            when basis = 'answer' then max_points
            else n_both_met + n_only_rated_met + n_only_reference_met + n_neither_met
        end as score_den
    from added_up

)

select * from final
