{{ config(materialized='ephemeral') }}
{# Dip samplers' answers on inspected assessments as they stood when the inspection's view was frozen, in the form of
   stg_dip_sample_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

dips as (

    select * from {{ ref('frozen_inspected_dips_classified') }}

),

inspection_references as (

    select * from {{ ref('frozen_inspection_references') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        dips.dip_sample_id,
        answer_versions.question_code,
        answer_versions.answer
    from dips
    inner join inspection_references
        on dips.iqa_id = inspection_references.iqa_id
    inner join answer_versions
        on
            {{ delivered_id('dips.dip_sample_id', 'inspection_references.inspection_code') }}
            = answer_versions.dip_sample_id
    inner join freezes
        on inspection_references.inspection_code = freezes.sample
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
