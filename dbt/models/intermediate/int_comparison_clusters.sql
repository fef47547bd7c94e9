{# Comparisons added up per assessment, the unit that varies independently: once over all its answers, once per question
   category and once per question. Every dimension of `leniency` is a sum of these rows. #}
with comparisons as (

    select * from {{ ref('int_comparisons') }}

),

{% for cut, category, question in [
    ('whole', 'cast(null as varchar)', 'cast(null as varchar)'),
    ('question_category', 'question_category', 'cast(null as varchar)'),
    ('question', 'question_category', 'question_code'),
] -%}
by_{{ cut }} as (

    select
        '{{ cut }}' as cut,
        comparison,
        sample,
        basis,
        iqa_id,
        assessment_type,
        regime,
        area_code,
        unit_type,
        quarter_start,
        assessor_key,
        is_in_nation,
        {{ category }} as question_category,
        {{ question }} as question_code,
        {{ comparison_sums() }}
    from comparisons
    {% if cut != 'whole' %}where basis = 'answer'{% endif %}
    group by
        comparison,
        sample,
        basis,
        iqa_id,
        assessment_type,
        regime,
        area_code,
        unit_type,
        quarter_start,
        assessor_key,
        is_in_nation
        {%- if cut != 'whole' %},
        question_category{% endif %}
        {%- if cut == 'question' %},
        question_code{% endif %}

),

{% endfor -%}

final as (

    select * from by_whole
    union all
    select * from by_question_category
    union all
    select * from by_question

)

select * from final
