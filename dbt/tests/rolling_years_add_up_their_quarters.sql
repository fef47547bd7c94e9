-- A rolling year's counts are the sums of its four quarters: people and quarters are added up, nobody is counted anew.
-- A returned row is a rolling year whose sums differ.
{% set counts = {
    'compliance': [
        'iqas_assessed', 'prosecutors_required', 'prosecutors_covered', 'volume_ratio_required_only_num',
        'themed_share_num', 'late_closed_share_num',
    ],
    'dip_sampling': ['iqas_assessed', 'dips_required', 'dips_valid', 'dips_invalid', 'dips_late', 'challenge_num'],
} %}
{% for mart, columns in counts.items() %}
select
    '{{ mart }}' as mart,
    rolling.level,
    rolling.area_code,
    rolling.unit_type,
    rolling.period_start,
    rolling.assessment_type
from {{ ref(mart) }} as rolling
inner join {{ ref(mart) }} as quarters
    on
        rolling.level = quarters.level
        and rolling.area_code = quarters.area_code
        and rolling.unit_type = quarters.unit_type
        and rolling.assessment_type = quarters.assessment_type
        {{ 'and rolling.policy = quarters.policy' if mart == 'compliance' }}
        and quarters.period_type = 'quarter'
        and quarters.period_start between rolling.period_start and rolling.period_end
where rolling.period_type = 'rolling_12m'
group by
    rolling.level,
    rolling.area_code,
    rolling.unit_type,
    rolling.period_start,
    rolling.assessment_type
    {{- ', rolling.policy' if mart == 'compliance' }}
having
    {%- for column in columns %}
    coalesce(max(rolling.{{ column }}), 0) <> coalesce(sum(quarters.{{ column }}), 0)
        {{- ' or' if not loop.last }}
    {%- endfor %}
{{ 'union all' if not loop.last }}
{% endfor %}
