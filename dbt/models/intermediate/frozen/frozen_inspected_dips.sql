{{ config(materialized='ephemeral') }}
{# Dip samples of inspected assessments as they stood when the inspection's view was frozen, in the form of
   stg_dip_samples. #}
with dip_versions as (

    select * from {{ source('raw', 'dip_samples_versions') }}

),

inspection_references as (

    select * from {{ ref('frozen_inspection_references') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        dip_versions.dip_sample_id || ' in ' || freezes.sample as dip_sample_id,
        inspection_references.iqa_id,
        dip_versions.sampler_id,
        dip_versions.sampled_on,
        dip_versions.is_marked,
        dip_versions.overall_rating,
        dip_versions.comment,
        dip_versions.opinion,
        dip_versions.feedback_given_on,
        dip_versions.action_for_assessor,
        dip_versions.first_extract_date
    from dip_versions
    inner join inspection_references
        on dip_versions.iqa_id = {{ delivered_id('inspection_references.iqa_id', 'inspection_references.inspection_code') }}
    inner join freezes
        on inspection_references.inspection_code = freezes.sample
    where {{ known_at('dip_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
