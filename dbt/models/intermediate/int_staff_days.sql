{# Days in post and days available of everyone who falls under a requirement rule. A posting falls under a rule by its
   grade and role. Time is cut into stretches at every posting and absence boundary: each day counts once, under the
   posting that began last where postings overlap, and is not available if any counted absence covers it. #}
with postings as (

    select * from {{ ref('stg_postings') }}

),

absences as (

    select * from {{ ref('int_absences_counted') }}

),

rule_spans as (

    select * from {{ ref('int_rule_spans') }}

),

posting_spans as (

    select
        postings.posting_id,
        postings.staff_id,
        postings.area_code,
        postings.unit_type,
        postings.line_manager_id,
        postings.start_date,
        rule_spans.rule_id,
        rule_spans.assessment_type,
        rule_spans.span_start,
        rule_spans.span_end,
        greatest(postings.start_date, rule_spans.span_start) as from_on,
        least(
            coalesce(postings.end_date, rule_spans.span_end), rule_spans.span_end, {{ as_of() }}
        ) as to_on
    from postings
    inner join rule_spans
        on
            postings.start_date <= rule_spans.span_end
            and coalesce(postings.end_date, rule_spans.span_end) >= rule_spans.span_start
            and {{ falls_under_rule('postings', 'rule_spans') }}

),

in_scope as (

    select * from posting_spans
    where from_on <= to_on

),

staff_spans as (

    select
        staff_id,
        assessment_type,
        span_start,
        max(span_end) as span_end
    from in_scope
    group by staff_id, assessment_type, span_start

),

absence_spans as (

    select
        staff_spans.staff_id,
        staff_spans.assessment_type,
        staff_spans.span_start,
        greatest(absences.absent_from, staff_spans.span_start) as from_on,
        least(absences.absent_to, staff_spans.span_end) as to_on
    from staff_spans
    inner join absences
        on
            staff_spans.staff_id = absences.staff_id
            and absences.absent_from <= staff_spans.span_end
            and absences.absent_to >= staff_spans.span_start

),

boundaries as (

    select staff_id, assessment_type, span_start, from_on as boundary_on from in_scope
    union
    select staff_id, assessment_type, span_start, to_on + 1 as boundary_on from in_scope
    union
    select staff_id, assessment_type, span_start, from_on as boundary_on from absence_spans
    union
    select staff_id, assessment_type, span_start, to_on + 1 as boundary_on from absence_spans

),

stretches as (

    select
        staff_id,
        assessment_type,
        span_start,
        boundary_on as from_on,
        lead(boundary_on) over (
            partition by staff_id, assessment_type, span_start order by boundary_on
        ) as until_on
    from boundaries

),

absent_stretches as (

    select distinct
        stretches.staff_id,
        stretches.assessment_type,
        stretches.span_start,
        stretches.from_on
    from stretches
    inner join absence_spans
        on
            stretches.staff_id = absence_spans.staff_id
            and stretches.assessment_type = absence_spans.assessment_type
            and stretches.span_start = absence_spans.span_start
            and stretches.from_on between absence_spans.from_on and absence_spans.to_on

),

posted_stretches as (

    select
        stretches.staff_id,
        stretches.assessment_type,
        stretches.span_start,
        stretches.from_on,
        stretches.until_on,
        in_scope.area_code,
        in_scope.unit_type,
        in_scope.line_manager_id,
        in_scope.rule_id,
        row_number() over (
            partition by
                stretches.staff_id, stretches.assessment_type, stretches.span_start, stretches.from_on
            order by in_scope.start_date desc, in_scope.posting_id desc, in_scope.rule_id asc
        ) as choice
    from stretches
    inner join in_scope
        on
            stretches.staff_id = in_scope.staff_id
            and stretches.assessment_type = in_scope.assessment_type
            and stretches.span_start = in_scope.span_start
            and stretches.from_on between in_scope.from_on and in_scope.to_on
    where stretches.until_on is not null

),

final as (

    select
        posted_stretches.staff_id,
        posted_stretches.assessment_type,
        posted_stretches.span_start,
        posted_stretches.area_code,
        posted_stretches.unit_type,
        posted_stretches.rule_id,
        cast(
            sum({{ days_between('posted_stretches.from_on', 'posted_stretches.until_on') }}) as integer
        ) as in_post_days,
        cast(coalesce(sum(
            case
                when absent_stretches.from_on is null
                    then {{ days_between('posted_stretches.from_on', 'posted_stretches.until_on') }}
            end
        ), 0) as integer) as available_days,
        max(posted_stretches.until_on) - 1 as last_in_post_on,
        -- The last manager on record: a post that fell vacant stays with the manager it had.
        max_by(posted_stretches.line_manager_id, posted_stretches.until_on) as line_manager_id
    from posted_stretches
    left join absent_stretches
        on
            posted_stretches.staff_id = absent_stretches.staff_id
            and posted_stretches.assessment_type = absent_stretches.assessment_type
            and posted_stretches.span_start = absent_stretches.span_start
            and posted_stretches.from_on = absent_stretches.from_on
    where posted_stretches.choice = 1
    group by
        posted_stretches.staff_id,
        posted_stretches.assessment_type,
        posted_stretches.span_start,
        posted_stretches.area_code,
        posted_stretches.unit_type,
        posted_stretches.rule_id

)

select * from final
