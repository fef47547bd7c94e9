{# Every comparison of two raters, with its direction, under pseudonyms. The row-level ground of `leniency`, `dip_catch` and
   `question_quality`. #}
with comparisons as (

    select * from {{ ref('int_comparisons') }}

),

final as (

    select
        comparison,
        sample,
        basis,
        reference_id,
        iqa_id,
        question_code,
        assessment_type,
        instrument_version,
        regime,
        area_code,
        unit_type,
        area_code || '-' || unit_type as unit_key,
        quarter_start,
        assessed_on,
        assessor_key,
        is_in_nation,
        question_category,
        is_critical,
        scale_code,
        rated_value,
        reference_value,
        rated_rank,
        reference_rank,
        rank_difference,
        rated_points,
        reference_points,
        max_points,
        direction,
        is_comparable,
        is_valued,
        is_reference_applicable,
        is_reference_short,
        is_rated_met,
        is_reference_met,
        difference_categories,
        reason_code
    from comparisons

)

select * from final
