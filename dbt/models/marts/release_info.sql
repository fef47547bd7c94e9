{# What this release is and on what terms its figures stand. The release step sets the final status in its manifest. #}
with run_context as (

    select * from {{ source('raw', 'run_context') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

areas as (

    select * from {{ ref('areas') }}

),

coverage as (

    select
        min(iqas.assessed_on) as first_assessed_on,
        max(iqas.assessed_on) as last_assessed_on,
        cast(count(*) as bigint) as iqas_counted,
        coalesce(bool_or(areas.is_test), false) as has_test_areas
    from iqas
    inner join areas
        on iqas.area_code = areas.area_code

),

final as (

    select
        run_context.release_id,
        run_context.as_of,
        run_context.created_at as refreshed_at,
        'P' as status,
        'Management information, not official statistics' as status_note,
        {{ metric_version() }} as metric_version,
        run_context.code_version,
        run_context.pseudonym_key_id,
        run_context.is_demo_key,
        coverage.first_assessed_on,
        coverage.last_assessed_on,
        coverage.iqas_counted,
        coverage.has_test_areas
    from run_context
    cross join coverage

)

select * from final
