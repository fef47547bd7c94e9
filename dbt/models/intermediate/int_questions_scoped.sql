{# Which questions each unit is asked under each instrument. A question of the same assessment type that this version
   does not hold, and whose construct no other question of the version covers, is listed too: it was not collected,
   which is neither a gap nor "not applicable". A question for one court only is asked of every unit but the other court's. #}
with instruments as (

    select * from {{ ref('instruments') }}

),

instrument_questions as (

    select * from {{ ref('instrument_questions') }}

),

questions as (

    select * from {{ ref('questions') }}

),

unit_types as (

    select * from {{ ref('unit_types') }}

),

unit_question_scope as (

    select * from {{ ref('unit_question_scope') }}

),

type_questions as (

    select distinct
        instruments.assessment_type,
        instrument_questions.question_code
    from instruments
    inner join instrument_questions
        on instruments.instrument_version = instrument_questions.instrument_version

),

instrument_constructs as (

    select distinct
        instrument_questions.instrument_version,
        questions.construct_id
    from instrument_questions
    inner join questions
        on instrument_questions.question_code = questions.question_code

),

candidates as (

    select
        instruments.instrument_version,
        instruments.assessment_type,
        type_questions.question_code,
        instrument_questions.question_code is not null as is_in_version
    from instruments
    inner join type_questions
        on instruments.assessment_type = type_questions.assessment_type
    inner join questions
        on type_questions.question_code = questions.question_code
    left join instrument_questions
        on
            instruments.instrument_version = instrument_questions.instrument_version
            and type_questions.question_code = instrument_questions.question_code
    left join instrument_constructs
        on
            instruments.instrument_version = instrument_constructs.instrument_version
            and questions.construct_id = instrument_constructs.construct_id
    where
        instrument_questions.question_code is not null
        or instrument_constructs.construct_id is null

),

final as (

    select
        candidates.instrument_version,
        unit_types.unit_type,
        candidates.question_code,
        candidates.assessment_type,
        questions.construct_id,
        questions.question_category,
        questions.question_order,
        questions.is_critical,
        questions.is_na_allowed,
        case
            when not candidates.is_in_version then 'not_in_version'
            when not coalesce(unit_question_scope.is_collected, true) then 'category_not_collected'
            when
                unit_types.unit_type in ('MC', 'CC')
                and ',' || replace(questions.applies_to, ' ', '') || ',' not like '%,' || unit_types.unit_type || ',%'
                then 'not_for_this_court'
        end as not_asked_reason
    from candidates
    inner join questions
        on candidates.question_code = questions.question_code
    cross join unit_types
    left join unit_question_scope
        on
            unit_types.unit_type = unit_question_scope.unit_type
            and questions.question_category = unit_question_scope.question_category

)

select * from final
