{# The dip sampler's view of an assessment: its last recorded dip that says anything (a rating, an opinion or an answer),
   whenever it was done. Two dips of one assessment are one view of it, as in the dip rate. #}
with dips as (

    select * from {{ ref('int_dips_classified') }}
    where is_recorded

),

dip_answers as (

    select distinct dip_sample_id from {{ ref('stg_dip_sample_answers') }}
    where answer is not null

),

ranked as (

    select
        dips.dip_sample_id,
        dips.iqa_id,
        dips.sampled_on,
        dips.overall_rating,
        dips.opinion,
        dips.feedback_given_on is not null or length(trim(coalesce(dips.action_for_assessor, ''))) > 0 as is_fed_back,
        row_number() over (
            partition by dips.iqa_id
            order by
                case
                    when coalesce(dips.overall_rating, dips.opinion, dip_answers.dip_sample_id) is not null then 0
                    else 1
                end,
                dips.sampled_on desc,
                dips.dip_sample_id desc
        ) as recency
    from dips
    left join dip_answers
        on dips.dip_sample_id = dip_answers.dip_sample_id

),

final as (

    select
        dip_sample_id,
        iqa_id,
        sampled_on,
        overall_rating,
        opinion,
        is_fed_back
    from ranked
    where recency = 1

)

select * from final
