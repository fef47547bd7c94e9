{# How far two inspectors agree on the same file, from quality assurance and calibration: the ceiling for what managers and
   inspectors can be expected to agree on. An inspector is a reference, not the truth. #}
{%- set keys = ['sample', 'assessment_type', 'basis'] -%}
with pairs as (

    select * from {{ ref('int_inspector_pairs') }}

),

inspection_status as (

    select * from {{ ref('int_inspection_status') }}
    where comparison = 'inspector_v_inspector'

),

interval_constants as (

    select {{ interval_z() }} as z

),

-- Chance agreement needs one scale: rows of several have counts and a raw rate alone.
cells as (

    select
        {{ keys | join(', ') }},
        scale_code,
        category_count,
        rated_rank,
        reference_rank,
        count(*) as pair_count
    from pairs
    group by {{ keys | join(', ') }}, scale_code, category_count, rated_rank, reference_rank

),

counts as (

    select
        {{ keys | join(', ') }},
        case when min(regime) = max(regime) then max(regime) end as regime,
        min(scale_code) = max(scale_code) as is_one_scale,
        count(distinct iqa_id) as n_iqas,
        count(*) as n_compared,
        count(case when rated_rank = reference_rank then 1 end) as n_agree
    from pairs
    group by {{ keys | join(', ') }}

),

sums as (
{{ agreement_sums('cells', keys) }}
),

clusters as (

    select
        {{ keys | join(', ') }},
        iqa_id,
        count(*) as compared,
        count(case when rated_rank = reference_rank then 1 end) as agreed
    from pairs
    group by {{ keys | join(', ') }}, iqa_id

),

cluster_sums as (

    select
        {{ keys | join(', ') }},
        count(*) as n_clusters,
        sum(agreed * agreed) as agree_squared,
        sum(agreed * compared) as agree_compared,
        sum(compared * compared) as compared_squared
    from clusters
    group by {{ keys | join(', ') }}

),

effects as (

    select
        counts.*,
        case when counts.is_one_scale then
            {{ gwet_ac1('sums.raw_agreement', 'sums.spread', 'sums.category_count') }}
        end as ac1,
        case when counts.is_one_scale then
            {{ cohens_kappa('sums.observed_nominal', 'sums.expected_nominal', 'sums.pair_total') }}
        end as kappa,
        {{ design_effect(
            'cluster_sums.n_clusters', 'counts.n_agree', 'counts.n_compared', 'cluster_sums.agree_squared',
            'cluster_sums.agree_compared', 'cluster_sums.compared_squared'
        ) }} as agree_design_effect
    from counts
    inner join sums
        on {{ same_columns('counts', 'sums', keys) }}
    inner join cluster_sums
        on {{ same_columns('counts', 'cluster_sums', keys) }}

),

named as (

    select
        effects.*,
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        'ALL' as unit_type,
        cast(null as varchar) as period_type,
        cast(null as varchar) as period_label,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        coalesce(inspection_status.figure_status, 'P') as figure_status,
        {{ rate('effects.n_agree', 'effects.n_compared') }} as agreement_rate,
        {{ cluster_low('effects.n_agree', 'effects.n_compared', 'effects.agree_design_effect', 'interval_constants.z') }}
            as agreement_low,
        {{ cluster_high('effects.n_agree', 'effects.n_compared', 'effects.agree_design_effect', 'interval_constants.z') }}
            as agreement_high
    from effects
    cross join interval_constants
    left join inspection_status
        on
            effects.sample = inspection_status.sample
            and effects.assessment_type = inspection_status.sample_type

),

final as (

    select
        {{ standard_columns('named', 'named.n_iqas') }},
        {{ null_reason([
            ('agreement_low', 'true', 'too_few_clusters'),
            ('agreement_high', 'true', 'too_few_clusters'),
            ('ac1', 'not is_one_scale', 'mixed_scales'),
            ('ac1', 'true', 'no_variation'),
            ('kappa', 'not is_one_scale', 'mixed_scales'),
            ('kappa', 'true', 'no_variation'),
        ]) }} as null_reason,
        named.sample,
        named.assessment_type,
        named.basis,
        named.n_iqas,
        named.n_compared,
        named.n_agree,
        named.agreement_rate,
        named.agreement_low,
        named.agreement_high,
        named.ac1,
        named.kappa
    from named

)

select * from final
