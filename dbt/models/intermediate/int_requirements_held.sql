{# Who holds each person's requirement: one Area and unit per person and period, under every policy, so that Areas add
   up to the nation. It is the Area with most available days; on a tie, the one of the later last day in post (the Area
   at the quarter's end, for a mover); the unit likewise within that Area. Rows of a quarter under an annual rule carry
   availability only: the requirement itself is the row of the financial year. #}
with staff_days as (

    select * from {{ ref('int_staff_days') }}

),

quarter_rules as (

    select * from {{ ref('int_quarter_rules') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

periods as (

    select
        assessment_type,
        'quarter' as period_type,
        quarter_start as period_start,
        quarter_end as period_end,
        quarter_days as period_days,
        requirement_period_type,
        frequency,
        is_pending,
        quarter_start
    from quarter_rules

    union all

    select
        assessment_type,
        'financial_year' as period_type,
        financial_year_start as period_start,
        financial_year_end as period_end,
        financial_year_days as period_days,
        requirement_period_type,
        frequency,
        {{ as_of() }} <= financial_year_end as is_pending,
        quarter_start
    from quarter_rules
    where
        requirement_period_type = 'financial_year'
        and is_whole_financial_year

),

unit_days as (

    select
        staff_days.staff_id,
        staff_days.assessment_type,
        periods.period_type,
        periods.period_start,
        staff_days.area_code,
        staff_days.unit_type,
        sum(staff_days.in_post_days) as in_post_days,
        sum(staff_days.available_days) as available_days,
        max(staff_days.last_in_post_on) as last_in_post_on,
        max_by(staff_days.line_manager_id, staff_days.last_in_post_on) as line_manager_id
    from staff_days
    inner join periods
        on
            staff_days.assessment_type = periods.assessment_type
            and staff_days.quarter_start = periods.quarter_start
    group by
        staff_days.staff_id,
        staff_days.assessment_type,
        periods.period_type,
        periods.period_start,
        staff_days.area_code,
        staff_days.unit_type

),

area_days as (

    select
        unit_days.*,
        sum(available_days) over area as area_available_days,
        max(last_in_post_on) over area as area_last_in_post_on,
        sum(available_days) over person as person_available_days,
        sum(in_post_days) over person as person_in_post_days
    from unit_days
    window
        area as (partition by staff_id, assessment_type, period_type, period_start, area_code),
        person as (partition by staff_id, assessment_type, period_type, period_start)

),

ranked as (

    select
        area_days.*,
        row_number() over (
            partition by staff_id, assessment_type, period_type, period_start
            order by
                area_available_days desc,
                area_last_in_post_on desc,
                area_code asc,
                available_days desc,
                last_in_post_on desc,
                unit_type asc
        ) as choice
    from area_days

),

period_attributes as (

    select distinct
        assessment_type,
        period_type,
        period_start,
        period_end,
        period_days,
        requirement_period_type,
        frequency,
        is_pending
    from periods

),

done as (

    select
        iqas.subject_id as staff_id,
        iqas.assessment_type,
        periods.period_type,
        periods.period_start,
        count(*) as iqas_done
    from iqas
    inner join periods
        on
            iqas.assessment_type = periods.assessment_type
            and iqas.quarter_start = periods.quarter_start
    where
        not iqas.is_themed
        or {{ policy('themed_counts_to_requirement') }} = 1
    group by iqas.subject_id, iqas.assessment_type, periods.period_type, periods.period_start

),

final as (

    select
        ranked.staff_id,
        ranked.assessment_type,
        ranked.period_type,
        ranked.period_start,
        period_attributes.period_end,
        period_attributes.requirement_period_type,
        period_attributes.is_pending,
        ranked.area_code,
        ranked.unit_type,
        ranked.line_manager_id,
        period_attributes.frequency,
        period_attributes.period_days,
        cast(ranked.person_in_post_days as integer) as in_post_days,
        cast(ranked.person_available_days as integer) as available_days,
        cast(coalesce(done.iqas_done, 0) as integer) as iqas_done
    from ranked
    inner join period_attributes
        on
            ranked.assessment_type = period_attributes.assessment_type
            and ranked.period_type = period_attributes.period_type
            and ranked.period_start = period_attributes.period_start
    left join done
        on
            ranked.staff_id = done.staff_id
            and ranked.assessment_type = done.assessment_type
            and ranked.period_type = done.period_type
            and ranked.period_start = done.period_start
    where ranked.choice = 1

)

select * from final
