{# How well assessments are done: comments (Q), timeliness (T), actions (X), good practice and the learning loop (H5, H6).
   Each is a numerator, a denominator and their ratio; times are medians that allow for what is still open. #}
{%- set comment_metrics = ['q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'h5'] -%}
{%- set event_metrics = [
    'q8', 'q9', 'q9_dcp', 'q9_sampler', 'q10', 't2', 't3', 't4', 't5', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6',
] -%}
{%- set counts = ['x2_without_due_date', 'q10_requested', 'q10_received'] -%}
{%- set key = ['level', 'area_code', 'unit_type', 'period_type', 'period_start', 'assessment_type'] -%}
with reporting_rows as (

    select * from {{ ref('int_reporting_rows') }}

),

quality_iqas as (

    select * from {{ ref('int_quality_iqas') }}

),

prosecutor_gaps as (

    select * from {{ ref('int_prosecutor_gaps') }}

),

actions as (

    select * from {{ ref('stg_actions') }}

),

theme_rows as (

    select * from {{ ref('themes') }}

),

taken_up as (

    select * from {{ ref('int_themes_taken_up') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

period_quarters as (

    select * from {{ ref('int_period_quarters') }}

),

constants as (

    select
        {{ as_of() }} as as_of,
        {{ policy('recent_assessment_days') }} as recent_days,
        {{ policy_date('answer_comments_from') }} as comments_from,
        to_months(cast(3 + 3 * {{ policy('governance_quarters') }} as integer)) as governance_time

),

member_counts as (

    select
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        count(*) as iqas_assessed,
        {% for metric in comment_metrics + event_metrics -%}
        sum({{ metric }}_num) as {{ metric }}_num,
        sum({{ metric }}_den) as {{ metric }}_den,
        {% endfor -%}
        {% for column in counts -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        sum(x6_expected order by iqa_id) as x6_expected
    from quality_iqas
    group by
        area_code,
        unit_type,
        quarter_start,
        assessment_type

),

period_counts as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        member_counts.assessment_type,
        {% for column in ['iqas_assessed'] + counts -%}
        cast(sum(member_counts.{{ column }}) as bigint) as {{ column }},
        {% endfor -%}
        {% for metric in comment_metrics + event_metrics -%}
        cast(sum(member_counts.{{ metric }}_num) as bigint) as {{ metric }}_num,
        cast(sum(member_counts.{{ metric }}_den) as bigint) as {{ metric }}_den,
        {% endfor -%}
        sum(
            member_counts.x6_expected
            order by member_counts.quarter_start, member_counts.area_code, member_counts.unit_type
        ) as x6_expected
    from member_counts
    inner join level_members
        on
            member_counts.area_code = level_members.member_area_code
            and member_counts.unit_type = level_members.member_unit_type
    inner join period_quarters
        on member_counts.quarter_start = period_quarters.quarter_start
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        member_counts.assessment_type

),

period_iqas as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        quality_iqas.assessment_type,
        quality_iqas.iqa_id,
        quality_iqas.t2_days,
        quality_iqas.t2_is_done,
        quality_iqas.t3_days,
        quality_iqas.t3_is_done
    from quality_iqas
    inner join level_members
        on
            quality_iqas.area_code = level_members.member_area_code
            and quality_iqas.unit_type = level_members.member_unit_type
    inner join period_quarters
        on quality_iqas.quarter_start = period_quarters.quarter_start

),

closing as (

    {{ kaplan_meier('period_iqas', key, 't2_days', 't2_is_done') }}

),

closing_days as (

    select
        {{ key | join(',\n        ') }},
        {{ kaplan_meier_quantile('0.5e0') }} as t2_median_days,
        {{ kaplan_meier_quantile('0.9e0') }} as t2_p90_days
    from closing
    group by {{ key | join(', ') }}

),

talking as (

    {{ kaplan_meier('period_iqas', key, 't3_days', 't3_is_done') }}

),

talking_days as (

    select
        {{ key | join(',\n        ') }},
        {{ kaplan_meier_quantile('0.5e0') }} as t3_median_days
    from talking
    group by {{ key | join(', ') }}

),

overdue_days as (

    select
        period_iqas.{{ key | join(',\n        period_iqas.') }},
        median(cast(constants.as_of - actions.due_on as integer)) as x3_median_days
    from period_iqas
    cross join constants
    inner join actions
        on period_iqas.iqa_id = actions.iqa_id
    where
        actions.due_on < constants.as_of
        and actions.completed_on is null
    group by
        period_iqas.{{ key | join(',\n        period_iqas.') }}

),

-- A person with postings in two units counts once above them.
levelled_gaps as (

    select distinct
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        prosecutor_gaps.quarter_start,
        prosecutor_gaps.assessment_type,
        prosecutor_gaps.staff_id,
        prosecutor_gaps.days_since
    from prosecutor_gaps
    inner join level_members
        on
            prosecutor_gaps.area_code = level_members.member_area_code
            and prosecutor_gaps.unit_type = level_members.member_unit_type

),

gaps as (

    select
        levelled_gaps.level,
        levelled_gaps.area_code,
        levelled_gaps.unit_type,
        levelled_gaps.quarter_start,
        levelled_gaps.assessment_type,
        count(*) filter (where levelled_gaps.days_since <= constants.recent_days) as t1_num,
        count(*) as t1_den,
        median(levelled_gaps.days_since) as t1_median_days
    from levelled_gaps
    cross join constants
    group by
        levelled_gaps.level,
        levelled_gaps.area_code,
        levelled_gaps.unit_type,
        levelled_gaps.quarter_start,
        levelled_gaps.assessment_type

),

-- H6 waits until the time for a theme to be taken up is over: counting the early ones first would flatter. Themes emerge in Areas: the nation's are those of all its
-- Areas, a unit has none of its own.
area_members as (

    select distinct
        level,
        area_code,
        unit_type,
        member_area_code
    from level_members
    where level <> 'unit'

),

learning as (

    select
        area_members.level,
        area_members.area_code,
        area_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        theme_rows.assessment_type,
        count(*) filter (where theme_rows.in_governance) as h6_num,
        count(*) as h6_den,
        bool_or(taken_up.is_revised) as is_revised
    from theme_rows
    cross join constants
    inner join taken_up
        on
            theme_rows.level = taken_up.level
            and theme_rows.area_code = taken_up.area_code
            and theme_rows.theme_code = taken_up.theme_code
            and theme_rows.period_start = taken_up.quarter_start
    inner join area_members
        on theme_rows.area_code = area_members.member_area_code
    inner join period_quarters
        on theme_rows.period_start = period_quarters.quarter_start
    where
        theme_rows.level = 'area'
        and theme_rows.period_type = 'quarter'
        and theme_rows.is_emerging
        and theme_rows.period_start + constants.governance_time <= constants.as_of
    group by
        area_members.level,
        area_members.area_code,
        area_members.unit_type,
        period_quarters.period_type,
        period_quarters.period_start,
        theme_rows.assessment_type

),

named as (

    select
        reporting_rows.regime,
        reporting_rows.level,
        reporting_rows.area_code,
        reporting_rows.area_name,
        reporting_rows.unit_type,
        reporting_rows.period_type,
        reporting_rows.period_label,
        reporting_rows.period_start,
        reporting_rows.period_end,
        case when learning.is_revised then 'R' else reporting_rows.follow_up_figure_status end as figure_status,
        reporting_rows.assessment_type,
        reporting_rows.period_end >= constants.comments_from as has_comments_collected,
        reporting_rows.last_quarter_start + constants.governance_time <= constants.as_of as is_governance_time_over,
        coalesce(period_counts.iqas_assessed, 0) as iqas_assessed,
        {% for metric in comment_metrics -%}
        case when reporting_rows.period_end >= constants.comments_from then coalesce(period_counts.{{ metric }}_num, 0) end
            as {{ metric }}_num,
        case when reporting_rows.period_end >= constants.comments_from then coalesce(period_counts.{{ metric }}_den, 0) end
            as {{ metric }}_den,
        {% endfor -%}
        {% for metric in event_metrics -%}
        coalesce(period_counts.{{ metric }}_num, 0) as {{ metric }}_num,
        coalesce(period_counts.{{ metric }}_den, 0) as {{ metric }}_den,
        {% endfor -%}
        {% for column in counts -%}
        coalesce(period_counts.{{ column }}, 0) as {{ column }},
        {% endfor -%}
        coalesce(gaps.t1_num, 0) as t1_num,
        coalesce(gaps.t1_den, 0) as t1_den,
        gaps.t1_median_days,
        cast(closing_days.t2_median_days as double) as t2_median_days,
        cast(closing_days.t2_p90_days as double) as t2_p90_days,
        cast(talking_days.t3_median_days as double) as t3_median_days,
        overdue_days.x3_median_days,
        {{ rate('period_counts.x6_expected', 'period_counts.x6_den') }} as x6_base_rate,
        case
            when reporting_rows.level <> 'unit' and reporting_rows.period_end >= constants.comments_from
                then coalesce(learning.h6_num, 0)
        end as h6_num,
        case
            when reporting_rows.level <> 'unit' and reporting_rows.period_end >= constants.comments_from
                then coalesce(learning.h6_den, 0)
        end as h6_den
    from reporting_rows
    cross join constants
    {% for relation in ['period_counts', 'closing_days', 'talking_days', 'overdue_days', 'learning'] -%}
    left join {{ relation }}
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}reporting_rows.{{ column }} = {{ relation }}.{{ column }}
            {% endfor -%}
    {% endfor -%}
    left join gaps
        on
            reporting_rows.last_quarter_start = gaps.quarter_start
            and reporting_rows.level = gaps.level
            and reporting_rows.area_code = gaps.area_code
            and reporting_rows.unit_type = gaps.unit_type
            and reporting_rows.assessment_type = gaps.assessment_type

),

rated as (

    select
        named.*,
        {% for metric in comment_metrics + event_metrics + ['t1', 'h6'] -%}
        {{ rate(metric ~ '_num', metric ~ '_den') }} as {{ metric }}_rate,
        {% endfor -%}
        {{ rate('t5_num', 't5_den') }} as t5_of_responses_rate,
        {{ rate('t5_num', 't4_den') }} as t5_of_closed_rate,
        cast(null as bigint) as t6_num,
        cast(null as bigint) as t6_den,
        cast(null as double) as t6_rate
    from named

),

{%- set published = [
    'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9', 'q9_dcp', 'q9_sampler', 'q10',
    't1', 't2', 't3', 't4', 't5', 't6', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'h5', 'h6',
] -%}
{%- set extras = {
    'q10': ['q10_requested', 'q10_received'],
    't1': ['t1_median_days'],
    't2': ['t2_median_days', 't2_p90_days'],
    't3': ['t3_median_days'],
    't5': ['t5_of_responses_rate', 't5_of_closed_rate'],
    'x2': ['x2_without_due_date'],
    'x3': ['x3_median_days'],
    'x6': ['x6_base_rate'],
} -%}
{%- set columns = [] -%}
{%- set reasons = [] -%}
{%- for metric in published -%}
    {%- for column in [metric ~ '_num', metric ~ '_den', metric ~ '_rate'] + extras.get(metric, []) -%}
        {%- do columns.append(column) -%}
        {%- if metric == 't6' -%}
            {%- do reasons.append((column, 'true', 'not_collected')) -%}
        {%- else -%}
            {%- if metric in comment_metrics or metric == 'h6' -%}
                {%- do reasons.append((column, 'not has_comments_collected', 'not_collected')) -%}
            {%- endif -%}
            {%- if column in ['t2_median_days', 't2_p90_days', 't3_median_days'] -%}
                {%- do reasons.append((column, 'iqas_assessed > 0', 'not_reached')) -%}
            {%- elif metric == 'h6' -%}
                {%- do reasons.append((column, "level = 'unit'", 'defined_at_area')) -%}
                {%- do reasons.append((column, 'not is_governance_time_over', 'pending')) -%}
                {%- do reasons.append((column, 'true', 'none_emerging')) -%}
            {%- endif -%}
            {%- if column.endswith('_rate') or column.endswith('_days') -%}
                {%- do reasons.append((column, 'true', 'no_activity')) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor %}

final as (

    select
        {{ standard_columns('rated', 'rated.iqas_assessed') }},
        {{ null_reason(reasons) }} as null_reason,
        rated.assessment_type,
        rated.iqas_assessed,
        {% for column in columns -%}
        rated.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from rated

)

select * from final
