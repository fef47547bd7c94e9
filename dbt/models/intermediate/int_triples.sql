{# What the manager, the dip sampler and the inspector each said of the same assessment or answer. Only where the manager and
   the inspector can be compared and the sampler said something. On whole assessments a dip without a rating counts by its
   opinion: a challenge is the stricter view. #}
{%- set themes = seed_rows(ref('theme_patterns'), ['theme_code', 'theme_category', 'is_good_practice', 'pattern'])
    | rejectattr('is_good_practice') | list -%}
{%- set negations = seed_rows(ref('theme_negations'), ['negation_code', 'pattern']) -%}
with comparisons as (

    select * from {{ ref('int_comparisons') }}
    where basis in ('iqa', 'answer')

),

dip_references as (

    select * from {{ ref('int_dip_references') }}

),

dip_samples as (

    select * from {{ ref('stg_dip_samples') }}

),

dip_answers as (

    select * from {{ ref('stg_dip_sample_answers') }}

),

scale_positions as (

    select * from {{ ref('int_scale_positions') }}

),

inspected as (

    select * from comparisons
    where
        comparison = 'manager_v_inspector'
        and is_comparable

),

sampler_v_inspector as (

    select * from comparisons
    where comparison = 'dip_sampler_v_inspector'

),

viewed as (

    select
        inspected.sample,
        inspected.basis,
        inspected.iqa_id,
        inspected.question_code,
        inspected.assessment_type,
        inspected.regime,
        inspected.area_code,
        inspected.unit_type,
        inspected.question_category,
        inspected.direction as inspector_direction,
        dip_references.is_fed_back,
        dip_references.opinion,
        case when inspected.basis = 'answer' then dip_answers.answer else dip_references.overall_rating end
            as sampler_value,
        case when inspected.basis = 'answer' then dip_answers.comment else dip_samples.comment end as sampler_comment,
        scale_positions.value_rank as sampler_rank,
        inspected.rated_rank as manager_rank
    from inspected
    inner join dip_references
        on inspected.iqa_id = dip_references.iqa_id
    inner join dip_samples
        on dip_references.dip_sample_id = dip_samples.dip_sample_id
    left join dip_answers
        on
            inspected.basis = 'answer'
            and dip_references.dip_sample_id = dip_answers.dip_sample_id
            and inspected.question_code = dip_answers.question_code
    left join scale_positions
        on
            inspected.scale_code = scale_positions.scale_code
            and scale_positions.value_code
            = case when inspected.basis = 'answer' then dip_answers.answer else dip_references.overall_rating end

),

judged as (

    select
        viewed.*,
        case
            when sampler_rank < manager_rank then 'stricter'
            when sampler_rank > manager_rank then 'softer'
            when sampler_rank = manager_rank then 'agree'
            -- A value without a rank is "not applicable": a change, but neither stricter nor softer.
            when sampler_value is not null then 'changed'
            when opinion = 'challenge' then 'stricter'
            when opinion = 'agree' then 'agree'
            else 'unclear'
        end as sampler_view
    from viewed
    where
        sampler_value is not null
        or (basis = 'iqa' and opinion is not null)

),

sentences as (

    -- Only a comment that could add to what the sampler caught is read.
    select distinct
        sample,
        basis,
        iqa_id,
        question_code,
        assessment_type,
        question_category,
        trim(unnest(regexp_split_to_array(sampler_comment, '[.!?]+(?:\s+|$)|[\r\n]+'))) as sentence
    from judged
    where
        inspector_direction = 'lenient'
        and sampler_view <> 'stricter'
        and length(trim(coalesce(sampler_comment, ''))) > 0

),

raised as (

    select distinct
        sample,
        basis,
        iqa_id,
        question_code
    from sentences
    where
        not {{ matches_any('sentence', negations) }}
        and (
            {%- for category, members in themes | groupby('theme_category') %}
            (
                {% if category == 'advocacy' -%}
                coalesce(question_category, assessment_type) = 'advocacy'
                {%- else -%}
                (question_category = '{{ category }}' or (question_category is null and assessment_type = 'casework'))
                {%- endif %}
                and {{ matches_any('sentence', members) }}
            )
            or
            {%- endfor %} false
        )

),

final as (

    select
        judged.sample,
        judged.basis,
        judged.iqa_id,
        judged.question_code,
        judged.assessment_type,
        judged.regime,
        judged.area_code,
        judged.unit_type,
        judged.inspector_direction,
        judged.sampler_view,
        judged.is_fed_back,
        judged.inspector_direction = 'lenient' as is_inspector_lenient,
        judged.inspector_direction = 'lenient' and judged.sampler_view = 'stricter' as is_caught,
        judged.inspector_direction = 'lenient'
        and judged.sampler_view <> 'stricter'
        and judged.basis = 'iqa'
        and coalesce(judged.opinion = 'challenge', false) as is_raised_by_opinion,
        raised.iqa_id is not null as is_raised_by_rule,
        sampler_v_inspector.direction as sampler_direction,
        coalesce(sampler_v_inspector.is_comparable, false) as is_sampler_comparable
    from judged
    left join raised
        on
            judged.sample = raised.sample
            and judged.basis = raised.basis
            and judged.iqa_id = raised.iqa_id
            and judged.question_code is not distinct from raised.question_code
    left join sampler_v_inspector
        on
            judged.sample = sampler_v_inspector.sample
            and judged.basis = sampler_v_inspector.basis
            and judged.iqa_id = sampler_v_inspector.iqa_id
            and judged.question_code is not distinct from sampler_v_inspector.question_code

)

select * from final
