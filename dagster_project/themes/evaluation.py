"""How well the patterns agree with people who coded the same comments.

What belongs here: reading coded comments, and precision and recall of each theme. The one trap: a theme that
nobody coded and no pattern found has neither precision nor recall; that is an empty figure, not 100%.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import IqaError
from dagster_project.statistics.agreement import cohens_kappa
from dagster_project.statistics.proportion import wilson_interval
from dagster_project.themes.matching import constructive_comments, themes_of_comments
from dagster_project.themes.patterns import PatternSet, read_rows

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class CodedComment:
    """A comment and the themes a person gave it; `row` is its record in the file (the header is 1).

    `is_constructive` is the person's answer to Q6 (does it say what follows from the finding), if given.
    """

    row: int
    comment: str
    theme_codes: frozenset[str]
    is_constructive: bool | None = None


@dataclass(frozen=True)
class ThemeScore:
    """Agreement of one theme's pattern with the coders.

    `precision` is the share of the comments found that people coded so, `recall` the share of the coded
    comments that were found; None where there is nothing to divide by. Intervals are Wilson's at 95%.
    """

    theme_code: str
    theme_name: str
    coded: int
    found: int
    agreed: int
    precision: float | None
    precision_interval: Interval
    recall: float | None
    recall_interval: Interval
    missed_rows: tuple[int, ...]
    wrong_rows: tuple[int, ...]


@dataclass(frozen=True)
class ConstructiveScore:
    """Agreement of the rule behind Q6 with the coders: both yes, both no, and which records differ.

    `kappa` is Cohen's; None where chance alone agrees everywhere.
    """

    comments: int
    both_yes: int
    both_no: int
    kappa: float | None
    missed_rows: tuple[int, ...]
    wrong_rows: tuple[int, ...]


@dataclass(frozen=True)
class Evaluation:
    """The scores of all themes; `is_enough` tells whether enough comments were coded to rely on them.

    `constructive` is None where nobody coded `is_constructive`.
    """

    comments: int
    comments_min: int
    scores: tuple[ThemeScore, ...]
    uncaught: tuple[CodedComment, ...]
    constructive: ConstructiveScore | None = None

    @property
    def is_enough(self) -> bool:
        """Whether at least the number of comments that the policy asks for was coded."""
        return self.comments >= self.comments_min


def read_coded_comments(path: Path, patterns: PatternSet) -> list[CodedComment]:
    """Read `comment` and `theme_codes` (codes with semicolons between them; empty for none).

    A column `is_constructive` (yes, no or empty) may stand beside them.

    Raises:
        IqaError: the file cannot be read, holds no comment, names a theme that the set does not have, or
            answers `is_constructive` in other words.
    """
    coded = []
    for row, values in read_rows(path, ("comment", "theme_codes")):
        codes = frozenset(code.strip() for code in values["theme_codes"].split(";") if code.strip())
        unknown = sorted(codes - patterns.codes)
        if unknown:
            raise IqaError(
                f"The coding names {', '.join(unknown)}, which is no theme.",
                where=f"{path}, record {row}, column theme_codes",
                expected="theme codes of the pattern set, with semicolons between them",
                next_step="Correct the code, or add the theme to the pattern set.",
            )
        if values["comment"].strip():
            answer = _yes_or_no(values.get("is_constructive", ""), f"{path}, record {row}")
            coded.append(CodedComment(row, values["comment"], codes, answer))
    if not coded:
        raise IqaError(
            "There is no comment to evaluate the patterns on.",
            where=str(path),
            expected="at least one row with a comment",
            next_step="Code some comments by hand: one row a comment, its themes in theme_codes.",
        )
    return coded


def evaluate(coded: Sequence[CodedComment], patterns: PatternSet, comments_min: int) -> Evaluation:
    """Compare the patterns with the coding; themes in the order of their codes."""
    found = themes_of_comments([comment.comment for comment in coded], patterns)
    scores = []
    for theme in patterns.themes:
        code = theme.theme_code
        by_people = {comment.row for comment in coded if code in comment.theme_codes}
        by_pattern = {comment.row for comment, codes in zip(coded, found, strict=True) if code in codes}
        agreed = len(by_people & by_pattern)
        scores.append(
            ThemeScore(
                code,
                theme.theme_name,
                coded=len(by_people),
                found=len(by_pattern),
                agreed=agreed,
                precision=agreed / len(by_pattern) if by_pattern else None,
                precision_interval=wilson_interval(agreed, len(by_pattern)),
                recall=agreed / len(by_people) if by_people else None,
                recall_interval=wilson_interval(agreed, len(by_people)),
                missed_rows=tuple(sorted(by_people - by_pattern)),
                wrong_rows=tuple(sorted(by_pattern - by_people)),
            )
        )
    uncaught = tuple(comment for comment, codes in zip(coded, found, strict=True) if not codes)
    return Evaluation(len(coded), comments_min, tuple(scores), uncaught, _constructive(coded))


def _constructive(coded: Sequence[CodedComment]) -> ConstructiveScore | None:
    answered = [comment for comment in coded if comment.is_constructive is not None]
    if not answered:
        return None
    by_rule = constructive_comments([comment.comment for comment in answered])
    pairs = list(zip(answered, by_rule, strict=True))
    both_yes = sum(found and comment.is_constructive is True for comment, found in pairs)
    missed = tuple(comment.row for comment, found in pairs if comment.is_constructive and not found)
    wrong = tuple(comment.row for comment, found in pairs if found and not comment.is_constructive)
    both_no = len(pairs) - both_yes - len(missed) - len(wrong)
    kappa = float(cohens_kappa([[both_yes, len(wrong)], [len(missed), both_no]]))
    return ConstructiveScore(
        len(pairs), both_yes, both_no, None if math.isnan(kappa) else kappa, missed, wrong
    )


def _yes_or_no(text: str, where: str) -> bool | None:
    answers = {"": None, "yes": True, "no": False}
    try:
        return answers[text.strip().lower()]
    except KeyError:
        raise IqaError(
            f"{text.strip()!r} says neither yes nor no.",
            where=f"{where}, column is_constructive",
            expected="yes, no or nothing",
            next_step="Correct the answer: yes where the comment says what follows from its finding.",
        ) from None
