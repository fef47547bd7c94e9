with source as (

    select * from {{ source('raw', 'iqa_answers') }}

),

final as (

    select
        iqa_id,
        question_code,
        answer,
        comment,
        is_issue,
        is_good_practice,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
