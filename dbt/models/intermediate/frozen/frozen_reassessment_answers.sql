{{ config(materialized='ephemeral') }}
{# Inspectors' answers as they stood when the inspection's view was frozen, in the form of stg_reassessment_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'reassessment_answers_versions') }}

),

inspection_references as (

    select * from {{ ref('frozen_inspection_references') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

final as (

    select
        inspection_references.reassessment_id,
        answer_versions.question_code,
        answer_versions.agrees,
        answer_versions.answer,
        answer_versions.difference_categories,
        answer_versions.reason_code
    from answer_versions
    inner join inspection_references
        on answer_versions.reassessment_id = {{ delivered_id('inspection_references.reassessment_id', 'inspection_references.inspection_code') }}
    inner join freezes
        on inspection_references.inspection_code = freezes.sample
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
