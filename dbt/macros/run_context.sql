{#- The release a row belongs to, and the version of the formulas it was computed with. -#}
{% macro release_id() -%}
    (select run_context.release_id from {{ source('raw', 'run_context') }} as run_context)
{%- endmacro %}

{#- Raised when a formula changes in a way that moves published figures. -#}
{% macro metric_version() -%}
    '1.0.0'
{%- endmacro %}
