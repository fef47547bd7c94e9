{{ config(materialized='ephemeral') }}
{# Dip samplers' answers on inspected assessments as they stood when the inspection's view was frozen, in the form of
   stg_dip_sample_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

dips as (

    select * from {{ ref('frozen_inspected_dips') }}

),

final as (

    select
        dips.dip_sample_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join dips
        on answer_versions.dip_sample_id = dips.delivered_dip_sample_id
    where {{ known_at('answer_versions', 'dips.frozen_on') }}

)

select * from final
