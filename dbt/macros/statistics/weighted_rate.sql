{#- A rate weighted to the population of its strata, as one query over `relation`: one row per group and stratum with
    `stratum_population` (assessments in the frame), `stratum_clusters` (assessments compared), and the whole-number sums
    that `cluster_variance` takes: stratum_hits, stratum_total, stratum_hits_squared, stratum_hits_total,
    stratum_total_squared. Adds weighted_rate and weighted_se (with the finite population correction; NULL if a stratum
    holds a single assessment, which says nothing of its own spread). -#}
{% macro weighted_rate(relation, group_columns, stratum_columns) -%}
{%- set groups = group_columns | join(', ') -%}
{%- set strata = stratum_columns | join(', ') -%}
with weighted as (

    select
        strata.*,
        cast(stratum_population as double) / sum(stratum_population) over (partition by {{ groups }}) as stratum_weight,
        {{ cluster_variance(
            'stratum_clusters', 'stratum_hits', 'stratum_total',
            'stratum_hits_squared', 'stratum_hits_total', 'stratum_total_squared'
        ) }} as stratum_variance
    from {{ relation }} as strata
    where stratum_total > 0

)

select
    {{ groups }},
    count(*) as stratum_count,
    sum(stratum_weight * stratum_hits / stratum_total order by {{ strata }}) as weighted_rate,
    case
        when count(*) = count(stratum_variance)
            then sqrt(sum(
                stratum_weight * stratum_weight
                * greatest(1e0 - cast(stratum_clusters as double) / stratum_population, 0e0)
                * stratum_variance
                order by {{ strata }}
            ))
    end as weighted_se
from weighted
group by {{ groups }}
{%- endmacro %}
