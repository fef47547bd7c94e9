with source as (

    select * from {{ source('raw', 'reassessments') }}

),

final as (

    select
        reassessment_id,
        inspection_code,
        iqa_id,
        inspector_id,
        reassessed_on,
        overall_rating,
        purpose,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
