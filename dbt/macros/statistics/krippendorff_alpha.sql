{#- Krippendorff's alpha (2011) of any number of raters, as one query over `coincidences`: group columns, value_rank,
    other_rank and coincidence_count, a whole number of 1/`scaling` coincidences (both orders of every pair are rows). Adds
    alpha_nominal, alpha_ordinal, alpha_interval and pairable_values; NULL if all values are equal.

    A unit that m raters rated gives each ordered pair 1 / (m - 1): scaling 1 serves two raters, 2 serves three.
    The ordinal distance is between mid-cumulative frequencies, which is not irrCAC's "ordinal" weighting. -#}
{% macro krippendorff_alpha(coincidences, group_columns, scaling=1) -%}
{%- set groups = group_columns | join(', ') -%}
with pair_cells as (

    select
        {{ groups }},
        value_rank,
        other_rank,
        sum(coincidence_count) as cell_count
    from {{ coincidences }}
    group by {{ groups }}, value_rank, other_rank

),

value_counts as (

    select
        {{ groups }},
        value_rank,
        cast(sum(cell_count) as double) as value_count
    from pair_cells
    group by {{ groups }}, value_rank

),

placed as (

    select
        value_counts.*,
        sum(value_count) over (partition by {{ groups }} order by value_rank rows unbounded preceding)
        - value_count / 2e0 as mid_frequency,
        sum(value_count) over (partition by {{ groups }}) as value_total
    from value_counts

),

distances as (

    select
        {% for column in group_columns %}placed.{{ column }}, {% endfor %}
        placed.value_rank,
        other.value_rank as other_rank,
        placed.value_total,
        placed.value_count * other.value_count as expected_count,
        case when placed.value_rank <> other.value_rank then 1e0 else 0e0 end as nominal_distance,
        power(placed.mid_frequency - other.mid_frequency, 2) as ordinal_distance,
        power(placed.value_rank - other.value_rank, 2) as interval_distance,
        coalesce(pair_cells.cell_count, 0) as cell_count
    from placed
    inner join placed as other
        on {{ same_columns('placed', 'other', group_columns) }}
    left join pair_cells
        on
            {{ same_columns('placed', 'pair_cells', group_columns) }}
            and placed.value_rank = pair_cells.value_rank
            and other.value_rank = pair_cells.other_rank

)

select
    {{ groups }},
    max(value_total) / {{ scaling }} as pairable_values,
    {%- for metric in ['nominal', 'ordinal', 'interval'] %}
    1e0 - (max(value_total) - {{ scaling }})
    * sum(cell_count * {{ metric }}_distance order by value_rank, other_rank)
    / nullif(sum(expected_count * {{ metric }}_distance order by value_rank, other_rank), 0)
        as alpha_{{ metric }}{{ ',' if not loop.last }}
    {%- endfor %}
from distances
group by {{ groups }}
{%- endmacro %}
