with source as (

    select * from {{ source('raw', 'control_totals') }}

),

final as (

    select
        area_code,
        unit_type,
        assessment_type,
        quarter_start,
        measure,
        value,
        supplied_by,
        supplied_on,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
