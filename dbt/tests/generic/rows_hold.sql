{#- Many row-level statements in one scan (a dbt test costs about 45 ms, a statement next to nothing).
    `rules` maps a name to an expression; NULL counts as held, as in a SQL check constraint.
    A returned row is a rule that rows break, with how many. -#}
{% test rows_hold(model, rules) %}
with counted as (

    select
        {%- for name, expression in rules.items() %}
        coalesce(sum(case when not ({{ expression }}) then 1 else 0 end), 0) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}

)

{% for name in rules -%}
select '{{ name }}' as broken_rule, {{ name }} as broken_rows from counted where {{ name }} > 0
{{ 'union all' if not loop.last }}
{% endfor %}
{% endtest %}
