{#- Why each empty metric column of a row is empty, as `column:reason` pairs in the order given.
    `reasons` is a list of (column, condition, reason); for one column the first condition that holds wins, so list
    the general case last, with the condition `true`. NULL when no listed column is empty. -#}
{% macro null_reason(reasons) -%}
    {%- set columns = [] -%}
    {%- for column, condition, reason in reasons -%}
        {%- if column not in columns %}{% do columns.append(column) %}{% endif -%}
    {%- endfor -%}
    nullif(
        concat_ws(
            ';',
            {%- for wanted in columns %}
            case
                when {{ wanted }} is not null then null
                {%- for column, condition, reason in reasons if column == wanted %}
                when {{ condition }} then '{{ column }}:{{ reason }}'
                {%- endfor %}
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        ''
    )
{%- endmacro %}
