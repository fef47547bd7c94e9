{#- The whole-number sums of comparisons that every leniency figure is made of; the caller groups. `k` is what a rate
    counts in an assessment, `m` what it counts out of. -#}
{% macro comparison_sums() -%}
    count(*) as n_examined,
    sum(cast(is_comparable as integer)) as n_compared,
    sum(case when is_comparable and direction = 'lenient' then 1 else 0 end) as n_lenient,
    sum(case when is_comparable and direction = 'harsh' then 1 else 0 end) as n_harsh,
    sum(case when is_comparable and direction = 'agree' then 1 else 0 end) as n_agree,
    sum(case when direction = 'na_mismatch' then 1 else 0 end) as n_na_mismatch,
    sum(case when direction = 'agree' and is_rated_na then 1 else 0 end) as n_both_na,
    sum(case when direction = 'unknown' then 1 else 0 end) as n_unknown_direction,
    sum(cast(is_valued as integer)) as n_valued,
    sum(case when is_comparable and is_reference_short then 1 else 0 end) as n_reference_short,
    sum(case when is_valued then rated_points else 0 end) as rated_points,
    sum(case when is_valued then reference_points else 0 end) as reference_points,
    sum(case when is_valued then max_points else 0 end) as max_points,
    sum(case when rank_difference > 0 then rank_difference else 0 end) as lenient_steps,
    sum(case when rank_difference >= 2 then 1 else 0 end) as n_two_steps,
    sum(case when is_rated_met and is_reference_met then 1 else 0 end) as n_both_met,
    sum(case when is_rated_met and not is_reference_met then 1 else 0 end) as n_only_rated_met,
    sum(case when is_reference_met and not is_rated_met then 1 else 0 end) as n_only_reference_met,
    sum(case when not is_rated_met and not is_reference_met then 1 else 0 end) as n_neither_met,
    sum(case when is_rated_na and is_reference_applicable and is_reference_short then 1 else 0 end) as na_leniency_num,
    sum(case when is_reference_applicable and (rated_rank is not null or is_rated_na) then 1 else 0 end)
        as na_leniency_den,
    sum(case when is_reference_na and rated_rank is not null then 1 else 0 end) as n_only_reference_na,
    sum(case when is_critical and is_comparable and direction = 'lenient' then 1 else 0 end) as critical_leniency_num,
    sum(case when is_critical and is_comparable then 1 else 0 end) as critical_leniency_den
{%- endmacro %}

{#- The names of those sums, for adding clusters up. -#}
{% macro comparison_sum_columns() -%}
    {{ return([
        'n_examined', 'n_compared', 'n_lenient', 'n_harsh', 'n_agree', 'n_na_mismatch', 'n_both_na',
        'n_unknown_direction', 'n_valued', 'n_reference_short', 'rated_points', 'reference_points', 'max_points',
        'lenient_steps', 'n_two_steps', 'n_both_met', 'n_only_rated_met', 'n_only_reference_met', 'n_neither_met',
        'na_leniency_num', 'na_leniency_den', 'n_only_reference_na', 'critical_leniency_num', 'critical_leniency_den',
    ]) }}
{%- endmacro %}

{#- The rows of `relation` once for every dimension of `leniency` they count in, and for their own assessment type and
    ALL. Adds sample_type (casework, advocacy, ALL), dimension and dimension_value; `cut_column` says which cut of the
    answers a row is of (NULL: the relation is not cut, every dimension takes every row). -#}
{% macro by_dimension(relation, cut_column=none) -%}
{%- set dimensions = [
    ('overall', 'whole', "'ALL'", 'is_in_nation'),
    ('area', 'whole', 'area_code', 'true'),
    ('unit_type', 'whole', 'unit_type', 'is_in_nation'),
    ('assessor', 'whole', "coalesce(assessor_key, 'unmapped')",
        "is_in_nation and comparison <> 'dip_sampler_v_inspector'"),
    ('question_category', 'question_category', 'question_category', "is_in_nation and basis = 'answer'"),
    ('question', 'question', 'question_code', "is_in_nation and basis = 'answer'"),
] -%}
{%- for dimension, cut, value, condition in dimensions %}
{%- for sample_type in ['assessment_type', "'ALL'"] %}
    select
        *,
        {{ sample_type }} as sample_type,
        '{{ dimension }}' as dimension,
        {{ value }} as dimension_value
    from {{ relation }}
    where {{ condition }}{% if cut_column %} and {{ cut_column }} = '{{ cut }}'{% endif %}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
