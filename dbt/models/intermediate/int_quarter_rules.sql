{# Which requirement rules stand in each quarter. A rule counts only where it covers the whole quarter, and an annual
   one makes a requirement only where it covers the whole financial year. #}
with quarters as (

    select * from {{ ref('int_quarters') }}

),

requirement_rules as (

    select * from {{ ref('requirement_rules') }}

),

final as (

    select
        quarters.quarter_start,
        quarters.quarter_end,
        quarters.quarter_days,
        quarters.financial_year_start,
        quarters.financial_year_end,
        cast({{ days_between('quarters.financial_year_start', 'quarters.financial_year_end') }} + 1 as integer)
            as financial_year_days,
        quarters.is_pending,
        requirement_rules.rule_id,
        requirement_rules.assessment_type,
        requirement_rules.subject_kind,
        requirement_rules.grades,
        requirement_rules.role_types,
        requirement_rules.frequency,
        requirement_rules.period_type as requirement_period_type,
        requirement_rules.effective_from <= quarters.financial_year_start
        and coalesce(requirement_rules.effective_to, date '9999-12-31') >= quarters.financial_year_end
            as is_whole_financial_year
    from quarters
    inner join requirement_rules
        on
            requirement_rules.effective_from <= quarters.quarter_start
            and coalesce(requirement_rules.effective_to, date '9999-12-31') >= quarters.quarter_end

)

select * from final
