{# The inspections whose figures were revised: something that they compare changed after their view was frozen
   (`int_inspection_freezes`). An inspection that is not here is provisional (P); so is one whose quarter is not over.
   Nothing of an inspection is still open: a rating or an answer that was filled in afterwards is a change as well. What a
   figure reads differs by comparison: `dip_catch` reads what dip samplers wrote, `inspector_v_inspector` colleagues' views
   and no manager's rating. The weighted rate (L12) reads assessments that nobody inspected: where nothing else changed,
   `is_frame_only`. -#}
{%- set place = ['sample', 'assessment_type'] -%}
{%- set managers, samplers, caught, inspectors
    = 'manager_v_inspector', 'dip_sampler_v_inspector', 'dip_catch', 'inspector_v_inspector' -%}
{#- Cause, facts, what a change is counted by, what makes two versions differ, and what reads it. -#}
{%- set readings = [
    ('assessments', 'iqa_facts', 'iqa_id', ['instrument_version'], [inspectors]),
    ('assessments', 'iqa_facts', 'iqa_id',
        ['instrument_version', 'area_code', 'unit_type', 'assessor_id', 'assessed_on'], [samplers]),
    ('assessments', 'iqa_facts', 'iqa_id',
        ['instrument_version', 'area_code', 'unit_type', 'assessor_id', 'assessed_on', 'overall_rating'],
        [managers, caught]),
    ('re-assessments', 'reassessment_facts', 'reassessment_id',
        ['iqa_id', 'inspector_id', 'purpose', 'reassessed_on', 'overall_rating'], [inspectors]),
    ('re-assessments', "reassessment_facts where purpose = 'inspection'", 'reassessment_id',
        ['iqa_id', 'reassessed_on', 'overall_rating'], [managers, samplers, caught]),
    ('re-assessments', 'mark_facts', 'reassessment_id', ['question_code', 'agrees', 'answer'], [inspectors]),
    ('re-assessments', "mark_facts where purpose = 'inspection'", 'reassessment_id',
        ['question_code', 'agrees', 'answer', 'reason_code'], [managers, samplers, caught]),
    ('answers', 'answer_facts where is_taken_over', 'iqa_id', ['question_code', 'answer'], [inspectors]),
    ('answers', 'answer_facts', 'iqa_id', ['question_code', 'answer'], [managers, samplers, caught]),
    ('dip samples', 'dip_facts', 'dip_sample_id', ['iqa_id', 'sampled_on', 'opinion', 'overall_rating'], [samplers]),
    ('dip samples', 'dip_facts', 'dip_sample_id',
        ['iqa_id', 'sampled_on', 'opinion', 'overall_rating', 'is_fed_back', 'comment'], [caught]),
    ('dip samples', 'dip_answer_facts', 'dip_sample_id', ['question_code', 'answer'], [samplers]),
    ('dip samples', 'dip_answer_facts', 'dip_sample_id', ['question_code', 'answer', 'comment'], [caught]),
    ('frame', 'frame_facts', 'iqa_id', ['area_code', 'unit_type'], [managers, samplers]),
] -%}
with baselines as (

    select * from {{ ref('int_inspection_freezes') }}
    where frozen_on is not null

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

reassessments as (

    select * from {{ ref('stg_reassessments') }}

),

reassessment_versions as (

    select * from {{ source('raw', 'reassessments_versions') }}

),

mark_versions as (

    select * from {{ source('raw', 'reassessment_answers_versions') }}

),

iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

answer_versions as (

    select * from {{ source('raw', 'iqa_answers_versions') }}

),

dip_versions as (

    select * from {{ source('raw', 'dip_samples_versions') }}

),

dip_answer_versions as (

    select * from {{ source('raw', 'dip_sample_answers_versions') }}

),

reassessment_facts as (

    select
        reassessment_versions.inspection_code as sample,
        iqas.assessment_type,
        reassessment_versions.reassessment_id,
        reassessment_versions.iqa_id,
        reassessment_versions.inspector_id,
        reassessment_versions.purpose,
        reassessment_versions.reassessed_on,
        reassessment_versions.overall_rating,
        {{ version_facts('reassessment_versions') }},
        false as is_withdrawn
    from reassessment_versions
    inner join iqas
        on reassessment_versions.iqa_id = iqas.iqa_id
    inner join baselines
        on reassessment_versions.inspection_code = baselines.sample

),

mark_facts as (

    select
        reassessments.inspection_code as sample,
        iqas.assessment_type,
        reassessments.iqa_id,
        reassessments.purpose,
        mark_versions.reassessment_id,
        mark_versions.question_code,
        mark_versions.agrees,
        mark_versions.answer,
        mark_versions.reason_code,
        {{ version_facts('mark_versions') }},
        false as is_withdrawn
    from mark_versions
    inner join reassessments
        on mark_versions.reassessment_id = reassessments.reassessment_id
    inner join iqas
        on reassessments.iqa_id = iqas.iqa_id
    inner join baselines
        on reassessments.inspection_code = baselines.sample

),

-- Files that an inspection looks at, or did when its view was frozen. A withdrawn one is no fact any more, but it was.
looked_at as (

    select distinct
        reassessment_versions.inspection_code as sample,
        reassessment_versions.iqa_id
    from reassessment_versions
    inner join baselines
        on reassessment_versions.inspection_code = baselines.sample
    where
        reassessment_versions.known_to is null
        or {{ known_at('reassessment_versions', 'baselines.frozen_on') }}

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
        looked_at.sample,
        iqa_versions.iqa_id,
        iqa_versions.assessment_type,
        iqa_versions.instrument_version,
        iqa_versions.area_code,
        iqa_versions.unit_type,
        iqa_versions.assessor_id,
        iqa_versions.assessed_on,
        iqa_versions.overall_rating,
        {{ version_facts('iqa_versions') }},
        iqa_versions.iqa_id in (select withdrawn.iqa_id from withdrawn) as is_withdrawn
    from iqa_versions
    inner join looked_at
        on iqa_versions.iqa_id = looked_at.iqa_id
    inner join baselines
        on looked_at.sample = baselines.sample
    where iqa_versions.status <> 'withdrawn'

),

-- The weights of a sample: what was assessed between the first and the last day of an assessment in it.
frames as (

    select
        looked_at.sample,
        iqas.assessment_type,
        min(iqas.assessed_on) as assessed_from,
        max(iqas.assessed_on) as assessed_to
    from looked_at
    inner join iqas
        on looked_at.iqa_id = iqas.iqa_id
    group by looked_at.sample, iqas.assessment_type

),

frame_facts as (

    select
        frames.sample,
        iqa_versions.iqa_id,
        iqa_versions.assessment_type,
        iqa_versions.area_code,
        iqa_versions.unit_type,
        {{ version_facts('iqa_versions') }},
        iqa_versions.iqa_id in (select withdrawn.iqa_id from withdrawn) as is_withdrawn
    from iqa_versions
    inner join frames
        on
            iqa_versions.assessment_type = frames.assessment_type
            and iqa_versions.assessed_on between frames.assessed_from and frames.assessed_to
    inner join baselines
        on frames.sample = baselines.sample
    where iqa_versions.status <> 'withdrawn'

),

questions_looked_at as (

    select
        sample,
        iqa_id,
        question_code,
        bool_or(agrees and answer is null) as is_taken_over
    from mark_facts
    where was_frozen or is_current
    group by sample, iqa_id, question_code

),

-- Answers are the longest table: of them only versions that ended or came after the freeze are looked at.
answer_facts as (

    select
        questions_looked_at.sample,
        iqas.assessment_type,
        answer_versions.iqa_id,
        answer_versions.question_code,
        answer_versions.answer,
        questions_looked_at.is_taken_over,
        {{ version_facts('answer_versions') }},
        false as is_withdrawn
    from answer_versions
    inner join questions_looked_at
        on
            answer_versions.iqa_id = questions_looked_at.iqa_id
            and answer_versions.question_code = questions_looked_at.question_code
    inner join iqas
        on questions_looked_at.iqa_id = iqas.iqa_id
    inner join baselines
        on questions_looked_at.sample = baselines.sample
    where
        answer_versions.known_to > baselines.frozen_on
        or (answer_versions.known_to is null and answer_versions.known_from > baselines.frozen_on)

),

dip_facts as (

    select
        looked_at.sample,
        iqas.assessment_type,
        dip_versions.dip_sample_id,
        dip_versions.iqa_id,
        dip_versions.sampled_on,
        dip_versions.opinion,
        dip_versions.overall_rating,
        dip_versions.comment,
        dip_versions.feedback_given_on is not null
        or length(trim(coalesce(dip_versions.action_for_assessor, ''))) > 0 as is_fed_back,
        {{ version_facts('dip_versions') }},
        false as is_withdrawn
    from dip_versions
    inner join looked_at
        on dip_versions.iqa_id = looked_at.iqa_id
    inner join iqas
        on looked_at.iqa_id = iqas.iqa_id
    inner join baselines
        on looked_at.sample = baselines.sample
    where {{ is_recorded_dip('dip_versions') }}

),

dip_answer_facts as (

    select
        dip_facts.sample,
        dip_facts.assessment_type,
        dip_answer_versions.dip_sample_id,
        dip_answer_versions.question_code,
        dip_answer_versions.answer,
        dip_answer_versions.comment,
        {{ version_facts('dip_answer_versions') }},
        false as is_withdrawn
    from dip_answer_versions
    inner join dip_facts
        on
            dip_answer_versions.dip_sample_id = dip_facts.dip_sample_id
            and dip_facts.is_current
    inner join baselines
        on dip_facts.sample = baselines.sample

),

{% for cause, facts, changed_id, content, comparisons in readings -%}
changes_{{ loop.index }} as (
{{ changes(facts, cause, changed_id, content, place) }}
),

{% endfor -%}

read_by as (

    {% for cause, facts, changed_id, content, comparisons in readings -%}
    select
        unnest(['{{ comparisons | join("', '") }}']) as comparison,
        sample,
        assessment_type,
        cause,
        changed_id,
        change_kind,
        changed_on
    from changes_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (

    select *, assessment_type as sample_type from read_by
    union all
    select *, 'ALL' as sample_type from read_by

),

judged as (

    select
        *,
        bool_and(cause = 'frame') over (partition by comparison, sample, sample_type) as is_frame_only
    from compared

),

-- Where anything else changed too, that is what moved the figures: the weighted rate alone reads the frame. An assessment
-- and its answers are one thing that changed.
final as (

    select
        comparison,
        sample,
        sample_type,
        'R' as figure_status,
        is_frame_only,
        string_agg(distinct cause, ';' order by cause) as revision_causes,
        bool_or(change_kind = 'late_extract') as has_late_extract,
        bool_or(change_kind = 'correction') as has_correction,
        bool_or(change_kind = 'withdrawn') as has_withdrawn,
        count(distinct case when cause = 'answers' then 'assessments' else cause end || ' ' || changed_id) as changed_facts,
        min(changed_on) as first_changed_on
    from judged
    where is_frame_only or cause <> 'frame'
    group by comparison, sample, sample_type, is_frame_only

)

select * from final
