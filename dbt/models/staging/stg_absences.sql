with source as (

    select * from {{ source('raw', 'absences') }}

),

final as (

    select
        absence_id,
        staff_id,
        absence_type,
        start_date,
        end_date,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
