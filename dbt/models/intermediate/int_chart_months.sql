{# The counts behind every charted metric by month. A month without a single assessment of the type in the whole data
   cannot be told from a month whose extract never came, so it has no row; in the other months between a row's first and
   last assessment, a count of nothing is 0, and a rate of nothing is no point. The unfinished month of the reporting
   date is left out: half a month would read as a fall. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

answers as (

    select * from {{ ref('int_answers_scored') }}

),

dips as (

    select * from {{ ref('int_dips_classified') }}

),

comparisons as (

    select * from {{ ref('fct_comparison') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

chart_metrics as (

    select * from {{ ref('chart_metrics') }}

),

iqa_months as (

    select
        'iqas_assessed' as metric,
        assessment_type,
        area_code,
        unit_type,
        cast(date_trunc('month', assessed_on) as date) as month,
        count(*) as value_num,
        cast(null as bigint) as value_den
    from iqas
    group by assessment_type, area_code, unit_type, date_trunc('month', assessed_on)

),

dip_months as (

    select
        'dips_recorded' as metric,
        assessment_type,
        area_code,
        unit_type,
        cast(date_trunc('month', sampled_on) as date) as month,
        count(*) as value_num,
        cast(null as bigint) as value_den
    from dips
    where is_recorded
    group by assessment_type, area_code, unit_type, date_trunc('month', sampled_on)

),

met_months as (

    select
        'met_rate' as metric,
        assessment_type,
        area_code,
        unit_type,
        cast(date_trunc('month', assessed_on) as date) as month,
        count(case when is_met then 1 end) as value_num,
        count(*) as value_den
    from answers
    where answer_state = 'answered'
    group by assessment_type, area_code, unit_type, date_trunc('month', assessed_on)

),

comment_months as (

    select
        'comment_presence' as metric,
        assessment_type,
        area_code,
        unit_type,
        cast(date_trunc('month', assessed_on) as date) as month,
        count(case when has_comment then 1 end) as value_num,
        count(*) as value_den
    from answers
    where
        has_comments_collected
        and not is_met
    group by assessment_type, area_code, unit_type, date_trunc('month', assessed_on)

),

lenient_months as (

    -- By the month of the assessment: the marking is the manager's, whenever the sampler looked at it.
    select
        'lenient_rate' as metric,
        assessment_type,
        area_code,
        unit_type,
        cast(date_trunc('month', assessed_on) as date) as month,
        count(case when direction = 'lenient' then 1 end) as value_num,
        count(*) as value_den
    from comparisons
    where
        comparison = 'manager_v_dip_sampler'
        and basis = 'answer'
        and is_comparable
    group by assessment_type, area_code, unit_type, date_trunc('month', assessed_on)

),

cells as (

    select * from iqa_months
    union all
    select * from dip_months
    union all
    select * from met_months
    union all
    select * from comment_months
    union all
    select * from lenient_months

),

charted as (

    select
        cells.metric,
        cells.assessment_type,
        level_members.level,
        level_members.area_code,
        level_members.area_name,
        level_members.unit_type,
        cells.month,
        cast(sum(cells.value_num) as bigint) as value_num,
        cast(sum(cells.value_den) as bigint) as value_den
    from cells
    inner join chart_metrics
        on
            cells.metric = chart_metrics.metric
            and cells.assessment_type = chart_metrics.assessment_type
    inner join level_members
        on
            cells.area_code = level_members.member_area_code
            and cells.unit_type = level_members.member_unit_type
            and ';' || chart_metrics.levels || ';' like '%;' || level_members.level || ';%'
    group by
        cells.metric,
        cells.assessment_type,
        level_members.level,
        level_members.area_code,
        level_members.area_name,
        level_members.unit_type,
        cells.month

),

covered_months as (

    select distinct
        assessment_type,
        month
    from iqa_months

),

spans as (

    select
        metric,
        assessment_type,
        level,
        area_code,
        area_name,
        unit_type,
        min(month) as first_month,
        max(month) as last_month
    from charted
    group by metric, assessment_type, level, area_code, area_name, unit_type

),

final as (

    select
        spans.metric,
        spans.assessment_type,
        spans.level,
        spans.area_code,
        spans.area_name,
        spans.unit_type,
        covered_months.month,
        coalesce(charted.value_num, 0) as value_num,
        charted.value_den,
        case
            when chart_metrics.unit = 'count' then cast(coalesce(charted.value_num, 0) as double)
            else {{ rate('charted.value_num', 'charted.value_den') }}
        end as value
    from spans
    inner join chart_metrics
        on
            spans.metric = chart_metrics.metric
            and spans.assessment_type = chart_metrics.assessment_type
    inner join covered_months
        on
            spans.assessment_type = covered_months.assessment_type
            and covered_months.month between spans.first_month and spans.last_month
    left join charted
        on
            spans.metric = charted.metric
            and spans.assessment_type = charted.assessment_type
            and spans.level = charted.level
            and spans.area_code = charted.area_code
            and spans.unit_type = charted.unit_type
            and covered_months.month = charted.month
    where
        covered_months.month + interval 1 month - interval 1 day <= {{ as_of() }}
        and (chart_metrics.unit = 'count' or charted.value_den > 0)

)

select * from final
