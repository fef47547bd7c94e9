{{ config(materialized='ephemeral') }}
{# Answers of inspected assessments as they stood when the inspection's view was frozen, in the form of stg_iqa_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'iqa_answers_versions') }}

),

inspection_references as (

    select * from {{ ref('frozen_inspection_references') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        inspection_references.iqa_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join inspection_references
        on answer_versions.iqa_id = {{ delivered_id('inspection_references.iqa_id', 'inspection_references.inspection_code') }}
    inner join freezes
        on inspection_references.inspection_code = freezes.sample
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
