-- depends_on: {{ ref('frozen_dips') }}, {{ ref('frozen_iqas_scoped') }}, {{ ref('int_quarters') }}, {{ ref('policies') }}
{{ as_frozen('int_dips_classified', {'stg_dip_samples': 'frozen_dips', 'int_iqas_scoped': 'frozen_iqas_scoped'}) }}
