-- depends_on: {{ ref('frozen_dips_classified') }}, {{ ref('frozen_iqas_scoped') }}, {{ ref('frozen_dip_opinions') }}
{{ as_frozen('int_dip_cohorts', {
    'int_dips_classified': 'frozen_dips_classified',
    'int_iqas_scoped': 'frozen_iqas_scoped',
    'int_dip_opinions': 'frozen_dip_opinions',
}) }}
