{{ config(materialized='ephemeral') }}
{# Dip samples of inspected assessments as they stood when the inspection's view was frozen, in the form of
   stg_dip_samples. #}
with dip_versions as (

    select * from {{ source('raw', 'dip_samples_versions') }}

),

looked_at as (

    select * from {{ ref('frozen_looked_at') }}

),

final as (

    select
        dip_versions.dip_sample_id || ' in ' || looked_at.inspection_code as dip_sample_id,
        looked_at.iqa_id,
        dip_versions.sampler_id,
        dip_versions.sampled_on,
        dip_versions.is_marked,
        dip_versions.overall_rating,
        dip_versions.comment,
        dip_versions.opinion,
        dip_versions.feedback_given_on,
        dip_versions.action_for_assessor,
        dip_versions.first_extract_date,
        dip_versions.dip_sample_id as delivered_dip_sample_id,
        looked_at.frozen_on
    from dip_versions
    inner join looked_at
        on dip_versions.iqa_id = looked_at.delivered_iqa_id
    where {{ known_at('dip_versions', 'looked_at.frozen_on') }}

)

select * from final
