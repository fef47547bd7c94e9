{#- p-values adjusted for the size of their family, as one query over `relation`: adds `family_size` (tests made, those
    without a p-value are none) and `adjusted_p`. `key_columns` settle ties in the order and change no value.
    method: 'benjamini_hochberg' (what the marts publish), 'benjamini_yekutieli' (any dependence) or 'holm'. -#}
{% macro adjusted_p(relation, family_columns, key_columns, p_column, method='benjamini_hochberg') -%}
{%- set family = family_columns | join(', ') -%}
{%- set keys = key_columns | join(', ') -%}
with ranked_p as (

    select
        tests.*,
        count({{ p_column }}) over (partition by {{ family }}) as family_size,
        row_number() over (partition by {{ family }} order by {{ p_column }} nulls last, {{ keys }}) as p_rank
    from {{ relation }} as tests

),

scaled_p as (

    select
        ranked_p.*,
        {%- if method == 'holm' %}
        {{ p_column }} * (family_size - p_rank + 1) as scaled
        {%- elif method == 'benjamini_yekutieli' %}
        {{ p_column }} * family_size / p_rank
        * list_sum(list_transform(range(1, family_size + 1), lambda step: 1e0 / step)) as scaled
        {%- else %}
        {{ p_column }} * family_size / p_rank as scaled
        {%- endif %}
    from ranked_p

)

select
    * exclude (p_rank, scaled),
    case
        when {{ p_column }} is not null
            then least(
                {%- if method == 'holm' %}
                max(scaled) over (
                    partition by {{ family }} order by {{ p_column }} nulls last, {{ keys }} rows unbounded preceding
                ),
                {%- else %}
                min(scaled) over (
                    partition by {{ family }} order by {{ p_column }} nulls last, {{ keys }}
                    rows between current row and unbounded following
                ),
                {%- endif %}
                1e0
            )
    end as adjusted_p
from scaled_p
{%- endmacro %}
