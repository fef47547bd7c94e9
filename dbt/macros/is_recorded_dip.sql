{#- A dip is recorded if it is marked and commented; before the application asked for comments, any dip is. -#}
{% macro is_recorded_dip(relation) -%}
    (
        {{ relation }}.sampled_on < {{ policy_date('dip_comment_rule_from') }}
        or (
            coalesce({{ relation }}.is_marked, false)
            and length(trim(coalesce({{ relation }}.comment, ''))) > 0
        )
    )
{%- endmacro %}
