{# What the assessments with a valid dip sample and those without are like (D7), summed over each Area, unit and quarter:
   score and share of questions answered "not applicable" as sums and sums of squares, unit type and assessor as counts. #}
with iqas as (

    select * from {{ ref('fct_iqa') }}

),

measures as (

    select
        iqa_id,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        is_dipped,
        'score' as characteristic,
        score as amount
    from iqas

    union all

    select
        iqa_id,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        is_dipped,
        'na_rate' as characteristic,
        {{ rate('answers_not_applicable', 'answers_not_applicable + answers_answered') }} as amount
    from iqas

),

measured as (

    select
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        is_dipped,
        characteristic,
        cast(null as varchar) as category,
        count(*) as n_iqas,
        sum(amount order by iqa_id) as amount_sum,
        sum(amount * amount order by iqa_id) as amount_squared
    from measures
    where amount is not null
    group by area_code, unit_type, quarter_start, assessment_type, is_dipped, characteristic

),

categories as (

    select area_code, unit_type, quarter_start, assessment_type, is_dipped, 'unit_type' as characteristic, unit_type as category
    from iqas

    union all

    select area_code, unit_type, quarter_start, assessment_type, is_dipped, 'assessor' as characteristic, assessor_key as category
    from iqas

),

counted as (

    select
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        is_dipped,
        characteristic,
        category,
        count(*) as n_iqas,
        cast(null as double) as amount_sum,
        cast(null as double) as amount_squared
    from categories
    group by area_code, unit_type, quarter_start, assessment_type, is_dipped, characteristic, category

),

final as (

    select * from measured
    union all
    select * from counted

)

select * from final
