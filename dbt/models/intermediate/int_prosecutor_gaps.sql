{# How long ago each prosecutor in post at a quarter's end was last assessed (T1), in the Area and unit of the posting. At
   the reporting date for the quarter that holds it. Who was never assessed has no gap: compliance counts those. #}
with iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

postings as (

    select * from {{ ref('stg_postings') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

days as (

    select
        quarter_start,
        least(quarter_end, {{ as_of() }}) as on_day
    from quarters

),

in_post as (

    select distinct
        days.quarter_start,
        days.on_day,
        postings.staff_id,
        postings.area_code,
        postings.unit_type
    from days
    inner join postings
        on
            days.on_day >= postings.start_date
            and days.on_day <= coalesce(postings.end_date, date '9999-12-31')

),

last_assessed as (

    select
        days.quarter_start,
        iqas.subject_id,
        iqas.assessment_type,
        max(iqas.assessed_on) as last_assessed_on
    from days
    inner join iqas
        on days.on_day >= iqas.assessed_on
    group by
        days.quarter_start,
        iqas.subject_id,
        iqas.assessment_type

),

final as (

    select
        in_post.quarter_start,
        in_post.area_code,
        in_post.unit_type,
        in_post.staff_id,
        last_assessed.assessment_type,
        cast(in_post.on_day - last_assessed.last_assessed_on as integer) as days_since
    from in_post
    inner join last_assessed
        on
            in_post.quarter_start = last_assessed.quarter_start
            and in_post.staff_id = last_assessed.subject_id

)

select * from final
