{# When the view of each inspection was frozen: at the freeze of the quarter in which fieldwork ended, or, where that came
   later, at the first delivery of anything after fieldwork, or when the first file of the inspection was there with its
   assessment. Where it is NULL nothing was delivered since fieldwork. #}
with inspections as (

    select * from {{ ref('inspections') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

deliveries as (

    select * from {{ ref('int_deliveries') }}

),

first_known as (

    select
        reassessment_versions.inspection_code as sample,
        min(greatest(reassessment_versions.known_from, iqa_versions.known_from)) as known_on
    from {{ source('raw', 'reassessments_versions') }} as reassessment_versions
    inner join {{ source('raw', 'iqa_versions') }} as iqa_versions
        on reassessment_versions.iqa_id = iqa_versions.iqa_id
    group by reassessment_versions.inspection_code

),

completed as (

    select
        inspections.inspection_code as sample,
        min(deliveries.delivered_on) as completed_on
    from inspections
    inner join deliveries
        on inspections.fieldwork_to < deliveries.delivered_on
    group by inspections.inspection_code

),

final as (

    select
        first_known.sample,
        case
            when completed.completed_on is not null
                then greatest(quarters.freeze_on, completed.completed_on, first_known.known_on)
        end as frozen_on
    from first_known
    inner join inspections
        on first_known.sample = inspections.inspection_code
    inner join quarters
        on inspections.fieldwork_to between quarters.quarter_start and quarters.quarter_end
    left join completed
        on first_known.sample = completed.sample

)

select * from final
