{# When each dataset's view of a quarter was frozen: at the quarter's freeze, or, where nothing at all had been delivered
   since the quarter's end, or no row ever of the dataset, at the first delivery that came: a first load of old quarters
   revises nothing. A delivery is a file that was loaded, whether it brought anything new or not. A quarter without a
   delivery after its end is not frozen yet (NULL). #}
{%- set datasets = [
    'iqa', 'iqa_answers', 'dip_samples', 'dip_sample_answers', 'reassessments', 'reassessment_answers', 'feedback_quality',
    'actions', 'evidence_requests', 'postings', 'absences', 'governance_items',
] -%}
with quarters as (

    select * from {{ ref('int_quarters') }}

),

deliveries as (

    select * from {{ ref('int_deliveries') }}

),

completed as (

    select
        quarters.quarter_start,
        min(deliveries.delivered_on) as completed_on
    from quarters
    inner join deliveries
        on quarters.quarter_end < deliveries.delivered_on
    group by quarters.quarter_start

),

datasets as (

    {% for dataset in datasets -%}
    select
        '{{ dataset }}' as dataset,
        min(known_from) as first_known_on
    from {{ source('raw', dataset ~ '_versions') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        quarters.quarter_start,
        quarters.quarter_end,
        quarters.freeze_on,
        quarters.late_close_cutoff,
        datasets.dataset,
        -- greatest() passes over NULL, so a delivery after the quarter's end decides whether there is a date at all.
        case
            when completed.completed_on is not null
                then greatest(quarters.freeze_on, completed.completed_on, datasets.first_known_on)
        end as frozen_on
    from quarters
    cross join datasets
    left join completed
        on quarters.quarter_start = completed.quarter_start

)

select * from final
