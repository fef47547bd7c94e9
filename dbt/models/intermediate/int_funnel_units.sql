{# Areas with the counts of every metric that has a funnel: the Areas of the nation by period, and all of an inspection's
   own Areas by inspection. Periods that are not over yet are left out. #}
with compliance as (

    select * from {{ ref('compliance') }}

),

dip_sampling as (

    select * from {{ ref('dip_sampling') }}

),

leniency as (

    select * from {{ ref('leniency') }}

),

answers as (

    select * from {{ ref('int_answers_scored') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

areas as (

    select * from {{ ref('areas') }}

),

figure_status as (

    select * from {{ ref('int_figure_status') }}

),

funnel_metrics as (

    select * from {{ ref('funnel_metrics') }}

),

national_areas as (

    select distinct member_area_code as area_code
    from level_members
    where level = 'national'

),

periods as (

    select distinct
        period_type,
        period_label,
        period_start,
        period_end,
        regime
    from period_quarters
    where not is_pending

),

answer_quarters as (

    select
        assessment_type,
        area_code,
        quarter_start,
        count(case when is_met then 1 end) as value_num,
        count(*) as n
    from answers
    where answer_state = 'answered'
    group by assessment_type, area_code, quarter_start

),

period_counts as (

    select
        'coverage_rate' as metric,
        assessment_type,
        area_code,
        period_type,
        period_start,
        prosecutors_covered as value_num,
        prosecutors_required as n
    from compliance
    where
        level = 'area'
        and policy = {{ policy_text('requirement_default_policy') }}

    union all

    select
        'dip_raw_rate' as metric,
        assessment_type,
        area_code,
        period_type,
        period_start,
        dips_valid as value_num,
        iqas_assessed as n
    from dip_sampling
    where level = 'area'

    union all

    select
        'met_rate' as metric,
        answer_quarters.assessment_type,
        answer_quarters.area_code,
        period_quarters.period_type,
        period_quarters.period_start,
        sum(answer_quarters.value_num) as value_num,
        sum(answer_quarters.n) as n
    from answer_quarters
    inner join period_quarters
        on answer_quarters.quarter_start = period_quarters.quarter_start
    group by
        answer_quarters.assessment_type,
        answer_quarters.area_code,
        period_quarters.period_type,
        period_quarters.period_start

),

period_units as (

    select
        period_counts.metric,
        period_counts.assessment_type,
        case
            when position(' (' in periods.period_label) > 0
                then substring(periods.period_label, 1, position(' (' in periods.period_label) - 1)
            else periods.period_label
        end as sample,
        period_counts.period_type,
        periods.period_label,
        period_counts.period_start,
        periods.period_end,
        periods.regime,
        coalesce(figure_status.figure_status, 'P') as figure_status,
        period_counts.area_code,
        areas.area_name,
        period_counts.value_num,
        period_counts.n
    from period_counts
    inner join periods
        on
            period_counts.period_type = periods.period_type
            and period_counts.period_start = periods.period_start
    inner join national_areas
        on period_counts.area_code = national_areas.area_code
    inner join areas
        on period_counts.area_code = areas.area_code
    inner join funnel_metrics
        on period_counts.metric = funnel_metrics.metric
    left join figure_status
        on
            figure_status.level = 'area'
            and funnel_metrics.status_basis = figure_status.status_basis
            and period_counts.area_code = figure_status.area_code
            and period_counts.assessment_type = figure_status.assessment_type
            and period_counts.period_type = figure_status.period_type
            and period_counts.period_start = figure_status.period_start

),

inspection_units as (

    select
        case leniency.basis when 'iqa' then 'lenient_rate' else 'lenient_answer_rate' end as metric,
        leniency.assessment_type,
        leniency.sample,
        cast(null as varchar) as period_type,
        cast(null as varchar) as period_label,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        leniency.regime,
        leniency.figure_status,
        leniency.dimension_value as area_code,
        areas.area_name,
        leniency.n_lenient as value_num,
        leniency.n_compared as n
    from leniency
    inner join areas
        on leniency.dimension_value = areas.area_code
    where
        leniency.comparison = 'manager_v_inspector'
        and leniency.dimension = 'area'
        and leniency.basis in ('iqa', 'answer')
        and leniency.assessment_type <> 'ALL'

),

unioned as (

    select * from period_units
    union all
    select * from inspection_units

),

counted as (

    select
        unioned.*,
        count(*) over (partition by metric, assessment_type, sample) as unit_count
    from unioned
    where n > 0

),

final as (

    select
        metric,
        assessment_type,
        sample,
        period_type,
        period_label,
        period_start,
        period_end,
        regime,
        figure_status,
        area_code,
        area_name,
        cast(value_num as bigint) as value_num,
        cast(n as bigint) as n
    from counted
    where unit_count >= {{ policy('funnel_units_min') }}

)

select * from final
