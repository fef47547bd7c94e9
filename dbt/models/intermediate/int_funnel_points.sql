{# Areas with their place in the funnel: score, over-dispersion, exact p and its q over the Areas of the funnel. #}
with units as (

    select * from {{ ref('int_funnel_units') }}

),

switches as (

    select
        {{ policy('funnel_winsor_share') }} as winsor_share,
        {{ policy('funnel_overdispersion_units_min') }} as units_min,
        {{ policy_text('funnel_transform') }} as transform

),

switched as (

    select
        units.*,
        switches.winsor_share,
        switches.units_min,
        switches.transform
    from units
    cross join switches

),

points as (

    {{ funnel_points(
        'switched',
        ['metric', 'assessment_type', 'sample'],
        'area_code',
        'value_num',
        'n',
        winsor_share='winsor_share',
        units_min='max(units_min)',
        transform='transform'
    ) | indent(4) }}

),

tested as (

    select
        *,
        {{ binomial_two_sided_mid_p('value_num', 'n', 'centre_rate') }} as p_value
    from points

),

adjusted as (

    {{ adjusted_p('tested', ['metric', 'assessment_type', 'sample'], ['area_code'], 'p_value') | indent(4) }}

),

final as (

    select
        adjusted.*,
        adjusted.adjusted_p as q_value
    from adjusted

)

select * from final
