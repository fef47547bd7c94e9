"""Pattern sets: the themes and negations of a seed, or of an edited copy of one.

What belongs here: reading and checking. The one trap: a pattern that Python accepts may be no pattern for the
database (look-around, back-references), so each is compiled by the database before anything is matched.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import IqaError
from dagster_project.settings import SEEDS_DIR

THEMES_SEED = SEEDS_DIR / "theme_patterns.csv"
NEGATIONS_SEED = SEEDS_DIR / "theme_negations.csv"
COMMENTS_SEED = SEEDS_DIR / "comment_patterns.csv"
POLICIES_SEED = SEEDS_DIR / "policies.csv"
_THEME_COLUMNS = ("theme_code", "theme_category", "theme_name", "is_good_practice", "pattern")


@dataclass(frozen=True)
class Theme:
    """One theme and the RE2 pattern that finds it in a sentence."""

    theme_code: str
    theme_category: str
    theme_name: str
    is_good_practice: bool
    pattern: str


@dataclass(frozen=True)
class PatternSet:
    """Themes in the order of their codes, and the patterns of sentences that raise none."""

    themes: tuple[Theme, ...]
    negations: tuple[str, ...]

    @property
    def codes(self) -> frozenset[str]:
        """The theme codes of the set."""
        return frozenset(theme.theme_code for theme in self.themes)


def load_pattern_set(themes_file: Path = THEMES_SEED, negations_file: Path = NEGATIONS_SEED) -> PatternSet:
    """Read and check a pattern set; both files have the columns of their seeds.

    Raises:
        IqaError: a file or column is missing, a code stands twice, or a pattern does not compile.
    """
    rows = read_rows(themes_file, _THEME_COLUMNS)
    seen: dict[str, int] = {}
    for number, row in rows:
        code = row["theme_code"].strip()
        if not code or code in seen:
            raise IqaError(
                f"The theme code {code!r} is empty or stands twice.",
                where=f"{themes_file}, row {number}"
                + (f" (first in row {seen[code]})" if code in seen else ""),
                expected="one row for each theme, with its own theme_code",
                next_step="Give the theme a code of its own, or take one of the rows out.",
            )
        seen[code] = number
        _check_pattern(row["pattern"], f"{themes_file}, row {number}, theme {code}")
    negations = read_rows(negations_file, ("pattern",))
    for number, row in negations:
        _check_pattern(row["pattern"], f"{negations_file}, row {number}")
    themes = [
        Theme(
            row["theme_code"].strip(),
            row["theme_category"].strip(),
            row["theme_name"].strip(),
            row["is_good_practice"].strip().lower() == "true",
            row["pattern"],
        )
        for _, row in rows
    ]
    return PatternSet(
        tuple(sorted(themes, key=lambda theme: theme.theme_code)),
        tuple(row["pattern"] for _, row in negations),
    )


def policy_number(policy_key: str) -> int:
    """A whole number of the seed `policies`.

    Raises:
        IqaError: there is no such row.
    """
    for _, row in read_rows(POLICIES_SEED, ("policy_key", "policy_value")):
        if row["policy_key"] == policy_key:
            return int(float(row["policy_value"]))
    raise IqaError(
        f"There is no policy {policy_key}.",
        where=str(POLICIES_SEED),
        expected=f"a row whose policy_key is {policy_key}",
        next_step="Put the row back, with its number in policy_value.",
    )


def read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their record numbers, the header being record 1.

    Raises:
        IqaError: the file cannot be read or lacks one of `columns`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            rows = [
                (number, {name: value or "" for name, value in row.items() if name is not None})
                for number, row in enumerate(reader, start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise IqaError(
            f"The file cannot be read: {error}.",
            where=str(path),
            expected="a CSV file in UTF-8 with a header row",
            next_step="Check the name and the format, and run the command again.",
        ) from error
    missing = [column for column in columns if column not in header]
    if missing:
        raise IqaError(
            f"The file has no column {', '.join(missing)}.",
            where=str(path),
            expected=f"the columns {', '.join(columns)}",
            next_step="Add the column, spelled like this, and run the command again.",
        )
    return rows


def _check_pattern(pattern: str, where: str) -> None:
    try:
        # A connection of its own: the module's shared one may be in the middle of somebody's query.
        with duckdb.connect() as connection:
            connection.execute("select regexp_matches('', ?, 'i')", [pattern]).fetchall()
    except duckdb.Error as error:
        problem = str(error).splitlines()[0]
    else:
        problem = "" if pattern.strip() else "it is empty, so it would match every sentence"
    if problem:
        raise IqaError(
            f"A pattern cannot be used: {problem}.",
            where=where,
            expected="an RE2 pattern: no look-around, no back-references",
            next_step="Rewrite the pattern and run the command again.",
        )
