{#- A policy number, date or text is a row of the seed `policies`; these read one. -#}
{% macro policy(policy_key) -%}
    (select policies.policy_value from {{ ref('policies') }} as policies where policies.policy_key = '{{ policy_key }}')
{%- endmacro %}

{% macro policy_text(policy_key) -%}
    (select policies.policy_text from {{ ref('policies') }} as policies where policies.policy_key = '{{ policy_key }}')
{%- endmacro %}

{% macro policy_date(policy_key) -%}
    cast({{ policy_text(policy_key) }} as date)
{%- endmacro %}

{#- The reporting date of the run. -#}
{% macro as_of() -%}
    (select run_context.as_of from {{ source('raw', 'run_context') }} as run_context)
{%- endmacro %}
