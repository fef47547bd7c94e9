-- depends_on: {{ ref('frozen_inspected_dips') }}, {{ ref('frozen_inspected_iqas_scoped') }}, {{ ref('int_quarters') }}
-- depends_on: {{ ref('policies') }}
{{ as_frozen('int_dips_classified', {
    'stg_dip_samples': 'frozen_inspected_dips',
    'int_iqas_scoped': 'frozen_inspected_iqas_scoped',
}) }}
