-- depends_on: {{ ref('frozen_staff_days') }}, {{ ref('frozen_iqas_scoped') }}, {{ ref('int_rule_spans') }}
-- depends_on: {{ ref('policies') }}, {{ source('raw', 'run_context') }}
{{ as_frozen('int_requirements_held', {
    'int_staff_days': 'frozen_staff_days',
    'int_iqas_scoped': 'frozen_iqas_scoped',
}) }}
