-- depends_on: {{ ref('frozen_inspected_dips_classified') }}, {{ ref('frozen_inspected_dip_answers') }}
{{ as_frozen('int_dip_references', {
    'int_dips_classified': 'frozen_inspected_dips_classified',
    'stg_dip_sample_answers': 'frozen_inspected_dip_answers',
}) }}
