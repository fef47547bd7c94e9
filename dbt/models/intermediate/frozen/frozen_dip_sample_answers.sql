{{ config(materialized='ephemeral') }}
{# Dip samplers' answers as they stood when the quarter of the assessment was frozen, in the form of
   stg_dip_sample_answers. #}
with answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

dips as (

    select * from {{ ref('frozen_dips_classified') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'dip_sample_answers'

),

final as (

    select
        dips.dip_sample_id,
        answer_versions.question_code,
        answer_versions.answer
    from answer_versions
    inner join dips
        on answer_versions.dip_sample_id = {{ delivered_id('dips.dip_sample_id', 'cast(dips.quarter_start as varchar)') }}
    inner join freezes
        on dips.quarter_start = freezes.quarter_start
    where {{ known_at('answer_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
