{#- The SQL of another model, with some of the models it reads exchanged for their frozen twins, so that a metric is
    written once and measured twice. `twins` maps a model's name to its twin's. dbt sees no `ref` in here when it
    parses: the caller lists everything the model reads in `depends_on` comments, and dbt says so if one is missing. -#}
{% macro as_frozen(model_name, twins) -%}
    {%- if execute -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ model_name] -%}
        {%- set sql = namespace(text=node.raw_code) -%}
        {%- for name, twin in twins.items() -%}
            {%- set sql.text = sql.text | replace("ref('" ~ name ~ "')", "ref('" ~ twin ~ "')") -%}
        {%- endfor -%}
        {{ render(sql.text) }}
    {%- endif -%}
{%- endmacro %}
