with source as (

    select * from {{ source('raw', 'dip_sample_answers') }}

),

final as (

    select
        dip_sample_id,
        question_code,
        answer,
        comment,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
