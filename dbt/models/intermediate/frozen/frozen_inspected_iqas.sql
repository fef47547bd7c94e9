{{ config(materialized='ephemeral') }}
{# Assessments that an inspection looked at when its view was frozen, as they stood then, in the form of stg_iqa. An
   inspection is over, so a value still empty is left empty. #}
with iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

looked_at as (

    select * from {{ ref('frozen_looked_at') }}

),

final as (

    select
        looked_at.iqa_id,
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
        on iqa_versions.iqa_id = looked_at.delivered_iqa_id
    where {{ known_at('iqa_versions', 'looked_at.frozen_on') }}

)

select * from final
