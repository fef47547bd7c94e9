{# What became of figures after their quarter was frozen, or the inspection: each count as it stood at the freeze and as it
   stands now. A row of `compliance`, or an inspection as a whole, whose facts changed but whose counts did not is here
   once, with the same value twice: it is marked as revised too. Sign-offs that fell are added at release, for they depend
   on the sign-off log. Of `leniency` inspections are here, and not their weighted rate. What else is made of answers is
   marked in its own marts (`int_figure_status`) and not listed: but for challenges, no count of the other two marts hangs
   on answers. #}
{%- set measures = {
    'compliance': [
        'iqas_assessed', 'iqas_required', 'prosecutors_required', 'prosecutors_covered', 'capped_num',
        'volume_ratio_required_only_num', 'missed_twice', 'missed_twice_den', 'assessors_active',
        'assessors_expected', 'prosecutors_without_manager', 'themed_share_num', 'late_closed_share_num', 'volume_ratio',
        'coverage_rate', 'capped_rate',
    ],
    'dip_sampling': [
        'iqas_assessed', 'dips_required', 'dips_valid', 'fulfilment_num', 'areas_met', 'areas_with_iqas',
        'assessors_with_iqas', 'assessors_reached', 'challenge_num', 'fulfilment_rate', 'raw_rate',
    ],
    'leniency': [
        'n_examined', 'n_compared', 'n_lenient', 'n_harsh', 'n_agree', 'n_na_mismatch', 'n_unknown_direction',
        'n_clusters', 'rated_score_num', 'reference_score_num', 'score_den', 'lenient_given_fail_den', 'n_both_na',
        'lenient_steps', 'n_two_steps', 'n_valued', 'na_leniency_num', 'na_leniency_den', 'n_only_reference_na',
        'critical_leniency_num', 'critical_leniency_den', 'lenient_rate', 'harsh_rate', 'rated_score',
        'reference_score', 'gap_points', 'gap_relative',
    ],
} -%}
{#- The keys of a mart that have no column here make up `figure_key`. -#}
{%- set own_keys = {
    'compliance': ['policy'],
    'dip_sampling': [],
    'leniency': ['comparison', 'sample', 'basis', 'dimension', 'dimension_value'],
} -%}
{%- set labels = ['regime', 'area_name', 'period_label', 'period_end', 'reliability'] -%}
{%- set place = ['level', 'area_code', 'unit_type', 'period_type', 'period_start', 'assessment_type'] -%}
with compliance as (

    select * from {{ ref('compliance') }}

),

dip_sampling as (

    select * from {{ ref('dip_sampling') }}

),

frozen_compliance as (

    select * from {{ ref('frozen_compliance') }}

),

frozen_dip_sampling as (

    select * from {{ ref('frozen_dip_sampling') }}

),

frozen_leniency as (

    select * from {{ ref('frozen_leniency') }}

),

quarter_statuses as (

    select * from {{ ref('int_figure_status') }}

),

inspection_statuses as (

    select * from {{ ref('int_inspection_status') }}

),

quarter_freezes as (

    select
        quarter_end,
        max(frozen_on) as frozen_on
    from {{ ref('int_quarter_freezes') }}
    where dataset in ('iqa', 'iqa_answers', 'dip_samples', 'dip_sample_answers', 'postings', 'absences')
    group by quarter_end

),

inspection_freezes as (

    select * from {{ ref('int_inspection_freezes') }}

),

leniency as (

    select leniency.*
    from {{ ref('leniency') }} as leniency
    inner join inspection_freezes
        on leniency.sample = inspection_freezes.sample
    where leniency.comparison <> 'manager_v_dip_sampler'

),

{%- for mart, columns in measures.items() %}
{%- for side, relation in [('now', mart), ('then', 'frozen_' ~ mart)] %}

{{ mart }}_{{ side }} as (

    select
        '{{ mart }}' as mart,
        '{{ side }}' as side,
        {%- for column in place + labels %}
        {{ column }},
        {%- endfor %}
        {%- for column in ['policy', 'comparison', 'sample', 'dimension'] %}
        {{ column if column in own_keys[mart] else 'cast(null as varchar)' }} as {{ column }},
        {%- endfor %}
        {{ "figure_status = 'R'" if side == 'now' else 'false' }} as is_marked,
        {% for column in own_keys[mart] -%}
        '{{ ';' if not loop.first }}{{ column }}=' || {{ column }} ||{{ ' ' }}
        {%- endfor %}'' as figure_key,
        unnest([{% for column in columns %}'{{ column }}'{{ ', ' if not loop.last }}{% endfor %}]) as column_name,
        unnest([
            {%- for column in columns %}
            cast({{ column }} as double){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as figure
    from {{ relation }}

),
{%- endfor %}
{%- endfor %}

known as (
{% for mart in measures %}
    select * from {{ mart }}_now
    union all
    select * from {{ mart }}_then
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

-- An inspection has no period, so rows are brought together by groups, in which one NULL is like another.
moved as (

    select
        mart,
        {%- for column in place + ['policy', 'comparison', 'sample', 'figure_key', 'column_name'] %}
        {{ column }},
        {%- endfor %}
        {%- for column in labels %}
        coalesce(max(case when side = 'now' then {{ column }} end), max({{ column }})) as {{ column }},
        {%- endfor %}
        max(case when side = 'then' then figure end) as old_value,
        max(case when side = 'now' then figure end) as new_value
    from known
    group by mart, {{ place | join(', ') }}, policy, comparison, sample, figure_key, column_name
    having max(case when side = 'then' then figure end) is distinct from max(case when side = 'now' then figure end)

),

-- Marked as revised without a count that moved: the facts behind it were exchanged for others.
unmoved as (

    select
        known.mart,
        {%- for column in place + ['policy', 'comparison', 'sample', 'figure_key', 'column_name'] + labels %}
        known.{{ column }},
        {%- endfor %}
        known.figure as old_value,
        known.figure as new_value
    from known
    left join (
        select distinct {{ (place + ['comparison', 'sample']) | join(', ') }}
        from moved
    ) as moved_rows
        on
            {%- for column in place + ['comparison', 'sample'] %}
            known.{{ column }} is not distinct from moved_rows.{{ column }}{{ ' and' if not loop.last }}
            {%- endfor %}
    where
        known.is_marked
        and moved_rows.level is null
        and (
            (known.column_name = 'n_examined' and known.dimension = 'overall')
            or (
                known.mart = 'compliance'
                and known.column_name = 'iqas_assessed'
                and known.policy = {{ policy_text('requirement_default_policy') }}
            )
        )

),

figures as (

    select * from moved
    union all
    select * from unmoved

),

-- Whether a dip sampler took another view is a matter of answers, and who closed late of closing dates; no other count is.
-- A row whose counts are the same is here for whatever marked it.
explained as (

    select
        figures.*,
        coalesce(inspection_statuses.revision_causes, quarter_statuses.revision_causes) as revision_causes,
        coalesce(inspection_statuses.has_late_extract, quarter_statuses.has_late_extract) as has_late_extract,
        coalesce(inspection_statuses.has_correction, quarter_statuses.has_correction) as has_correction,
        coalesce(inspection_statuses.has_withdrawn, quarter_statuses.has_withdrawn) as has_withdrawn,
        coalesce(inspection_statuses.changed_facts, quarter_statuses.changed_facts, 0) as changed_facts,
        coalesce(inspection_statuses.first_changed_on, quarter_statuses.first_changed_on) as first_changed_on,
        coalesce(inspection_freezes.frozen_on, quarter_freezes.frozen_on) as frozen_on
    from figures
    left join quarter_statuses
        on
            {{ same_columns('figures', 'quarter_statuses', place) }}
            and quarter_statuses.status_basis = case
                when figures.column_name = 'challenge_num' then 'answers'
                when figures.column_name = 'late_closed_share_num' then 'compliance'
                when figures.mart = 'compliance' and figures.old_value = figures.new_value then 'compliance'
                else 'records'
            end
    left join quarter_freezes
        on figures.period_end = quarter_freezes.quarter_end
    left join inspection_statuses
        on
            {{ same_columns('figures', 'inspection_statuses', ['comparison', 'sample']) }}
            and figures.assessment_type = inspection_statuses.sample_type
    left join inspection_freezes
        on figures.sample = inspection_freezes.sample

),

final as (

    select
        {{ release_id() }} as release_id,
        {{ as_of() }} as as_of,
        {{ metric_version() }} as metric_version,
        explained.regime,
        explained.level,
        explained.area_code,
        explained.area_name,
        explained.unit_type,
        explained.period_type,
        explained.period_label,
        explained.period_start,
        explained.period_end,
        'R' as figure_status,
        explained.reliability,
        false as is_suppressed,
        cast(null as varchar) as suppressed_columns,
        cast(null as varchar) as null_reason,
        explained.mart,
        explained.column_name,
        explained.assessment_type,
        explained.policy,
        explained.figure_key,
        'freeze' as basis,
        explained.old_value,
        explained.new_value,
        explained.new_value - explained.old_value as difference,
        coalesce(
            nullif(
                concat_ws(
                    ';',
                    case when explained.has_late_extract then 'late_extract' end,
                    case when explained.has_correction then 'correction' end,
                    case when explained.has_withdrawn then 'withdrawn' end
                ),
                ''
            ),
            -- A posting names one manager, so a new one moves the assessors of every quarter that it spans; and who
            -- assesses elsewhere is active all the same.
            case when explained.column_name like '%assessors_%' then 'assessor_change' end,
            case when explained.column_name = 'prosecutors_without_manager' then 'assessor_change' end,
            'change_elsewhere'
        ) as cause,
        explained.revision_causes as changed_datasets,
        explained.changed_facts as rows_behind,
        explained.first_changed_on as first_extract_date,
        explained.frozen_on,
        cast(null as varchar) as signed_release_id
    from explained

)

select * from final
