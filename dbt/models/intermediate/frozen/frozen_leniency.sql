{# What `leniency` would have said of each inspection when its view was frozen: counts, scores and the rates made of them.
   Intervals, tests, agreement and the weighted rate are not measured again. #}
with sums as (

    select * from {{ ref('frozen_leniency_sums') }}
    where comparison <> 'manager_v_dip_sampler'

),

final as (

    select
        regime,
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        'ALL' as unit_type,
        cast(null as varchar) as period_type,
        cast(null as varchar) as period_label,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        {{ reliability('n_compared') }} as reliability,
        comparison,
        sample,
        sample_type as assessment_type,
        basis,
        dimension,
        dimension_value,
        n_examined,
        n_compared,
        n_lenient,
        n_harsh,
        n_agree,
        n_na_mismatch,
        n_unknown_direction,
        n_clusters,
        rated_score_num,
        reference_score_num,
        score_den,
        n_reference_short as lenient_given_fail_den,
        n_both_na,
        lenient_steps,
        n_two_steps,
        n_valued,
        na_leniency_num,
        na_leniency_den,
        n_only_reference_na,
        critical_leniency_num,
        critical_leniency_den,
        {{ rate('n_lenient', 'n_compared') }} as lenient_rate,
        {{ rate('n_harsh', 'n_compared') }} as harsh_rate,
        {{ rate('rated_score_num', 'score_den') }} as rated_score,
        {{ rate('reference_score_num', 'score_den') }} as reference_score,
        {{ rate('(rated_score_num - reference_score_num)', 'score_den') }} as gap_points,
        {{ relative_gap('rated_score_num', 'reference_score_num') }} as gap_relative
    from sums

)

select * from final
