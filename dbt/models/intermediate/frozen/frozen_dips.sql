{{ config(materialized='ephemeral') }}
{# Dip samples as they stood when the quarter of their assessment was frozen, in the form of stg_dip_samples. One whose
   assessment counts in two quarters does so too, and is told apart as the assessment is. #}
with dip_versions as (

    select * from {{ source('raw', 'dip_samples_versions') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'dip_samples'

),

iqas as (

    select * from {{ ref('frozen_iqas_scoped') }}

),

final as (

    select
        dip_versions.dip_sample_id || substring(iqas.iqa_id, length(dip_versions.iqa_id) + 1) as dip_sample_id,
        iqas.iqa_id,
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
    inner join iqas
        on dip_versions.iqa_id = {{ delivered_id('iqas.iqa_id', 'cast(iqas.quarter_start as varchar)') }}
    inner join freezes
        on iqas.quarter_start = freezes.quarter_start
    where {{ known_at('dip_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
