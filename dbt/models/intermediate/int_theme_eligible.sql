{# The denominator of the themes, by quarter: assessments with a comment on an answer of the question category. Those
   chosen for a themed campaign raise their own theme, so `compared_den` leaves them out of any comparison over time. #}
with answer_comments as (

    select * from {{ ref('int_answer_comments') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

answers as (

    select * from {{ ref('int_answers_scored') }}

),

commented as (

    select
        iqa_id,
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start,
        bool_or(is_themed) as is_themed
    from answer_comments
    group by
        iqa_id,
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start

),

-- H2 counts answers, whether commented or not.
below_met as (

    select
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start,
        count(*) as below_met_answers
    from answers
    where
        has_comments_collected
        and not is_met
    group by
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start

),

member_counts as (

    select
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start,
        count(*) as iqas_eligible,
        sum(case when not is_themed then 1 else 0 end) as compared_den
    from commented
    group by
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start

),

final as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        member_counts.quarter_start,
        member_counts.assessment_type,
        member_counts.question_category,
        cast(sum(member_counts.iqas_eligible) as bigint) as iqas_eligible,
        cast(sum(member_counts.compared_den) as bigint) as compared_den,
        cast(sum(coalesce(below_met.below_met_answers, 0)) as bigint) as below_met_answers
    from member_counts
    inner join level_members
        on
            member_counts.area_code = level_members.member_area_code
            and member_counts.unit_type = level_members.member_unit_type
    left join below_met
        on
            member_counts.area_code = below_met.area_code
            and member_counts.unit_type = below_met.unit_type
            and member_counts.quarter_start = below_met.quarter_start
            and member_counts.assessment_type = below_met.assessment_type
            and member_counts.question_category = below_met.question_category
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        member_counts.quarter_start,
        member_counts.assessment_type,
        member_counts.question_category

)

select * from final
