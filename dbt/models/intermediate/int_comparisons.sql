{# Every comparison with its direction. The reference's place on the scale is kept as the range it may lie in: a value is a
   range of one; a disagreement without a value rules one place out, which settles it on a scale of two and, at an end of
   a longer one, still says on which side it lies. Rated above the range is lenient, below it harsh. Ratings that an
   instrument's rule derives from the answers are rows of basis iqa_derived, never mixed with recorded ones. #}
with recorded as (

    select * from {{ ref('int_comparisons_recorded') }}

),

iqas as (

    select * from {{ ref('int_iqas_scoped') }}

),

questions as (

    select * from {{ ref('questions') }}

),

positions as (

    select * from {{ ref('int_scale_positions') }}

),

scales as (

    select
        scale_code,
        max(category_count) as category_count,
        max(max_points) as max_points,
        max(category_count) - 1 as top_rank
    from positions
    group by scale_code

),

level_members as (

    select * from {{ ref('int_level_members') }}

),

staff_pseudonyms as (

    select * from {{ ref('stg_staff_pseudonyms') }}

),

scaled as (

    select
        recorded.*,
        case when recorded.basis = 'answer' then iqas.answer_scale else iqas.rating_scale end as scale_code
    from recorded
    inner join iqas
        on recorded.iqa_id = iqas.iqa_id

),

placed as (

    select
        scaled.*,
        scales.category_count,
        scales.top_rank,
        scales.max_points,
        rated.value_rank as rated_rank,
        coalesce(rated.is_na, false) as is_rated_na,
        manager.value_rank as manager_rank,
        coalesce(manager.is_na, false) as is_manager_na,
        -- With agreement alone, the inspector's value is the manager's.
        case
            when scaled.reference_value is not null then given.value_rank
            when scaled.agrees then manager.value_rank
        end as given_rank,
        case
            when scaled.reference_value is not null then given.is_na
            when scaled.agrees then coalesce(manager.is_na, false)
            else false
        end as is_reference_na,
        scaled.reference_value is null and coalesce(not scaled.agrees, false) as is_bare_disagreement
    from scaled
    inner join scales
        on scaled.scale_code = scales.scale_code
    left join positions as rated
        on
            scaled.scale_code = rated.scale_code
            and scaled.rated_value = rated.value_code
    left join positions as given
        on
            scaled.scale_code = given.scale_code
            and scaled.reference_value = given.value_code
    left join positions as manager
        on
            scaled.scale_code = manager.scale_code
            and scaled.manager_value = manager.value_code

),

bounded as (

    select
        placed.*,
        case
            when given_rank is not null then given_rank
            when not is_bare_disagreement or manager_rank is null then null
            when manager_rank = 0 then 1
            else 0
        end as reference_rank_low,
        case
            when given_rank is not null then given_rank
            when not is_bare_disagreement or manager_rank is null then null
            when manager_rank = top_rank then top_rank - 1
            else top_rank
        end as reference_rank_high
    from placed

),

compared as (

    select
        bounded.*,
        case
            when is_rated_na and is_reference_na then 'agree'
            when is_rated_na and (reference_rank_low is not null or is_bare_disagreement) then 'na_mismatch'
            when rated_rank is not null and is_reference_na then 'na_mismatch'
            when rated_rank > reference_rank_high then 'lenient'
            when rated_rank < reference_rank_low then 'harsh'
            when rated_rank = reference_rank_low and rated_rank = reference_rank_high then 'agree'
            when rated_rank is not null and is_bare_disagreement then 'unknown'
            -- Disagreement with a manager who recorded nothing.
            when comparison = 'manager_v_inspector' and is_bare_disagreement then 'unknown'
        end as direction
    from bounded

),

answers_and_ratings as (

    select
        comparison,
        sample,
        basis,
        reference_id,
        iqa_id,
        question_code,
        scale_code,
        category_count,
        top_rank,
        max_points,
        rated_rank,
        is_rated_na,
        reference_rank_low,
        reference_rank_high,
        is_reference_na,
        direction,
        difference_categories,
        reason_code
    from compared

),

rules as (

    select
        iqas.iqa_id,
        iqas.rating_scale,
        split_part(iqas.rating_rule, ':', 1) as rule_name,
        try_cast(nullif(split_part(iqas.rating_rule, ':', 2), '') as double) as rule_value
    from iqas
    where coalesce(iqas.rating_rule, '') <> ''

),

derived_sums as (

    -- Each rater is judged on the answers it gave among the questions that the reference row holds.
    select
        compared.comparison,
        compared.sample,
        compared.reference_id,
        compared.iqa_id,
        rules.rating_scale,
        rules.rule_name,
        rules.rule_value,
        sum(rated.points) as rated_points,
        sum(case when rated.points is not null then compared.max_points end) as rated_max,
        sum(case
            when compared.rated_rank < compared.top_rank and questions.is_critical then 1 else 0
        end) as rated_critical_short,
        sum(reference.points) as reference_points,
        sum(case when reference.points is not null then compared.max_points end) as reference_max,
        sum(case
            when compared.reference_rank_high < compared.top_rank and questions.is_critical then 1 else 0
        end) as reference_critical_short
    from compared
    inner join rules
        on compared.iqa_id = rules.iqa_id
    inner join questions
        on compared.question_code = questions.question_code
    left join positions as rated
        on
            compared.scale_code = rated.scale_code
            and compared.rated_rank = rated.value_rank
    left join positions as reference
        on
            compared.scale_code = reference.scale_code
            and compared.reference_rank_low = reference.value_rank
            and compared.reference_rank_low = compared.reference_rank_high
    where compared.basis = 'answer'
    group by
        compared.comparison,
        compared.sample,
        compared.reference_id,
        compared.iqa_id,
        rules.rating_scale,
        rules.rule_name,
        rules.rule_value

),

derived_ratings as (

    select
        derived_sums.*,
        scales.category_count,
        scales.top_rank,
        scales.max_points,
        case
            when coalesce(rated_max, 0) = 0 then null
            when rule_name = 'score_at_least' and rated_points + 1e-9 >= rule_value * rated_max then scales.top_rank
            when rule_name = 'no_critical_short' and rated_critical_short = 0 then scales.top_rank
            else 0
        end as rated_rank,
        case
            when coalesce(reference_max, 0) = 0 then null
            when rule_name = 'score_at_least' and reference_points + 1e-9 >= rule_value * reference_max then scales.top_rank
            when rule_name = 'no_critical_short' and reference_critical_short = 0 then scales.top_rank
            else 0
        end as reference_rank
    from derived_sums
    inner join scales
        on derived_sums.rating_scale = scales.scale_code

),

derived as (

    select
        comparison,
        sample,
        'iqa_derived' as basis,
        reference_id,
        iqa_id,
        cast(null as varchar) as question_code,
        rating_scale as scale_code,
        category_count,
        top_rank,
        max_points,
        rated_rank,
        false as is_rated_na,
        reference_rank as reference_rank_low,
        reference_rank as reference_rank_high,
        false as is_reference_na,
        case
            when rated_rank > reference_rank then 'lenient'
            when rated_rank < reference_rank then 'harsh'
            when rated_rank = reference_rank then 'agree'
        end as direction,
        cast(null as varchar) as difference_categories,
        cast(null as varchar) as reason_code
    from derived_ratings

),

combined as (

    select * from answers_and_ratings
    union all
    select * from derived

),

valued as (

    select
        combined.*,
        coalesce(direction in ('agree', 'lenient', 'harsh') and rated_rank is not null, false) as is_comparable,
        coalesce(
            direction in ('agree', 'lenient', 'harsh')
            and rated_rank is not null
            and reference_rank_low = reference_rank_high,
            false
        ) as is_valued,
        -- The reference applies, and its place is known or at least bounded on one side.
        coalesce(reference_rank_low > 0 or reference_rank_high < top_rank, false)
        or coalesce(reference_rank_low = reference_rank_high, false) as is_reference_applicable,
        coalesce(reference_rank_high < top_rank, false) as is_reference_short
    from combined

),

final as (

    select
        valued.comparison,
        valued.sample,
        valued.basis,
        valued.reference_id,
        valued.iqa_id,
        valued.question_code,
        iqas.assessment_type,
        iqas.instrument_version,
        iqas.regime,
        iqas.area_code,
        iqas.unit_type,
        iqas.quarter_start,
        iqas.assessed_on,
        staff_pseudonyms.staff_key as assessor_key,
        -- An inspection's sample stands as it was drawn; a period leaves test Areas out of the nation.
        valued.comparison <> 'manager_v_dip_sampler' or level_members.member_area_code is not null as is_in_nation,
        questions.question_category,
        coalesce(questions.is_critical, false) as is_critical,
        valued.scale_code,
        valued.category_count,
        case when valued.is_rated_na then 'NA' else rated.value_code end as rated_value,
        case when valued.is_reference_na then 'NA' else reference.value_code end as reference_value,
        valued.is_rated_na,
        valued.is_reference_na,
        valued.rated_rank,
        case when valued.reference_rank_low = valued.reference_rank_high then valued.reference_rank_low end
            as reference_rank,
        valued.direction,
        valued.is_comparable,
        valued.is_valued,
        valued.is_reference_applicable,
        valued.is_reference_short,
        case when valued.is_valued then valued.rated_rank - valued.reference_rank_low end as rank_difference,
        case when valued.is_valued then rated.points end as rated_points,
        case when valued.is_valued then reference.points end as reference_points,
        case when valued.is_valued then valued.max_points end as max_points,
        case when valued.is_valued then rated.is_met end as is_rated_met,
        case when valued.is_valued then reference.is_met end as is_reference_met,
        valued.difference_categories,
        valued.reason_code
    from valued
    inner join iqas
        on valued.iqa_id = iqas.iqa_id
    left join questions
        on valued.question_code = questions.question_code
    left join positions as rated
        on
            valued.scale_code = rated.scale_code
            and valued.rated_rank = rated.value_rank
    left join positions as reference
        on
            valued.scale_code = reference.scale_code
            and valued.reference_rank_low = reference.value_rank
            and valued.reference_rank_low = valued.reference_rank_high
    left join level_members
        on
            iqas.area_code = level_members.member_area_code
            and iqas.unit_type = level_members.member_unit_type
            and level_members.level = 'national'
    left join staff_pseudonyms
        on iqas.assessor_id = staff_pseudonyms.staff_id

)

select * from final
