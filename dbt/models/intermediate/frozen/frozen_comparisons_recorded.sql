-- depends_on: {{ ref('frozen_inspected_iqas_scoped') }}, {{ ref('frozen_inspected_answers') }}, {{ ref('int_quarters') }}
-- depends_on: {{ ref('frozen_inspection_references') }}, {{ ref('frozen_reassessment_answers') }}
-- depends_on: {{ ref('frozen_inspected_dip_references') }}, {{ ref('frozen_inspected_dip_answers') }}
{{ as_frozen('int_comparisons_recorded', {
    'int_iqas_scoped': 'frozen_inspected_iqas_scoped',
    'stg_iqa_answers': 'frozen_inspected_answers',
    'int_inspection_references': 'frozen_inspection_references',
    'stg_reassessment_answers': 'frozen_reassessment_answers',
    'int_dip_references': 'frozen_inspected_dip_references',
    'stg_dip_sample_answers': 'frozen_inspected_dip_answers',
}) }}
