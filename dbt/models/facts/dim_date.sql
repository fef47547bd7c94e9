{# Every day from the first regime to the end of the financial year after the reporting date, so that due dates have a
   row too. Days ahead of the last quarter of `int_quarters` have their labels, but no freeze. #}
with regimes as (

    select * from {{ ref('regimes') }}

),

bank_holidays as (

    select * from {{ ref('bank_holidays') }}

),

days as (

    select cast(unnested.date_on as date) as date_on
    from (
        select unnest(generate_series(
            (select min(cast(effective_from as date)) from regimes),
            make_date(cast(year({{ as_of() }}) + 2 as integer), 3, 31),
            interval 1 day
        )) as date_on
    ) as unnested

),

dated as (

    select
        date_on,
        cast(date_trunc('month', date_on) as date) as month_start,
        cast(date_trunc('quarter', date_on) as date) as quarter_start,
        case when month(date_on) >= 4 then year(date_on) else year(date_on) - 1 end as financial_year,
        case when month(date_on) >= 4 then month(date_on) - 3 else month(date_on) + 9 end as financial_month
    from days

),

labelled as (

    select
        *,
        financial_year || '-' || lpad(cast((financial_year + 1) % 100 as varchar), 2, '0') as financial_year_label,
        cast(ceil(financial_month / 3.0) as integer) as financial_quarter
    from dated

),

final as (

    select
        labelled.date_on,
        cast(strftime(labelled.date_on, '%Y%m%d') as integer) as date_key,
        cast(year(labelled.date_on) as integer) as calendar_year,
        cast(month(labelled.date_on) as integer) as calendar_month,
        labelled.month_start,
        strftime(labelled.date_on, '%B %Y') as month_label,
        labelled.quarter_start,
        cast(labelled.quarter_start + interval 3 month - interval 1 day as date) as quarter_end,
        labelled.financial_quarter,
        labelled.financial_year_label || ' Q' || labelled.financial_quarter
        || case labelled.financial_quarter
            when 1 then ' (Apr-Jun ' when 2 then ' (Jul-Sep ' when 3 then ' (Oct-Dec ' else ' (Jan-Mar '
        end || year(labelled.quarter_start) || ')' as quarter_label,
        labelled.financial_year_label,
        make_date(cast(labelled.financial_year as integer), 4, 1) as financial_year_start,
        make_date(cast(labelled.financial_year + 1 as integer), 3, 31) as financial_year_end,
        cast(isodow(labelled.date_on) as integer) as iso_weekday,
        bank_holidays.holiday_name,
        bank_holidays.holiday_on is not null as is_bank_holiday,
        isodow(labelled.date_on) <= 5 and bank_holidays.holiday_on is null as is_working_day,
        labelled.date_on > {{ as_of() }} as is_after_as_of
    from labelled
    left join bank_holidays
        on labelled.date_on = bank_holidays.holiday_on

)

select * from final
