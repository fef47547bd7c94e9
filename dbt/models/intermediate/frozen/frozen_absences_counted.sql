{{ config(materialized='ephemeral') }}
{# Absences that counted at each quarter's freeze, judged as a whole and then cut to that quarter, in the form of
   int_absences_counted. #}
with absence_versions as (

    select * from {{ source('raw', 'absences_versions') }}

),

counted as (

    select * from {{ ref('frozen_absence_versions_counted') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'absences'

),

final as (

    select
        counted.absence_id,
        counted.staff_id,
        counted.absence_type,
        greatest(counted.absent_from, freezes.quarter_start) as absent_from,
        least(counted.absent_to, freezes.quarter_end) as absent_to,
        counted.working_days
    from counted
    inner join absence_versions
        on counted.absence_id = absence_versions.absence_id || ' version ' || absence_versions.version_number
    inner join freezes
        on
            counted.absent_from <= freezes.quarter_end
            and counted.absent_to >= freezes.quarter_start
    where {{ known_at('absence_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
