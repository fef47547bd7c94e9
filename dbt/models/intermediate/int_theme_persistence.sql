{# Persistent themes (H4): above the upper funnel limit in most of the four quarters that end with the period's last one,
   within one regime. The nation is the funnel's centre, so it has no row here. #}
with theme_periods as (

    select * from {{ ref('int_theme_periods') }}
    where level <> 'national'

),

signals as (

    select * from {{ ref('int_theme_signals') }}

),

eligible as (

    select * from {{ ref('int_theme_eligible') }}
    where iqas_eligible > 0

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

thresholds as (

    select
        {{ policy('theme_persistent_quarters_of') }} as quarters_of,
        {{ policy('theme_persistent_quarters_min') }} as quarters_min

),

period_ends as (

    select
        period_type,
        period_start,
        max(quarter_start) as last_quarter_start
    from period_quarters
    group by
        period_type,
        period_start

),

window_quarters as (

    select
        period_ends.period_type,
        period_ends.period_start,
        member.quarter_start
    from period_ends
    cross join thresholds
    inner join quarters as ending
        on period_ends.last_quarter_start = ending.quarter_start
    inner join quarters as member
        on
            ending.regime = member.regime
            and member.quarter_start <= ending.quarter_start
            and member.quarter_start
            > ending.quarter_start - to_months(cast(3 * thresholds.quarters_of as integer))

),

-- A theme without a row in a quarter was raised by nobody there, so it was not above the limit either.
above as (

    select
        window_quarters.period_type,
        window_quarters.period_start,
        signals.level,
        signals.area_code,
        signals.unit_type,
        signals.assessment_type,
        signals.question_category,
        signals.theme_code,
        count(*) as quarters_above
    from signals
    inner join window_quarters
        on signals.quarter_start = window_quarters.quarter_start
    where signals.is_above_funnel
    group by
        window_quarters.period_type,
        window_quarters.period_start,
        signals.level,
        signals.area_code,
        signals.unit_type,
        signals.assessment_type,
        signals.question_category,
        signals.theme_code

),

history as (

    select
        window_quarters.period_type,
        window_quarters.period_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category,
        count(*) as quarters_compared
    from eligible
    inner join window_quarters
        on eligible.quarter_start = window_quarters.quarter_start
    inner join eligible as national_eligible
        on
            national_eligible.level = 'national'
            and eligible.quarter_start = national_eligible.quarter_start
            and eligible.assessment_type = national_eligible.assessment_type
            and eligible.question_category = national_eligible.question_category
    group by
        window_quarters.period_type,
        window_quarters.period_start,
        eligible.level,
        eligible.area_code,
        eligible.unit_type,
        eligible.assessment_type,
        eligible.question_category

),

final as (

    select
        theme_periods.level,
        theme_periods.area_code,
        theme_periods.unit_type,
        theme_periods.period_type,
        theme_periods.period_start,
        theme_periods.assessment_type,
        theme_periods.question_category,
        theme_periods.theme_code,
        coalesce(above.quarters_above, 0) >= thresholds.quarters_min as is_persistent
    from theme_periods
    cross join thresholds
    inner join history
        on
            theme_periods.period_type = history.period_type
            and theme_periods.period_start = history.period_start
            and theme_periods.level = history.level
            and theme_periods.area_code = history.area_code
            and theme_periods.unit_type = history.unit_type
            and theme_periods.assessment_type = history.assessment_type
            and theme_periods.question_category = history.question_category
            and history.quarters_compared >= thresholds.quarters_min
    left join above
        on
            theme_periods.period_type = above.period_type
            and theme_periods.period_start = above.period_start
            and theme_periods.level = above.level
            and theme_periods.area_code = above.area_code
            and theme_periods.unit_type = above.unit_type
            and theme_periods.assessment_type = above.assessment_type
            and theme_periods.question_category = above.question_category
            and theme_periods.theme_code = above.theme_code

)

select * from final
