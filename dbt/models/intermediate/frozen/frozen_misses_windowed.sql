-- depends_on: {{ ref('frozen_requirements') }}, {{ ref('int_quarters') }}
{{ as_frozen('int_misses_windowed', {'fct_requirement': 'frozen_requirements'}) }}
