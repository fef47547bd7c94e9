-- Every count of an Area is the sum of its units' counts. A returned row is an Area and period whose sums differ.
{% set counts = {
    'compliance': [
        'iqas_assessed', 'prosecutors_required', 'prosecutors_covered', 'volume_ratio_required_only_num',
        'themed_share_num', 'late_closed_share_num',
    ],
    'dip_sampling': [
        'iqas_assessed', 'dips_valid', 'dips_invalid', 'dips_late', 'dips_repeat', 'valid_share_num',
        'challenge_num',
    ],
} %}
{% for mart, columns in counts.items() %}
select *
from (
    select
        '{{ mart }}' as mart,
        area_code,
        period_type,
        period_start,
        assessment_type,
        {{ "policy" if mart == 'compliance' else "''" }} as policy,
        {%- for column in columns %}
        coalesce(sum(case when level = 'area' then {{ column }} end), 0)
        = coalesce(sum(case when level = 'unit' then {{ column }} end), 0)
            {{- ' and' if not loop.last else ' as adds_up' }}
        {%- endfor %}
    from {{ ref(mart) }}
    where level <> 'national'
    group by area_code, period_type, period_start, assessment_type {{- ', policy' if mart == 'compliance' }}
) as compared
where not adds_up
{{ 'union all' if not loop.last }}
{% endfor %}
