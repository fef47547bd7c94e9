{# Whether a dip sampler took another view than the manager: a changed answer, a changed overall rating, or the opinion
   "challenge". A question the manager left unanswered cannot be changed. #}
with dips as (

    select * from {{ ref('int_dips_classified') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

dip_answers as (

    select * from {{ ref('stg_dip_sample_answers') }}

),

answers as (

    select * from {{ ref('stg_iqa_answers') }}

),

changed_answers as (

    select
        dips.dip_sample_id,
        count(*) as changed
    from dips
    inner join dip_answers
        on dips.dip_sample_id = dip_answers.dip_sample_id
    inner join answers
        on
            dips.iqa_id = answers.iqa_id
            and dip_answers.question_code = answers.question_code
    where dip_answers.answer <> answers.answer
    group by dips.dip_sample_id

),

final as (

    select
        dips.dip_sample_id,
        coalesce(changed_answers.changed, 0) > 0
        or coalesce(dips.overall_rating <> iqas.overall_rating, false)
        or coalesce(dips.opinion = 'challenge', false) as is_challenge
    from dips
    inner join iqas
        on dips.iqa_id = iqas.iqa_id
    left join changed_answers
        on dips.dip_sample_id = changed_answers.dip_sample_id

)

select * from final
