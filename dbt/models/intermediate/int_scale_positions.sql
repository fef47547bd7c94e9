{# Where each value stands on its scale: position 0 to q - 1 (not applicable has none), points, whether it is the top, and
   how it reads on the met / not met scale. #}
with scale_values as (

    select * from {{ ref('scale_values') }}

),

crosswalks as (

    select * from {{ ref('scale_crosswalks') }}
    where
        to_scale = 'YN'
        and variant = {{ policy_text('met_crosswalk_variant') }}

),

positions as (

    select
        scale_code,
        value_code,
        points,
        is_na,
        case
            when not is_na
                then row_number() over (partition by scale_code, is_na order by ordinal_rank, value_code) - 1
        end as value_rank,
        sum(case when is_na then 0 else 1 end) over (partition by scale_code) as category_count,
        max(points) over (partition by scale_code) as max_points
    from scale_values

),

final as (

    select
        positions.scale_code,
        positions.value_code,
        positions.is_na,
        cast(positions.value_rank as integer) as value_rank,
        cast(positions.category_count as integer) as category_count,
        positions.points,
        positions.max_points,
        case
            when positions.is_na then null
            when crosswalks.to_value is not null then crosswalks.to_value = 'Y'
            -- A scale without a crosswalk reads as met at its top alone.
            else positions.value_rank = positions.category_count - 1
        end as is_met
    from positions
    left join crosswalks
        on
            positions.scale_code = crosswalks.from_scale
            and positions.value_code = crosswalks.from_value

)

select * from final
