{#- Several columns between two bounds (either may be left out), in one scan; NULL is not judged.
    A returned row is a column with how many values lie outside. -#}
{% test within_range(model, columns, minimum=none, maximum=none) %}
with counted as (

    select
        {%- for column in columns %}
        coalesce(sum(case
            {%- if minimum is not none %} when {{ column }} < {{ minimum }} then 1{% endif %}
            {%- if maximum is not none %} when {{ column }} > {{ maximum }} then 1{% endif %}
            else 0
        end), 0) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}

)

{% for column in columns -%}
select '{{ column }}' as column_name, {{ column }} as rows_outside from counted where {{ column }} > 0
{{ 'union all' if not loop.last }}
{% endfor %}
{% endtest %}
