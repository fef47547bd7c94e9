-- depends_on: {{ ref('frozen_dip_cohorts') }}, {{ ref('policies') }}
{{ as_frozen('int_dip_requirements', {
    'int_dip_cohorts': 'frozen_dip_cohorts',
}) }}
