{#- Agreement of two raters from a table of counts. The coefficients take sums over the table's cells and margins, which
    `agreement_sums` makes; q is the number of values of the scale, also of those that nobody used. -#}

{#- Cohen's kappa, or the weighted one, from disagreements: 1 - observed / expected. `observed` is the sum of n * d over
    the cells, `expected` the sum of row * column * d over all pairs of margins, `total` the number of pairs. For plain
    kappa d is 0 on the diagonal and 1 elsewhere. NULL when chance alone agrees everywhere. -#}
{% macro cohens_kappa(observed, expected, total) -%}
    1e0 - cast({{ observed }} as double) * {{ total }} / nullif({{ expected }}, 0)
{%- endmacro %}

{#- Gwet's AC1 and AC2. `agreement` is the (weighted) share that agrees, `spread` the sum of pi * (1 - pi) over the
    values, `weight_sum` the sum of the q x q weights: q for AC1. NULL for a scale of one value. -#}
{% macro gwet_ac(agreement, spread, q, weight_sum) -%}
    (
        {{ agreement }} - {{ weight_sum }} * {{ spread }} / nullif({{ q }} * ({{ q }} - 1e0), 0)
    ) / nullif(1e0 - {{ weight_sum }} * {{ spread }} / nullif({{ q }} * ({{ q }} - 1e0), 0), 0)
{%- endmacro %}

{% macro gwet_ac1(agreement, spread, q) -%}
    {{ gwet_ac(agreement, spread, q, q) }}
{%- endmacro %}

{#- Sums of the weights 1 - d / (q - 1) and 1 - (d / (q - 1))^2 over a q x q table. -#}
{% macro linear_weight_sum(q) -%}
    ({{ q }} * {{ q }} - {{ q }} * ({{ q }} + 1e0) / 3e0)
{%- endmacro %}

{% macro quadratic_weight_sum(q) -%}
    ({{ q }} * {{ q }} - {{ q }} * {{ q }} * ({{ q }} + 1e0) / (6e0 * nullif({{ q }} - 1e0, 0)))
{%- endmacro %}

{#- Sums over cells and margins, as one query over `cells`: group columns, category_count (q), rated_rank,
    reference_rank (0 to q - 1) and pair_count. One row per group. -#}
{% macro agreement_sums(cells, group_columns) -%}
{%- set groups = group_columns | join(', ') -%}
with cell_sums as (

    select
        {{ groups }},
        max(category_count) as category_count,
        sum(pair_count) as pair_total,
        sum(case when rated_rank <> reference_rank then pair_count else 0 end) as observed_nominal,
        sum(pair_count * abs(rated_rank - reference_rank)) as observed_linear,
        sum(pair_count * (rated_rank - reference_rank) * (rated_rank - reference_rank)) as observed_quadratic
    from {{ cells }}
    group by {{ groups }}

),

both_sides as (

    select {{ groups }}, rated_rank as value_rank, pair_count as rated_count, 0 as reference_count
    from {{ cells }}
    union all
    select {{ groups }}, reference_rank as value_rank, 0 as rated_count, pair_count as reference_count
    from {{ cells }}

),

margins as (

    select
        {{ groups }},
        value_rank,
        cast(sum(rated_count) as double) as rated_count,
        cast(sum(reference_count) as double) as reference_count
    from both_sides
    group by {{ groups }}, value_rank

),

expected_sums as (

    -- Products of whole numbers: exact in a double to 9e15, and added in order beyond that.
    select
        {% for column in group_columns %}rated.{{ column }}, {% endfor %}
        sum(
            case when rated.value_rank <> reference.value_rank then 1 else 0 end
            * rated.rated_count * reference.reference_count
            order by rated.value_rank, reference.value_rank
        ) as expected_nominal,
        sum(
            abs(rated.value_rank - reference.value_rank) * rated.rated_count * reference.reference_count
            order by rated.value_rank, reference.value_rank
        ) as expected_linear,
        sum(
            power(rated.value_rank - reference.value_rank, 2) * rated.rated_count * reference.reference_count
            order by rated.value_rank, reference.value_rank
        ) as expected_quadratic
    from margins as rated
    inner join margins as reference
        on {{ same_columns('rated', 'reference', group_columns) }}
    group by {% for column in group_columns %}rated.{{ column }}{{ ', ' if not loop.last }}{% endfor %}

),

spreads as (

    select
        {% for column in group_columns %}margins.{{ column }}, {% endfor %}
        sum(
            (margins.rated_count + margins.reference_count) / (2e0 * cell_sums.pair_total)
            * (1e0 - (margins.rated_count + margins.reference_count) / (2e0 * cell_sums.pair_total))
            order by margins.value_rank
        ) as spread
    from margins
    inner join cell_sums
        on {{ same_columns('margins', 'cell_sums', group_columns) }}
    group by {% for column in group_columns %}margins.{{ column }}{{ ', ' if not loop.last }}{% endfor %}

)

select
    cell_sums.*,
    1e0 - cast(cell_sums.observed_nominal as double) / cell_sums.pair_total as raw_agreement,
    1e0 - cast(cell_sums.observed_linear as double) / nullif(cell_sums.pair_total * (cell_sums.category_count - 1e0), 0)
        as linear_agreement,
    1e0 - cast(cell_sums.observed_quadratic as double)
    / nullif(cell_sums.pair_total * power(cell_sums.category_count - 1e0, 2), 0) as quadratic_agreement,
    expected_sums.expected_nominal,
    expected_sums.expected_linear,
    expected_sums.expected_quadratic,
    spreads.spread
from cell_sums
inner join expected_sums
    on {{ same_columns('cell_sums', 'expected_sums', group_columns) }}
inner join spreads
    on {{ same_columns('cell_sums', 'spreads', group_columns) }}
{%- endmacro %}
