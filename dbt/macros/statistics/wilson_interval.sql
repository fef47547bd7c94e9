{#- Wilson (1927) score interval of a proportion of independent units: `wilson_low(k, n, z)`, `wilson_high(k, n, z)`.
    `n` may be an effective number (cluster-adjusted); NULL for n = 0. The limits at k = 0 and k = n are exactly 0
    and 1, which the formula misses by a rounding error. -#}
{% macro wilson_low(numerator, denominator, z=none) -%}
    {%- set z = z or interval_z() -%}
    case
        when {{ numerator }} = 0 and {{ denominator }} > 0 then 0e0
        else {{ _wilson(numerator, denominator, z, '-') }}
    end
{%- endmacro %}

{% macro wilson_high(numerator, denominator, z=none) -%}
    {%- set z = z or interval_z() -%}
    case
        when {{ numerator }} = {{ denominator }} and {{ denominator }} > 0 then 1e0
        else {{ _wilson(numerator, denominator, z, '+') }}
    end
{%- endmacro %}

{% macro _wilson(numerator, denominator, z, sign) -%}
    (
        cast({{ numerator }} as double) + {{ z }} * {{ z }} / 2e0
        {{ sign }} {{ z }} * sqrt(
            cast({{ numerator }} as double) * ({{ denominator }} - {{ numerator }}) / nullif({{ denominator }}, 0)
            + {{ z }} * {{ z }} / 4e0
        )
    ) / nullif({{ denominator }} + {{ z }} * {{ z }}, {{ z }} * {{ z }})
{%- endmacro %}
