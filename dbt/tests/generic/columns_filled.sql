{#- Several columns without an empty value, in one scan. A returned row is a column with how many rows lack it. -#}
{% test columns_filled(model, columns) %}
with counted as (

    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}

)

{% for column in columns -%}
select '{{ column }}' as column_name, {{ column }} as empty_rows from counted where {{ column }} > 0
{{ 'union all' if not loop.last }}
{% endfor %}
{% endtest %}
