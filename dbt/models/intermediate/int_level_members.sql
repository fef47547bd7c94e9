{# Which Area and unit pairs make up a row at each level. Test Areas stay out of the nation as soon as the data hold
   a real Area; joining on the member columns and grouping by the others rolls any count up. #}
with areas as (

    select * from {{ ref('areas') }}

),

iqa_versions as (

    -- Former versions too: the Area that an assessment or a posting left must still be found, to be marked as revised.
    select * from {{ source('raw', 'iqa_versions') }}

),

posting_versions as (

    select * from {{ source('raw', 'postings_versions') }}

),

pairs as (

    select area_code, unit_type from iqa_versions
    union
    select area_code, unit_type from posting_versions

),

members as (

    select
        pairs.area_code as member_area_code,
        pairs.unit_type as member_unit_type,
        areas.area_name,
        areas.is_test,
        bool_or(not areas.is_test) over () as has_real_areas
    from pairs
    inner join areas
        on pairs.area_code = areas.area_code

),

final as (

    select
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        'ALL' as unit_type,
        member_area_code,
        member_unit_type
    from members
    where not is_test or not has_real_areas

    union all

    select
        'area' as level,
        member_area_code as area_code,
        area_name,
        'ALL' as unit_type,
        member_area_code,
        member_unit_type
    from members

    union all

    select
        'unit' as level,
        member_area_code as area_code,
        area_name,
        member_unit_type as unit_type,
        member_area_code,
        member_unit_type
    from members

)

select * from final
