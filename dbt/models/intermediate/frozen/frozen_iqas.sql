{{ config(materialized='ephemeral') }}
{# Assessments as they stood when their quarter was frozen, in the form of stg_iqa. What was still empty, of closing and
   rating, is taken as it was filled in first: an assessment open at the freeze is expected to close. One that stood in two
   quarters, each at its freeze, counts in both. #}
with iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

filled_in as (

    select * from {{ ref('int_iqas_filled_in') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'iqa'

),

known as (

    select
        iqa_versions.*,
        freezes.quarter_start
    from iqa_versions
    inner join freezes
        on iqa_versions.assessed_on between freezes.quarter_start and freezes.quarter_end
    where {{ known_at('iqa_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

),

final as (

    select
        case
            when count(*) over (partition by known.iqa_id) > 1 then known.iqa_id || ' in ' || known.quarter_start
            else known.iqa_id
        end as iqa_id,
        known.assessment_type,
        known.instrument_version,
        known.urn,
        known.area_code,
        known.unit_type,
        known.subject_id,
        known.assessor_id,
        known.selection_method,
        known.theme_campaign,
        known.opened_on,
        known.assessed_on,
        known.conversation_on,
        coalesce(known.closed_on, filled_in.closed_on) as closed_on,
        known.feedback_on,
        known.feedback_comment,
        coalesce(known.overall_rating, filled_in.overall_rating) as overall_rating,
        known.status,
        known.source_file,
        known.source_sheet,
        known.source_row,
        known.extract_date,
        known.first_extract_date,
        known.version_number
    from known
    left join filled_in
        on
            known.iqa_id = filled_in.iqa_id
            and known.version_number = filled_in.version_number

)

select * from final
