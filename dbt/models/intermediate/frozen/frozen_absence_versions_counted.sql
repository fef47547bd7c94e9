{{ config(materialized='ephemeral') }}
-- depends_on: {{ ref('frozen_absence_versions') }}, {{ ref('bank_holidays') }}, {{ ref('policies') }}
-- depends_on: {{ source('raw', 'run_context') }}
{{ as_frozen('int_absences_counted', {'stg_absences': 'frozen_absence_versions'}) }}
