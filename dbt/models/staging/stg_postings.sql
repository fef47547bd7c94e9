with source as (

    select * from {{ source('raw', 'postings') }}

),

final as (

    select
        posting_id,
        staff_id,
        grade,
        area_code,
        unit_type,
        role_type,
        fte,
        start_date,
        end_date,
        line_manager_id,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
