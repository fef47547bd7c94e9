{# How many assessments raise each theme, by quarter, level and question category, and whether enough prosecutors and
   assessors stand behind it (gate of H3), also without the assessor who raises it most. #}
with theme_hits as (

    select * from {{ ref('int_theme_hits') }}

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

thresholds as (

    select
        {{ policy('theme_emerging_count_min') }} as count_min,
        {{ policy('theme_emerging_prosecutors_min') }} as prosecutors_min,
        {{ policy('theme_emerging_assessors_min') }} as assessors_min

),

iqas_with_theme as (

    select
        iqa_id,
        theme_code,
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start,
        subject_id,
        assessor_id,
        is_themed,
        sum(case when not is_met then 1 else 0 end) as below_met_answers_with_theme
    from theme_hits
    group by
        iqa_id,
        theme_code,
        question_category,
        assessment_type,
        area_code,
        unit_type,
        quarter_start,
        subject_id,
        assessor_id,
        is_themed

),

levelled as (

    select
        level_members.level,
        level_members.area_code,
        level_members.unit_type,
        iqas_with_theme.quarter_start,
        iqas_with_theme.assessment_type,
        iqas_with_theme.question_category,
        iqas_with_theme.theme_code,
        iqas_with_theme.iqa_id,
        iqas_with_theme.subject_id,
        iqas_with_theme.assessor_id,
        iqas_with_theme.is_themed,
        iqas_with_theme.below_met_answers_with_theme
    from iqas_with_theme
    inner join level_members
        on
            iqas_with_theme.area_code = level_members.member_area_code
            and iqas_with_theme.unit_type = level_members.member_unit_type

),

by_assessor as (

    select
        level,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        question_category,
        theme_code,
        assessor_id,
        -- Ties by id, so that the same assessor is left out on every run.
        row_number() over (
            partition by
                level, area_code, unit_type, quarter_start, assessment_type, question_category, theme_code
            order by count(*) desc, assessor_id
        ) as assessor_rank
    from levelled
    where not is_themed
    group by
        level,
        area_code,
        unit_type,
        quarter_start,
        assessment_type,
        question_category,
        theme_code,
        assessor_id

),

counted as (

    select
        levelled.level,
        levelled.area_code,
        levelled.unit_type,
        levelled.quarter_start,
        levelled.assessment_type,
        levelled.question_category,
        levelled.theme_code,
        count(*) as iqas_with_theme,
        cast(sum(levelled.below_met_answers_with_theme) as bigint) as below_met_answers_with_theme,
        count(*) filter (where not levelled.is_themed) as compared_num,
        count(distinct levelled.subject_id) filter (where not levelled.is_themed) as prosecutors,
        count(distinct levelled.assessor_id) filter (where not levelled.is_themed) as assessors,
        count(*) filter (where by_assessor.assessor_rank > 1) as compared_num_without_top,
        count(distinct levelled.subject_id) filter (where by_assessor.assessor_rank > 1) as prosecutors_without_top,
        count(distinct levelled.assessor_id) filter (where by_assessor.assessor_rank > 1) as assessors_without_top
    from levelled
    left join by_assessor
        on
            levelled.level = by_assessor.level
            and levelled.area_code = by_assessor.area_code
            and levelled.unit_type = by_assessor.unit_type
            and levelled.quarter_start = by_assessor.quarter_start
            and levelled.assessment_type = by_assessor.assessment_type
            and levelled.question_category = by_assessor.question_category
            and levelled.theme_code = by_assessor.theme_code
            and levelled.assessor_id = by_assessor.assessor_id
            and not levelled.is_themed
    group by
        levelled.level,
        levelled.area_code,
        levelled.unit_type,
        levelled.quarter_start,
        levelled.assessment_type,
        levelled.question_category,
        levelled.theme_code

),

final as (

    select
        counted.level,
        counted.area_code,
        counted.unit_type,
        counted.quarter_start,
        counted.assessment_type,
        counted.question_category,
        counted.theme_code,
        counted.iqas_with_theme,
        counted.below_met_answers_with_theme,
        counted.compared_num,
        case
            when counted.compared_num < thresholds.count_min then 'too_few_iqas'
            when counted.prosecutors < thresholds.prosecutors_min then 'too_few_prosecutors'
            when counted.assessors < thresholds.assessors_min then 'too_few_assessors'
        end as gate_failed,
        coalesce(
            counted.compared_num_without_top >= thresholds.count_min
            and counted.prosecutors_without_top >= thresholds.prosecutors_min
            and counted.assessors_without_top >= thresholds.assessors_min,
            false
        ) as is_robust
    from counted
    cross join thresholds

)

select * from final
