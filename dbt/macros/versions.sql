{#- Whether a row of a `_versions` table was the one that stood on a date. -#}
{% macro known_at(relation, day) -%}
    (
        {{ relation }}.known_from <= {{ day }}
        and ({{ relation }}.known_to is null or {{ relation }}.known_to > {{ day }})
    )
{%- endmacro %}
