{# What became of figures after their quarter was frozen: each count as it stood at the freeze and as it stands now. A row
   of a mart whose facts changed but whose counts did not is here once, with the same value twice: it is marked as
   revised too. Sign-offs that fell are added at release, for they depend on the sign-off log. What is made of answers is
   marked in its own marts (`int_figure_status`) and not listed here: but for challenges, no count of these two marts hangs
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
} -%}
{%- set labels = ['regime', 'area_name', 'period_label', 'period_end', 'reliability'] -%}
{%- set keys = ['level', 'area_code', 'unit_type', 'period_type', 'period_start', 'assessment_type'] -%}
with compliance as (

    select * from {{ ref('compliance') }}

),

dip_sampling as (

    select
        *,
        cast(null as varchar) as policy
    from {{ ref('dip_sampling') }}

),

frozen_compliance as (

    select * from {{ ref('frozen_compliance') }}

),

frozen_dip_sampling as (

    select
        *,
        cast(null as varchar) as policy
    from {{ ref('frozen_dip_sampling') }}

),

statuses as (

    select * from {{ ref('int_figure_status') }}

),

freezes as (

    select
        quarter_end,
        max(frozen_on) as frozen_on
    from {{ ref('int_quarter_freezes') }}
    where dataset in ('iqa', 'iqa_answers', 'dip_samples', 'dip_sample_answers', 'postings', 'absences')
    group by quarter_end

),

{%- for mart, columns in measures.items() %}
{%- for side, relation in [('now', mart), ('then', 'frozen_' ~ mart)] %}

{{ mart }}_{{ side }} as (

    select
        {%- for column in keys + ['policy'] + labels %}
        {{ column }},
        {%- endfor %}
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

moved as (
{% for mart in measures %}
    select
        '{{ mart }}' as mart,
        {%- for column in keys + ['policy', 'column_name'] + labels %}
        coalesce({{ mart }}_now.{{ column }}, {{ mart }}_then.{{ column }}) as {{ column }},
        {%- endfor %}
        {{ mart }}_then.figure as old_value,
        {{ mart }}_now.figure as new_value
    from {{ mart }}_now
    full outer join {{ mart }}_then
        on
            {%- for column in keys + ['column_name'] %}
            {{ mart }}_now.{{ column }} = {{ mart }}_then.{{ column }} and
            {%- endfor %}
            coalesce({{ mart }}_now.policy, '') = coalesce({{ mart }}_then.policy, '')
    where {{ mart }}_now.figure is distinct from {{ mart }}_then.figure
{% if not loop.last %}
    union all
{% endif %}
{%- endfor %}
),

-- Marked as revised without a count that moved: the facts behind it were exchanged for others.
unmoved as (

    select
        'compliance' as mart,
        {%- for column in keys + ['policy'] %}
        compliance.{{ column }},
        {%- endfor %}
        'iqas_assessed' as column_name,
        {%- for column in labels %}
        compliance.{{ column }},
        {%- endfor %}
        cast(compliance.iqas_assessed as double) as old_value,
        cast(compliance.iqas_assessed as double) as new_value
    from compliance
    left join (
        select distinct
            {%- for column in keys %}
            {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from moved
    ) as moved_rows
        on
            {%- for column in keys %}
            compliance.{{ column }} = moved_rows.{{ column }}{{ ' and' if not loop.last }}
            {%- endfor %}
    where
        compliance.figure_status = 'R'
        and compliance.policy = {{ policy_text('requirement_default_policy') }}
        and moved_rows.level is null

),

figures as (

    select * from moved
    union all
    select * from unmoved

),

final as (

    select
        {{ release_id() }} as release_id,
        {{ as_of() }} as as_of,
        {{ metric_version() }} as metric_version,
        figures.regime,
        figures.level,
        figures.area_code,
        figures.area_name,
        figures.unit_type,
        figures.period_type,
        figures.period_label,
        figures.period_start,
        figures.period_end,
        'R' as figure_status,
        figures.reliability,
        false as is_suppressed,
        cast(null as varchar) as suppressed_columns,
        cast(null as varchar) as null_reason,
        figures.mart,
        figures.column_name,
        figures.assessment_type,
        figures.policy,
        case when figures.policy is not null then 'policy=' || figures.policy else '' end as figure_key,
        'freeze' as basis,
        figures.old_value,
        figures.new_value,
        figures.new_value - figures.old_value as difference,
        coalesce(
            nullif(
                concat_ws(
                    ';',
                    case when statuses.has_late_extract then 'late_extract' end,
                    case when statuses.has_correction then 'correction' end,
                    case when statuses.has_withdrawn then 'withdrawn' end
                ),
                ''
            ),
            -- A posting names one manager, so a new one moves the assessors of every quarter that it spans; and who
            -- assesses elsewhere is active all the same.
            case when figures.column_name like '%assessors_%' then 'assessor_change' end,
            case when figures.column_name = 'prosecutors_without_manager' then 'assessor_change' end,
            'change_elsewhere'
        ) as cause,
        statuses.revision_causes as changed_datasets,
        coalesce(statuses.changed_facts, 0) as rows_behind,
        statuses.first_changed_on as first_extract_date,
        freezes.frozen_on,
        cast(null as varchar) as signed_release_id
    from figures
    left join statuses
        on
            {%- for column in keys %}
            figures.{{ column }} = statuses.{{ column }} and
            {%- endfor %}
            -- Whether a dip sampler took another view is a matter of answers, and who closed late of closing dates; no
            -- other count is. A row whose counts are the same is here for whatever marked it.
            statuses.status_basis = case
                when figures.column_name = 'challenge_num' then 'answers'
                when figures.column_name = 'late_closed_share_num' then 'compliance'
                when figures.mart = 'compliance' and figures.old_value = figures.new_value then 'compliance'
                else 'records'
            end
    left join freezes
        on figures.period_end = freezes.quarter_end

)

select * from final
