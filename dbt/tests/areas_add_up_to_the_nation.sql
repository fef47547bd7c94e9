-- Every count of the nation is the sum of its Areas' counts: an assessment, a requirement or a dip stands in one Area.
-- Test Areas are left out as soon as there is a real one. Successive misses and dip activity are not compared: they stay
-- with an Area that may have no row of its own once everybody has left. A returned row is a period whose sums differ.
{% set counts = {
    'compliance': [
        'iqas_assessed', 'prosecutors_required', 'prosecutors_covered', 'volume_ratio_required_only_num',
        'prosecutors_without_manager', 'themed_share_num',
        'late_closed_share_num',
    ],
    'dip_sampling': [
        'iqas_assessed', 'dips_required', 'dips_valid', 'dips_invalid', 'dips_late', 'dips_repeat', 'areas_met',
        'areas_with_iqas', 'area_quarters_met', 'valid_share_num', 'challenge_num',
    ],
} %}
{% for mart, columns in counts.items() %}
select *
from (
    select
        '{{ mart }}' as mart,
        marts.period_type,
        marts.period_start,
        marts.assessment_type,
        {{ "marts.policy" if mart == 'compliance' else "''" }} as policy,
        {%- for column in columns %}
        coalesce(sum(case when marts.level = 'national' then marts.{{ column }} end), 0)
        = coalesce(sum(case when marts.level = 'area' then marts.{{ column }} end), 0)
            {{- ' and' if not loop.last else ' as adds_up' }}
        {%- endfor %}
    from {{ ref(mart) }} as marts
    where
        marts.level = 'national'
        or marts.area_code in (
            select member_area_code from {{ ref('int_level_members') }} where level = 'national'
        )
    group by
        marts.period_type,
        marts.period_start,
        marts.assessment_type
        {{- ', marts.policy' if mart == 'compliance' }}
) as compared
where not adds_up
{{ 'union all' if not loop.last }}
{% endfor %}
