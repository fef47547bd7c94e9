-- depends_on: {{ ref('frozen_postings') }}, {{ ref('frozen_absences_counted') }}, {{ ref('int_rule_spans') }}
-- depends_on: {{ source('raw', 'run_context') }}
{{ as_frozen('int_staff_days', {
    'stg_postings': 'frozen_postings',
    'int_absences_counted': 'frozen_absences_counted',
}) }}
