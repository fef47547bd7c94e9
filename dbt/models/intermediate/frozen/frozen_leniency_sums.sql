-- depends_on: {{ ref('frozen_comparison_clusters') }}
{{ as_frozen('int_leniency_sums', {'int_comparison_clusters': 'frozen_comparison_clusters'}) }}
