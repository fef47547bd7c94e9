{# Days in post and days available of everyone who falls under a requirement rule. A posting falls under a rule by its
   grade and role. Time is cut into stretches at every posting and absence boundary: each day counts once, under the
   posting that began last where postings overlap, and is not available if any counted absence covers it. #}
with postings as (

    select * from {{ ref('stg_postings') }}

),

absences as (

    select * from {{ ref('int_absences_counted') }}

),

quarter_rules as (

    select * from {{ ref('int_quarter_rules') }}

),

posting_quarters as (

    select
        postings.posting_id,
        postings.staff_id,
        postings.area_code,
        postings.unit_type,
        postings.line_manager_id,
        postings.start_date,
        quarter_rules.assessment_type,
        quarter_rules.quarter_start,
        quarter_rules.quarter_end,
        greatest(postings.start_date, quarter_rules.quarter_start) as from_on,
        least(
            coalesce(postings.end_date, quarter_rules.quarter_end), quarter_rules.quarter_end, {{ as_of() }}
        ) as to_on
    from postings
    inner join quarter_rules
        on
            postings.start_date <= quarter_rules.quarter_end
            and coalesce(postings.end_date, quarter_rules.quarter_end) >= quarter_rules.quarter_start
            and {{ falls_under_rule('postings', 'quarter_rules') }}

),

in_scope as (

    select * from posting_quarters
    where from_on <= to_on

),

staff_quarters as (

    select
        staff_id,
        assessment_type,
        quarter_start,
        max(quarter_end) as quarter_end
    from in_scope
    group by staff_id, assessment_type, quarter_start

),

absence_quarters as (

    select
        staff_quarters.staff_id,
        staff_quarters.assessment_type,
        staff_quarters.quarter_start,
        greatest(absences.absent_from, staff_quarters.quarter_start) as from_on,
        least(absences.absent_to, staff_quarters.quarter_end) as to_on
    from staff_quarters
    inner join absences
        on
            staff_quarters.staff_id = absences.staff_id
            and absences.absent_from <= staff_quarters.quarter_end
            and absences.absent_to >= staff_quarters.quarter_start

),

boundaries as (

    select staff_id, assessment_type, quarter_start, from_on as boundary_on from in_scope
    union
    select staff_id, assessment_type, quarter_start, to_on + 1 as boundary_on from in_scope
    union
    select staff_id, assessment_type, quarter_start, from_on as boundary_on from absence_quarters
    union
    select staff_id, assessment_type, quarter_start, to_on + 1 as boundary_on from absence_quarters

),

stretches as (

    select
        staff_id,
        assessment_type,
        quarter_start,
        boundary_on as from_on,
        lead(boundary_on) over (
            partition by staff_id, assessment_type, quarter_start order by boundary_on
        ) as until_on
    from boundaries

),

absent_stretches as (

    select distinct
        stretches.staff_id,
        stretches.assessment_type,
        stretches.quarter_start,
        stretches.from_on
    from stretches
    inner join absence_quarters
        on
            stretches.staff_id = absence_quarters.staff_id
            and stretches.assessment_type = absence_quarters.assessment_type
            and stretches.quarter_start = absence_quarters.quarter_start
            and stretches.from_on between absence_quarters.from_on and absence_quarters.to_on

),

posted_stretches as (

    select
        stretches.staff_id,
        stretches.assessment_type,
        stretches.quarter_start,
        stretches.from_on,
        stretches.until_on,
        in_scope.area_code,
        in_scope.unit_type,
        in_scope.line_manager_id,
        row_number() over (
            partition by
                stretches.staff_id, stretches.assessment_type, stretches.quarter_start, stretches.from_on
            order by in_scope.start_date desc, in_scope.posting_id desc
        ) as choice
    from stretches
    inner join in_scope
        on
            stretches.staff_id = in_scope.staff_id
            and stretches.assessment_type = in_scope.assessment_type
            and stretches.quarter_start = in_scope.quarter_start
            and stretches.from_on between in_scope.from_on and in_scope.to_on
    where stretches.until_on is not null

),

final as (

    select
        posted_stretches.staff_id,
        posted_stretches.assessment_type,
        posted_stretches.quarter_start,
        posted_stretches.area_code,
        posted_stretches.unit_type,
        cast(sum(posted_stretches.until_on - posted_stretches.from_on) as integer) as in_post_days,
        cast(coalesce(sum(
            case when absent_stretches.from_on is null then posted_stretches.until_on - posted_stretches.from_on end
        ), 0) as integer) as available_days,
        max(posted_stretches.until_on) - 1 as last_in_post_on,
        -- The last manager on record: a post that fell vacant stays with the manager it had.
        max_by(posted_stretches.line_manager_id, posted_stretches.until_on) as line_manager_id
    from posted_stretches
    left join absent_stretches
        on
            posted_stretches.staff_id = absent_stretches.staff_id
            and posted_stretches.assessment_type = absent_stretches.assessment_type
            and posted_stretches.quarter_start = absent_stretches.quarter_start
            and posted_stretches.from_on = absent_stretches.from_on
    where posted_stretches.choice = 1
    group by
        posted_stretches.staff_id,
        posted_stretches.assessment_type,
        posted_stretches.quarter_start,
        posted_stretches.area_code,
        posted_stretches.unit_type

)

select * from final
