"""Which themes a comment raises, by the rules of the models: sentences, negation, RE2.

What belongs here: the matching of comments that are not in a run. The one trap: a sentence ends as in
`int_comment_sentences`, white space is closed up as there, and a comment is constructive (Q6) as in
`int_comments`; change both or neither.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from dagster_project.themes.patterns import COMMENTS_SEED, PatternSet, read_rows

_SPACE = r"\s\x{00A0}\x{2028}\x{2029}\x{0085}"
_SENTENCE_END = rf"[.!?]+(?:[{_SPACE}]+|$)|[\r\n\x{{2028}}\x{{2029}}\x{{0085}}]+"


def themes_of_comments(comments: Sequence[str], patterns: PatternSet) -> list[frozenset[str]]:
    """The theme codes that each comment raises, in the order of `comments`."""
    places: dict[str, list[int]] = {}
    for place, comment in enumerate(comments):
        places.setdefault(comment, []).append(place)
    found: list[set[str]] = [set() for _ in comments]
    for comment, code in _hits(list(places), patterns):
        for place in places[comment]:
            found[place].add(code)
    return [frozenset(codes) for codes in found]


def comments_with_nothing_to_say(comments: Iterable[str], patterns: PatternSet) -> frozenset[str]:
    """The comments of which every sentence is negated ("No issues."): no theme could ever catch them."""
    wordings = sorted(set(comments))
    if not wordings:
        return frozenset()
    with duckdb.connect() as connection:
        _split(connection, wordings, patterns)
        telling = {row[0] for row in connection.execute("select distinct comment from sentences").fetchall()}
    return frozenset(wordings) - telling


def constructive_comments(comments: Sequence[str]) -> list[bool]:
    """Whether each comment has a finding and beside it a consequence or next step (Q6)."""
    patterns = read_rows(COMMENTS_SEED, ("pattern_kind", "pattern"))

    def any_of(*kinds: str) -> str:
        return "|".join(f"(?:{row['pattern']})" for _, row in patterns if row["pattern_kind"] in kinds)

    with duckdb.connect() as connection:
        connection.register("comments", pa.table({"comment": pa.array(comments, pa.string())}))
        rows = connection.execute(
            f"select regexp_matches(one_line, {_quoted(any_of('finding'))}, 'i') "
            f"and regexp_matches(one_line, {_quoted(any_of('next_step', 'consequence'))}, 'i') "
            f"from (select trim(regexp_replace(comment, '[{_SPACE}]+', ' ', 'g')) as one_line from comments)"
        ).fetchall()
    return [bool(row[0]) for row in rows]


def _hits(wordings: Sequence[str], patterns: PatternSet) -> Iterable[tuple[str, str]]:
    if not wordings or not patterns.themes:
        return []
    with duckdb.connect() as connection:
        _split(connection, wordings, patterns)
        matches = "\nunion all\n".join(
            f"select comment, {_quoted(theme.theme_code)} as theme_code from sentences"
            f" where regexp_matches(sentence, {_quoted(theme.pattern)}, 'i')"
            for theme in patterns.themes
        )
        return connection.execute(f"select distinct * from ({matches})").fetchall()


def _split(connection: duckdb.DuckDBPyConnection, wordings: Sequence[str], patterns: PatternSet) -> None:
    """Table `sentences`: the sentences of each wording that are not negated."""
    connection.register("wordings", pa.table({"comment": pa.array(wordings, pa.string())}))
    connection.execute(
        """
        create temp table sentences as
        select distinct comment, trim(regexp_replace(piece, '[\\s\\x{00A0}]+', ' ', 'g')) as sentence
        from (select comment, unnest(regexp_split_to_array(comment, ?)) as piece from wordings)
        where regexp_matches(piece, '[\\p{L}\\p{N}]')
        """,
        [_SENTENCE_END],
    )
    for pattern in patterns.negations:
        # A literal, not a parameter read for each row: RE2 then compiles it once.
        connection.execute(f"delete from sentences where regexp_matches(sentence, {_quoted(pattern)}, 'i')")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
