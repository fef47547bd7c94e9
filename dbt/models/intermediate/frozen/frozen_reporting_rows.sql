-- depends_on: {{ ref('frozen_iqas_scoped') }}, {{ ref('frozen_requirements_held') }}, {{ ref('int_period_quarters') }}
-- depends_on: {{ ref('int_level_members') }}, {{ ref('int_quarter_rules') }}, {{ ref('int_figure_status') }}
-- depends_on: {{ ref('instruments') }}
{{ as_frozen('int_reporting_rows', {
    'int_iqas_scoped': 'frozen_iqas_scoped',
    'int_requirements_held': 'frozen_requirements_held',
}) }}
