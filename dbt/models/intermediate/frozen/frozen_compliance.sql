-- depends_on: {{ ref('frozen_reporting_rows') }}, {{ ref('frozen_iqas_scoped') }}, {{ ref('frozen_requirements') }}
-- depends_on: {{ ref('frozen_misses_windowed') }}, {{ ref('int_level_members') }}, {{ ref('int_period_quarters') }}
-- depends_on: {{ ref('policies') }}, {{ source('raw', 'run_context') }}
{{ as_frozen('compliance', {
    'int_reporting_rows': 'frozen_reporting_rows',
    'int_iqas_scoped': 'frozen_iqas_scoped',
    'fct_requirement': 'frozen_requirements',
    'int_misses_windowed': 'frozen_misses_windowed',
}) }}
