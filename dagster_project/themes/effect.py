"""What an edit of the patterns would move: two pattern sets over the same history.

What belongs here: the comparison. The one trap: it counts assessments that the metrics count (from the
warehouse of the last run), so a new extract that was never run is not in it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import IqaError
from dagster_project.themes.matching import themes_of_comments
from dagster_project.themes.patterns import PatternSet


@dataclass(frozen=True)
class HistoricComment:
    """A comment of a counted assessment, with the quarter it counts in (its first day, as ISO text)."""

    iqa_id: str
    quarter_start: str
    question_category: str
    comment: str


@dataclass(frozen=True)
class Effect:
    """Assessments that raise a theme under both pattern sets, in one quarter (None: in all)."""

    theme_code: str
    quarter_start: str | None
    before: int
    after: int
    gained: int
    lost: int


def read_history(warehouse: Path) -> list[HistoricComment]:
    """The comments of the last run.

    Raises:
        IqaError: there is no warehouse, it is in use, or it holds no comments table.
    """
    if not warehouse.exists():
        raise IqaError(
            "There is no warehouse to read the history from.",
            where=str(warehouse),
            expected="the work file of an earlier run",
            next_step="Run `iqa check` first, or name the file with --warehouse.",
        )
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            rows = connection.execute(
                """
                select iqa_id, cast(quarter_start as varchar), question_category, comment
                from intermediate.int_answer_comments
                order by iqa_id, question_code
                """
            ).fetchall()
    except duckdb.Error as error:
        raise IqaError(
            f"The history cannot be read: {str(error).splitlines()[0]}.",
            where=str(warehouse),
            expected="a warehouse that no run is writing and that a whole run has filled",
            next_step="Wait for the run to end, or run `iqa check`, and try again.",
        ) from error
    return [HistoricComment(*row) for row in rows]


def pattern_effects(
    history: Sequence[HistoricComment], before: PatternSet, after: PatternSet
) -> list[Effect]:
    """One row a theme that moved, and under it one a quarter in which it moved; in the order of the codes."""
    old, new = _assessments(history, before), _assessments(history, after)
    quarter_of = {comment.iqa_id: comment.quarter_start for comment in history}
    effects = []
    for code in sorted(before.codes | after.codes):
        changed = old[code] ^ new[code]
        if not changed:
            continue
        effects.append(_effect(code, None, old[code], new[code]))
        for quarter in sorted({quarter_of[iqa_id] for iqa_id, _ in changed}):
            effects.append(
                _effect(
                    code,
                    quarter,
                    {hit for hit in old[code] if quarter_of[hit[0]] == quarter},
                    {hit for hit in new[code] if quarter_of[hit[0]] == quarter},
                )
            )
    return effects


def _assessments(
    history: Sequence[HistoricComment], patterns: PatternSet
) -> defaultdict[str, set[tuple[str, str]]]:
    """Theme code -> the pairs of assessment and question category that raise it, as a theme rate counts."""
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    codes_of = themes_of_comments([comment.comment for comment in history], patterns)
    for comment, codes in zip(history, codes_of, strict=True):
        for code in codes:
            found[code].add((comment.iqa_id, comment.question_category))
    return found


def _effect(code: str, quarter: str | None, old: set[tuple[str, str]], new: set[tuple[str, str]]) -> Effect:
    return Effect(code, quarter, len(old), len(new), len(new - old), len(old - new))
