{# Every Area and unit type seen in postings or assessments, with the unit types rolled up (`ALL`). #}
with level_members as (

    select * from {{ ref('int_level_members') }}

),

areas as (

    select * from {{ ref('dim_area') }}

),

unit_types as (

    select * from {{ ref('unit_types') }}

),

units as (

    select distinct
        area_code,
        unit_type
    from level_members

),

final as (

    select
        units.area_code || '-' || units.unit_type as unit_key,
        units.area_code,
        areas.area_name,
        units.unit_type,
        coalesce(unit_types.unit_name, 'All units') as unit_name,
        unit_types.is_in_2024_scope,
        areas.is_test,
        areas.sort_order as area_sort_order,
        coalesce(unit_types.sort_order, 0) as unit_sort_order
    from units
    inner join areas
        on units.area_code = areas.area_code
    left join unit_types
        on units.unit_type = unit_types.unit_type

)

select * from final
