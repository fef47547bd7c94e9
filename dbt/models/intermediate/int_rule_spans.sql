{# The stretches of time over which availability under a rule is counted: the months of a monthly rule, the quarters of
   any other (an annual one adds its quarters up). #}
with quarter_rules as (

    select * from {{ ref('int_quarter_rules') }}

),

spans as (

    select
        quarter_rules.*,
        'quarter' as span_type,
        quarter_rules.quarter_start as span_start,
        quarter_rules.quarter_end as span_end
    from quarter_rules
    where quarter_rules.requirement_period_type <> 'month'

    union all

    select
        quarter_rules.*,
        'month' as span_type,
        cast(quarter_rules.quarter_start + to_months(months.month_offset) as date) as span_start,
        cast(quarter_rules.quarter_start + to_months(months.month_offset + 1) as date) - 1 as span_end
    from quarter_rules
    cross join (select unnest([0, 1, 2]) as month_offset) as months
    where quarter_rules.requirement_period_type = 'month'

),

final as (

    select
        quarter_start,
        quarter_end,
        financial_year_start,
        financial_year_end,
        financial_year_days,
        is_pending,
        is_whole_financial_year,
        rule_id,
        assessment_type,
        subject_kind,
        grades,
        role_types,
        frequency,
        requirement_period_type,
        span_type,
        span_start,
        span_end,
        cast({{ days_between('span_start', 'span_end') }} + 1 as integer) as span_days
    from spans

)

select * from final
