{# Dip samples required (D1), at the requirement's own grain: an Area, a quarter, an assessment type. #}
with cohorts as (

    select * from {{ ref('int_dip_cohorts') }}

),

area_cohorts as (

    select
        area_code,
        quarter_start,
        assessment_type,
        sum(iqas_assessed) as iqas_assessed,
        sum(iqas_dipped) as iqas_dipped
    from cohorts
    group by area_code, quarter_start, assessment_type

),

final as (

    select
        area_code,
        quarter_start,
        assessment_type,
        iqas_assessed,
        iqas_dipped,
        {{ dips_required('iqas_assessed') }} as dips_required
    from area_cohorts

)

select * from final
