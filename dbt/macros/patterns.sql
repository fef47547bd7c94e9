{#- Regular expressions kept in seeds, put into the SQL as literals. A pattern read from a column is compiled anew for
    every row: 5,000 sentences against 65 patterns take 46 s that way, 200,000 take 3 s with literals. The seeds are
    read when a model is run, not when the project is parsed, so a cached manifest stays right after a pattern edit. -#}

{#- The rows of `relation` as a list of dicts with `columns` as keys, ordered by the first column. Empty while parsing,
    and when a command that runs no model (compile, docs, list) meets a warehouse without seeds. -#}
{% macro seed_rows(relation, columns, condition='true') -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set found = adapter.get_relation(
        database=relation.database, schema=relation.schema, identifier=relation.identifier
    ) -%}
    {%- if found is none -%}
        {%- if flags.WHICH in ('run', 'build', 'test') -%}
            {{ exceptions.raise_compiler_error(
                'The seed ' ~ relation.identifier ~ ' is not in the warehouse, so its patterns cannot be read. '
                ~ 'Expected: a table made by `dbt seed`. Next: run `dbt build`, which loads the seeds first.'
            ) }}
        {%- endif -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set query -%}
        select {{ columns | join(', ') }} from {{ relation }} where {{ condition }} order by {{ columns[0] }}
    {%- endset -%}
    {%- set rows = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do rows.append(dict(zip(columns, row.values()))) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{#- Whether `text` holds a match of the RE2 pattern, whatever the case. -#}
{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches', 'iqa')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches(text, pattern) -%}
    regexp_like({{ text }}, '(?i){{ pattern | replace("\\", "\\\\") | replace("'", "''") }}')
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern | replace("'", "''") }}', 'i')
{%- endmacro %}

{#- Whether `text` matches any of `rows` (dicts with a `pattern`): one alternation, so the text is read once. -#}
{% macro matches_any(text, rows) -%}
    {%- if rows -%}
        {%- set alternatives = [] -%}
        {%- for row in rows -%}{%- do alternatives.append('(?:' ~ row['pattern'] ~ ')') -%}{%- endfor -%}
        {{ matches(text, alternatives | join('|')) }}
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{#- `text` with every match of `pattern` replaced, whatever the case. -#}
{% macro replace_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace("'", "''") }}', '{{ replacement }}', 'gi')
{%- endmacro %}
