{#- Functions that this project registers on the connection (`dagster_project.warehouse.functions`), under the names the
    models call. Another engine registers its own, or overrides the macro. -#}

{#- Exact two-sided McNemar test on the two discordant counts; NULL when nothing is discordant. -#}
{% macro mcnemar_exact_p(lenient, harsh) -%}
    mcnemar_exact_p(cast({{ lenient }} as bigint), cast({{ harsh }} as bigint))
{%- endmacro %}

{#- The same with the mid-p correction. -#}
{% macro mcnemar_mid_p(lenient, harsh) -%}
    mcnemar_mid_p(cast({{ lenient }} as bigint), cast({{ harsh }} as bigint))
{%- endmacro %}

{#- P(X >= count), X binomial. -#}
{% macro binomial_upper_p(count, total, probability) -%}
    binomial_upper_p(cast({{ count }} as bigint), cast({{ total }} as bigint), cast({{ probability }} as double))
{%- endmacro %}

{#- P(X > count) + P(X = count) / 2, X binomial. -#}
{% macro binomial_upper_mid_p(count, total, probability) -%}
    binomial_upper_mid_p(cast({{ count }} as bigint), cast({{ total }} as bigint), cast({{ probability }} as double))
{%- endmacro %}

{#- Twice the smaller one-sided mid-p, at most 1. -#}
{% macro binomial_two_sided_mid_p(count, total, probability) -%}
    binomial_two_sided_mid_p(
        cast({{ count }} as bigint), cast({{ total }} as bigint), cast({{ probability }} as double)
    )
{%- endmacro %}

{#- Quantile of a beta distribution; a parameter of zero puts all mass at that end. -#}
{% macro beta_quantile(probability, alpha, beta) -%}
    beta_quantile(cast({{ probability }} as double), cast({{ alpha }} as double), cast({{ beta }} as double))
{%- endmacro %}

{#- P(chi-square >= statistic). -#}
{% macro chi_squared_tail(statistic, degrees) -%}
    chi_squared_tail(cast({{ statistic }} as double), cast({{ degrees }} as bigint))
{%- endmacro %}

{#- Cluster sign-flip test: `net` is a list of whole numbers, one a cluster. Exact up to `exact_clusters` clusters that
    are not zero, else by seeded draws. -#}
{% macro sign_flip_p(net, exact_clusters, draws, seed) -%}
    sign_flip_p(
        cast({{ net }} as bigint[]), cast({{ exact_clusters }} as bigint),
        cast({{ draws }} as bigint), cast({{ seed }} as bigint)
    )
{%- endmacro %}

{#- Percentile intervals by resampling clusters within strata: a list of eight bounds, low and high of kappa, AC1,
    ordinal alpha and the relative gap. `cells` is a list of [stratum, cluster, rated rank, reference rank, count],
    `points` the points of each rank of the scale. -#}
{% macro cluster_bootstrap(cells, points, confidence, draws, seed) -%}
    cluster_bootstrap(
        cast({{ cells }} as bigint[][]), cast({{ points }} as bigint[]), cast({{ confidence }} as double),
        cast({{ draws }} as bigint), cast({{ seed }} as bigint)
    )
{%- endmacro %}
