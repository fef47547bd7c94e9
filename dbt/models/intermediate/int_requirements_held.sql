{# Who holds each person's requirement: one Area and unit per person and period, under every policy, so that Areas add
   up to the nation. It is the Area with most available days; on a tie, the one of the later last day in post (the Area
   at the quarter's end, for a mover); the unit, and the rule of whoever changed grade, likewise within that Area.
   The period is the rule's own: month, quarter or financial year. Rows of a quarter under an annual rule carry
   availability only: the requirement itself is the row of the financial year. #}
with staff_days as (

    select * from {{ ref('int_staff_days') }}

),

rule_spans as (

    select * from {{ ref('int_rule_spans') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

periods as (

    select
        rule_id,
        assessment_type,
        subject_kind,
        requirement_period_type,
        frequency,
        span_type as period_type,
        span_start as period_start,
        span_end as period_end,
        span_days as period_days,
        is_pending,
        quarter_start,
        span_start,
        span_end
    from rule_spans

    union all

    select
        rule_id,
        assessment_type,
        subject_kind,
        requirement_period_type,
        frequency,
        'financial_year' as period_type,
        financial_year_start as period_start,
        financial_year_end as period_end,
        financial_year_days as period_days,
        {{ as_of() }} <= financial_year_end as is_pending,
        cast(null as date) as quarter_start,
        span_start,
        span_end
    from rule_spans
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
        staff_days.rule_id,
        sum(staff_days.in_post_days) as in_post_days,
        sum(staff_days.available_days) as available_days,
        max(staff_days.last_in_post_on) as last_in_post_on,
        max_by(staff_days.line_manager_id, staff_days.last_in_post_on) as line_manager_id
    from staff_days
    inner join periods
        on
            staff_days.rule_id = periods.rule_id
            and staff_days.span_start = periods.span_start
    group by
        staff_days.staff_id,
        staff_days.assessment_type,
        periods.period_type,
        periods.period_start,
        staff_days.area_code,
        staff_days.unit_type,
        staff_days.rule_id

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
                unit_type asc,
                rule_id asc
        ) as choice
    from area_days

),

period_attributes as (

    select distinct
        rule_id,
        subject_kind,
        period_type,
        period_start,
        period_end,
        period_days,
        requirement_period_type,
        frequency,
        is_pending,
        quarter_start
    from periods

),

type_periods as (

    select distinct
        assessment_type,
        period_type,
        period_start,
        period_end
    from periods

),

done as (

    select
        iqas.subject_id as staff_id,
        iqas.assessment_type,
        type_periods.period_type,
        type_periods.period_start,
        count(*) as iqas_done
    from iqas
    inner join type_periods
        on
            iqas.assessment_type = type_periods.assessment_type
            and iqas.assessed_on between type_periods.period_start and type_periods.period_end
    where
        not iqas.is_themed
        or {{ policy('themed_counts_to_requirement') }} = 1
    group by iqas.subject_id, iqas.assessment_type, type_periods.period_type, type_periods.period_start

),

final as (

    select
        ranked.staff_id,
        ranked.assessment_type,
        ranked.period_type,
        ranked.period_start,
        period_attributes.period_end,
        period_attributes.quarter_start,
        period_attributes.rule_id,
        period_attributes.subject_kind,
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
            ranked.rule_id = period_attributes.rule_id
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
