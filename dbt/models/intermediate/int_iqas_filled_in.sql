{# Former versions of assessments with what was still empty in them as a later version first filled it in. So that closing
   an assessment is no change, and replacing its closing date is. #}
{%- set columns = ['closed_on', 'conversation_on', 'feedback_on', 'overall_rating'] -%}
with iqa_versions as (

    select * from {{ source('raw', 'iqa_versions') }}

),

-- Most assessments have one version: nothing to order.
several as (

    select * from iqa_versions
    where iqa_id in (select former.iqa_id from iqa_versions as former where former.known_to is not null)

),

filled as (

    select
        iqa_id,
        version_number,
        known_to,
        {%- for column in columns %}
        {{ filled_in(column, ['iqa_id']) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from several

),

final as (

    select
        iqa_id,
        version_number,
        {{ columns | join(',\n        ') }}
    from filled
    where known_to is not null

)

select * from final
