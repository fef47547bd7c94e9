"""The supplier's error workbook: everything of one delivery that was refused, and what to do about it.

Belongs here: what the workbook says. Does not: deciding what is refused (the contracts). The one trap: one
workbook is one extract date, over all datasets, because that is what a supplier sent at once.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.handback.workbook import Table, long_date, write_workbook
from dagster_project.settings import Settings

# A workbook is read by people; a file this wrong is sent back as a whole.
ROWS_MAX = 10_000
_NO_DATE = "no_date"
_ADVICE = {
    "duplicate_key": "Keep one of the rows that share this key and send it again in a later extract.",
    "orphan": "Send the row that it refers to, or correct the id. Once that row is in, this one comes back "
    "by itself.",
    "ragged_row": "Quote values that hold commas or line breaks, so that the row has as many values as "
    "the header, and send it again.",
}
_SEND_AGAIN = "Correct the value and send the row again in a later extract."


def errors_dir(settings: Settings, as_of: date) -> Path:
    """Where the workbooks of a reporting date are."""
    return settings.warehouse.parent / "errors" / as_of.isoformat()


def write_error_workbooks(
    connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: date, *, rows_max: int = ROWS_MAX
) -> list[Path]:
    """One workbook for each delivery with a refused file or row; workbooks of faults since mended go.

    `connection` is the warehouse after ingest. At most `rows_max` rows a sheet are listed; the counts are
    complete. Raises OSError when the folder cannot be written to.
    """
    folder = errors_dir(settings, as_of)
    deliveries = connection.execute(
        "select extract_date from raw.files where status = 'refused' "
        "union select extract_date from raw.quarantine order by extract_date nulls last"
    ).fetchall()
    written = [_write(connection, folder, extract_date, as_of, rows_max) for (extract_date,) in deliveries]
    if folder.is_dir():
        for old in folder.glob("errors_*.xlsx"):
            if old not in written:
                old.unlink()
    return written


def _write(
    connection: duckdb.DuckDBPyConnection, folder: Path, extract_date: date | None, as_of: date, rows_max: int
) -> Path:
    files = _fetch(
        connection,
        "select source_file, dataset, rule_id, message from raw.files "
        "where status = 'refused' and extract_date is not distinct from $1 order by source_file",
        [extract_date],
    )
    by_rule = _fetch(
        connection,
        """
        select quarantine.dataset, quarantine.rule_id, any_value(rules.description), count(*)
        from raw.quarantine as quarantine
        left join raw.rule_catalogue as rules using (dataset, rule_id)
        where quarantine.extract_date is not distinct from $1
        group by quarantine.dataset, quarantine.rule_id
        order by count(*) desc, quarantine.dataset, quarantine.rule_id
        """,
        [extract_date],
    )
    rows = _fetch(
        connection,
        """
        select source_file, source_sheet, source_row, dataset, primary_key, rule_id, column_name,
          offending_value, expected
        from raw.quarantine
        where extract_date is not distinct from $1
        order by source_file, source_row, rule_id, column_name
        limit $2
        """,
        [extract_date, rows_max],
    )
    totals = _fetch(
        connection,
        """
        select count(*), count(*) filter (where status = 'refused'), coalesce(sum(rows_read), 0),
          coalesce(sum(rows_accepted), 0), coalesce(sum(rows_quarantined), 0),
          coalesce(sum(rows_superseded), 0), coalesce(sum(rows_repeated), 0)
        from raw.files where extract_date is not distinct from $1
        """,
        [extract_date],
    )[0]
    named = (
        f"extract of {long_date(extract_date)}"
        if extract_date is not None
        else "files without an extract date"
    )
    quarantined = sum(row[3] for row in by_rule)
    summary = [
        ("Files received", int(totals[0])),
        ("Files refused as a whole", int(totals[1])),
        ("Rows read", int(totals[2])),
        ("Rows accepted", int(totals[3])),
        ("Rows refused (quarantined)", int(totals[4])),
        ("Rows superseded by a later version", int(totals[5])),
        ("Rows repeated exactly", int(totals[6])),
    ]
    path = folder / f"errors_{extract_date.isoformat() if extract_date else _NO_DATE}.xlsx"
    write_workbook(
        path,
        title=f"What was refused: {named}",
        made_on=as_of,
        cover=_cover(as_of, len(files), quarantined, len(rows)),
        tables=[
            Table("Summary", "What became of the delivery", ("Count", "Number"), summary),
            Table(
                "Counts_by_rule",
                "Refused rows by dataset and rule, most first",
                ("Dataset", "Rule", "What the rule says", "Rows refused"),
                by_rule,
            ),
            Table(
                "Refused_rows",
                "Every refused row, with what was expected",
                (
                    "File",
                    "Sheet",
                    "Row",
                    "Dataset",
                    "Key",
                    "Rule",
                    "Column",
                    "Value sent",
                    "Expected",
                    "What to do",
                ),
                [
                    (*row[:1], row[1] or "not a workbook", *row[2:], _ADVICE.get(row[5], _SEND_AGAIN))
                    for row in rows
                ],
            ),
            Table(
                "Refused_files",
                "Files refused as a whole, with the reason",
                ("File", "Dataset", "Rule", "Reason", "What to do"),
                [
                    (row[0], row[1] or "not known", row[2], row[3], "Mend the file and send it again.")
                    for row in files
                ],
            ),
        ],
    )
    return path


def _cover(as_of: date, files: int, quarantined: int, listed: int) -> list[str]:
    lines = [
        "Restricted: this workbook quotes rows of the extract. Send it only to those who supplied them.",
        f"Reporting date {long_date(as_of)}.",
        f"{_counted(files, 'file was', 'files were')} refused as a whole and "
        f"{_counted(quarantined, 'row', 'rows')} within other files; everything else was accepted.",
        "Refused rows are in no figure. A corrected row counts as soon as a later extract brings it; "
        "nothing has to be deleted.",
        "Row 1 of a file is its header, so the first row of data is row 2.",
        "(empty) stands for a value that was not there.",
    ]
    if listed < quarantined:
        lines.append(
            f"The sheet Refused_rows lists the first {listed:,} of {quarantined:,} rows; "
            "Counts_by_rule is complete."
        )
    return lines


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(sql, values).fetchall()
