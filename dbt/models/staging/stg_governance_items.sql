with source as (

    select * from {{ source('raw', 'governance_items') }}

),

final as (

    select
        item_id,
        body,
        area_code,
        held_on,
        theme_code,
        decision,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
