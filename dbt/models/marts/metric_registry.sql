{# The registry rows of every family. A family is a seed `metrics_<family>` in seeds/metrics, written beside its marts. #}
{% set families = ['compliance', 'dips', 'leniency', 'agreement', 'catch', 'charts', 'comments', 'timeliness', 'actions', 'themes'] %}
{% set columns = [
    'metric_id', 'metric_name', 'mart', 'column_name', 'definition', 'numerator', 'denominator', 'exclusions',
    'edge_cases', 'unit', 'direction', 'owner', 'version', 'source', 'deviation', 'worked_example',
    'recomputation',
] %}
with
{% for family in families %}
{{ family }} as (

    select * from {{ ref('metrics_' ~ family) }}

),
{% endfor %}
final as (
    {% for family in families %}
    select
        {%- for column in columns %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ family }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from final
