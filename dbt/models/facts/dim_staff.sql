{# People under their pseudonym, with the posting they hold on the reporting date or, failing that, the last one before
   it; someone whose postings all lie ahead shows the first of them. #}
with staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

postings as (

    select * from {{ ref('stg_postings') }}

),

grades as (

    select * from {{ ref('grades') }}

),

ranked_postings as (

    select
        postings.*,
        row_number() over (
            partition by postings.staff_id
            order by
                case when postings.start_date <= {{ as_of() }} then 0 else 1 end,
                case when postings.start_date <= {{ as_of() }} then postings.start_date end desc nulls last,
                postings.start_date,
                postings.posting_id
        ) as posting_rank
    from postings

),

final as (

    select
        staff_pseudonyms.staff_key,
        ranked_postings.grade,
        grades.grade_name,
        ranked_postings.area_code,
        ranked_postings.unit_type,
        ranked_postings.area_code || '-' || ranked_postings.unit_type as unit_key,
        ranked_postings.role_type,
        ranked_postings.fte,
        ranked_postings.start_date as posting_start_on,
        ranked_postings.end_date as posting_end_on,
        coalesce(
            ranked_postings.start_date <= {{ as_of() }}
            and coalesce(ranked_postings.end_date, date '9999-12-31') >= {{ as_of() }},
            false
        ) as is_in_post,
        managers.staff_key as line_manager_key,
        coalesce(grades.may_assess, false) as may_assess,
        coalesce(grades.may_dip_sample, false) as may_dip_sample
    from staff_pseudonyms
    left join ranked_postings
        on
            staff_pseudonyms.staff_id = ranked_postings.staff_id
            and ranked_postings.posting_rank = 1
    left join grades
        on ranked_postings.grade = grades.grade
    left join staff_pseudonyms as managers
        on ranked_postings.line_manager_id = managers.staff_id

)

select * from final
