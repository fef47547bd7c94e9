{# Assessments and dip samples of each Area, unit and quarter, counted by the quarter of the assessment. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

dips as (

    select * from {{ ref('int_dips_classified') }}

),

dip_opinions as (

    select * from {{ ref('int_dip_opinions') }}

),

dips_by_iqa as (

    select
        dips.iqa_id,
        sum(case when dips.is_valid then 1 else 0 end) as valid_dips,
        sum(case when dips.is_invalid then 1 else 0 end) as invalid_dips,
        sum(case when dips.is_late then 1 else 0 end) as late_dips,
        sum(case when dips.is_valid and dips.sampled_quarter_start = dips.quarter_start then 1 else 0 end)
            as valid_dips_within_quarter,
        sum(case when dips.is_valid and dip_opinions.is_challenge then 1 else 0 end) as challenges
    from dips
    inner join dip_opinions
        on dips.dip_sample_id = dip_opinions.dip_sample_id
    group by dips.iqa_id

),

final as (

    select
        iqas.area_code,
        iqas.unit_type,
        iqas.quarter_start,
        iqas.assessment_type,
        count(*) as iqas_assessed,
        sum(case when dips_by_iqa.valid_dips > 0 then 1 else 0 end) as iqas_dipped,
        coalesce(sum(dips_by_iqa.valid_dips), 0) as valid_dips,
        coalesce(sum(dips_by_iqa.invalid_dips), 0) as invalid_dips,
        coalesce(sum(dips_by_iqa.late_dips), 0) as late_dips,
        coalesce(sum(dips_by_iqa.valid_dips_within_quarter), 0) as valid_dips_within_quarter,
        coalesce(sum(dips_by_iqa.challenges), 0) as challenges
    from iqas
    left join dips_by_iqa
        on iqas.iqa_id = dips_by_iqa.iqa_id
    group by iqas.area_code, iqas.unit_type, iqas.quarter_start, iqas.assessment_type

)

select * from final
