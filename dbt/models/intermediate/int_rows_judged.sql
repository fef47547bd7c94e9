{# How many rows of each dataset stand and how many were quarantined, by quarter and Area. A row's own event date and
   Area count, or else those of the assessment, dip sample or re-assessment it belongs to: as in the quarantine. #}
with iqas as (

    select * from {{ ref('stg_iqa') }}

),

dip_samples as (

    select
        dip_samples.dip_sample_id,
        dip_samples.sampled_on,
        iqas.area_code
    from {{ ref('stg_dip_samples') }} as dip_samples
    inner join iqas
        on dip_samples.iqa_id = iqas.iqa_id

),

reassessments as (

    select
        reassessments.reassessment_id,
        reassessments.reassessed_on,
        iqas.area_code
    from {{ ref('stg_reassessments') }} as reassessments
    inner join iqas
        on reassessments.iqa_id = iqas.iqa_id

),

answer_counts as (

    -- Answers are by far the most rows: counted per assessment before they are joined to it.
    select iqa_id, count(*) as row_count
    from {{ ref('stg_iqa_answers') }}
    group by iqa_id

),

standing as (

    select 'postings' as dataset, area_code, start_date as event_on, 1 as row_count
    from {{ ref('stg_postings') }}

    union all

    select 'absences' as dataset, null as area_code, start_date as event_on, 1 as row_count
    from {{ ref('stg_absences') }}

    union all

    select 'iqa' as dataset, area_code, assessed_on as event_on, 1 as row_count
    from iqas

    union all

    select 'iqa_answers' as dataset, iqas.area_code, iqas.assessed_on as event_on, answer_counts.row_count
    from answer_counts
    inner join iqas
        on answer_counts.iqa_id = iqas.iqa_id

    union all

    select 'actions' as dataset, iqas.area_code, actions.raised_on as event_on, 1 as row_count
    from {{ ref('stg_actions') }} as actions
    inner join iqas
        on actions.iqa_id = iqas.iqa_id

    union all

    select 'dip_samples' as dataset, area_code, sampled_on as event_on, 1 as row_count
    from dip_samples

    union all

    select 'dip_sample_answers' as dataset, dip_samples.area_code, dip_samples.sampled_on as event_on, 1 as row_count
    from {{ ref('stg_dip_sample_answers') }} as dip_sample_answers
    inner join dip_samples
        on dip_sample_answers.dip_sample_id = dip_samples.dip_sample_id

    union all

    select 'reassessments' as dataset, area_code, reassessed_on as event_on, 1 as row_count
    from reassessments

    union all

    select
        'reassessment_answers' as dataset,
        reassessments.area_code,
        reassessments.reassessed_on as event_on,
        1 as row_count
    from {{ ref('stg_reassessment_answers') }} as reassessment_answers
    inner join reassessments
        on reassessment_answers.reassessment_id = reassessments.reassessment_id

    union all

    select
        'feedback_quality' as dataset,
        reassessments.area_code,
        reassessments.reassessed_on as event_on,
        1 as row_count
    from {{ ref('stg_feedback_quality') }} as feedback_quality
    inner join reassessments
        on feedback_quality.reassessment_id = reassessments.reassessment_id

    union all

    select 'evidence_requests' as dataset, iqas.area_code, evidence_requests.requested_on as event_on, 1 as row_count
    from {{ ref('stg_evidence_requests') }} as evidence_requests
    inner join iqas
        on evidence_requests.iqa_id = iqas.iqa_id

    union all

    select 'governance_items' as dataset, area_code, held_on as event_on, 1 as row_count
    from {{ ref('stg_governance_items') }}

    union all

    select 'control_totals' as dataset, area_code, quarter_start as event_on, 1 as row_count
    from {{ ref('stg_control_totals') }}

),

judged as (

    select dataset, area_code, event_on, row_count as standing_rows, 0 as quarantined_rows from standing
    union all
    select dataset, area_code, event_on, 0 as standing_rows, 1 as quarantined_rows
    from {{ source('raw', 'quarantine') }}

),

final as (

    select
        judged.dataset,
        coalesce(areas.area_code, 'UNKNOWN') as area_code,
        quarters.quarter_start,
        cast(sum(judged.standing_rows) as bigint) as standing_rows,
        cast(sum(judged.quarantined_rows) as bigint) as quarantined_rows
    from judged
    left join {{ ref('areas') }} as areas
        on judged.area_code = areas.area_code
    left join {{ ref('int_quarters') }} as quarters
        on judged.event_on between quarters.quarter_start and quarters.quarter_end
    group by judged.dataset, coalesce(areas.area_code, 'UNKNOWN'), quarters.quarter_start

)

select * from final
