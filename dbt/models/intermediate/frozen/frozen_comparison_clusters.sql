-- depends_on: {{ ref('frozen_comparisons') }}
{{ as_frozen('int_comparison_clusters', {'int_comparisons': 'frozen_comparisons'}) }}
