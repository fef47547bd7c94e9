{# The assessments that count: accepted, not withdrawn, with their quarter, regime, scales and scope flags. #}
with iqas as (

    select * from {{ ref('stg_iqa') }}

),

instruments as (

    select * from {{ ref('instruments') }}

),

areas as (

    select * from {{ ref('areas') }}

),

unit_types as (

    select * from {{ ref('unit_types') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

final as (

    select
        iqas.iqa_id,
        iqas.assessment_type,
        iqas.instrument_version,
        instruments.regime,
        instruments.answer_scale,
        instruments.rating_scale,
        instruments.rating_rule,
        iqas.area_code,
        areas.area_name,
        areas.is_test as is_test_area,
        iqas.unit_type,
        iqas.urn,
        iqas.subject_id,
        iqas.assessor_id,
        iqas.selection_method,
        coalesce(iqas.selection_method = 'themed', false) as is_themed,
        iqas.theme_campaign,
        iqas.opened_on,
        iqas.assessed_on,
        iqas.conversation_on,
        iqas.closed_on,
        iqas.feedback_on,
        iqas.overall_rating,
        iqas.status,
        quarters.quarter_start,
        quarters.quarter_end,
        quarters.freeze_on,
        quarters.late_close_cutoff,
        -- An assessment that is still open is pending, not late.
        coalesce(iqas.closed_on > quarters.late_close_cutoff, false) as is_late_closed,
        iqas.assessed_on >= {{ policy_date('answer_comments_from') }} as has_comments_collected,
        iqas.assessment_type = 'casework' and unit_types.is_in_2024_scope as is_in_2024_scope,
        iqas.extract_date,
        iqas.first_extract_date,
        iqas.version_number
    from iqas
    inner join instruments
        on iqas.instrument_version = instruments.instrument_version
    inner join areas
        on iqas.area_code = areas.area_code
    inner join unit_types
        on iqas.unit_type = unit_types.unit_type
    left join quarters
        on iqas.assessed_on between quarters.quarter_start and quarters.quarter_end
    where iqas.status <> 'withdrawn'

)

select * from final
