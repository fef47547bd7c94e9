{#- A join condition: both relations agree on every one of `columns`, none of which may be NULL. -#}
{% macro same_columns(left_relation, right_relation, columns) -%}
{%- for column in columns -%}
{{ ' and ' if not loop.first }}{{ left_relation }}.{{ column }} = {{ right_relation }}.{{ column }}
{%- endfor -%}
{%- endmacro %}
