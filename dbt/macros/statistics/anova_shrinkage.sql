{#- Rates of units drawn towards the rate of their family as far as the data say that units differ (beta-binomial with
    the ANOVA estimate of the intra-unit correlation), as one query over `relation`: one row per family and unit with a
    count and a denominator. Adds pooled_rate, anova_msb, anova_msw, anova_n0, anova_rho, prior_strength, prior_alpha,
    prior_beta, posterior_alpha, posterior_beta and shrunk_rate.

    A rho of zero or less (or none, with one unit) pools fully: the prior has no finite strength, shrunk_rate is the
    pooled rate and the posterior parameters are NULL. Units without a denominator get the prior.

    `prior_min` is the least the prior may weigh, in observations: where most units hold one, none of them mixed, rho comes
    out as 1, and a prior of no weight would call a unit 100% lenient on a single case. -#}
{% macro anova_shrinkage(
    relation, family_columns, unit_column, numerator, denominator, prior_min='0e0'
) -%}
{%- set family = family_columns | join(', ') -%}
with units as (

    select
        {{ family }},
        {{ unit_column }},
        cast({{ numerator }} as double) as unit_hits,
        cast({{ denominator }} as double) as unit_total
    from {{ relation }}
    where {{ denominator }} > 0

),

pooled as (

    select
        {{ family }},
        count(*) as unit_count,
        sum(unit_total) as family_total,
        sum(unit_hits) / sum(unit_total) as pooled_rate,
        sum(unit_total * unit_total) as total_squared
    from units
    group by {{ family }}

),

squares as (

    select
        {% for column in family_columns %}pooled.{{ column }}, {% endfor %}
        sum(
            units.unit_total * power(units.unit_hits / units.unit_total - pooled.pooled_rate, 2)
            order by units.{{ unit_column }}
        ) / nullif(max(pooled.unit_count) - 1, 0) as anova_msb,
        sum(
            units.unit_hits * (1 - units.unit_hits / units.unit_total)
            order by units.{{ unit_column }}
        ) / nullif(max(pooled.family_total) - max(pooled.unit_count), 0) as anova_msw,
        (max(pooled.family_total) - max(pooled.total_squared) / max(pooled.family_total))
        / nullif(max(pooled.unit_count) - 1, 0) as anova_n0,
        max(pooled.pooled_rate) as pooled_rate
    from units
    inner join pooled
        on {{ same_columns('units', 'pooled', family_columns) }}
    group by {% for column in family_columns %}pooled.{{ column }}{{ ', ' if not loop.last }}{% endfor %}

),

correlations as (

    select
        squares.*,
        (anova_msb - anova_msw) / nullif(anova_msb + (anova_n0 - 1) * anova_msw, 0) as anova_rho
    from squares

),

priors as (

    select
        correlations.*,
        case when anova_rho > 0 then greatest((1 - anova_rho) / anova_rho, {{ prior_min }}) end as prior_strength
    from correlations

),

posteriors as (

    select
        shrunk_units.*,
        priors.pooled_rate,
        priors.anova_msb,
        priors.anova_msw,
        priors.anova_n0,
        priors.anova_rho,
        priors.prior_strength,
        priors.pooled_rate * priors.prior_strength as prior_alpha,
        (1 - priors.pooled_rate) * priors.prior_strength as prior_beta,
        priors.pooled_rate * priors.prior_strength + shrunk_units.{{ numerator }} as posterior_alpha,
        (1 - priors.pooled_rate) * priors.prior_strength
        + shrunk_units.{{ denominator }} - shrunk_units.{{ numerator }} as posterior_beta
    from {{ relation }} as shrunk_units
    left join priors
        on {{ same_columns('shrunk_units', 'priors', family_columns) }}

)

select
    posteriors.*,
    case
        when prior_strength is null then pooled_rate
        else posterior_alpha / nullif(posterior_alpha + posterior_beta, 0)
    end as shrunk_rate
from posteriors
{%- endmacro %}
