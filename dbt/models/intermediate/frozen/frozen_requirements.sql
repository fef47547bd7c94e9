-- depends_on: {{ ref('frozen_requirements_held') }}, {{ ref('stg_staff_pseudonyms') }}, {{ ref('policies') }}
{{ as_frozen('fct_requirement', {'int_requirements_held': 'frozen_requirements_held'}) }}
