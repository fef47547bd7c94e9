with questions as (

    select * from {{ ref('questions') }}

),

final as (

    select
        question_code,
        construct_id,
        question_category,
        question_order,
        question_text,
        is_critical,
        applies_to,
        case_stage,
        is_na_allowed
    from questions

)

select * from final
