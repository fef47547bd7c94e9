{{ config(materialized='ephemeral') }}
{# Answers of inspected assessments as they stood when the inspection's view was frozen, in the form of stg_iqa_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'iqa_answers_versions') }}

),

looked_at as (

    select * from {{ ref('frozen_looked_at') }}

),

final as (

    select
        looked_at.iqa_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join looked_at
        on answer_versions.iqa_id = looked_at.delivered_iqa_id
    where {{ known_at('answer_versions', 'looked_at.frozen_on') }}

)

select * from final
