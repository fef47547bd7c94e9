-- depends_on: {{ ref('frozen_comparisons_recorded') }}, {{ ref('frozen_inspected_iqas_scoped') }}, {{ ref('questions') }}
-- depends_on: {{ ref('int_scale_positions') }}, {{ ref('int_level_members') }}, {{ ref('stg_staff_pseudonyms') }}
{{ as_frozen('int_comparisons', {
    'int_comparisons_recorded': 'frozen_comparisons_recorded',
    'int_iqas_scoped': 'frozen_inspected_iqas_scoped',
}) }}
