-- depends_on: {{ ref('frozen_inspected_iqas') }}, {{ ref('areas') }}, {{ ref('instruments') }}, {{ ref('int_quarters') }}
-- depends_on: {{ ref('unit_types') }}, {{ ref('policies') }}
{{ as_frozen('int_iqas_scoped', {'stg_iqa': 'frozen_inspected_iqas'}) }}
