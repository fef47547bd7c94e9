{# Leniency and quality gap of one rater against another. The counts come from int_leniency_sums; here they become rates,
   intervals, tests and the sentence that states them. Overall ratings are independent units (Wilson, Bonett-Price, exact
   McNemar); answers come in assessments (cluster-adjusted Wilson, linearised variances, sign flip of whole assessments). #}
{%- set keys = ['comparison', 'sample', 'sample_type', 'basis', 'dimension', 'dimension_value'] -%}
with sums as (

    select * from {{ ref('int_leniency_sums') }}

),

agreement as (

    select * from {{ ref('int_leniency_agreement') }}

),

shrunk as (

    select * from {{ ref('int_leniency_shrunk') }}

),

assessor_spread as (

    -- How much of the variation lies between assessors names none of them.
    select distinct
        comparison,
        sample,
        sample_type,
        basis,
        anova_rho as assessor_rho
    from shrunk
    where dimension = 'assessor'

),

weighted as (

    select * from {{ ref('int_leniency_weighted') }}

),

bootstrap as (

    select * from {{ ref('int_leniency_bootstrap') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

figure_status as (

    select * from {{ ref('int_figure_status') }}
    where
        status_basis = 'answers'
        and period_type = 'quarter'
        and unit_type = 'ALL'

),

inspection_status as (

    select * from {{ ref('int_inspection_status') }}

),

areas as (

    select * from {{ ref('areas') }}

),

unit_types as (

    select * from {{ ref('unit_types') }}

),

questions as (

    select * from {{ ref('questions') }}

),

limits as (

    select
        {{ interval_z() }} as interval_z,
        {{ policy('sign_flip_exact_clusters') }} as sign_flip_exact_clusters,
        {{ policy('sign_flip_draws') }} as sign_flip_draws,
        {{ policy('random_seed') }} as random_seed,
        {{ policy('relative_gap_base_min') }} as relative_gap_base_min

),

scored as (

    select
        sums.*,
        {{ design_effect(
            'n_clusters', 'n_lenient', 'n_compared', 'lenient_squared', 'lenient_compared', 'compared_squared'
        ) }} as lenient_design_effect,
        {{ design_effect(
            'n_clusters', 'n_harsh', 'n_compared', 'harsh_squared', 'harsh_compared', 'compared_squared'
        ) }} as harsh_design_effect,
        {{ design_effect(
            'n_clusters', 'n_agree', 'n_compared', 'agree_squared', 'agree_compared', 'compared_squared'
        ) }} as agree_design_effect,
        sqrt({{ cluster_variance(
            'n_scored_clusters', '(rated_points - reference_points)', 'max_points',
            'gap_squared', 'gap_max_points', 'max_points_squared'
        ) }}) as gap_standard_error,
        sqrt({{ cluster_variance(
            'n_scored_clusters', 'rated_points', 'reference_points',
            'rated_points_squared', 'rated_reference_points', 'reference_points_squared'
        ) }}) as ratio_standard_error
    from sums

),

measured as (

    select
        scored.*,
        limits.relative_gap_base_min,
        {{ rate('n_lenient', 'n_compared') }} as lenient_rate,
        case
            when basis = 'answer'
                then {{ cluster_low('n_lenient', 'n_compared', 'lenient_design_effect', 'interval_z') }}
            else {{ wilson_low('n_lenient', 'n_compared', 'interval_z') }}
        end as lenient_low,
        case
            when basis = 'answer'
                then {{ cluster_high('n_lenient', 'n_compared', 'lenient_design_effect', 'interval_z') }}
            else {{ wilson_high('n_lenient', 'n_compared', 'interval_z') }}
        end as lenient_high,
        {{ rate('n_harsh', 'n_compared') }} as harsh_rate,
        case
            when basis = 'answer'
                then {{ cluster_low('n_harsh', 'n_compared', 'harsh_design_effect', 'interval_z') }}
            else {{ wilson_low('n_harsh', 'n_compared', 'interval_z') }}
        end as harsh_low,
        case
            when basis = 'answer'
                then {{ cluster_high('n_harsh', 'n_compared', 'harsh_design_effect', 'interval_z') }}
            else {{ wilson_high('n_harsh', 'n_compared', 'interval_z') }}
        end as harsh_high,
        {{ rate('(n_lenient - n_harsh)', 'n_compared') }} as net_leniency,
        {{ rate('n_agree', 'n_compared') }} as agreement_rate,
        case
            when basis = 'answer'
                then {{ cluster_low('n_agree', 'n_compared', 'agree_design_effect', 'interval_z') }}
            else {{ wilson_low('n_agree', 'n_compared', 'interval_z') }}
        end as agreement_low,
        case
            when basis = 'answer'
                then {{ cluster_high('n_agree', 'n_compared', 'agree_design_effect', 'interval_z') }}
            else {{ wilson_high('n_agree', 'n_compared', 'interval_z') }}
        end as agreement_high,
        {{ rate('(n_agree + n_both_na)', '(n_compared + n_na_mismatch + n_both_na)') }} as agreement_with_na_rate,
        {{ rate('rated_score_num', 'score_den') }} as rated_score,
        {{ rate('reference_score_num', 'score_den') }} as reference_score,
        {{ rate('(rated_score_num - reference_score_num)', 'score_den') }} as gap_points,
        case
            when basis <> 'answer'
                then {{ bonett_price_low('n_only_rated_met', 'n_only_reference_met', 'score_den', 'interval_z') }}
            when gap_standard_error > 0
                then greatest(
                    (cast(rated_points as double) - reference_points) / max_points - interval_z * gap_standard_error,
                    -1e0
                )
            when gap_standard_error = 0
                then {{ bonett_price_low('n_lenient', 'n_harsh', 'n_valued', 'interval_z') }}
        end as gap_points_low,
        case
            when basis <> 'answer'
                then {{ bonett_price_high('n_only_rated_met', 'n_only_reference_met', 'score_den', 'interval_z') }}
            when gap_standard_error > 0
                then least(
                    (cast(rated_points as double) - reference_points) / max_points + interval_z * gap_standard_error,
                    1e0
                )
            when gap_standard_error = 0
                then {{ bonett_price_high('n_lenient', 'n_harsh', 'n_valued', 'interval_z') }}
        end as gap_points_high,
        {{ relative_gap('rated_score_num', 'reference_score_num') }} as gap_relative,
        case
            when basis <> 'answer'
                then {{ relative_gap_low(
                    'rated_score_num', 'reference_score_num', '(n_only_rated_met + n_only_reference_met)', 'interval_z'
                ) }}
            when rated_points > 0 and reference_points > 0
                then exp(
                    ln(cast(rated_points as double) / reference_points)
                    - interval_z * ratio_standard_error * reference_points / rated_points
                ) - 1e0
        end as gap_relative_low,
        case
            when basis <> 'answer'
                then {{ relative_gap_high(
                    'rated_score_num', 'reference_score_num', '(n_only_rated_met + n_only_reference_met)', 'interval_z'
                ) }}
            when rated_points > 0 and reference_points > 0
                then exp(
                    ln(cast(rated_points as double) / reference_points)
                    + interval_z * ratio_standard_error * reference_points / rated_points
                ) - 1e0
        end as gap_relative_high,
        {{ rate('n_lenient', 'n_reference_short') }} as lenient_given_fail,
        case
            when dimension = 'assessor' then null
            when basis = 'answer'
                then {{ sign_flip_p(
                    'net_leniency_list', 'sign_flip_exact_clusters', 'sign_flip_draws', 'random_seed'
                ) }}
            else {{ mcnemar_exact_p('n_only_rated_met', 'n_only_reference_met') }}
        end as p_value,
        case
            when dimension <> 'assessor' and basis <> 'answer'
                then {{ mcnemar_mid_p('n_only_rated_met', 'n_only_reference_met') }}
        end as mid_p_value,
        {{ rate('(n_only_rated_met - n_only_reference_met)',
            '(n_both_met + n_only_rated_met + n_only_reference_met + n_neither_met)') }} as bias_index,
        {{ rate('(n_both_met - n_neither_met)',
            '(n_both_met + n_only_rated_met + n_only_reference_met + n_neither_met)') }} as prevalence_index,
        {{ rate('lenient_steps', 'n_valued') }} as step_weighted_leniency,
        {{ rate('n_two_steps', 'n_valued') }} as two_step_rate,
        {{ rate('na_leniency_num', 'na_leniency_den') }} as na_leniency_rate,
        {{ rate('critical_leniency_num', 'critical_leniency_den') }} as critical_leniency_rate,
        {{ gap_headline(
            "case when comparison = 'dip_sampler_v_inspector' then 'dip samplers' else 'managers' end",
            "case when comparison = 'manager_v_dip_sampler' then 'dip samplers' else 'inspectors' end",
            'rated_score_num',
            'reference_score_num',
            'score_den',
            "case when basis = 'answer' then " ~ thousands('n_valued') ~ " || ' answers' else "
            ~ thousands('score_den') ~ ' end'
        ) }} as headline
    from scored
    cross join limits

),

tests as (

    select
        {{ keys | join(', ') }},
        p_value
    from measured

),

adjusted as (
{{ adjusted_p(
    'tests', ['comparison', 'sample', 'sample_type', 'basis', 'dimension'], ['dimension_value'], 'p_value'
) }}
),

placed as (

    select
        measured.*,
        case
            when measured.comparison = 'manager_v_dip_sampler' and measured.dimension = 'area' then 'area'
            else 'national'
        end as level,
        case
            when measured.comparison = 'manager_v_dip_sampler' and measured.dimension = 'area'
                then measured.dimension_value
            else 'ALL'
        end as area_code,
        case when measured.comparison = 'manager_v_dip_sampler' then 'quarter' end as period_type,
        case when measured.comparison = 'manager_v_dip_sampler' then quarters.quarter_label end as period_label,
        case when measured.comparison = 'manager_v_dip_sampler' then quarters.quarter_start end as period_start,
        case when measured.comparison = 'manager_v_dip_sampler' then quarters.quarter_end end as period_end
    from measured
    left join quarters
        on measured.quarter_start = quarters.quarter_start

),

statuses as (

    select
        area_code,
        period_start,
        assessment_type as sample_type,
        figure_status
    from figure_status

    union all

    select distinct
        area_code,
        period_start,
        'ALL' as sample_type,
        figure_status
    from figure_status

),

named as (

    select
        placed.regime,
        placed.level,
        placed.area_code,
        case when placed.level = 'area' then areas.area_name else 'England and Wales' end as area_name,
        'ALL' as unit_type,
        placed.period_type,
        placed.period_label,
        placed.period_start,
        placed.period_end,
        coalesce(statuses.figure_status, inspection_status.figure_status, 'P') as figure_status,
        placed.comparison,
        placed.sample,
        placed.sample_type as assessment_type,
        placed.basis,
        placed.dimension,
        placed.dimension_value,
        case placed.dimension
            when 'overall' then 'All'
            when 'area' then areas.area_name
            when 'unit_type' then unit_types.unit_name
            when 'question' then questions.question_text
            when 'question_category' then replace(placed.dimension_value, '_', ' ')
            else placed.dimension_value
        end as dimension_name,
        placed.n_examined,
        placed.n_compared,
        placed.n_lenient,
        placed.n_harsh,
        placed.n_agree,
        placed.n_na_mismatch,
        placed.n_unknown_direction,
        placed.n_clusters,
        placed.lenient_rate,
        placed.lenient_low,
        placed.lenient_high,
        placed.harsh_rate,
        placed.harsh_low,
        placed.harsh_high,
        placed.net_leniency,
        placed.rated_score,
        placed.rated_score_num,
        placed.reference_score,
        placed.reference_score_num,
        placed.score_den,
        placed.gap_points,
        placed.gap_points_low,
        placed.gap_points_high,
        placed.gap_relative,
        placed.gap_relative_low,
        placed.gap_relative_high,
        placed.reference_score < placed.relative_gap_base_min as is_gap_relative_unstable,
        placed.lenient_given_fail,
        placed.n_reference_short as lenient_given_fail_den,
        shrunk.shrunk_rate,
        shrunk.shrunk_low,
        shrunk.shrunk_high,
        shrunk.anova_rho,
        assessor_spread.assessor_rho,
        placed.agreement_rate,
        placed.agreement_low,
        placed.agreement_high,
        placed.agreement_with_na_rate,
        placed.n_both_na,
        agreement.kappa,
        agreement.kappa_linear,
        agreement.kappa_quadratic,
        bootstrap.kappa_low,
        bootstrap.kappa_high,
        agreement.ac1,
        agreement.ac2_linear,
        agreement.ac2_quadratic,
        bootstrap.ac1_low,
        bootstrap.ac1_high,
        agreement.alpha_nominal,
        agreement.alpha_ordinal,
        agreement.alpha_interval,
        bootstrap.alpha_low,
        bootstrap.alpha_high,
        bootstrap.gap_relative_boot_low,
        bootstrap.gap_relative_boot_high,
        bootstrap.is_bootstrap_unreliable,
        placed.bias_index,
        placed.prevalence_index,
        placed.p_value,
        placed.mid_p_value,
        agreement.stuart_maxwell_p,
        adjusted.adjusted_p as q_value,
        adjusted.family_size,
        case when placed.basis = 'answer' then placed.lenient_design_effect end as design_effect,
        placed.step_weighted_leniency,
        placed.lenient_steps,
        placed.two_step_rate,
        placed.n_two_steps,
        placed.n_valued,
        placed.na_leniency_rate,
        placed.na_leniency_num,
        placed.na_leniency_den,
        placed.n_only_reference_na,
        placed.critical_leniency_rate,
        placed.critical_leniency_num,
        placed.critical_leniency_den,
        case when placed.dimension = 'overall' then weighted.weighted_rate end as weighted_rate,
        case when placed.dimension = 'overall' then weighted.weighted_se end as weighted_se,
        case when placed.dimension = 'overall' then cast(weighted.stratum_count as bigint) end as stratum_count,
        placed.headline
    from placed
    left join agreement
        on {{ same_columns('placed', 'agreement', keys) }}
    left join shrunk
        on {{ same_columns('placed', 'shrunk', keys) }}
    left join assessor_spread
        on
            {{ same_columns('placed', 'assessor_spread', ['comparison', 'sample', 'sample_type', 'basis']) }}
            and placed.dimension = 'overall'
    left join adjusted
        on {{ same_columns('placed', 'adjusted', keys) }}
    left join weighted
        on
            {{ same_columns('placed', 'weighted', ['comparison', 'sample', 'sample_type', 'basis']) }}
            and placed.dimension = 'overall'
    left join bootstrap
        on
            {{ same_columns('placed', 'bootstrap', ['comparison', 'sample', 'sample_type', 'basis']) }}
            and placed.dimension = 'overall'
    left join statuses
        on
            placed.area_code = statuses.area_code
            and placed.period_start = statuses.period_start
            and placed.sample_type = statuses.sample_type
    left join inspection_status
        on
            {{ same_columns('placed', 'inspection_status', ['comparison', 'sample', 'sample_type']) }}
            -- The weighted rate stands in overall rows alone.
            and (placed.dimension = 'overall' or not inspection_status.is_frame_only)
    left join areas
        on
            placed.dimension = 'area'
            and placed.dimension_value = areas.area_code
    left join unit_types
        on
            placed.dimension = 'unit_type'
            and placed.dimension_value = unit_types.unit_type
    left join questions
        on
            placed.dimension = 'question'
            and placed.dimension_value = questions.question_code

),

{%- set reasons = [] -%}
{%- for column in ['lenient_rate', 'lenient_low', 'lenient_high', 'harsh_rate', 'net_leniency'] -%}
    {%- do reasons.append((column, 'named.n_compared = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'true', 'single_assessment')) -%}
{%- endfor -%}
{%- for column in [
    'rated_score', 'reference_score', 'gap_points', 'gap_points_low', 'gap_points_high', 'is_gap_relative_unstable'
] -%}
    {%- do reasons.append((column, 'named.score_den = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'true', 'single_assessment')) -%}
{%- endfor -%}
{%- for column in ['gap_relative', 'gap_relative_low', 'gap_relative_high'] -%}
    {%- do reasons.append((column, 'named.score_den = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'named.reference_score_num = 0', 'reference_is_zero')) -%}
    {%- do reasons.append((column, 'named.rated_score_num = 0', 'rated_is_zero')) -%}
    {%- do reasons.append((column, 'true', 'single_assessment')) -%}
{%- endfor -%}
{%- do reasons.append(('lenient_given_fail', 'named.n_compared = 0', 'no_activity')) -%}
{%- do reasons.append(('lenient_given_fail', 'true', 'none_below_top')) -%}
{%- for column in ['shrunk_rate', 'shrunk_low', 'shrunk_high'] -%}
    {%- do reasons.append((column, "named.dimension = 'overall'", 'nothing_to_shrink_to')) -%}
    {%- do reasons.append((column, 'true', 'no_activity')) -%}
{%- endfor -%}
{%- for column in ['agreement_rate', 'agreement_with_na_rate', 'two_step_rate', 'na_leniency_rate'] -%}
    {%- do reasons.append((column, 'true', 'no_activity')) -%}
{%- endfor -%}
{%- do reasons.append(('critical_leniency_rate', "named.basis <> 'answer'", 'not_applicable')) -%}
{%- do reasons.append(('critical_leniency_rate', 'true', 'no_activity')) -%}
{%- for column in ['kappa', 'ac1'] -%}
    {%- do reasons.append((column, 'named.n_valued = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'named.alpha_nominal is null and named.ac1 is null', 'mixed_scales')) -%}
    {%- do reasons.append((column, 'true', 'no_variation')) -%}
{%- endfor -%}
{%- for column in ['p_value', 'q_value'] -%}
    {%- do reasons.append((column, "named.dimension = 'assessor'", 'shrinkage_only')) -%}
    {%- do reasons.append((column, 'named.n_compared = 0', 'no_activity')) -%}
    {%- do reasons.append((column, 'true', 'no_discordance')) -%}
{%- endfor -%}
{%- do reasons.append(('headline', 'true', 'no_activity')) %}

final as (

    select
        {{ standard_columns('named', 'named.n_compared') }},
        {{ null_reason(reasons) }} as null_reason,
        named.comparison,
        named.sample,
        named.assessment_type,
        named.basis,
        named.dimension,
        named.dimension_value,
        named.dimension_name,
        named.n_examined,
        named.n_compared,
        named.n_lenient,
        named.n_harsh,
        named.n_agree,
        named.n_na_mismatch,
        named.n_unknown_direction,
        named.n_clusters,
        named.lenient_rate,
        named.lenient_low,
        named.lenient_high,
        named.harsh_rate,
        named.harsh_low,
        named.harsh_high,
        named.net_leniency,
        named.rated_score,
        named.rated_score_num,
        named.reference_score,
        named.reference_score_num,
        named.score_den,
        named.gap_points,
        named.gap_points_low,
        named.gap_points_high,
        named.gap_relative,
        named.gap_relative_low,
        named.gap_relative_high,
        named.is_gap_relative_unstable,
        named.lenient_given_fail,
        named.lenient_given_fail_den,
        named.shrunk_rate,
        named.shrunk_low,
        named.shrunk_high,
        named.anova_rho,
        named.assessor_rho,
        named.agreement_rate,
        named.agreement_low,
        named.agreement_high,
        named.agreement_with_na_rate,
        named.n_both_na,
        named.kappa,
        named.kappa_linear,
        named.kappa_quadratic,
        named.kappa_low,
        named.kappa_high,
        named.ac1,
        named.ac2_linear,
        named.ac2_quadratic,
        named.ac1_low,
        named.ac1_high,
        named.alpha_nominal,
        named.alpha_ordinal,
        named.alpha_interval,
        named.alpha_low,
        named.alpha_high,
        named.gap_relative_boot_low,
        named.gap_relative_boot_high,
        named.is_bootstrap_unreliable,
        named.bias_index,
        named.prevalence_index,
        named.p_value,
        named.mid_p_value,
        named.stuart_maxwell_p,
        named.q_value,
        named.family_size,
        named.design_effect,
        named.step_weighted_leniency,
        named.lenient_steps,
        named.two_step_rate,
        named.n_two_steps,
        named.n_valued,
        named.na_leniency_rate,
        named.na_leniency_num,
        named.na_leniency_den,
        named.n_only_reference_na,
        named.critical_leniency_rate,
        named.critical_leniency_num,
        named.critical_leniency_den,
        named.weighted_rate,
        named.weighted_se,
        named.stratum_count,
        named.headline
    from named

)

select * from final
