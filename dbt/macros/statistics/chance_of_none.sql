{#- Chance that `drawn` of `total` picked at random without replacement hold none of `own`:
    C(total - own, drawn) / C(total, drawn), by log-gamma since the factorials overflow. -#}
{% macro chance_of_none(total, own, drawn) -%}
    case
        when {{ drawn }} > {{ total }} - {{ own }} then 0e0
        else exp(
            lgamma(cast({{ total }} - {{ own }} + 1 as double))
            - lgamma(cast({{ total }} - {{ own }} - {{ drawn }} + 1 as double))
            - lgamma(cast({{ total }} + 1 as double))
            + lgamma(cast({{ total }} - {{ drawn }} + 1 as double))
        )
    end
{%- endmacro %}
