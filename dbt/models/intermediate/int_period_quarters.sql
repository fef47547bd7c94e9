{# Which quarters make up a period: a quarter itself, four complete quarters of one regime, a financial year. #}
with quarters as (

    select * from {{ ref('int_quarters') }}

),

quarter_periods as (

    select
        'quarter' as period_type,
        quarter_label as period_label,
        quarter_start as period_start,
        quarter_end as period_end,
        regime,
        is_pending,
        quarter_start
    from quarters

),

rolling_members as (

    select
        ending.quarter_start as ending_quarter_start,
        ending.quarter_end as period_end,
        member.quarter_start,
        ending.regime,
        count(*) over (partition by ending.quarter_start) as quarter_count,
        min(member.quarter_start) over (partition by ending.quarter_start) as period_start
    from quarters as ending
    inner join quarters as member
        on
            member.quarter_start <= ending.quarter_start
            and member.quarter_start > ending.quarter_start - interval 12 month
            and ending.regime = member.regime
    where not ending.is_pending

),

rolling_periods as (

    select
        'rolling_12m' as period_type,
        '12 months to ' || strftime(period_end, '%b %Y') as period_label,
        period_start,
        period_end,
        regime,
        false as is_pending,
        quarter_start
    from rolling_members
    where quarter_count = 4

),

financial_year_periods as (

    select
        'financial_year' as period_type,
        financial_year_label as period_label,
        financial_year_start as period_start,
        financial_year_end as period_end,
        case
            when min(regime) over (partition by financial_year_start)
                = max(regime) over (partition by financial_year_start)
                then regime
        end as regime,
        {{ as_of() }} <= financial_year_end as is_pending,
        quarter_start
    from quarters

),

final as (

    select * from quarter_periods
    union all
    select * from rolling_periods
    union all
    select * from financial_year_periods

)

select * from final
