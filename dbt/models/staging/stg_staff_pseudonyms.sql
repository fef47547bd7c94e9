with source as (

    select * from {{ source('raw', 'staff_pseudonyms') }}

),

final as (

    select
        staff_id,
        staff_key
    from source

)

select * from final
