{# Dip samples of assessments that count. Their quarter is the assessment's, as in the dip rate; the quarter they were
   done in stands beside it. #}
with dips as (

    select * from {{ ref('int_dips_classified') }}

),

dip_opinions as (

    select * from {{ ref('int_dip_opinions') }}

),

dip_answers as (

    select * from {{ ref('stg_dip_sample_answers') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

answer_counts as (

    select
        dip_sample_id,
        count(answer) as answers_recorded
    from dip_answers
    group by dip_sample_id

),

final as (

    select
        dips.dip_sample_id,
        dips.iqa_id,
        dips.assessment_type,
        dips.area_code,
        dips.unit_type,
        dips.area_code || '-' || dips.unit_type as unit_key,
        samplers.staff_key as sampler_key,
        assessors.staff_key as assessor_key,
        dips.assessed_on,
        dips.quarter_start,
        dips.sampled_on,
        dips.sampled_quarter_start,
        dips.lag_days,
        dips.overall_rating,
        dips.opinion,
        coalesce(answer_counts.answers_recorded, 0) as answers_recorded,
        dips.is_recorded,
        dips.is_valid,
        dips.is_late,
        dips.is_invalid,
        dip_opinions.is_challenge,
        dips.feedback_given_on,
        length(trim(coalesce(dips.action_for_assessor, ''))) > 0 as has_action_for_assessor
    from dips
    inner join dip_opinions
        on dips.dip_sample_id = dip_opinions.dip_sample_id
    left join answer_counts
        on dips.dip_sample_id = answer_counts.dip_sample_id
    left join staff_pseudonyms as samplers
        on dips.sampler_id = samplers.staff_id
    left join staff_pseudonyms as assessors
        on dips.assessor_id = assessors.staff_id

)

select * from final
