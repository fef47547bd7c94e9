{# Every financial quarter from the first regime to the one that holds the reporting date. #}
with regimes as (

    select * from {{ ref('regimes') }}

),

requirement_rules as (

    select * from {{ ref('requirement_rules') }}

),

bank_holidays as (

    select * from {{ ref('bank_holidays') }}

),

starts as (

    select cast(unnested.quarter_start as date) as quarter_start
    from (
        select unnest(generate_series(
            (select min(cast(effective_from as date)) from regimes), {{ as_of() }}, interval 3 month
        )) as quarter_start
    ) as unnested

),

spans as (

    select
        quarter_start,
        cast(quarter_start + interval 3 month - interval 1 day as date) as quarter_end,
        case when month(quarter_start) >= 4 then year(quarter_start) else year(quarter_start) - 1 end as financial_year,
        case month(quarter_start) when 4 then 1 when 7 then 2 when 10 then 3 else 4 end as quarter_number
    from starts

),

working_days as (

    -- The freeze lies within ten weeks of a quarter's end whatever the holidays.
    select
        spans.quarter_start,
        cast(spans.quarter_end + to_days(cast(offsets.day_offset as integer)) as date) as working_on
    from spans
    cross join (select unnest(range(1, 71)) as day_offset) as offsets

),

numbered as (

    select
        working_days.quarter_start,
        working_days.working_on,
        row_number() over (
            partition by working_days.quarter_start order by working_days.working_on
        ) as working_day_number
    from working_days
    left join bank_holidays
        on working_days.working_on = cast(bank_holidays.holiday_on as date)
    where
        isodow(working_days.working_on) <= 5
        and bank_holidays.holiday_on is null

),

freezes as (

    select
        quarter_start,
        working_on as freeze_on
    from numbered
    where working_day_number = {{ policy('freeze_working_days') }}

),

final as (

    select
        spans.quarter_start,
        spans.quarter_end,
        spans.financial_year || '-' || lpad(cast((spans.financial_year + 1) % 100 as varchar), 2, '0')
        || ' Q' || spans.quarter_number as quarter_name,
        spans.financial_year || '-' || lpad(cast((spans.financial_year + 1) % 100 as varchar), 2, '0')
        || ' Q' || spans.quarter_number
        || case spans.quarter_number
            when 1 then ' (Apr-Jun ' when 2 then ' (Jul-Sep ' when 3 then ' (Oct-Dec ' else ' (Jan-Mar '
        end || year(spans.quarter_start) || ')' as quarter_label,
        spans.financial_year || '-' || lpad(cast((spans.financial_year + 1) % 100 as varchar), 2, '0')
            as financial_year_label,
        make_date(cast(spans.financial_year as integer), 4, 1) as financial_year_start,
        make_date(cast(spans.financial_year + 1 as integer), 3, 31) as financial_year_end,
        cast({{ days_between('spans.quarter_start', 'spans.quarter_end') }} + 1 as integer) as quarter_days,
        regimes.regime,
        cast(spans.quarter_end + to_days(cast({{ policy('late_close_days') }} as integer)) as date)
            as late_close_cutoff,
        freezes.freeze_on,
        exists (
            select 1
            from requirement_rules
            where
                requirement_rules.effective_from <= spans.quarter_start
                and coalesce(requirement_rules.effective_to, date '9999-12-31') >= spans.quarter_end
        ) as has_requirement,
        {{ as_of() }} between spans.quarter_start and spans.quarter_end as is_pending
    from spans
    left join regimes
        on
            spans.quarter_start >= cast(regimes.effective_from as date)
            and spans.quarter_start <= coalesce(cast(regimes.effective_to as date), date '9999-12-31')
    left join freezes
        on spans.quarter_start = freezes.quarter_start

)

select * from final
