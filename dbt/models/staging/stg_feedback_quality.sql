with source as (

    select * from {{ source('raw', 'feedback_quality') }}

),

final as (

    select
        reassessment_id,
        side,
        feedback_question,
        score,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
