{# Agreement of manager, dip sampler and inspector together, also where there was no dip: ordinal alpha and AC1 of three
   raters with gaps. One row per inspection, type, basis, level and Area; none where answers are on several scales. #}
{%- set keys = ['sample', 'sample_type', 'basis', 'level', 'area_code'] -%}
with comparisons as (

    select * from {{ ref('int_comparisons') }}
    where basis in ('iqa', 'answer')

),

paired as (

    select
        comparison,
        sample,
        basis,
        assessment_type,
        area_code,
        scale_code,
        category_count,
        iqa_id || coalesce(':' || question_code, '') as unit_id,
        rated_rank,
        reference_rank
    from comparisons
    where comparison <> 'manager_v_dip_sampler'

),

ratings as (

    select sample, basis, assessment_type, area_code, scale_code, category_count, unit_id, 1 as rater, rated_rank as value_rank
    from paired
    where comparison = 'manager_v_inspector' and rated_rank is not null

    union all

    select sample, basis, assessment_type, area_code, scale_code, category_count, unit_id, 2 as rater, reference_rank as value_rank
    from paired
    where comparison = 'manager_v_inspector' and reference_rank is not null

    union all

    select sample, basis, assessment_type, area_code, scale_code, category_count, unit_id, 3 as rater, rated_rank as value_rank
    from paired
    where comparison = 'dip_sampler_v_inspector' and rated_rank is not null

),

levelled as (

    {%- for sample_type in ['assessment_type', "'ALL'"] %}
    {%- for level, area in [('national', "'ALL'"), ('area', 'area_code')] %}
    select
        sample,
        {{ sample_type }} as sample_type,
        basis,
        '{{ level }}' as level,
        {{ area }} as area_code,
        scale_code,
        category_count,
        unit_id,
        rater,
        value_rank
    from ratings
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

scaled as (

    select
        levelled.*,
        min(scale_code) over (partition by {{ keys | join(', ') }}) as first_scale,
        max(scale_code) over (partition by {{ keys | join(', ') }}) as last_scale,
        count(*) over (partition by {{ keys | join(', ') }}, unit_id) as unit_ratings
    from levelled

),

one_scale as (

    select * from scaled
    where first_scale = last_scale

),

coincidences as (

    select
        {% for key in keys %}one_rating.{{ key }}, {% endfor %}
        one_rating.value_rank,
        other_rating.value_rank as other_rank,
        2 // (one_rating.unit_ratings - 1) as coincidence_count
    from one_scale as one_rating
    inner join one_scale as other_rating
        on
            {{ same_columns('one_rating', 'other_rating', keys) }}
            and one_rating.unit_id = other_rating.unit_id
            and one_rating.rater <> other_rating.rater

),

alphas as (
{{ krippendorff_alpha('coincidences', keys, 2) }}
),

coefficients as (
{{ gwet_ac1_raters('one_scale', keys) }}
),

final as (

    select
        {% for key in keys %}coefficients.{{ key }}, {% endfor %}
        alphas.alpha_ordinal,
        coefficients.ac1,
        coefficients.paired_units
    from coefficients
    left join alphas
        on {{ same_columns('coefficients', 'alphas', keys) }}

)

select * from final
