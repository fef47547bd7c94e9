{{ config(materialized='ephemeral') }}
{# Assessments that an inspection looked at when its view was frozen, as they stood then, in the form of stg_iqa. An
   inspection is over, so a value still empty is left empty. One that two inspections looked at is told apart by them. #}
with iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

reassessment_versions as (

    select * from {{ source('raw', 'reassessments_versions') }}

),

freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

looked_at as (

    select distinct
        freezes.sample,
        reassessment_versions.iqa_id
    from reassessment_versions
    inner join freezes
        on reassessment_versions.inspection_code = freezes.sample
    where {{ known_at('reassessment_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

),

final as (

    select
        iqa_versions.iqa_id || ' in ' || looked_at.sample as iqa_id,
        iqa_versions.assessment_type,
        iqa_versions.instrument_version,
        iqa_versions.urn,
        iqa_versions.area_code,
        iqa_versions.unit_type,
        iqa_versions.subject_id,
        iqa_versions.assessor_id,
        iqa_versions.selection_method,
        iqa_versions.theme_campaign,
        iqa_versions.opened_on,
        iqa_versions.assessed_on,
        iqa_versions.conversation_on,
        iqa_versions.closed_on,
        iqa_versions.feedback_on,
        iqa_versions.feedback_comment,
        iqa_versions.overall_rating,
        iqa_versions.status,
        iqa_versions.source_file,
        iqa_versions.source_sheet,
        iqa_versions.source_row,
        iqa_versions.extract_date,
        iqa_versions.first_extract_date,
        iqa_versions.version_number
    from iqa_versions
    inner join looked_at
        on iqa_versions.iqa_id = looked_at.iqa_id
    inner join freezes
        on looked_at.sample = freezes.sample
    where {{ known_at('iqa_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
