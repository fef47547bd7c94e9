{#- The columns every metric mart opens with, in their published order, up to `suppressed_columns`; the model adds
    `null_reason` (macro of that name) and then its own columns. `relation` carries regime, level, area_code,
    area_name, unit_type, period_type, period_label, period_start, period_end and figure_status; `denominator` is the
    SQL of the count that decides how reliable the row is. The disclosure step rewrites the last three. -#}
{% macro standard_columns(relation, denominator) -%}
    {{ release_id() }} as release_id,
    {{ as_of() }} as as_of,
    {{ metric_version() }} as metric_version,
    {{ relation }}.regime,
    {{ relation }}.level,
    {{ relation }}.area_code,
    {{ relation }}.area_name,
    {{ relation }}.unit_type,
    {{ relation }}.period_type,
    {{ relation }}.period_label,
    {{ relation }}.period_start,
    {{ relation }}.period_end,
    {{ relation }}.figure_status,
    {{ reliability(denominator) }} as reliability,
    false as is_suppressed,
    cast(null as varchar) as suppressed_columns
{%- endmacro %}

{#- How a figure may be shown, from its denominator: rates are always filled, this drives display. -#}
{% macro reliability(denominator) -%}
    case
        when {{ denominator }} between 1 and {{ policy('suppress_count_max') }} then 'suppressed'
        when {{ denominator }} >= {{ policy('low_reliability_below') }} then 'ok'
        else 'low'
    end
{%- endmacro %}
