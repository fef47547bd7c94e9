{{ config(materialized='ephemeral') }}
{# Every version of every absence, each under an id of its own, in the form of stg_absences. #}
select
    absence_id || ' version ' || version_number as absence_id,
    staff_id,
    absence_type,
    start_date,
    end_date
from {{ source('raw', 'absences_versions') }}
