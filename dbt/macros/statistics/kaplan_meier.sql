{#- Kaplan and Meier (1958) estimate of how long things take when some are not done yet. `relation` has `group_columns`,
    `days` and `is_done` (false: still open after `days`, or given up then). One row per group and day on which something
    was done, with `survival`, the share still open after it. A quantile is the first day on which survival is at or
    below the wanted share; take it with `kaplan_meier_quantile`. -#}
{% macro kaplan_meier(relation, group_columns, days, is_done) -%}
    select
        {{ group_columns | join(', ') }},
        days,
        product(1e0 - cast(done as double) / at_risk) over (
            partition by {{ group_columns | join(', ') }} order by days
            rows between unbounded preceding and current row
        ) as survival
    from (
        select
            {{ group_columns | join(', ') }},
            days,
            done,
            sum(leaving) over (
                partition by {{ group_columns | join(', ') }} order by days desc
                rows between unbounded preceding and current row
            ) as at_risk
        from (
            select
                {{ group_columns | join(', ') }},
                {{ days }} as days,
                sum(case when {{ is_done }} then 1 else 0 end) as done,
                count(*) as leaving
            from {{ relation }}
            group by {{ group_columns | join(', ') }}, {{ days }}
        ) as daily
    ) as risks
    where done > 0
{%- endmacro %}

{#- First day on which `share` of the group is done; NULL if that is not reached. The allowance is for rounding: three
    quarters times two thirds must count as one half. -#}
{% macro kaplan_meier_quantile(share) -%}
    min(days) filter (where survival <= 1e0 - {{ share }} + 1e-9)
{%- endmacro %}
