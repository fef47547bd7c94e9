with source as (

    select * from {{ source('raw', 'dip_samples') }}

),

final as (

    select
        dip_sample_id,
        iqa_id,
        sampler_id,
        sampled_on,
        is_marked,
        overall_rating,
        comment,
        opinion,
        feedback_given_on,
        action_for_assessor,
        source_file,
        source_sheet,
        source_row,
        extract_date,
        first_extract_date,
        version_number
    from source

)

select * from final
