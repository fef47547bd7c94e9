{# Which themes each comment raises, for every theme whatever its own category: question category and theme category are
   separate axes. #}
with answer_comments as (

    select * from {{ ref('int_answer_comments') }}

),

comment_sentences as (

    select * from {{ ref('int_comment_sentences') }}

),

sentence_themes as (

    select * from {{ ref('int_sentence_themes') }}

),

themes as (

    select * from {{ ref('theme_patterns') }}

),

sentence_hits as (

    select
        sentence_key,
        unnest(theme_codes) as theme_code
    from sentence_themes

),

comment_hits as (

    select
        comment_sentences.comment_key,
        sentence_hits.theme_code,
        count(*) as sentence_count
    from comment_sentences
    inner join sentence_hits
        on md5(comment_sentences.sentence) = sentence_hits.sentence_key
    group by
        comment_sentences.comment_key,
        sentence_hits.theme_code

),

final as (

    select
        answer_comments.iqa_id,
        answer_comments.question_code,
        comment_hits.theme_code,
        answer_comments.question_category,
        themes.theme_category,
        themes.is_good_practice,
        themes.pattern_set_version,
        comment_hits.sentence_count,
        answer_comments.assessment_type,
        answer_comments.area_code,
        answer_comments.unit_type,
        answer_comments.subject_id,
        answer_comments.assessor_id,
        answer_comments.assessed_on,
        answer_comments.quarter_start,
        answer_comments.is_themed,
        answer_comments.is_met
    from answer_comments
    inner join comment_hits
        on answer_comments.comment_key = comment_hits.comment_key
    inner join themes
        on comment_hits.theme_code = themes.theme_code

)

select * from final
