{# Areas with their place in the funnel: score, over-dispersion, p and its q over the Areas of the funnel. #}
with units as (

    select * from {{ ref('int_funnel_units') }}

),

funnel_metrics as (

    select * from {{ ref('funnel_metrics') }}

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

    -- Answers of one assessment, or quarters of one person, are not independent: the exact test would call most Areas
    -- unusual. Such a funnel is judged by the score that allows for over-dispersion.
    select
        points.*,
        funnel_metrics.clustered = 'always'
        or (
            funnel_metrics.clustered = 'over_quarters'
            and coalesce(points.period_type <> 'quarter', false)
        ) as is_clustered
    from points
    inner join funnel_metrics
        on points.metric = funnel_metrics.metric

),

judged as (

    select
        *,
        case
            when is_clustered
                then {{ chi_squared_tail('adjusted_z_score * adjusted_z_score', '1') }}
            else {{ binomial_two_sided_mid_p('value_num', 'n', 'centre_rate') }}
        end as p_value
    from tested

),

adjusted as (

    {{ adjusted_p('judged', ['metric', 'assessment_type', 'sample'], ['area_code'], 'p_value') | indent(4) }}

),

final as (

    select
        adjusted.*,
        adjusted.adjusted_p as q_value
    from adjusted

)

select * from final
