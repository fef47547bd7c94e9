"""Missing evidence: assessments without a single recorded comment, as lists to send to each Area.

Belongs here: which assessments those are, and the files. Does not: what a comment is (int_answer_comments).
The one trap: before the application collected comments, none can be missing; those assessments are counted
apart and never listed.
"""

import csv
import difflib
import io
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import IqaError
from dagster_project.handback.workbook import Table, long_date, write_workbook
from dagster_project.release.dictionary import spreadsheet_safe

HEADER = ("Area code", "Area", "Unit", "Assessment type", "URN", "Assessment id", "Assessed on", "Status")


@dataclass(frozen=True)
class Evidence:
    """The assessments of a sample: how many there are, and by Area those without a comment."""

    sample: str
    iqas: int
    not_collected: int
    missing: dict[str, list[tuple[str, ...]]]
    as_of: date

    @property
    def total(self) -> int:
        """How many assessments lack comments."""
        return sum(len(rows) for rows in self.missing.values())


def missing_evidence(
    connection: duckdb.DuckDBPyConnection, *, quarter: str | None = None, inspection: str | None = None
) -> Evidence:
    """The assessments without recorded comments of a quarter or an inspection's sample.

    `quarter` is `2024-25 Q1` or the date it begins on; without either, the last complete quarter. Raises
    IqaError when there is no such quarter or inspection.
    """
    as_of = connection.execute("select as_of from raw.run_context").fetchall()[0][0]
    sample, condition, value = (
        _inspection(connection, inspection) if inspection else _quarter(connection, quarter)
    )
    counts = connection.execute(
        "select count(*), count(*) filter (where not has_comments_collected) "
        f"from intermediate.int_iqas_scoped as iqas where {condition}",
        [value],
    ).fetchall()[0]
    rows = connection.execute(
        f"""
        select area_code, area_name, unit_type, assessment_type, urn, iqa_id,
          cast(assessed_on as varchar), status
        from intermediate.int_iqas_scoped as iqas
        where
          {condition}
          and has_comments_collected
          and iqa_id not in (select iqa_id from intermediate.int_answer_comments)
        order by area_code, unit_type, assessment_type, assessed_on, iqa_id
        """,
        [value],
    ).fetchall()
    missing: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        missing.setdefault(row[0], []).append(tuple("" if cell is None else str(cell) for cell in row))
    return Evidence(sample, int(counts[0]), int(counts[1]), missing, as_of)


def write_evidence(evidence: Evidence, folder: Path) -> list[Path]:
    """A workbook and a CSV file for each Area, of mode 600: an Area's files hold nothing of another's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = re.sub(r"[^A-Za-z0-9-]+", "_", evidence.sample)
    written: list[Path] = []
    for area, rows in evidence.missing.items():
        path = folder / f"missing_evidence_{stem}_{area}.xlsx"
        write_workbook(
            path,
            title=f"Assessments without recorded comments: {rows[0][1]}, {evidence.sample}",
            made_on=evidence.as_of,
            cover=[
                "Restricted: this workbook holds case references. Send it only to the Area it names.",
                f"Reporting date {long_date(evidence.as_of)}.",
                f"{len(rows):,} assessments have no comment beside any answer. For each, please send the "
                "evidence behind the marks, or record the comments.",
            ],
            tables=[Table("Assessments", "Assessments without recorded comments", HEADER, rows)],
        )
        written += [path, _write_csv(path.with_suffix(".csv"), rows)]
    return written


def _write_csv(path: Path, rows: list[tuple[str, ...]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([spreadsheet_safe(cell) for cell in row] for row in rows)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        stream.write(text.getvalue())
    return path


def _quarter(connection: duckdb.DuckDBPyConnection, quarter: str | None) -> tuple[str, str, Any]:
    quarters = connection.execute(
        "select quarter_name, quarter_start, is_pending from intermediate.int_quarters order by quarter_start"
    ).fetchall()
    if quarter is None:
        chosen = [row for row in quarters if not row[2]][-1:]
    else:
        wanted = quarter.strip().lower()
        chosen = [row for row in quarters if wanted in (row[0].lower(), row[1].isoformat())]
    if not chosen:
        raise _unknown("quarter", quarter or "the last complete one", [row[0] for row in quarters])
    return chosen[0][0], "iqas.quarter_start = $1", chosen[0][1]


def _inspection(connection: duckdb.DuckDBPyConnection, inspection: str) -> tuple[str, str, Any]:
    known = [
        code
        for (code,) in connection.execute(
            "select distinct inspection_code from intermediate.int_inspection_references "
            "order by inspection_code"
        ).fetchall()
    ]
    matches = [code for code in known if code.lower() == inspection.strip().lower()]
    if not matches:
        raise _unknown("inspection", inspection, known)
    sampled = "select iqa_id from intermediate.int_inspection_references where inspection_code = $1"
    condition = f"iqas.iqa_id in ({sampled})"
    return matches[0], condition, matches[0]


def _unknown(what: str, given: str, known: list[str]) -> IqaError:
    near = difflib.get_close_matches(given, known, n=1)
    return IqaError(
        f"There is no {what} {given!r} in the warehouse.",
        where="iqa evidence",
        expected=f"one of {', '.join(known[-8:])}" if known else f"data of a {what}",
        next_step=f"Did you mean {near[0]}?" if near else "Name one of these.",
    )
