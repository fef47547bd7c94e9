{#- A share or ratio as a double; NULL, never 0, when there is nothing to divide by. -#}
{% macro rate(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif({{ denominator }}, 0))
{%- endmacro %}

{#- Whole-number division of non-negative integers. -#}
{% macro integer_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_divide', 'iqa')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__integer_divide(dividend, divisor) -%}
    cast(floor(({{ dividend }}) / nullif({{ divisor }}, 0)) as bigint)
{%- endmacro %}

{% macro duckdb__integer_divide(dividend, divisor) -%}
    (({{ dividend }}) // nullif({{ divisor }}, 0))
{%- endmacro %}

{#- Per cent in tenths, rounded half up in integers: floats and engines disagree on ties (1/16 is 6.3, not 6.2). -#}
{% macro percent_tenths(numerator, denominator) -%}
    {{ integer_divide(
        '2000 * cast(' ~ numerator ~ ' as bigint) + cast(' ~ denominator ~ ' as bigint)',
        '2 * cast(' ~ denominator ~ ' as bigint)'
    ) }}
{%- endmacro %}

{#- Per cent to one decimal place, as text for people ("12.1"). -#}
{% macro percent_text(numerator, denominator) -%}
    (
        cast({{ integer_divide(percent_tenths(numerator, denominator), 10) }} as varchar)
        || '.' || cast({{ percent_tenths(numerator, denominator) }} % 10 as varchar)
    )
{%- endmacro %}
