{# Does the dip sample catch what the inspector finds? Shares of the assessments (Wilson) or answers (clustered by
   assessment) that all three have seen. #}
{%- set shares = [
    ('catch_rate', 'catch', 'n_caught', 'n_inspector_lenient'),
    ('catch_inclusive_rate', 'catch_inclusive', 'n_caught_inclusive', 'n_inspector_lenient'),
    ('false_alarm_rate', 'false_alarm', 'n_false_alarm', 'n_inspector_agrees'),
    ('precision_rate', 'precision', 'n_caught', 'n_sampler_stricter'),
    ('rubber_stamp_rate', 'rubber_stamp', 'n_rubber_stamped', 'n_inspector_disagrees'),
    ('residual_leniency', 'residual_leniency', 'n_residual', 'n_triple'),
    ('absorbed_rate', 'absorbed', 'n_caught', 'n_triple'),
    ('sampler_agreement_rate', 'sampler_agreement', 'n_sampler_agrees', 'n_triple'),
    ('sampler_leniency_rate', 'sampler_leniency', 'n_sampler_lenient', 'n_sampler_comparable'),
    ('fed_back_rate', 'fed_back', 'n_fed_back', 'n_caught'),
] -%}
{%- set counts = [
    'n_triple', 'n_inspector_lenient', 'n_inspector_agrees', 'n_inspector_disagrees', 'n_sampler_stricter',
    'n_sampler_agrees', 'n_caught', 'n_caught_by_opinion', 'n_caught_by_rule', 'n_caught_inclusive', 'n_false_alarm',
    'n_rubber_stamped', 'n_residual', 'n_fed_back', 'n_sampler_lenient', 'n_sampler_comparable',
] -%}
{%- set keys = ['sample', 'sample_type', 'basis', 'level', 'area_code'] -%}
with triples as (

    select * from {{ ref('int_triples') }}

),

triple_agreement as (

    select * from {{ ref('int_triple_agreement') }}

),

areas as (

    select * from {{ ref('areas') }}

),

limits as (

    select {{ interval_z() }} as interval_z

),

inspection_status as (

    select * from {{ ref('int_inspection_status') }}
    where comparison = 'dip_catch'

),

clusters as (

    select
        sample,
        basis,
        iqa_id,
        assessment_type,
        regime,
        area_code,
        count(*) as n_triple,
        sum(cast(is_inspector_lenient as integer)) as n_inspector_lenient,
        sum(case when inspector_direction = 'agree' then 1 else 0 end) as n_inspector_agrees,
        sum(case when inspector_direction in ('lenient', 'harsh') then 1 else 0 end) as n_inspector_disagrees,
        sum(case when sampler_view = 'stricter' then 1 else 0 end) as n_sampler_stricter,
        sum(case when sampler_view = 'agree' then 1 else 0 end) as n_sampler_agrees,
        sum(cast(is_caught as integer)) as n_caught,
        sum(cast(is_raised_by_opinion as integer)) as n_caught_by_opinion,
        sum(cast(is_raised_by_rule as integer)) as n_caught_by_rule,
        sum(cast(is_caught or is_raised_by_opinion or is_raised_by_rule as integer)) as n_caught_inclusive,
        sum(case
            when inspector_direction = 'agree' and sampler_view in ('stricter', 'softer', 'changed') then 1 else 0
        end) as n_false_alarm,
        sum(case
            when inspector_direction in ('lenient', 'harsh') and sampler_view = 'agree' then 1 else 0
        end) as n_rubber_stamped,
        sum(case when is_inspector_lenient and not is_caught then 1 else 0 end) as n_residual,
        sum(case when is_caught and is_fed_back then 1 else 0 end) as n_fed_back,
        sum(case when is_sampler_comparable and sampler_direction = 'lenient' then 1 else 0 end) as n_sampler_lenient,
        sum(cast(is_sampler_comparable as integer)) as n_sampler_comparable
    from triples
    group by sample, basis, iqa_id, assessment_type, regime, area_code

),

levelled as (

    {%- for sample_type in ['assessment_type', "'ALL'"] %}
    {%- for level, area in [('national', "'ALL'"), ('area', 'area_code')] %}
    select
        sample,
        basis,
        regime,
        {{ sample_type }} as sample_type,
        '{{ level }}' as level,
        {{ area }} as area_code,
        {{ counts | join(',\n        ') }}
    from clusters
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

sums as (

    select
        {{ keys | join(', ') }},
        case when min(regime) = max(regime) then min(regime) end as regime,
        cast(count(*) as bigint) as n_clusters,
        {%- for count in counts %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {%- endfor %}
        {%- for rate_name, stem, numerator, denominator in shares %}
        cast(sum(case when {{ denominator }} > 0 then 1 else 0 end) as bigint) as {{ stem }}_clusters,
        cast(sum({{ numerator }} * {{ numerator }}) as bigint) as {{ stem }}_hits_squared,
        cast(sum({{ numerator }} * {{ denominator }}) as bigint) as {{ stem }}_hits_total,
        cast(sum({{ denominator }} * {{ denominator }}) as bigint) as {{ stem }}_total_squared{{ ',' if not loop.last }}
        {%- endfor %}
    from levelled
    group by {{ keys | join(', ') }}

),

widened as (

    select
        sums.*,
        limits.interval_z,
        {%- for rate_name, stem, numerator, denominator in shares %}
        case
            when sums.basis = 'iqa' then 1e0
            else {{ design_effect(
                stem ~ '_clusters', numerator, denominator,
                stem ~ '_hits_squared', stem ~ '_hits_total', stem ~ '_total_squared'
            ) }}
        end as {{ stem }}_design_effect{{ ',' if not loop.last }}
        {%- endfor %}
    from sums
    cross join limits

),

measured as (

    select
        widened.regime,
        widened.level,
        widened.area_code,
        case when widened.level = 'area' then areas.area_name else 'England and Wales' end as area_name,
        'ALL' as unit_type,
        cast(null as varchar) as period_type,
        cast(null as varchar) as period_label,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        coalesce(inspection_status.figure_status, 'P') as figure_status,
        widened.sample,
        widened.sample_type as assessment_type,
        widened.basis,
        widened.n_clusters,
        {%- for count in counts %}
        widened.{{ count }},
        {%- endfor %}
        {%- for rate_name, stem, numerator, denominator in shares %}
        {{ rate('widened.' ~ numerator, 'widened.' ~ denominator) }} as {{ rate_name }},
        {{ cluster_low(
            'widened.' ~ numerator, 'widened.' ~ denominator, 'widened.' ~ stem ~ '_design_effect', 'widened.interval_z'
        ) }} as {{ stem }}_low,
        {{ cluster_high(
            'widened.' ~ numerator, 'widened.' ~ denominator, 'widened.' ~ stem ~ '_design_effect', 'widened.interval_z'
        ) }} as {{ stem }}_high,
        {%- endfor %}
        triple_agreement.alpha_ordinal,
        triple_agreement.ac1
    from widened
    left join triple_agreement
        on {{ same_columns('widened', 'triple_agreement', keys) }}
    left join inspection_status
        on
            widened.sample = inspection_status.sample
            and widened.sample_type = inspection_status.sample_type
    left join areas
        on
            widened.level = 'area'
            and widened.area_code = areas.area_code

),

{%- set reasons = [] -%}
{%- for rate_name, stem, numerator, denominator in shares -%}
    {%- set empty = {
        'n_inspector_lenient': 'none_lenient',
        'n_inspector_agrees': 'inspector_agrees_with_none',
        'n_inspector_disagrees': 'inspector_disagrees_with_none',
        'n_sampler_stricter': 'none_flagged',
        'n_caught': 'none_caught',
        'n_sampler_comparable': 'no_activity',
        'n_triple': 'no_activity',
    }[denominator] -%}
    {%- for column in [rate_name, stem ~ '_low', stem ~ '_high'] -%}
        {%- do reasons.append((column, 'measured.' ~ denominator ~ ' = 0', empty)) -%}
        {%- do reasons.append((column, 'true', 'single_assessment')) -%}
    {%- endfor -%}
{%- endfor %}

final as (

    select
        {{ standard_columns('measured', 'measured.n_triple') }},
        {{ null_reason(reasons) }} as null_reason,
        measured.sample,
        measured.assessment_type,
        measured.basis,
        measured.n_clusters,
        {%- for count in counts %}
        measured.{{ count }},
        {%- endfor %}
        {%- for rate_name, stem, numerator, denominator in shares %}
        measured.{{ rate_name }},
        measured.{{ stem }}_low,
        measured.{{ stem }}_high,
        {%- endfor %}
        measured.alpha_ordinal,
        measured.ac1
    from measured

)

select * from final
