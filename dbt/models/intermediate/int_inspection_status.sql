{# The inspections whose figures were revised: something that they compare changed after their view was frozen, which is
   when that of the quarter in which fieldwork ended was (`int_quarter_freezes`). An inspection that is not here is
   provisional (P); so is one whose quarter is not over.
   Nothing of an inspection is still open: a rating or an answer that was filled in afterwards is a change as well. A dip
   sample counts where dip samplers are compared, and nowhere else. -#}
{%- set place = ['sample', 'assessment_type'] -%}
with inspections as (

    select * from {{ ref('inspections') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}

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

reassessment_answer_versions as (

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

baselines as (

    select
        inspections.inspection_code as sample,
        freezes.dataset,
        freezes.frozen_on
    from inspections
    inner join freezes
        on inspections.fieldwork_to between freezes.quarter_start and freezes.quarter_end
    where freezes.frozen_on is not null

),

-- Files that an inspection looked at, in any version of what was delivered.
looked_at as (

    select distinct
        inspection_code as sample,
        iqa_id
    from reassessment_versions

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
        iqa_versions.overall_rating,
        {{ version_facts('iqa_versions') }},
        iqa_versions.iqa_id in (
            select withdrawn.iqa_id
            from iqa_versions as withdrawn
            where
                withdrawn.known_to is null
                and withdrawn.status = 'withdrawn'
        ) as is_withdrawn
    from iqa_versions
    inner join looked_at
        on iqa_versions.iqa_id = looked_at.iqa_id
    inner join baselines
        on
            baselines.dataset = 'iqa'
            and looked_at.sample = baselines.sample
    where iqa_versions.status <> 'withdrawn'

),

iqa_changes as (
{{ changes('iqa_facts', 'assessments', 'iqa_id', [
    'instrument_version', 'area_code', 'unit_type', 'assessor_id', 'overall_rating',
], place) }}
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
        on
            baselines.dataset = 'reassessments'
            and reassessment_versions.inspection_code = baselines.sample

),

reassessment_changes as (
{{ changes('reassessment_facts', 'reassessments', 'reassessment_id', [
    'iqa_id', 'inspector_id', 'purpose', 'reassessed_on', 'overall_rating',
], place) }}
),

reassessment_answer_facts as (

    select
        reassessments.inspection_code as sample,
        iqas.assessment_type,
        reassessment_answer_versions.reassessment_id,
        reassessment_answer_versions.question_code,
        reassessment_answer_versions.agrees,
        reassessment_answer_versions.answer,
        reassessment_answer_versions.difference_categories,
        reassessment_answer_versions.reason_code,
        {{ version_facts('reassessment_answer_versions') }},
        false as is_withdrawn
    from reassessment_answer_versions
    inner join reassessments
        on reassessment_answer_versions.reassessment_id = reassessments.reassessment_id
    inner join iqas
        on reassessments.iqa_id = iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = 'reassessment_answers'
            and reassessments.inspection_code = baselines.sample

),

reassessment_answer_changes as (
{{ changes('reassessment_answer_facts', 'reassessments', 'reassessment_id', [
    'question_code', 'agrees', 'answer', 'difference_categories', 'reason_code',
], place) }}
),

-- Answers are the longest table: of them only versions that ended or came after the freeze are looked at.
answer_facts as (

    select
        looked_at.sample,
        iqas.assessment_type,
        answer_versions.iqa_id,
        answer_versions.question_code,
        answer_versions.answer,
        {{ version_facts('answer_versions') }},
        false as is_withdrawn
    from answer_versions
    inner join looked_at
        on answer_versions.iqa_id = looked_at.iqa_id
    inner join iqas
        on looked_at.iqa_id = iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = 'iqa_answers'
            and looked_at.sample = baselines.sample
    where
        answer_versions.known_to > baselines.frozen_on
        or (answer_versions.known_to is null and answer_versions.known_from > baselines.frozen_on)

),

answer_changes as (
{{ changes('answer_facts', 'answers', 'iqa_id', ['question_code', 'answer'], place) }}
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
        dip_versions.action_for_assessor,
        {{ version_facts('dip_versions') }},
        false as is_withdrawn
    from dip_versions
    inner join looked_at
        on dip_versions.iqa_id = looked_at.iqa_id
    inner join iqas
        on looked_at.iqa_id = iqas.iqa_id
    inner join baselines
        on
            baselines.dataset = 'dip_samples'
            and looked_at.sample = baselines.sample
    where {{ is_recorded_dip('dip_versions') }}

),

dip_changes as (
{{ changes('dip_facts', 'dip samples', 'dip_sample_id', [
    'iqa_id', 'sampled_on', 'opinion', 'overall_rating', 'action_for_assessor',
], place) }}
),

dip_answer_facts as (

    select
        dip_facts.sample,
        dip_facts.assessment_type,
        dip_answer_versions.dip_sample_id,
        dip_answer_versions.question_code,
        dip_answer_versions.answer,
        {{ version_facts('dip_answer_versions') }},
        false as is_withdrawn
    from dip_answer_versions
    inner join dip_facts
        on
            dip_answer_versions.dip_sample_id = dip_facts.dip_sample_id
            and dip_facts.is_current
    inner join baselines
        on
            baselines.dataset = 'dip_sample_answers'
            and dip_facts.sample = baselines.sample

),

dip_answer_changes as (
{{ changes('dip_answer_facts', 'dip samples', 'dip_sample_id', ['question_code', 'answer'], place) }}
),

changes as (

    select * from iqa_changes
    union all
    select * from reassessment_changes
    union all
    select * from reassessment_answer_changes
    union all
    select * from answer_changes
    union all
    select * from dip_changes
    union all
    select * from dip_answer_changes

),

-- Who compares inspectors with each other reads managers' answers too: "I agree" without a mark means theirs.
compared as (

    {% for comparison, condition in [
        ('manager_v_inspector', "cause <> 'dip samples'"), ('dip_sampler_v_inspector', 'true')
    ] -%}
    {% for sample_type in ['assessment_type', "'ALL'"] -%}
    select
        sample,
        {{ sample_type }} as sample_type,
        '{{ comparison }}' as comparison,
        cause,
        change_kind,
        changed_on
    from changes
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        comparison,
        sample,
        sample_type,
        'R' as figure_status,
        string_agg(distinct cause, ';' order by cause) as revision_causes,
        bool_or(change_kind = 'late_extract') as has_late_extract,
        bool_or(change_kind = 'correction') as has_correction,
        bool_or(change_kind = 'withdrawn') as has_withdrawn,
        count(*) as changed_facts,
        min(changed_on) as first_changed_on
    from compared
    group by comparison, sample, sample_type

)

select * from final
