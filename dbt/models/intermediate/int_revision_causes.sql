{# What changed in a quarter after its view was frozen (`int_quarter_freezes`). Closing an assessment that was open at the
   freeze is no change, nor is any other value filled in; one put in the place of another is. What a cause moves is in
   `int_figure_status`: `closing` is a date corrected across the cut-off for closing in time, `answers` stands for ratings
   and dates too.
   Answers are the longest table: of them only versions that ended or came after the freeze are looked at. #}
{#- What follows an assessment and may come long after it. A value is what it was at the freeze, or as it was first filled
    in, or as it was first known; another in its place is a change. A row is late if it happened before the quarter ended.
    Each value is what the figures read of it: an action without a question is about the whole assessment. -#}
{%- set follow_ups = [
    ('actions', 'actions', 'actions', ['action_id'], 'raised_on', {
        'iqa_id': 'iqa_id',
        'question_code': "coalesce(question_code, '')",
        'due_on': 'due_on',
        'completed_on': 'completed_on',
        'is_verified': 'case when verified_by_id is not null then true end',
    }),
    ('evidence_requests', 'evidence_requests', 'evidence requests', ['request_id'], 'requested_on', {
        'iqa_id': 'iqa_id',
        'due_on': 'due_on',
        'is_received': 'case when received_on is not null then true end',
        'is_accepted': 'is_accepted',
    }),
    ('scored_reassessments', 'reassessments', 'feedback', ['reassessment_id'], 'inspected_on', {
        'iqa_id': 'iqa_id',
        'inspection_code': 'inspection_code',
        'purpose': 'purpose',
        'reassessed_on': 'reassessed_on',
    }),
    ('feedback_quality', 'feedback_quality', 'feedback', ['reassessment_id', 'side', 'feedback_question'], 'reassessed_on', {
        'iqa_id': 'iqa_id',
        'score': 'score',
    }),
] -%}
with quarter_rules as (

    select * from {{ ref('int_quarter_rules') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

requirements as (

    select * from {{ ref('int_requirements_held') }}

),

absences_counted as (

    select * from {{ ref('int_absences_counted') }}

),

iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

filled_in as (

    select * from {{ ref('int_iqas_filled_in') }}

),

dip_versions as (

    select * from {{ source('raw', 'dip_samples_versions') }}

),

posting_versions as (

    select * from {{ source('raw', 'postings_versions') }}

),

absence_versions as (

    select * from {{ source('raw', 'absences_versions') }}

),

answer_versions as (

    select * from {{ source('raw', 'iqa_answers_versions') }}

),

dip_answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

actions as (

    select * from {{ source('raw', 'actions_versions') }}

),

evidence_requests as (

    select * from {{ source('raw', 'evidence_requests_versions') }}

),

reassessments as (

    select * from {{ source('raw', 'reassessments_versions') }}

),

feedback_quality as (

    select
        feedback_versions.*,
        reassessments.iqa_id,
        reassessments.inspection_code,
        reassessments.reassessed_on
    from {{ source('raw', 'feedback_quality_versions') }} as feedback_versions
    inner join reassessments
        on
            feedback_versions.reassessment_id = reassessments.reassessment_id
            and reassessments.known_to is null

),

-- Which re-assessment of a file is its last decides whose scores count; without scores there is nothing to decide.
scored_files as (

    select distinct
        iqa_id,
        inspection_code
    from feedback_quality

),

scored_reassessments as (

    select
        reassessments.*,
        case when reassessments.purpose = 'inspection' then reassessments.reassessed_on end as inspected_on
    from reassessments
    inner join scored_files
        on
            reassessments.iqa_id = scored_files.iqa_id
            and reassessments.inspection_code = scored_files.inspection_code

),

baselines as (

    select * from {{ ref('int_quarter_freezes') }}
    where frozen_on is not null

),

withdrawn as (

    select iqa_id
    from iqa_versions
    where
        known_to is null
        and status = 'withdrawn'

),

iqa_facts as (

    select
        iqa_versions.iqa_id,
        baselines.quarter_start,
        iqa_versions.area_code,
        iqa_versions.unit_type,
        iqa_versions.assessment_type,
        iqa_versions.subject_id,
        iqa_versions.assessor_id,
        coalesce(iqa_versions.selection_method = 'themed', false) as is_themed,
        iqa_versions.assessed_on,
        {% for column in ['closed_on', 'conversation_on', 'feedback_on', 'overall_rating'] -%}
        coalesce(iqa_versions.{{ column }}, filled_in.{{ column }}) as {{ column }},
        {% endfor -%}
        baselines.late_close_cutoff,
        {{ version_facts('iqa_versions') }},
        iqa_versions.iqa_id in (select withdrawn.iqa_id from withdrawn) as is_withdrawn
    from iqa_versions
    inner join baselines
        on
            baselines.dataset = 'iqa'
            and iqa_versions.assessed_on between baselines.quarter_start and baselines.quarter_end
    left join filled_in
        on
            iqa_versions.iqa_id = filled_in.iqa_id
            and iqa_versions.version_number = filled_in.version_number
    where iqa_versions.status <> 'withdrawn'

),

-- The one version before the freeze that stands unchanged is by far the most common.
moved_iqa_facts as (

    select * from iqa_facts
    where was_frozen <> is_current

),

-- By month, because charts count by it.
iqa_changes as (
{{ changes('moved_iqa_facts', 'assessments', 'iqa_id', [
    'subject_id', 'assessor_id', 'is_themed', "date_trunc('month', assessed_on)",
]) }}
),

-- Where an assessment is now; one that came or moved after the freeze is a change of assessments, whatever its answers.
standing_iqas as (

    select
        iqas.iqa_id,
        iqas.quarter_start,
        iqas.area_code,
        iqas.unit_type,
        iqas.assessment_type
    from iqas
    inner join iqa_facts
        on
            iqas.iqa_id = iqa_facts.iqa_id
            and iqas.quarter_start = iqa_facts.quarter_start
    where iqa_facts.was_frozen

),

detail_facts as (

    select
        moved_iqa_facts.* exclude (area_code, unit_type, assessment_type),
        standing_iqas.area_code,
        standing_iqas.unit_type,
        standing_iqas.assessment_type
    from moved_iqa_facts
    inner join standing_iqas
        on
            moved_iqa_facts.iqa_id = standing_iqas.iqa_id
            and moved_iqa_facts.quarter_start = standing_iqas.quarter_start

),

closing_changes as (
{{ changes('detail_facts', 'closing', 'iqa_id', ['coalesce(closed_on > late_close_cutoff, false)']) }}
),

detail_changes as (
{{ changes('detail_facts', 'answers', 'iqa_id', [
    'assessed_on', 'closed_on', 'conversation_on', 'feedback_on', 'overall_rating',
]) }}
),

answer_facts as (

    select
        standing_iqas.iqa_id,
        standing_iqas.quarter_start,
        standing_iqas.area_code,
        standing_iqas.unit_type,
        standing_iqas.assessment_type,
        answer_versions.question_code,
        answer_versions.answer,
        answer_versions.comment,
        answer_versions.is_issue,
        answer_versions.is_good_practice,
        {{ version_facts('answer_versions') }},
        false as is_withdrawn
    from answer_versions
    inner join standing_iqas
        on answer_versions.iqa_id = standing_iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = 'iqa_answers'
            and standing_iqas.quarter_start = baselines.quarter_start
    where
        answer_versions.known_to > baselines.frozen_on
        or (answer_versions.known_to is null and answer_versions.known_from > baselines.frozen_on)

),

answer_changes as (
{{ changes('answer_facts', 'answers', 'iqa_id', ['question_code', 'answer', 'comment', 'is_issue', 'is_good_practice']) }}
),

dip_facts as (

    select
        dip_versions.dip_sample_id,
        dip_versions.iqa_id,
        dip_versions.sampled_on,
        dip_versions.opinion,
        dip_versions.overall_rating,
        regexp_matches(dip_versions.action_for_assessor, '\S') as has_action,
        iqas.quarter_start,
        iqas.area_code,
        iqas.unit_type,
        iqas.assessment_type,
        {{ version_facts('dip_versions') }},
        false as is_withdrawn
    from dip_versions
    inner join iqas
        on dip_versions.iqa_id = iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = 'dip_samples'
            and iqas.quarter_start = baselines.quarter_start
    where
        dip_versions.sampled_on <= baselines.freeze_on
        and {{ is_recorded_dip('dip_versions') }}

),

dip_changes as (
{{ changes('dip_facts', 'dip samples', 'dip_sample_id', ['sampled_on', 'opinion', 'overall_rating']) }}
),

known_dip_facts as (

    select * from dip_facts
    where dip_sample_id in (select frozen.dip_sample_id from dip_facts as frozen where frozen.was_frozen)

),

dip_action_changes as (
{{ changes('known_dip_facts', 'actions', 'dip_sample_id', ['coalesce(has_action, false)']) }}
),

-- A dip sample that came after the freeze is a change of dip samples, whatever its answers.
dip_answer_facts as (

    select
        dip_facts.iqa_id,
        dip_facts.quarter_start,
        dip_facts.area_code,
        dip_facts.unit_type,
        dip_facts.assessment_type,
        dip_answer_versions.dip_sample_id,
        dip_answer_versions.question_code,
        dip_answer_versions.answer,
        {{ version_facts('dip_answer_versions') }},
        false as is_withdrawn
    from dip_answer_versions
    inner join dip_facts
        on dip_answer_versions.dip_sample_id = dip_facts.dip_sample_id
    inner join baselines
        on
            baselines.dataset = 'dip_sample_answers'
            and dip_facts.quarter_start = baselines.quarter_start
    where dip_facts.was_frozen

),

dip_answer_changes as (
{{ changes('dip_answer_facts', 'answers', 'iqa_id', ['dip_sample_id', 'question_code', 'answer']) }}
),

posting_facts as (

    select
        posting_versions.posting_id,
        posting_versions.staff_id,
        posting_versions.area_code,
        posting_versions.unit_type,
        quarter_rules.assessment_type,
        baselines.quarter_start,
        greatest(posting_versions.start_date, baselines.quarter_start) as from_on,
        least(coalesce(posting_versions.end_date, baselines.quarter_end), baselines.quarter_end) as to_on,
        {{ version_facts('posting_versions') }},
        false as is_withdrawn
    from posting_versions
    inner join baselines
        on
            baselines.dataset = 'postings'
            and posting_versions.start_date <= baselines.quarter_end
            and coalesce(posting_versions.end_date, baselines.quarter_end) >= baselines.quarter_start
    inner join quarter_rules
        on
            baselines.quarter_start = quarter_rules.quarter_start
            and {{ falls_under_rule('posting_versions', 'quarter_rules') }}

),

posting_changes as (
{{ changes('posting_facts', 'postings', 'posting_id', ['staff_id', 'from_on', 'to_on']) }}
),

absence_facts as (

    select
        absence_versions.absence_id,
        absence_versions.staff_id,
        requirements.area_code,
        requirements.unit_type,
        requirements.assessment_type,
        baselines.quarter_start,
        greatest(absence_versions.start_date, baselines.quarter_start) as from_on,
        least(coalesce(absence_versions.end_date, baselines.quarter_end), baselines.quarter_end) as to_on,
        {{ version_facts('absence_versions') }},
        false as is_withdrawn
    from absence_versions
    inner join absences_counted
        on absence_versions.absence_id = absences_counted.absence_id
    inner join baselines
        on
            baselines.dataset = 'absences'
            and absence_versions.start_date <= baselines.quarter_end
            and coalesce(absence_versions.end_date, baselines.quarter_end) >= baselines.quarter_start
    inner join requirements
        on
            absence_versions.staff_id = requirements.staff_id
            and baselines.quarter_start = requirements.quarter_start

),

absence_changes as (
{{ changes('absence_facts', 'absences', 'absence_id', ['staff_id', 'from_on', 'to_on']) }}
),

{% for relation, dataset, cause, key, event, values in follow_ups -%}
{{ relation }}_filled_in as (

    select
        {{ key | join(', ') }},
        version_number,
        known_from,
        known_to,
        {%- for value, read in values.items() %}
        {{ filled_in(read, key) }} as {{ value }},
        {%- endfor %}
        {%- for value, read in values.items() %}
        last_value({{ read }}) over (
            partition by {{ key | join(', ') }}
            order by version_number
            rows between current row and unbounded following
        ) as last_{{ value }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}

),

{% endfor -%}

follow_up_changes as (

    {% for relation, dataset, cause, key, event, values in follow_ups -%}
    -- A row that moved to another assessment revises both.
    {% for place in ['iqa_id', 'last_iqa_id'] -%}
    select
        standing_iqas.quarter_start,
        standing_iqas.area_code,
        standing_iqas.unit_type,
        standing_iqas.assessment_type,
        '{{ cause }}' as cause,
        concat_ws(' '{% for column in key %}, filled_in.{{ column }}{% endfor %}) as changed_id,
        'correction' as change_kind,
        filled_in.known_to as changed_on
    from {{ relation }}_filled_in as filled_in
    inner join standing_iqas
        on filled_in.{{ place }} = standing_iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = '{{ dataset }}'
            and standing_iqas.quarter_start = baselines.quarter_start
    where
        filled_in.known_to > baselines.frozen_on
        and (filled_in.known_from <= baselines.frozen_on or filled_in.version_number = 1)
        and (
            {%- for value in values %}
            (filled_in.{{ value }} is not null and filled_in.{{ value }} is distinct from filled_in.last_{{ value }})
            {{- ' or' if not loop.last }}
            {%- endfor %}
        )

    union all

    {% endfor -%}
    select
        standing_iqas.quarter_start,
        standing_iqas.area_code,
        standing_iqas.unit_type,
        standing_iqas.assessment_type,
        '{{ cause }}' as cause,
        concat_ws(' '{% for column in key %}, standing.{{ column }}{% endfor %}) as changed_id,
        'late_extract' as change_kind,
        standing.first_extract_date as changed_on
    from {{ relation }} as standing
    inner join standing_iqas
        on
            standing.iqa_id = standing_iqas.iqa_id
            and standing.known_to is null
    inner join baselines
        on
            baselines.dataset = '{{ dataset }}'
            and standing_iqas.quarter_start = baselines.quarter_start
            and standing.{{ event }} <= baselines.quarter_end
    where standing.first_extract_date > baselines.frozen_on
    {{ 'union all' if not loop.last }}

    {% endfor %}
),

changes as (

    select * from follow_up_changes
    union all
    select * from iqa_changes
    union all
    select * from closing_changes
    union all
    select * from detail_changes
    union all
    select * from answer_changes
    union all
    select * from dip_changes
    union all
    select * from dip_action_changes
    union all
    select * from dip_answer_changes
    union all
    select * from posting_changes
    union all
    select * from absence_changes

),

final as (

    select
        quarter_start,
        area_code,
        unit_type,
        assessment_type,
        cause,
        count(distinct changed_id) as changed_facts,
        string_agg(distinct change_kind, ';' order by change_kind) as change_kinds,
        min(changed_on) as first_changed_on
    from changes
    group by quarter_start, area_code, unit_type, assessment_type, cause

)

select * from final
