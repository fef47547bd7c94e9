{{ config(materialized='ephemeral') }}
{# Postings as they were known at each quarter's freeze, cut to that quarter, in the form of stg_postings. The id opens with
   the true start, so that of two postings cut at the quarter's start the one that began last still comes first. #}
with posting_versions as (

    select * from {{ source('raw', 'postings_versions') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'postings'

),

final as (

    select
        posting_versions.start_date || ' ' || posting_versions.posting_id as posting_id,
        posting_versions.staff_id,
        posting_versions.grade,
        posting_versions.area_code,
        posting_versions.unit_type,
        posting_versions.role_type,
        posting_versions.line_manager_id,
        greatest(posting_versions.start_date, freezes.quarter_start) as start_date,
        least(coalesce(posting_versions.end_date, freezes.quarter_end), freezes.quarter_end) as end_date
    from posting_versions
    inner join freezes
        on
            posting_versions.start_date <= freezes.quarter_end
            and coalesce(posting_versions.end_date, freezes.quarter_end) >= freezes.quarter_start
    where {{ known_at('posting_versions', "coalesce(freezes.frozen_on, date '9999-12-31')") }}

)

select * from final
