{#- Whether a row of a `_versions` table was the one that stood on a date. -#}
{% macro known_at(relation, day) -%}
    (
        {{ relation }}.known_from <= {{ day }}
        and ({{ relation }}.known_to is null or {{ relation }}.known_to > {{ day }})
    )
{%- endmacro %}

{#- Within one content of one key, in `int_revision_causes`: what happened to it after the freeze. A content that stood
    at the freeze and does no more was withdrawn or corrected; a new one came late, or corrects another. -#}
{% macro change_kind() -%}
    case
        when bool_or(was_frozen) and bool_or(is_withdrawn) then 'withdrawn'
        when not bool_or(was_frozen) and bool_or(is_late) then 'late_extract'
        else 'correction'
    end
{%- endmacro %}

{#- The first extract after the freeze that changed it. -#}
{% macro changed_on() -%}
    case
        when bool_or(was_frozen) then min(case when was_frozen then known_to end)
        else min(case when is_current then known_from end)
    end
{%- endmacro %}
