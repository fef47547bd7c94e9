{{ config(materialized='ephemeral') }}
{# Assessments that an inspection looked at when its view was frozen. #}
with reassessments as (

    select * from {{ ref('frozen_reassessments') }}

),

final as (

    select distinct
        iqa_id,
        delivered_iqa_id,
        inspection_code,
        frozen_on
    from reassessments

)

select * from final
