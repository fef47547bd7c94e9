{# Whether governance took up an emerging theme (H6): an Area's theme in the Area itself, a national one anywhere. There is
   time until the end of the second quarter after; `is_revised` where a meeting that was corrected or came late after the
   freeze of that quarter changed the answer. #}
with signals as (

    select * from {{ ref('int_theme_signals') }}

),

item_versions as (

    select * from {{ source('raw', 'governance_items_versions') }}

),

freezes as (

    select * from {{ ref('int_quarter_freezes') }}
    where dataset = 'governance_items'

),

constants as (

    select
        {{ as_of() }} as as_of,
        cast(3 * {{ policy('governance_quarters') }} as integer) as governance_months

),

emerged as (

    select distinct
        signals.level,
        signals.area_code,
        signals.theme_code,
        signals.quarter_start,
        cast(signals.quarter_start + to_months(3 + constants.governance_months) as date) as governance_until
    from signals
    cross join constants
    where signals.emerging_reason in ('above_baseline', 'new')

),

looked_for as (

    select
        emerged.level,
        emerged.area_code,
        emerged.theme_code,
        emerged.quarter_start,
        emerged.governance_until <= constants.as_of as is_time_over,
        freezes.frozen_on is not null as is_frozen,
        count(case when item_versions.known_to is null then item_versions.item_id end) > 0 as is_found,
        count(case when {{ known_at('item_versions', 'freezes.frozen_on') }} then item_versions.item_id end) > 0
            as was_found
    from emerged
    cross join constants
    left join freezes
        on emerged.governance_until - 1 = freezes.quarter_end
    left join item_versions
        on
            emerged.theme_code = item_versions.theme_code
            and (emerged.level = 'national' or emerged.area_code = item_versions.area_code)
            and emerged.quarter_start <= item_versions.held_on
            and emerged.governance_until > item_versions.held_on
    group by
        emerged.level,
        emerged.area_code,
        emerged.theme_code,
        emerged.quarter_start,
        emerged.governance_until,
        constants.as_of,
        freezes.frozen_on

),

final as (

    select
        level,
        area_code,
        theme_code,
        quarter_start,
        case when is_found or is_time_over then is_found end as in_governance,
        is_frozen and is_found <> was_found as is_revised
    from looked_for

)

select * from final
