with source as (

    select * from {{ source('raw', 'reassessment_answers') }}

),

final as (

    select
        reassessment_id,
        question_code,
        agrees,
        answer,
        difference_categories,
        reason_code,
        reason_text,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
