{# Two inspectors on one file of an inspection: the inspector's view (the reference of `leniency`) beside that of each
   colleague who looked at it for quality assurance or calibration. Overall ratings and answers; agreement with the manager
   without a value is the manager's value, a disagreement without one has none. #}
with inspection_references as (

    select * from {{ ref('int_inspection_references') }}

),

reassessments as (

    select * from {{ ref('stg_reassessments') }}

),

reassessment_answers as (

    select * from {{ ref('stg_reassessment_answers') }}

),

answers as (

    select * from {{ ref('stg_iqa_answers') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

positions as (

    select * from {{ ref('int_scale_positions') }}

),

pairs as (

    select
        inspection_references.inspection_code as sample,
        inspection_references.iqa_id,
        inspection_references.reassessment_id as reference_id,
        colleagues.reassessment_id as colleague_id,
        inspection_references.overall_rating as reference_rating,
        colleagues.overall_rating as colleague_rating
    from inspection_references
    inner join reassessments as referenced
        on inspection_references.reassessment_id = referenced.reassessment_id
    inner join reassessments as colleagues
        on
            inspection_references.inspection_code = colleagues.inspection_code
            and inspection_references.iqa_id = colleagues.iqa_id
            and colleagues.purpose <> 'inspection'
            -- A second look by the same person says nothing about two people.
            and referenced.inspector_id <> colleagues.inspector_id

),

values_given as (

    select
        reassessment_answers.reassessment_id,
        reassessment_answers.question_code,
        case
            when reassessment_answers.answer is not null then reassessment_answers.answer
            when reassessment_answers.agrees then answers.answer
        end as answer
    from reassessment_answers
    inner join reassessments
        on reassessment_answers.reassessment_id = reassessments.reassessment_id
    left join answers
        on
            reassessments.iqa_id = answers.iqa_id
            and reassessment_answers.question_code = answers.question_code

),

both_values as (

    select
        'iqa' as basis,
        sample,
        iqa_id,
        colleague_id,
        cast(null as varchar) as question_code,
        colleague_rating as colleague_value,
        reference_rating as reference_value
    from pairs

    union all

    select
        'answer' as basis,
        pairs.sample,
        pairs.iqa_id,
        pairs.colleague_id,
        given.question_code,
        colleague_given.answer as colleague_value,
        given.answer as reference_value
    from pairs
    inner join values_given as given
        on pairs.reference_id = given.reassessment_id
    inner join values_given as colleague_given
        on
            pairs.colleague_id = colleague_given.reassessment_id
            and given.question_code = colleague_given.question_code

),

final as (

    select
        both_values.sample,
        both_values.basis,
        iqas.assessment_type,
        iqas.regime,
        both_values.iqa_id,
        both_values.colleague_id,
        both_values.question_code,
        case when both_values.basis = 'answer' then iqas.answer_scale else iqas.rating_scale end as scale_code,
        colleague.category_count,
        colleague.value_rank as rated_rank,
        reference.value_rank as reference_rank
    from both_values
    inner join iqas
        on both_values.iqa_id = iqas.iqa_id
    inner join positions as colleague
        on
            case when both_values.basis = 'answer' then iqas.answer_scale else iqas.rating_scale end = colleague.scale_code
            and both_values.colleague_value = colleague.value_code
    inner join positions as reference
        on
            case when both_values.basis = 'answer' then iqas.answer_scale else iqas.rating_scale end = reference.scale_code
            and both_values.reference_value = reference.value_code
    where
        colleague.value_rank is not null
        and reference.value_rank is not null

)

select * from final
