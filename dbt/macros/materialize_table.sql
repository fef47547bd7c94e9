{#
    How a table is made: dbt-duckdb's way without what this project has no use for (a backup of the old table,
    indexes, grants, DuckLake), which was a quarter of the time of a build on a small set of extracts.
    A run drops what an earlier one built, so mostly there is nothing to replace. A model that reads its own
    last state, and `dbt build` by hand, find a table: then the new one is made beside it and swapped in.
#}
{% macro made_table() %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set made = target if existing is none else make_intermediate_relation(target) -%}

    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none %}{{ drop_relation_if_exists(load_cached_relation(made)) }}{% endif %}

    {% call statement('main') -%}
        {{ create_table_as(False, made, compiled_code) }}
    {%- endcall %}

    {%- if existing is not none %}
        {%- do adapter.drop_relation(existing) %}
        {%- do adapter.rename_relation(made, target) %}
    {%- endif %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{% materialization table, adapter='duckdb' %}
    {%- set made = made_table() -%}
    {%- do adapter.commit() %}
    {{ return(made) }}
{% endmaterialization %}

{% materialization table, adapter='spark' %}
    {{ return(made_table()) }}
{% endmaterialization %}
