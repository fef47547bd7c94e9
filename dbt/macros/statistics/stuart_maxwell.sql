{#- Stuart-Maxwell test of equal margins for scales of two or three values, as one query over `cells` (see
    `agreement_sums`). A value that neither rater used is dropped first. Gives stuart_maxwell_chi2 and stuart_maxwell_df;
    NULL for longer scales, when fewer than two values were used, and when the covariance is singular. -#}
{% macro stuart_maxwell(cells, group_columns) -%}
{%- set groups = group_columns | join(', ') -%}
with square as (

    select
        {{ groups }},
        max(category_count) as category_count,
        {%- for rated, reference in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] %}
        cast(coalesce(sum(
            case when rated_rank = {{ rated }} and reference_rank = {{ reference }} then pair_count end
        ), 0) as double) as n{{ rated }}{{ reference }},
        {%- endfor %}
        {%- for value in [0, 1, 2] %}
        coalesce(bool_or(rated_rank = {{ value }} or reference_rank = {{ value }}), false) as uses_{{ value }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ cells }}
    where pair_count > 0
    group by {{ groups }}

),

margins as (

    select
        square.*,
        cast(uses_0 as integer) + cast(uses_1 as integer) + cast(uses_2 as integer) as used_count,
        n01 + n02 - n10 - n20 as difference_0,
        n10 + n12 - n01 - n21 as difference_1,
        n01 + n02 + n10 + n20 as variance_0,
        n10 + n12 + n01 + n21 as variance_1,
        -(n01 + n10) as covariance
    from square

)

select
    {{ groups }},
    case
        when category_count > 3 or used_count < 2 then null
        -- Two values: one squared difference over the discordant pairs.
        when used_count = 2
            then power((n01 - n10) + (n02 - n20) + (n12 - n21), 2) / nullif(n01 + n10 + n02 + n20 + n12 + n21, 0)
        else
            (
                power(difference_0, 2) * variance_1
                - 2 * difference_0 * difference_1 * covariance
                + power(difference_1, 2) * variance_0
            ) / nullif(variance_0 * variance_1 - power(covariance, 2), 0)
    end as stuart_maxwell_chi2,
    case when category_count <= 3 and used_count >= 2 then used_count - 1 end as stuart_maxwell_df
from margins
{%- endmacro %}
