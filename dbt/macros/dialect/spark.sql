{#- What Spark does in its own way. The SQL of a model reaches Spark through `dagster_project.spark.translation`, so the
    macros here may use DuckDB's words where it has a rule for them. -#}

{#- The mark after which a statement is a model's SQL, to be translated; dbt's own statements are Spark's already. -#}
{% macro models_sql_mark() -%}
    /* a model's SQL */
{%- endmacro %}

{#- A table's columns under the names and types of the contract: the same columns whatever engine made them. -#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    create table {{ relation }} using parquet as
    {{ models_sql_mark() }}
    {% if config.get('contract').enforced -%}
    select
        {%- for column in model.columns.values() %}
        cast(built.{{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
    {{ compiled_code }}
    ) as built
    {%- else -%}
    {{ compiled_code }}
    {%- endif %}
{%- endmacro %}

{% macro spark__create_view_as(relation, sql) -%}
    create or replace view {{ relation }} as
    {{ models_sql_mark() }}
    {{ sql }}
{%- endmacro %}

{#- What is published is read as files, so a view with a contract is a table here. -#}
{% materialization view, adapter='spark' %}
    {%- if config.get('contract').enforced %}{{ return(made_table()) }}{% endif -%}
    {{ return(create_or_replace_view()) }}
{% endmaterialization %}

{% macro spark__matches(text, pattern) -%}
    {{ return(duckdb__matches(text, pattern)) }}
{%- endmacro %}

{% macro spark__integer_divide(dividend, divisor) -%}
    {{ return(duckdb__integer_divide(dividend, divisor)) }}
{%- endmacro %}
