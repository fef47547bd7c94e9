{# The Areas of the seed, and the row that the figures of the whole nation point at. #}
with areas as (

    select * from {{ ref('areas') }}

),

final as (

    select
        area_code,
        area_name,
        area_kind,
        is_test,
        sort_order
    from areas

    union all

    select
        'ALL' as area_code,
        'England and Wales' as area_name,
        'national' as area_kind,
        false as is_test,
        0 as sort_order

)

select * from final
