with themes as (

    select * from {{ ref('theme_patterns') }}

),

final as (

    select
        theme_code,
        theme_category,
        theme_name,
        is_good_practice,
        pattern,
        pattern_set_version
    from themes

)

select * from final
