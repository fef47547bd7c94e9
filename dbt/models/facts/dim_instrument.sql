with instruments as (

    select * from {{ ref('instruments') }}

),

regimes as (

    select * from {{ ref('regimes') }}

),

guidance_versions as (

    select * from {{ ref('guidance_versions') }}

),

question_counts as (

    select
        instrument_version,
        count(*) as question_count
    from {{ ref('instrument_questions') }}
    group by instrument_version

),

final as (

    select
        instruments.instrument_version,
        instruments.assessment_type,
        instruments.regime,
        regimes.regime_name,
        instruments.guidance_version,
        guidance_versions.note as guidance_note,
        instruments.answer_scale,
        instruments.rating_scale,
        instruments.rating_rule,
        instruments.subject_kind,
        instruments.effective_from,
        instruments.effective_to,
        coalesce(question_counts.question_count, 0) as question_count
    from instruments
    left join regimes
        on instruments.regime = regimes.regime
    left join guidance_versions
        on instruments.guidance_version = guidance_versions.guidance_version
    left join question_counts
        on instruments.instrument_version = question_counts.instrument_version

)

select * from final
