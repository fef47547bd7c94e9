{# Absences long enough to take days off a requirement. Each is judged as a whole, by its working days (Monday to
   Friday, without bank holidays); an open one runs to the reporting date. #}
with absences as (

    select * from {{ ref('stg_absences') }}

),

bank_holidays as (

    select * from {{ ref('bank_holidays') }}

),

dated as (

    select
        absence_id,
        staff_id,
        absence_type,
        start_date as absent_from,
        coalesce(end_date, {{ as_of() }}) as absent_to
    from absences

),

counted as (

    select
        dated.absence_id,
        dated.staff_id,
        dated.absence_type,
        dated.absent_from,
        dated.absent_to,
        {{ weekdays_between('dated.absent_from', 'dated.absent_to') }} - (
            select count(*)
            from bank_holidays
            where
                bank_holidays.holiday_on between dated.absent_from and dated.absent_to
                and {{ weekdays_between('bank_holidays.holiday_on', 'bank_holidays.holiday_on') }} = 1
        ) as working_days
    from dated
    where dated.absent_to >= dated.absent_from

),

final as (

    select * from counted
    where working_days > {{ policy('absence_min_working_days') }}

)

select * from final
