{# A sentence ends at a full stop, exclamation or question mark before white space or the end, or at a line break. White
   space within it is closed up, so that a pattern's single space matches whatever was typed. #}
with comments as (

    select * from {{ ref('int_comments') }}

),

pieces as (

    select
        comment_key,
        unnest(regexp_split_to_array(
            comment, '[.!?]+(?:[\s\x{00A0}\x{2028}\x{2029}\x{0085}]+|$)|[\r\n\x{2028}\x{2029}\x{0085}]+'
        )) as piece
    from comments

),

final as (

    select distinct
        comment_key,
        trim(regexp_replace(piece, '[\s\x{00A0}]+', ' ', 'g')) as sentence
    from pieces
    where regexp_matches(piece, '[\p{L}\p{N}]')

)

select * from final
