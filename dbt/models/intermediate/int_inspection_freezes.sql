{# When each dataset's view of an inspection was frozen: at the freeze of the quarter in which fieldwork ended, or, where
   that came later, at the first delivery of anything after fieldwork, of the inspection, or of the dataset. An inspection
   whose quarter is not over is not here. Where it is NULL nothing was delivered since. #}
with inspections as (

    select * from {{ ref('inspections') }}

),

quarter_freezes as (

    select * from {{ ref('int_quarter_freezes') }}

),

deliveries as (

    select * from {{ ref('int_deliveries') }}

),

first_deliveries as (

    select
        inspection_code as sample,
        min(known_from) as delivered_on
    from {{ source('raw', 'reassessments_versions') }}
    group by inspection_code

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
        first_deliveries.sample,
        quarter_freezes.dataset,
        -- greatest() passes over NULL.
        case
            when completed.completed_on is not null
                then greatest(
                    quarter_freezes.freeze_on,
                    completed.completed_on,
                    first_deliveries.delivered_on,
                    quarter_freezes.first_delivered_on
                )
        end as frozen_on
    from first_deliveries
    inner join inspections
        on first_deliveries.sample = inspections.inspection_code
    inner join quarter_freezes
        on inspections.fieldwork_to between quarter_freezes.quarter_start and quarter_freezes.quarter_end
    left join completed
        on first_deliveries.sample = completed.sample

)

select * from final
