{#- The funnel plot of METRICS.md section 4 (Spiegelhalter 2005), as three expressions and one query.

   transform is SQL for 'anscombe' (the default of this project: k=0 does not overstate) or 'arcsine' (the published
   method). Both work on the angle whose squared sine is the rate; its standard error depends on the denominator alone. -#}
{% macro funnel_angle(numerator, denominator, transform="'anscombe'") -%}
case
    when {{ transform }} = 'arcsine' then asin(sqrt({{ numerator }} * 1.0 / nullif({{ denominator }}, 0)))
    else asin(sqrt(({{ numerator }} + 0.375) / ({{ denominator }} + 0.75)))
end
{%- endmacro %}

{% macro funnel_standard_error(denominator, transform="'anscombe'") -%}
case
    when {{ transform }} = 'arcsine' then 0.5 / sqrt(nullif({{ denominator }}, 0))
    else 0.5 / sqrt({{ denominator }} + 0.5)
end
{%- endmacro %}

{#- The rate at which a unit of this denominator meets a limit `multiplier` standard errors from the centre, within 0 and
   1. tau2 widens it for over-dispersion (0: none). -#}
{% macro funnel_limit(centre, denominator, multiplier, tau2='0', transform="'anscombe'") -%}
{%- set angle -%}
least(greatest(
    asin(sqrt({{ centre }}))
    + {{ multiplier }} * sqrt(power({{ funnel_standard_error(denominator, transform) }}, 2) + {{ tau2 }}),
    0.0
), pi() / 2)
{%- endset -%}
case
    -- greatest() and least() skip a NULL, which would turn an unknown limit into 0.
    when {{ tau2 }} is null or {{ centre }} is null then null
    when {{ transform }} = 'arcsine' then power(sin({{ angle }}), 2)
    else
        least(greatest(
            (power(sin({{ angle }}), 2) * ({{ denominator }} + 0.75) - 0.375) / nullif({{ denominator }}, 0), 0.0
        ), 1.0)
end
{%- endmacro %}

{#- Points of a funnel with their over-dispersion: a query over `relation`, one row per family and unit, denominators of 1
   or more. Adds to every row: centre_rate, unit_count, z_score, winsor_low, winsor_high, phi, tau2, adjusted_z_score.
   Under `units_min` units there is no estimate: phi, tau2 and the adjusted score are NULL. -#}
{% macro funnel_points(
    relation, family_columns, unit_column, numerator, denominator,
    winsor_share='0.1', units_min='10', transform="'anscombe'"
) -%}
{%- set family = family_columns | join(', ') -%}
with centred as (

    select
        units.*,
        sum({{ numerator }}) over (partition by {{ family }}) * 1.0
        / sum({{ denominator }}) over (partition by {{ family }}) as centre_rate,
        count(*) over (partition by {{ family }}) as unit_count
    from {{ relation }} as units

),

scored as (

    select
        centred.*,
        -- At a centre of 0% or 100% every unit is at the centre; the transform would call them all unusual.
        case
            when centre_rate in (0, 1) then 0.0
            else
                ({{ funnel_angle(numerator, denominator, transform) }} - asin(sqrt(centre_rate)))
                / {{ funnel_standard_error(denominator, transform) }}
        end as z_score,
        1 / power({{ funnel_standard_error(denominator, transform) }}, 2) as weight
    from centred

),

ranked as (

    select
        scored.*,
        row_number() over (partition by {{ family }} order by z_score, {{ unit_column }}) as z_rank
    from scored

),

winsor_limits as (

    -- Quantile type 7: between the two scores that stand on either side of position 1 + (units - 1) x share.
    select
        {{ family }},
        max(case when z_rank = floor((unit_count - 1) * {{ winsor_share }}) + 1 then z_score end) as low_left,
        max(case when z_rank = ceil((unit_count - 1) * {{ winsor_share }}) + 1 then z_score end) as low_right,
        max(case when z_rank = floor((unit_count - 1) * (1 - {{ winsor_share }})) + 1 then z_score end) as high_left,
        max(case when z_rank = ceil((unit_count - 1) * (1 - {{ winsor_share }})) + 1 then z_score end) as high_right,
        max((unit_count - 1) * {{ winsor_share }} - floor((unit_count - 1) * {{ winsor_share }})) as low_fraction,
        max((unit_count - 1) * (1 - {{ winsor_share }}) - floor((unit_count - 1) * (1 - {{ winsor_share }})))
            as high_fraction
    from ranked
    group by {{ family }}

),

winsorised as (

    select
        ranked.*,
        winsor_limits.low_left + winsor_limits.low_fraction * (winsor_limits.low_right - winsor_limits.low_left)
            as winsor_low,
        winsor_limits.high_left + winsor_limits.high_fraction * (winsor_limits.high_right - winsor_limits.high_left)
            as winsor_high
    from ranked
    inner join winsor_limits
        on {{ same_columns('ranked', 'winsor_limits', family_columns) }}

),

dispersion as (

    select
        {{ family }},
        sum(power(least(greatest(z_score, winsor_low), winsor_high), 2) order by {{ unit_column }})
        / nullif(count(*), 0) as phi,
        sum(weight order by {{ unit_column }}) as weight_sum,
        sum(weight * weight order by {{ unit_column }}) as squared_weight_sum
    from winsorised
    group by {{ family }}
    having count(*) >= {{ units_min }}

),

dispersed as (

    select
        winsorised.*,
        dispersion.phi,
        case
            when winsorised.unit_count * dispersion.phi < winsorised.unit_count - 1 then 0.0
            else
                (winsorised.unit_count * dispersion.phi - (winsorised.unit_count - 1))
                / nullif(dispersion.weight_sum - dispersion.squared_weight_sum / dispersion.weight_sum, 0)
        end as tau2
    from winsorised
    left join dispersion
        on {{ same_columns('winsorised', 'dispersion', family_columns) }}

),

funnel_final as (

    select
        dispersed.*,
        z_score / sqrt(1 + tau2 * weight) as adjusted_z_score
    from dispersed

)

select * from funnel_final
{%- endmacro %}
