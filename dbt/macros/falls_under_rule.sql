{#- Whether a posting's grade and role fall under a requirement rule; an empty list means every grade or role. -#}
{% macro falls_under_rule(posting, rule) -%}
    (
        (
            {{ rule }}.grades is null
            or ';' || {{ rule }}.grades || ';' like '%;' || {{ posting }}.grade || ';%'
        )
        and (
            {{ rule }}.role_types is null
            or ';' || {{ rule }}.role_types || ';' like '%;' || {{ posting }}.role_type || ';%'
        )
    )
{%- endmacro %}
