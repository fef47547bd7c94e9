{#- Benjamini-Hochberg q-value of each row in its family: the least of p * m / rank over its own and every larger p.
    Two steps, since windows do not nest: `benjamini_hochberg_ratio` in one CTE, `benjamini_hochberg_q` over that column
    in the next. Rows without a p-value must be left out of the relation. `family` is a list of columns; `key` makes
    ties in p come out the same on every run. -#}
{% macro benjamini_hochberg_ratio(p_value, family, key) -%}
    (
        {{ p_value }} * count(*) over (partition by {{ family | join(', ') }})
        / row_number() over (partition by {{ family | join(', ') }} order by {{ p_value }}, {{ key | join(', ') }})
    )
{%- endmacro %}

{% macro benjamini_hochberg_q(ratio, p_value, family, key) -%}
    least(1e0, min({{ ratio }}) over (
        partition by {{ family | join(', ') }}
        order by {{ p_value }} desc, {{ key | join(' desc, ') }} desc
        rows between unbounded preceding and current row
    ))
{%- endmacro %}
