{{ config(materialized='ephemeral') }}
{# Re-assessments as they stood when their inspection's view was frozen, in the form of stg_reassessments. A file can be in
   several inspections, each with its own freeze: ids are told apart by the inspection, and kept as they were delivered. #}
with reassessment_versions as (

    select * from {{ source('raw', 'reassessments_versions') }}

),

freezes as (

    select
        sample,
        coalesce(frozen_on, date '9999-12-31') as frozen_on
    from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        reassessment_versions.reassessment_id || ' in ' || freezes.sample as reassessment_id,
        freezes.sample as inspection_code,
        reassessment_versions.iqa_id || ' in ' || freezes.sample as iqa_id,
        reassessment_versions.reassessed_on,
        reassessment_versions.overall_rating,
        reassessment_versions.purpose,
        reassessment_versions.reassessment_id as delivered_reassessment_id,
        reassessment_versions.iqa_id as delivered_iqa_id,
        freezes.frozen_on
    from reassessment_versions
    inner join freezes
        on reassessment_versions.inspection_code = freezes.sample
    where {{ known_at('reassessment_versions', 'freezes.frozen_on') }}

)

select * from final
