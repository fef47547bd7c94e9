{# How often the rated chose one value and the reference another, for every row of `leniency` and each scale in it. Only pairs
   in which both values are known. #}
with comparisons as (

    select * from {{ ref('int_comparisons') }}

),

counted as (

    select
        comparison,
        sample,
        basis,
        assessment_type,
        area_code,
        unit_type,
        assessor_key,
        is_in_nation,
        question_category,
        question_code,
        scale_code,
        category_count,
        rated_rank,
        reference_rank,
        count(*) as cell_pairs
    from comparisons
    where is_valued
    group by
        comparison,
        sample,
        basis,
        assessment_type,
        area_code,
        unit_type,
        assessor_key,
        is_in_nation,
        question_category,
        question_code,
        scale_code,
        category_count,
        rated_rank,
        reference_rank

),

expanded as (
{{ by_dimension('counted') }}

),

final as (

    select
        comparison,
        sample,
        sample_type,
        basis,
        dimension,
        dimension_value,
        scale_code,
        category_count,
        rated_rank,
        reference_rank,
        cast(sum(cell_pairs) as bigint) as pair_count
    from expanded
    group by
        comparison,
        sample,
        sample_type,
        basis,
        dimension,
        dimension_value,
        scale_code,
        category_count,
        rated_rank,
        reference_rank

)

select * from final
