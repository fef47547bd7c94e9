-- depends_on: {{ ref('frozen_reassessments') }}, {{ ref('frozen_inspected_iqas_scoped') }}
{{ as_frozen('int_inspection_references', {
    'stg_reassessments': 'frozen_reassessments',
    'int_iqas_scoped': 'frozen_inspected_iqas_scoped',
}) }}
