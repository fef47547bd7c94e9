{{ config(materialized='ephemeral') }}
{# Dip samplers' answers on inspected assessments as they stood when the inspection's view was frozen, in the form of
   stg_dip_sample_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

dips as (

    select * from {{ ref('frozen_inspected_dips_classified') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}
    where dataset = 'dip_sample_answers'

),

final as (

    select
        dips.dip_sample_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join dips
        on answer_versions.dip_sample_id = split_part(dips.dip_sample_id, ' in ', 1)
    inner join freezes
        on split_part(dips.dip_sample_id, ' in ', 2) = freezes.sample
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
