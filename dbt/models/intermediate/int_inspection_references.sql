{# The inspector's view of an assessment in each inspection: of several re-assessments for the inspection itself, the last.
   Quality assurance and calibration are other people's views of the same file and never the reference. #}
with reassessments as (

    select * from {{ ref('stg_reassessments') }}
    where purpose = 'inspection'

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

ranked as (

    select
        reassessments.reassessment_id,
        reassessments.inspection_code,
        reassessments.iqa_id,
        reassessments.reassessed_on,
        reassessments.overall_rating,
        row_number() over (
            partition by reassessments.inspection_code, reassessments.iqa_id
            order by reassessments.reassessed_on desc, reassessments.reassessment_id desc
        ) as recency
    from reassessments
    inner join iqas
        on reassessments.iqa_id = iqas.iqa_id

),

final as (

    select
        reassessment_id,
        inspection_code,
        iqa_id,
        reassessed_on,
        overall_rating
    from ranked
    where recency = 1

)

select * from final
