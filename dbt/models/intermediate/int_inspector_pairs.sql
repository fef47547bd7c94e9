{# Two inspectors on one file: every two of those who looked at it for an inspection, its quality assurance or a
   calibration exercise. Of several rows for the inspection itself the reference of `leniency` stands for it. Overall ratings
   and answers; agreement with the manager without a value is the manager's value, a disagreement without one has none. #}
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

-- What each inspector has to say of a file: the reference, if it is theirs, or else their last view for quality assurance
-- or calibration. A second look by the same person says nothing about two people.
views as (

    select
        reassessments.inspection_code as sample,
        reassessments.iqa_id,
        reassessments.reassessment_id,
        reassessments.inspector_id,
        reassessments.overall_rating,
        row_number() over (
            partition by reassessments.inspection_code, reassessments.iqa_id, reassessments.inspector_id
            order by
                case when inspection_references.reassessment_id is null then 1 else 0 end,
                reassessments.reassessed_on desc,
                reassessments.reassessment_id desc
        ) as recency,
        case when inspection_references.reassessment_id is null then 1 else 0 end as is_beside_reference
    from reassessments
    left join inspection_references
        on reassessments.reassessment_id = inspection_references.reassessment_id
    where
        reassessments.purpose <> 'inspection'
        or inspection_references.reassessment_id is not null

),

pairs as (

    select
        views.sample,
        views.iqa_id,
        views.reassessment_id as reference_id,
        colleagues.reassessment_id as colleague_id,
        views.overall_rating as reference_rating,
        colleagues.overall_rating as colleague_rating
    from views
    inner join views as colleagues
        on
            views.sample = colleagues.sample
            and views.iqa_id = colleagues.iqa_id
            -- Each two once: the reference first, where it is one of them.
            and (
                views.is_beside_reference < colleagues.is_beside_reference
                or (
                    views.is_beside_reference = colleagues.is_beside_reference
                    and views.reassessment_id < colleagues.reassessment_id
                )
            )
    where
        views.recency = 1
        and colleagues.recency = 1

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
        reference_id,
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
        pairs.reference_id,
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
        both_values.reference_id,
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
