{#- Whether a row of a `_versions` table was the one that stood on a date. -#}
{% macro known_at(relation, day) -%}
    (
        {{ relation }}.known_from <= {{ day }}
        and ({{ relation }}.known_to is null or {{ relation }}.known_to > {{ day }})
    )
{%- endmacro %}

{#- Where a version stands with regard to the freeze (`baselines.frozen_on`) and to now. -#}
{% macro version_facts(relation) -%}
    {{ known_at(relation, 'baselines.frozen_on') }} as was_frozen,
    {{ relation }}.known_to is null as is_current,
    {{ relation }}.known_from,
    {{ relation }}.known_to,
    {{ relation }}.first_extract_date > baselines.frozen_on as is_late
{%- endmacro %}

{#- What a version says, or, where it says nothing, what a later version of its key first filled in. -#}
{% macro filled_in(expression, key) -%}
    first_value({{ expression }} ignore nulls) over (
        partition by {{ key | join(', ') }}
        order by version_number
        rows between current row and unbounded following
    )
{%- endmacro %}

{#- Contents that stood at the freeze or stand now, and not both. A content is a key (`changed_id`), its `place`, and
    `content`, a list of expressions. -#}
{% macro changes(
    facts, cause, changed_id, content, place=['quarter_start', 'area_code', 'unit_type', 'assessment_type']
) %}
    select
        {{ place | join(',\n        ') }},
        '{{ cause }}' as cause,
        {{ changed_id }} as changed_id,
        {{ change_kind() }} as change_kind,
        {{ changed_on() }} as changed_on
    from {{ facts }}
    group by {{ (place + [changed_id] + content) | join(', ') }}
    having bool_or(was_frozen) <> bool_or(is_current)
{% endmacro %}

{#- Within one content of one key: what happened to it after the freeze. A content that stood at the freeze and does no
    more was withdrawn or corrected; a new one came late, or corrects another. -#}
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

{#- The id of a frozen row as it was delivered. One that stood in several quarters is told apart as `<id> in <place>`. -#}
{% macro delivered_id(id, place) -%}
    case
        when right({{ id }}, length(' in ' || {{ place }})) = ' in ' || {{ place }}
            then left({{ id }}, length({{ id }}) - length(' in ' || {{ place }}))
        else {{ id }}
    end
{%- endmacro %}
