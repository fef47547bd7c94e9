with source as (

    select * from {{ source('raw', 'actions') }}

),

final as (

    select
        action_id,
        iqa_id,
        question_code,
        action_level,
        description,
        owner_id,
        raised_on,
        due_on,
        completed_on,
        verified_by_id,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
