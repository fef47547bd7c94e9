-- depends_on: {{ ref('frozen_dips_classified') }}, {{ ref('frozen_iqas_scoped') }}
-- depends_on: {{ ref('frozen_dip_sample_answers') }}, {{ ref('frozen_iqa_answers') }}
{{ as_frozen('int_dip_opinions', {
    'int_dips_classified': 'frozen_dips_classified',
    'int_iqas_scoped': 'frozen_iqas_scoped',
    'stg_dip_sample_answers': 'frozen_dip_sample_answers',
    'stg_iqa_answers': 'frozen_iqa_answers',
}) }}
