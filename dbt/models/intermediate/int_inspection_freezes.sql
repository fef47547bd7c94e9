{# When each dataset's view of an inspection was frozen: when that of the quarter in which fieldwork ended was
   (`int_quarter_freezes`), or when the inspection was first delivered, if that was later. Where it is NULL nothing was
   frozen yet; an inspection whose quarter is not over is not here. #}
with inspections as (

    select * from {{ ref('inspections') }}

),

quarter_freezes as (

    select * from {{ ref('int_quarter_freezes') }}

),

first_deliveries as (

    select
        inspection_code as sample,
        min(known_from) as delivered_on
    from {{ source('raw', 'reassessments_versions') }}
    group by inspection_code

),

final as (

    select
        first_deliveries.sample,
        quarter_freezes.dataset,
        -- greatest() passes over NULL.
        case
            when quarter_freezes.frozen_on is not null
                then greatest(quarter_freezes.frozen_on, first_deliveries.delivered_on)
        end as frozen_on
    from first_deliveries
    inner join inspections
        on first_deliveries.sample = inspections.inspection_code
    inner join quarter_freezes
        on inspections.fieldwork_to between quarter_freezes.quarter_start and quarter_freezes.quarter_end

)

select * from final
