{{ config(materialized='ephemeral') }}
{# The opinions of frozen dip samples. Answers are taken as they are known now: they have no frozen view. #}
with dips as (

    select * from {{ ref('frozen_dips_classified') }}

),

opinions as (

    select * from {{ ref('int_dip_opinions') }}

),

final as (

    select distinct
        dips.dip_sample_id,
        coalesce(opinions.is_challenge, dips.opinion = 'challenge', false) as is_challenge
    from dips
    left join opinions
        on dips.dip_sample_id = opinions.dip_sample_id

)

select * from final
