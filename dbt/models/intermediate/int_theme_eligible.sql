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

-- A unit whose answers below fully met all lack a comment has no eligible assessment, but its answers count in H2.
cells as (

    select
        coalesce(member_counts.question_category, below_met.question_category) as question_category,
        coalesce(member_counts.assessment_type, below_met.assessment_type) as assessment_type,
        coalesce(member_counts.area_code, below_met.area_code) as area_code,
        coalesce(member_counts.unit_type, below_met.unit_type) as unit_type,
        coalesce(member_counts.quarter_start, below_met.quarter_start) as quarter_start,
        coalesce(member_counts.iqas_eligible, 0) as iqas_eligible,
        coalesce(member_counts.compared_den, 0) as compared_den,
        coalesce(below_met.below_met_answers, 0) as below_met_answers
    from member_counts
    full outer join below_met
        on
            member_counts.area_code = below_met.area_code
            and member_counts.unit_type = below_met.unit_type
            and member_counts.quarter_start = below_met.quarter_start
            and member_counts.assessment_type = below_met.assessment_type
            and member_counts.question_category = below_met.question_category

),

final as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        cells.quarter_start,
        cells.assessment_type,
        cells.question_category,
        cast(sum(cells.iqas_eligible) as bigint) as iqas_eligible,
        cast(sum(cells.compared_den) as bigint) as compared_den,
        cast(sum(cells.below_met_answers) as bigint) as below_met_answers
    from cells
    inner join level_members
        on
            cells.area_code = level_members.member_area_code
            and cells.unit_type = level_members.member_unit_type
    group by
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        cells.quarter_start,
        cells.assessment_type,
        cells.question_category

)

select * from final
