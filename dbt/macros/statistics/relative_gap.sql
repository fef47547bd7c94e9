{#- How much higher the rated score is than the reference, as a share of the reference; NULL at a reference of zero. -#}
{% macro relative_gap(rated, reference) -%}
    (cast({{ rated }} as double) - {{ reference }}) / nullif({{ reference }}, 0)
{%- endmacro %}

{#- Interval of a ratio of paired proportions less one, on the log scale: `rated` and `reference` count the met ratings
    of each, `discordant` the pairs that differ. NULL when either is zero. -#}
{% macro relative_gap_low(rated, reference, discordant, z) -%}
    {{ _relative_gap_bound(rated, reference, discordant, z, '-') }}
{%- endmacro %}

{% macro relative_gap_high(rated, reference, discordant, z) -%}
    {{ _relative_gap_bound(rated, reference, discordant, z, '+') }}
{%- endmacro %}

{% macro _relative_gap_bound(rated, reference, discordant, z, sign) -%}
    case
        when {{ rated }} > 0 and {{ reference }} > 0
            then exp(
                ln(cast({{ rated }} as double) / {{ reference }})
                {{ sign }} {{ z }} * sqrt(cast({{ discordant }} as double) / {{ rated }} / {{ reference }})
            ) - 1e0
    end
{%- endmacro %}
