with source as (

    select * from {{ source('raw', 'iqa') }}

),

final as (

    select
        iqa_id,
        assessment_type,
        instrument_version,
        urn,
        area_code,
        unit_type,
        subject_id,
        assessor_id,
        selection_method,
        theme_campaign,
        opened_on,
        assessed_on,
        conversation_on,
        closed_on,
        feedback_on,
        feedback_comment,
        overall_rating,
        status,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
