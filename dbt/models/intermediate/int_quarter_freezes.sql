{# When each dataset's view of a quarter was frozen: at the quarter's freeze, or, where nothing had been delivered for a
   complete quarter by then, at its first delivery after the quarter's end: a first load of old quarters revises
   nothing. A quarter without a delivery after its end is not frozen yet (NULL). #}
{%- set datasets = [
    'iqa', 'iqa_answers', 'dip_samples', 'dip_sample_answers', 'reassessments', 'reassessment_answers', 'feedback_quality',
    'actions', 'evidence_requests', 'postings', 'absences',
] -%}
with quarters as (

    select * from {{ ref('int_quarters') }}

),

deliveries as (

    {% for dataset in datasets -%}
    select distinct
        '{{ dataset }}' as dataset,
        known_from
    from {{ source('raw', dataset ~ '_versions') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

datasets as (

    select unnest(['{{ datasets | join("', '") }}']) as dataset

),

final as (

    select
        quarters.quarter_start,
        quarters.quarter_end,
        quarters.freeze_on,
        quarters.late_close_cutoff,
        datasets.dataset,
        -- greatest() passes over NULL, so the delivery decides whether there is a date at all.
        case
            when min(deliveries.known_from) is not null
                then greatest(quarters.freeze_on, min(deliveries.known_from))
        end as frozen_on
    from quarters
    cross join datasets
    left join deliveries
        on
            datasets.dataset = deliveries.dataset
            and deliveries.known_from > quarters.quarter_end
    group by
        quarters.quarter_start, quarters.quarter_end, quarters.freeze_on, quarters.late_close_cutoff, datasets.dataset

)

select * from final
