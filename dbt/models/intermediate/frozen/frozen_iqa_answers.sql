{{ config(materialized='ephemeral') }}
{# Answers as they stood when the quarter of their assessment was frozen, in the form of stg_iqa_answers: those of
   assessments with a dip sample, for nothing else that is frozen reads answers. #}
with answer_versions as (

    select * from {{ source('raw', 'iqa_answers_versions') }}

),

dipped as (

    select distinct
        iqa_id,
        quarter_start
    from {{ ref('frozen_dips_classified') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'iqa_answers'

),

final as (

    select
        dipped.iqa_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join dipped
        on answer_versions.iqa_id = {{ delivered_id('dipped.iqa_id', 'cast(dipped.quarter_start as varchar)') }}
    inner join freezes
        on dipped.quarter_start = freezes.quarter_start
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
