{# Lenient rates drawn towards the rate of their family (comparison, sample, type, basis, dimension), as far as its members
   differ. Full pooling leaves the pooled rate with its own Wilson interval. A member of whom nothing was compared has no
   rate to draw. #}
{%- set family = ['comparison', 'sample', 'sample_type', 'basis', 'dimension'] -%}
with sums as (

    select
        {{ family | join(', ') }},
        dimension_value,
        n_lenient,
        n_compared
    from {{ ref('int_leniency_sums') }}
    where dimension <> 'overall'

),

shrunk as (
{{ anova_shrinkage(
    'sums', family, 'dimension_value', 'n_lenient', 'n_compared', policy('shrinkage_prior_min')
) }}
),

limits as (

    select
        {{ interval_z() }} as interval_z,
        {{ policy('interval_confidence') }} as confidence

),

totals as (

    select
        shrunk.*,
        sum(n_lenient) over (partition by {{ family | join(', ') }}) as family_lenient,
        sum(n_compared) over (partition by {{ family | join(', ') }}) as family_compared
    from shrunk

),

final as (

    select
        {% for column in family %}totals.{{ column }}, {% endfor %}
        totals.dimension_value,
        totals.anova_rho,
        case when totals.n_compared > 0 then totals.shrunk_rate end as shrunk_rate,
        case
            when totals.n_compared = 0 then null
            when totals.prior_strength is null
                then {{ wilson_low('totals.family_lenient', 'totals.family_compared', 'limits.interval_z') }}
            else {{ beta_quantile('(1e0 - limits.confidence) / 2e0', 'totals.posterior_alpha', 'totals.posterior_beta') }}
        end as shrunk_low,
        case
            when totals.n_compared = 0 then null
            when totals.prior_strength is null
                then {{ wilson_high('totals.family_lenient', 'totals.family_compared', 'limits.interval_z') }}
            else {{ beta_quantile('(1e0 + limits.confidence) / 2e0', 'totals.posterior_alpha', 'totals.posterior_beta') }}
        end as shrunk_high
    from totals
    cross join limits

)

select * from final
