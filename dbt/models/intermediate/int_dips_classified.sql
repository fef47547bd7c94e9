{# Dip samples of assessments that count. Recorded: marked and commented (any dip before the application asked for
   comments). Valid: recorded and done by the freeze of the assessment's quarter. Invalid: done by then and not recorded.
   Late: recorded, and done after it. A dip done after it that is not recorded counts nowhere. #}
with dip_samples as (

    select * from {{ ref('stg_dip_samples') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

recorded as (

    select
        dip_samples.*,
        {{ is_recorded_dip('dip_samples') }} as is_recorded
    from dip_samples

),

final as (

    select
        recorded.dip_sample_id,
        recorded.iqa_id,
        iqas.assessment_type,
        iqas.area_code,
        iqas.unit_type,
        iqas.assessor_id,
        iqas.quarter_start,
        iqas.assessed_on,
        recorded.sampler_id,
        recorded.sampled_on,
        sampled_quarters.quarter_start as sampled_quarter_start,
        recorded.overall_rating,
        recorded.opinion,
        recorded.feedback_given_on,
        recorded.action_for_assessor,
        recorded.is_recorded,
        recorded.is_recorded and recorded.sampled_on <= iqas.freeze_on as is_valid,
        recorded.is_recorded and recorded.sampled_on > iqas.freeze_on as is_late,
        not recorded.is_recorded and recorded.sampled_on <= iqas.freeze_on as is_invalid,
        cast(recorded.sampled_on - iqas.assessed_on as integer) as lag_days,
        recorded.first_extract_date
    from recorded
    inner join iqas
        on recorded.iqa_id = iqas.iqa_id
    left join quarters as sampled_quarters
        on recorded.sampled_on between sampled_quarters.quarter_start and sampled_quarters.quarter_end

)

select * from final
