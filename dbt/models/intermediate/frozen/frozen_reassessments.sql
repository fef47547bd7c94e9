{{ config(materialized='ephemeral') }}
{# Re-assessments as they stood when their inspection's view was frozen, in the form of stg_reassessments. #}
with reassessment_versions as (

    select * from {{ source('raw', 'reassessments_versions') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        reassessment_versions.reassessment_id || ' in ' || freezes.sample as reassessment_id,
        freezes.sample as inspection_code,
        reassessment_versions.iqa_id || ' in ' || freezes.sample as iqa_id,
        reassessment_versions.reassessed_on,
        reassessment_versions.overall_rating,
        reassessment_versions.purpose
    from reassessment_versions
    inner join freezes
        on reassessment_versions.inspection_code = freezes.sample
    where {{ known_at('reassessment_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
