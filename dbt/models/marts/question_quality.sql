{# How far raters agree on each question, and where agreement is poorest. An inspection compares managers with inspectors, a
   period managers with dip samplers. Each assessment answers a question once, so answers here are independent units. #}
with sums as (

    select * from {{ ref('int_leniency_sums') }}
    where
        dimension = 'question'
        and sample_type <> 'ALL'
        and comparison <> 'dip_sampler_v_inspector'

),

agreement as (

    select * from {{ ref('int_leniency_agreement') }}
    where dimension = 'question'

),

comparisons as (

    select * from {{ ref('int_comparisons') }}
    where
        basis = 'answer'
        and is_in_nation
        and reason_code is not null

),

questions as (

    select * from {{ ref('questions') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

figure_status as (

    select * from {{ ref('int_figure_status') }}
    where
        status_basis = 'answers'
        and level = 'national'
        and period_type = 'quarter'

),

inspection_status as (

    select * from {{ ref('int_inspection_status') }}
    where
        comparison = 'manager_v_inspector'
        and not is_frame_only

),

limits as (

    select
        {{ interval_z() }} as interval_z,
        {{ policy('question_comparable_min') }} as question_comparable_min,
        {{ policy('ambiguous_questions_listed') }} as ambiguous_questions_listed

),

reason_counts as (

    select
        comparison,
        sample,
        assessment_type,
        question_code,
        reason_code,
        count(*) as reason_count
    from comparisons
    group by comparison, sample, assessment_type, question_code, reason_code

),

main_reasons as (

    select
        comparison,
        sample,
        assessment_type,
        question_code,
        string_agg(reason_code, ';' order by reason_count desc, reason_code) as reason_codes
    from reason_counts
    group by comparison, sample, assessment_type, question_code

),

measured as (

    select
        sums.*,
        limits.interval_z,
        limits.question_comparable_min,
        limits.ambiguous_questions_listed,
        agreement.ac1,
        agreement.kappa,
        {{ rate('sums.n_agree', 'sums.n_compared') }} as agreement_rate,
        coalesce(sums.n_compared >= limits.question_comparable_min, false) as is_rankable
    from sums
    cross join limits
    left join agreement
        on
            {{ same_columns(
                'sums', 'agreement',
                ['comparison', 'sample', 'sample_type', 'basis', 'dimension', 'dimension_value']
            ) }}

),

ranked as (

    select
        measured.*,
        case
            when is_rankable
                then row_number() over (
                    partition by comparison, sample, sample_type, is_rankable
                    order by agreement_rate, ac1, dimension_value
                )
        end as disagreement_rank
    from measured

),

named as (

    select
        ranked.regime,
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        'ALL' as unit_type,
        case when ranked.comparison = 'manager_v_dip_sampler' then 'quarter' end as period_type,
        case when ranked.comparison = 'manager_v_dip_sampler' then quarters.quarter_label end as period_label,
        case when ranked.comparison = 'manager_v_dip_sampler' then quarters.quarter_start end as period_start,
        case when ranked.comparison = 'manager_v_dip_sampler' then quarters.quarter_end end as period_end,
        coalesce(
            case
                when ranked.comparison = 'manager_v_dip_sampler' then figure_status.figure_status
                else inspection_status.figure_status
            end,
            'P'
        ) as figure_status,
        ranked.sample,
        ranked.sample_type as assessment_type,
        ranked.dimension_value as question_code,
        ranked.comparison,
        questions.question_category,
        questions.question_text,
        questions.is_critical,
        ranked.n_examined,
        ranked.n_compared,
        ranked.n_agree,
        ranked.agreement_rate,
        {{ wilson_low('ranked.n_agree', 'ranked.n_compared', 'ranked.interval_z') }} as agreement_low,
        {{ wilson_high('ranked.n_agree', 'ranked.n_compared', 'ranked.interval_z') }} as agreement_high,
        ranked.ac1,
        ranked.kappa,
        ranked.n_lenient,
        ranked.n_harsh,
        {{ rate('ranked.n_lenient', 'ranked.n_compared') }} as lenient_rate,
        ranked.na_leniency_num,
        ranked.na_leniency_den,
        {{ rate('ranked.na_leniency_num', 'ranked.na_leniency_den') }} as na_leniency_rate,
        ranked.n_only_reference_na,
        case when questions.is_critical then ranked.critical_leniency_num end as critical_leniency_num,
        case when questions.is_critical then ranked.critical_leniency_den end as critical_leniency_den,
        case
            when questions.is_critical then {{ rate('ranked.critical_leniency_num', 'ranked.critical_leniency_den') }}
        end as critical_leniency_rate,
        ranked.is_rankable,
        case
            when ranked.disagreement_rank <= ranked.ambiguous_questions_listed
                then cast(ranked.disagreement_rank as bigint)
        end as ambiguity_rank,
        main_reasons.reason_codes
    from ranked
    inner join questions
        on ranked.dimension_value = questions.question_code
    left join quarters
        on ranked.quarter_start = quarters.quarter_start
    left join figure_status
        on
            ranked.quarter_start = figure_status.period_start
            and ranked.sample_type = figure_status.assessment_type
    left join inspection_status
        on
            ranked.sample = inspection_status.sample
            and ranked.sample_type = inspection_status.sample_type
    left join main_reasons
        on
            ranked.comparison = main_reasons.comparison
            and ranked.sample = main_reasons.sample
            and ranked.sample_type = main_reasons.assessment_type
            and ranked.dimension_value = main_reasons.question_code

),

{%- set reasons = [
    ('agreement_rate', 'true', 'no_activity'),
    ('ac1', 'named.n_compared = 0', 'no_activity'),
    ('ac1', 'true', 'mixed_scales'),
    ('na_leniency_rate', 'true', 'no_activity'),
    ('critical_leniency_num', 'true', 'not_critical'),
    ('critical_leniency_den', 'true', 'not_critical'),
    ('critical_leniency_rate', 'not named.is_critical', 'not_critical'),
    ('critical_leniency_rate', 'true', 'no_activity'),
    ('ambiguity_rank', 'not named.is_rankable', 'too_few_comparable'),
    ('ambiguity_rank', 'true', 'not_among_the_worst'),
] %}

final as (

    select
        {{ standard_columns('named', 'named.n_compared') }},
        {{ null_reason(reasons) }} as null_reason,
        named.sample,
        named.assessment_type,
        named.question_code,
        named.comparison,
        named.question_category,
        named.question_text,
        named.is_critical,
        named.n_examined,
        named.n_compared,
        named.n_agree,
        named.agreement_rate,
        named.agreement_low,
        named.agreement_high,
        named.ac1,
        named.kappa,
        named.n_lenient,
        named.n_harsh,
        named.lenient_rate,
        named.na_leniency_num,
        named.na_leniency_den,
        named.na_leniency_rate,
        named.n_only_reference_na,
        named.critical_leniency_num,
        named.critical_leniency_den,
        named.critical_leniency_rate,
        named.ambiguity_rank,
        named.reason_codes
    from named

)

select * from final
