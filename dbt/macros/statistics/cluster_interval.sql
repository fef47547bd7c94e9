{#- Rates of answers that come in clusters (assessments). Each macro takes whole-number sums over clusters: `clusters`
    how many, `hits` and `total` the sums of k and m, `hits_squared`, `hits_total` and `total_squared` those of k*k, k*m
    and m*m. Whole numbers make the result the same in whatever order the rows were added. -#}

{#- Variance of sum(k) / sum(m) by linearisation: C/(C-1) * sum((k - p*m)^2) / sum(m)^2; NULL under two clusters. -#}
{% macro cluster_variance(clusters, hits, total, hits_squared, hits_total, total_squared) -%}
    case
        when {{ clusters }} >= 2 and {{ total }} > 0
            then greatest(
                cast({{ hits_squared }} as double)
                - 2e0 * (cast({{ hits }} as double) / {{ total }}) * {{ hits_total }}
                + power(cast({{ hits }} as double) / {{ total }}, 2) * {{ total_squared }},
                0e0
            ) * {{ clusters }} / ({{ clusters }} - 1e0) / power(cast({{ total }} as double), 2)
    end
{%- endmacro %}

{#- How much the clustering widens the variance; 1 at a rate of 0% or 100%, where nothing varies. NULL under two
    clusters. -#}
{% macro design_effect(clusters, hits, total, hits_squared, hits_total, total_squared) -%}
    case
        when {{ clusters }} < 2 or {{ total }} = 0 then null
        when {{ hits }} = 0 or {{ hits }} = {{ total }} then 1e0
        else
            {{ cluster_variance(clusters, hits, total, hits_squared, hits_total, total_squared) }}
            * power(cast({{ total }} as double), 3)
            / nullif(cast({{ hits }} as double) * ({{ total }} - {{ hits }}), 0)
    end
{%- endmacro %}

{#- Wilson's interval on the effective number, total / max(design effect, 1). NULL under two clusters, where the design
    effect is: `greatest` alone would pass over it and give the interval of independent answers. -#}
{% macro cluster_low(hits, total, design_effect, z) -%}
    case
        when {{ design_effect }} is not null
            then {{ wilson_low(
                '(' ~ hits ~ ' / greatest(' ~ design_effect ~ ', 1e0))',
                '(' ~ total ~ ' / greatest(' ~ design_effect ~ ', 1e0))',
                z
            ) }}
    end
{%- endmacro %}

{% macro cluster_high(hits, total, design_effect, z) -%}
    case
        when {{ design_effect }} is not null
            then {{ wilson_high(
                '(' ~ hits ~ ' / greatest(' ~ design_effect ~ ', 1e0))',
                '(' ~ total ~ ' / greatest(' ~ design_effect ~ ', 1e0))',
                z
            ) }}
    end
{%- endmacro %}
