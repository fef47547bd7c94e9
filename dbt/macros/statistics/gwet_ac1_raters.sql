{#- Gwet's AC1 of up to three raters with gaps, as one query over `ratings`: group columns, unit_id, category_count (q) and
    value_rank, one row per rating given. Agreement is the mean over units rated twice or more, chance uses every unit.
    Shares of a unit are whole sixths, so that their sum is the same in any order. -#}
{% macro gwet_ac1_raters(ratings, group_columns) -%}
{%- set groups = group_columns | join(', ') -%}
with unit_values as (

    select
        {{ groups }},
        unit_id,
        value_rank,
        max(category_count) as category_count,
        count(*) as value_ratings
    from {{ ratings }}
    group by {{ groups }}, unit_id, value_rank

),

sixths as (

    select
        unit_values.*,
        sum(value_ratings) over (partition by {{ groups }}, unit_id) as unit_ratings
    from unit_values

),

agreed as (

    select
        {{ groups }},
        max(category_count) as category_count,
        count(distinct case when unit_ratings >= 2 then unit_id end) as paired_units,
        count(distinct unit_id) as rated_units,
        sum(case
            when unit_ratings >= 2
                then 6 * value_ratings * (value_ratings - 1) / (unit_ratings * (unit_ratings - 1))
            else 0
        end) as agreement_sixths
    from sixths
    group by {{ groups }}

),

shares as (

    select
        {% for column in group_columns %}sixths.{{ column }}, {% endfor %}
        sixths.value_rank,
        sum(6 * sixths.value_ratings / sixths.unit_ratings) / (6e0 * max(agreed.rated_units)) as mean_share
    from sixths
    inner join agreed
        on {{ same_columns('sixths', 'agreed', group_columns) }}
    group by {% for column in group_columns %}sixths.{{ column }}, {% endfor %}sixths.value_rank

),

spreads as (

    select
        {{ groups }},
        sum(mean_share * (1e0 - mean_share) order by value_rank) as spread
    from shares
    group by {{ groups }}

)

select
    {% for column in group_columns %}agreed.{{ column }}, {% endfor %}
    agreed.paired_units,
    case
        when agreed.paired_units > 0
            then {{ gwet_ac1('agreed.agreement_sixths / (6e0 * agreed.paired_units)', 'spreads.spread', 'agreed.category_count') }}
    end as ac1
from agreed
inner join spreads
    on {{ same_columns('agreed', 'spreads', group_columns) }}
{%- endmacro %}
