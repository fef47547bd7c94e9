{# The themes of each sentence, matched once however often it was written. A sentence that the last run matched against
   the same patterns is taken from this table's own last state: at ten years' volume the matching is most of the text
   work, and a new quarter brings few new sentences. Either way the content is the same. A negated sentence has no theme. #}
{%- set themes = seed_rows(ref('theme_patterns'), ['theme_code', 'pattern']) -%}
{%- set negations = seed_rows(ref('theme_negations'), ['negation_code', 'pattern']) -%}
{%- set pattern_set_hash = local_md5((themes ~ negations) | string) -%}
{%- set columns = ['sentence_key', 'is_negated', 'theme_codes', 'pattern_set_hash'] -%}
{%- set last_state = load_relation(this) if execute else none -%}
{%- if last_state and (adapter.get_columns_in_relation(last_state) | map(attribute='name') | list) != columns -%}
    {%- set last_state = none -%}
{%- endif -%}
with comment_sentences as (

    select * from {{ ref('int_comment_sentences') }}

),

sentences as (

    select distinct
        md5(sentence) as sentence_key,
        sentence
    from comment_sentences

),

known as (

    {% if last_state -%}
    select {{ columns | join(', ') }}
    from {{ last_state }}
    where pattern_set_hash = '{{ pattern_set_hash }}'
    {%- else -%}
    select
        cast(null as varchar) as sentence_key,
        cast(null as boolean) as is_negated,
        cast(null as varchar[]) as theme_codes,
        cast(null as varchar) as pattern_set_hash
    where false
    {%- endif %}

),

unknown as (

    select
        sentences.sentence_key,
        sentences.sentence,
        {{ matches_any('sentences.sentence', negations) }} as is_negated
    from sentences
    left join known
        on sentences.sentence_key = known.sentence_key
    where known.sentence_key is null

),

hits as (

    {% for theme in themes -%}
    select
        sentence_key,
        '{{ theme.theme_code }}' as theme_code
    from unknown
    where not is_negated and {{ matches('sentence', theme.pattern) }}
    {{ 'union all' if not loop.last }}
    {% else -%}
    select cast(null as varchar) as sentence_key, cast(null as varchar) as theme_code where false
    {%- endfor %}

),

matched as (

    select
        sentence_key,
        list(theme_code order by theme_code) as theme_codes
    from hits
    group by sentence_key

),

final as (

    select
        known.sentence_key,
        known.is_negated,
        known.theme_codes,
        known.pattern_set_hash
    from known
    inner join sentences
        on known.sentence_key = sentences.sentence_key

    union all

    select
        unknown.sentence_key,
        unknown.is_negated,
        coalesce(matched.theme_codes, cast([] as varchar[])) as theme_codes,
        '{{ pattern_set_hash }}' as pattern_set_hash
    from unknown
    left join matched
        on unknown.sentence_key = matched.sentence_key

)

select * from final
