{# Successive misses (C5), for the four quarters that end with each quarter: how often a person was required, whether
   two required quarters in a row (months, under a monthly rule) went by without an assessment, and the Area and unit of
   the last one. A period in which the person was not required is skipped: it neither counts nor breaks the run. #}
with requirements as (

    select * from {{ ref('fct_requirement') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

required as (

    -- Only periods of one length follow one another: a missed quarter and a missed month of the next scheme are no run.
    select
        staff_id,
        assessment_type,
        policy,
        period_start,
        cast(date_trunc('quarter', period_start) as date) as quarter_start,
        area_code,
        unit_type,
        is_covered,
        lag(period_start) over person as previous_period_start,
        not is_covered and not lag(is_covered) over person as is_second_miss
    from requirements
    where
        period_type <> 'financial_year'
        and is_required
    window person as (partition by staff_id, assessment_type, policy, period_type order by period_start)

),

windows as (

    -- The four quarters that end with each one, as far back as its own regime goes: the next scheme starts afresh.
    select
        ending.quarter_start as last_quarter_start,
        member.quarter_start
    from quarters as ending
    inner join quarters as member
        on
            member.quarter_start <= ending.quarter_start
            and member.quarter_start > ending.quarter_start - interval 12 month
            and ending.regime is not distinct from member.regime
    where not ending.is_pending

),

window_starts as (

    select
        last_quarter_start,
        min(quarter_start) as first_quarter_start
    from windows
    group by last_quarter_start

),

final as (

    select
        required.staff_id,
        required.assessment_type,
        required.policy,
        windows.last_quarter_start,
        count(*) as required_periods,
        coalesce(bool_or(
            required.is_second_miss
            and required.previous_period_start >= window_starts.first_quarter_start
        ), false) as has_missed_twice,
        max_by(required.area_code, required.period_start) as area_code,
        max_by(required.unit_type, required.period_start) as unit_type
    from required
    inner join windows
        on required.quarter_start = windows.quarter_start
    inner join window_starts
        on windows.last_quarter_start = window_starts.last_quarter_start
    group by required.staff_id, required.assessment_type, required.policy, windows.last_quarter_start

)

select * from final
