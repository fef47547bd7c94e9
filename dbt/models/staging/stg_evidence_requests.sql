with source as (

    select * from {{ source('raw', 'evidence_requests') }}

),

final as (

    select
        request_id,
        iqa_id,
        side,
        requested_on,
        due_on,
        received_on,
        document_type,
        is_accepted,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
