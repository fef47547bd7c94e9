{# Agreement coefficients of every row of `leniency`. A row whose answers are on more than one scale has none: there is no
   one number of values to expect chance agreement from. #}
{%- set keys = ['comparison', 'sample', 'sample_type', 'basis', 'dimension', 'dimension_value'] -%}
with all_cells as (

    select
        cells.*,
        min(scale_code) over (partition by {{ keys | join(', ') }}) as first_scale,
        max(scale_code) over (partition by {{ keys | join(', ') }}) as last_scale
    from {{ ref('int_leniency_cells') }} as cells

),

cells as (

    select * from all_cells
    where first_scale = last_scale

),

both_orders as (

    select {{ keys | join(', ') }}, rated_rank as value_rank, reference_rank as other_rank, pair_count as coincidence_count
    from cells
    union all
    select {{ keys | join(', ') }}, reference_rank as value_rank, rated_rank as other_rank, pair_count as coincidence_count
    from cells

),

sums as (
{{ agreement_sums('cells', keys) }}
),

alphas as (
{{ krippendorff_alpha('both_orders', keys) }}
),

margins_tested as (
{{ stuart_maxwell('cells', keys) }}
),

final as (

    select
        {% for key in keys %}sums.{{ key }}, {% endfor %}
        {{ cohens_kappa('sums.observed_nominal', 'sums.expected_nominal', 'sums.pair_total') }} as kappa,
        {{ cohens_kappa('sums.observed_linear', 'sums.expected_linear', 'sums.pair_total') }} as kappa_linear,
        {{ cohens_kappa('sums.observed_quadratic', 'sums.expected_quadratic', 'sums.pair_total') }} as kappa_quadratic,
        {{ gwet_ac1('sums.raw_agreement', 'sums.spread', 'sums.category_count') }} as ac1,
        {{ gwet_ac('sums.linear_agreement', 'sums.spread', 'sums.category_count',
            linear_weight_sum('sums.category_count')) }} as ac2_linear,
        {{ gwet_ac('sums.quadratic_agreement', 'sums.spread', 'sums.category_count',
            quadratic_weight_sum('sums.category_count')) }} as ac2_quadratic,
        alphas.alpha_nominal,
        alphas.alpha_ordinal,
        alphas.alpha_interval,
        {{ chi_squared_tail('margins_tested.stuart_maxwell_chi2', 'margins_tested.stuart_maxwell_df') }}
            as stuart_maxwell_p
    from sums
    left join alphas
        on {{ same_columns('sums', 'alphas', keys) }}
    left join margins_tested
        on {{ same_columns('sums', 'margins_tested', keys) }}

)

select * from final
