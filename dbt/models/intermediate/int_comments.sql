{# Each wording once, judged by the patterns of the seed `comment_patterns`. Comments repeat (stock phrases), and what is
   judged here depends on the words alone. #}
{%- set patterns = seed_rows(ref('comment_patterns'), ['pattern_code', 'pattern_kind', 'pattern']) -%}
{%- set stop_phrases = patterns | selectattr('pattern_kind', 'equalto', 'stop_phrase') | map(attribute='pattern') | list -%}
with answer_comments as (

    select * from {{ ref('int_answer_comments') }}

),

wordings as (

    select
        comment_key,
        any_value(comment) as comment
    from answer_comments
    group by comment_key

),

normalised as (

    select
        comment_key,
        comment,
        trim(regexp_replace(comment, '[\s\x{00A0}\x{2028}\x{2029}\x{0085}]+', ' ', 'g')) as one_line,
        trim(regexp_replace(lower(comment), '[^\p{L}\p{N}]+', ' ', 'g')) as bare_words
    from wordings

),

final as (

    select
        comment_key,
        comment,
        md5(bare_words) as duplicate_key,
        len(regexp_extract_all(
            {{ replace_matches('one_line', stop_phrases | join('|'), ' ') if stop_phrases else 'one_line' }},
            '[\p{L}\p{N}][\p{L}\p{N}''’-]*'
        )) as token_count,
        {{ matches_any('bare_words', patterns | selectattr('pattern_kind', 'equalto', 'boilerplate') | list) }}
            as is_boilerplate,
        {{ matches_any('one_line', patterns | selectattr('pattern_kind', 'equalto', 'specific') | list) }}
            as is_specific,
        {{ matches_any('one_line', patterns | selectattr('pattern_kind', 'equalto', 'finding') | list) }}
        and {{ matches_any(
            'one_line', patterns | selectattr('pattern_kind', 'in', ['next_step', 'consequence']) | list
        ) }} as is_constructive,
        {{ matches_any('one_line', patterns | selectattr('pattern_kind', 'equalto', 'welsh') | list) }} as is_welsh
    from normalised

)

select * from final
