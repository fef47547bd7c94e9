-- depends_on: {{ ref('frozen_reporting_rows') }}, {{ ref('frozen_iqas_scoped') }}, {{ ref('frozen_dips_classified') }}
-- depends_on: {{ ref('frozen_dip_cohorts') }}, {{ ref('frozen_dip_requirements') }}, {{ ref('int_level_members') }}, {{ ref('int_period_quarters') }}
-- depends_on: {{ ref('policies') }}, {{ source('raw', 'run_context') }}
{{ as_frozen('dip_sampling', {
    'int_reporting_rows': 'frozen_reporting_rows',
    'int_iqas_scoped': 'frozen_iqas_scoped',
    'int_dips_classified': 'frozen_dips_classified',
    'int_dip_cohorts': 'frozen_dip_cohorts',
    'int_dip_requirements': 'frozen_dip_requirements',
}) }}
