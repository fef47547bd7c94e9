{{ config(materialized='ephemeral') }}
{# Inspectors' answers as they stood when the inspection's view was frozen, in the form of stg_reassessment_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'reassessment_answers_versions') }}

),

reassessments as (

    select * from {{ ref('frozen_reassessments') }}

),

final as (

    select
        reassessments.reassessment_id,
        answer_versions.question_code,
        answer_versions.agrees,
        answer_versions.answer,
        answer_versions.difference_categories,
        answer_versions.reason_code
    from answer_versions
    inner join reassessments
        on answer_versions.reassessment_id = reassessments.delivered_reassessment_id
    where {{ known_at('answer_versions', 'reassessments.frozen_on') }}

)

select * from final
