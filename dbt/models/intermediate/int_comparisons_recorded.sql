{# What the rated and the reference recorded of the same thing, side by side: an overall rating (basis iqa) or an answer
   (basis answer). One row per row of the reference, also where nothing can be compared. The inspector's agreement or
   disagreement is about the manager's answer, which therefore stands in every row. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

answers as (

    select * from {{ ref('stg_iqa_answers') }}

),

inspection_references as (

    select * from {{ ref('int_inspection_references') }}

),

reassessment_answers as (

    select * from {{ ref('stg_reassessment_answers') }}

),

dip_references as (

    select * from {{ ref('int_dip_references') }}

),

dip_answers as (

    select * from {{ ref('stg_dip_sample_answers') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

inspected_answers as (

    select
        inspection_references.inspection_code,
        inspection_references.reassessment_id,
        inspection_references.iqa_id,
        reassessment_answers.question_code,
        reassessment_answers.agrees,
        reassessment_answers.answer as inspector_value,
        reassessment_answers.difference_categories,
        reassessment_answers.reason_code,
        answers.answer as manager_value
    from inspection_references
    inner join reassessment_answers
        on inspection_references.reassessment_id = reassessment_answers.reassessment_id
    left join answers
        on
            inspection_references.iqa_id = answers.iqa_id
            and reassessment_answers.question_code = answers.question_code

),

manager_v_inspector_ratings as (

    select
        'manager_v_inspector' as comparison,
        inspection_references.inspection_code as sample,
        inspection_references.reassessment_id as reference_id,
        inspection_references.iqa_id,
        cast(null as varchar) as question_code,
        iqas.overall_rating as manager_value,
        iqas.overall_rating as rated_value,
        inspection_references.overall_rating as reference_value,
        cast(null as boolean) as agrees,
        cast(null as varchar) as difference_categories,
        cast(null as varchar) as reason_code
    from inspection_references
    inner join iqas
        on inspection_references.iqa_id = iqas.iqa_id

),

manager_v_inspector_answers as (

    select
        'manager_v_inspector' as comparison,
        inspection_code as sample,
        reassessment_id as reference_id,
        iqa_id,
        question_code,
        manager_value,
        manager_value as rated_value,
        inspector_value as reference_value,
        agrees,
        difference_categories,
        reason_code
    from inspected_answers

),

manager_v_dip_sampler_ratings as (

    select
        'manager_v_dip_sampler' as comparison,
        quarters.quarter_name as sample,
        dip_references.dip_sample_id as reference_id,
        dip_references.iqa_id,
        cast(null as varchar) as question_code,
        iqas.overall_rating as manager_value,
        iqas.overall_rating as rated_value,
        dip_references.overall_rating as reference_value,
        cast(null as boolean) as agrees,
        cast(null as varchar) as difference_categories,
        cast(null as varchar) as reason_code
    from dip_references
    inner join iqas
        on dip_references.iqa_id = iqas.iqa_id
    inner join quarters
        on iqas.quarter_start = quarters.quarter_start

),

manager_v_dip_sampler_answers as (

    select
        'manager_v_dip_sampler' as comparison,
        quarters.quarter_name as sample,
        dip_references.dip_sample_id as reference_id,
        dip_references.iqa_id,
        dip_answers.question_code,
        answers.answer as manager_value,
        answers.answer as rated_value,
        dip_answers.answer as reference_value,
        cast(null as boolean) as agrees,
        cast(null as varchar) as difference_categories,
        cast(null as varchar) as reason_code
    from dip_references
    inner join dip_answers
        on dip_references.dip_sample_id = dip_answers.dip_sample_id
    inner join iqas
        on dip_references.iqa_id = iqas.iqa_id
    inner join quarters
        on iqas.quarter_start = quarters.quarter_start
    left join answers
        on
            dip_references.iqa_id = answers.iqa_id
            and dip_answers.question_code = answers.question_code

),

dip_sampler_v_inspector_ratings as (

    select
        'dip_sampler_v_inspector' as comparison,
        inspection_references.inspection_code as sample,
        inspection_references.reassessment_id as reference_id,
        inspection_references.iqa_id,
        cast(null as varchar) as question_code,
        iqas.overall_rating as manager_value,
        dip_references.overall_rating as rated_value,
        inspection_references.overall_rating as reference_value,
        cast(null as boolean) as agrees,
        cast(null as varchar) as difference_categories,
        cast(null as varchar) as reason_code
    from inspection_references
    inner join dip_references
        on inspection_references.iqa_id = dip_references.iqa_id
    inner join iqas
        on inspection_references.iqa_id = iqas.iqa_id

),

dip_sampler_v_inspector_answers as (

    select
        'dip_sampler_v_inspector' as comparison,
        inspected_answers.inspection_code as sample,
        inspected_answers.reassessment_id as reference_id,
        inspected_answers.iqa_id,
        inspected_answers.question_code,
        inspected_answers.manager_value,
        dip_answers.answer as rated_value,
        inspected_answers.inspector_value as reference_value,
        inspected_answers.agrees,
        inspected_answers.difference_categories,
        inspected_answers.reason_code
    from inspected_answers
    inner join dip_references
        on inspected_answers.iqa_id = dip_references.iqa_id
    left join dip_answers
        on
            dip_references.dip_sample_id = dip_answers.dip_sample_id
            and inspected_answers.question_code = dip_answers.question_code

),

final as (

    select 'iqa' as basis, * from manager_v_inspector_ratings
    union all
    select 'iqa' as basis, * from manager_v_dip_sampler_ratings
    union all
    select 'iqa' as basis, * from dip_sampler_v_inspector_ratings
    union all
    select 'answer' as basis, * from manager_v_inspector_answers
    union all
    select 'answer' as basis, * from manager_v_dip_sampler_answers
    union all
    select 'answer' as basis, * from dip_sampler_v_inspector_answers

)

select * from final
