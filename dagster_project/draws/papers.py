"""What a draw hands out: a CSV file and an accessible workbook, readable by their owner only.

Belongs here: writing tables. Does not: what is in them. The workbook follows the guidance for public
spreadsheets: one marked-up table a sheet from A1, no merged cells, no blank rows, no cell that only colour
explains. The one trap: ids and URNs come from outside, so every text is written as text, never as a formula.
"""

import csv
import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dagster_project.errors import IqaError
from dagster_project.release.dictionary import spreadsheet_safe

NOT_APPLICABLE = "[z]"
_WIDTH_MAX, _WIDTH_MIN = 80, 10
_EXCEL_ROWS = 1_048_575


@dataclass(frozen=True)
class Table:
    """A sheet: its name, what it shows, headings (in snake case, as CSV has them), rows of cells."""

    name: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def csv_bytes(table: Table) -> bytes:
    """The table as CSV: UTF-8, header, ISO dates, texts that no spreadsheet runs as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([spreadsheet_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue().encode()


def workbook_bytes(title: str, cover: Sequence[str], tables: Sequence[Table], made_on: date) -> bytes:
    """Cover, contents and one sheet a table. The same input gives the same bytes: no clock is read."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        workbook.set_properties(
            {"title": title, "created": datetime(made_on.year, made_on.month, made_on.day)}
        )
        formats = {
            "title": workbook.add_format({"bold": True, "font_size": 16, "text_wrap": True}),
            "text": workbook.add_format({"text_wrap": True, "valign": "top"}),
            "head": workbook.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "date": workbook.add_format({"num_format": "d mmmm yyyy", "align": "left", "valign": "top"}),
            "number": workbook.add_format({"num_format": "#,##0", "valign": "top"}),
        }
        sheet = workbook.add_worksheet("Cover")
        sheet.set_column(0, 0, 100)
        for line, text in enumerate([title, *cover]):
            sheet.write_string(line, 0, text, formats["title" if line == 0 else "text"])
        contents = Table(
            "Contents",
            "The sheets of this workbook",
            ("sheet", "what_it_shows"),
            [(table.name, table.about) for table in tables],
        )
        for table in (contents, *tables):
            _add_sheet(workbook, table, formats)
    return out.getvalue()


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place in one step, readable by its owner only from the moment it exists.

    Raises IqaError when the folder cannot be written to.
    """
    aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise IqaError(
            f"The file can't be written: {error.strerror}.",
            where=str(path),
            expected="a folder this user may write to, on a disk with room",
            next_step="Correct it or name another with --out, then repeat the command with the same seed.",
        ) from error


def heading(column: str) -> str:
    """`assessed_on` -> `Assessed on`, `iqa_id` -> `IQA ID`."""
    words = column.split("_")
    spelt = [
        {"iqa": "IQA", "iqas": "IQAs", "id": "ID", "urn": "URN", "area": "Area"}.get(w, w) for w in words
    ]
    text = " ".join(spelt)
    return text[0].upper() + text[1:]


def _add_sheet(workbook: Any, table: Table, formats: dict[str, Any]) -> None:
    sheet = workbook.add_worksheet(table.name)
    rows = list(table.rows) or [[NOT_APPLICABLE] * len(table.columns)]
    if len(rows) > _EXCEL_ROWS:
        raise IqaError(
            f"The sheet {table.name} would have {len(rows):,} rows.",
            where="the workbook of the draw",
            expected=f"at most {_EXCEL_ROWS:,} rows, the limit of the format",
            next_step="Draw for fewer Areas at a time with --area.",
        )
    headings = [heading(column) for column in table.columns]
    for column, text in enumerate(headings):
        longest = max(len(_shown(row[column])) for row in rows)
        sheet.set_column(column, column, min(max(longest, len(text), _WIDTH_MIN) + 4, _WIDTH_MAX))
    sheet.add_table(
        *(0, 0, len(rows), len(headings) - 1),
        {
            "name": "t_" + "".join(c if c.isalnum() else "_" for c in table.name.lower()),
            "columns": [{"header": text, "header_format": formats["head"]} for text in headings],
            "style": None,
            "description": table.about,
        },
    )
    for line, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), formats["date"])
            elif isinstance(cell, int | float):
                sheet.write_number(line, column, cell, formats["number"])
            else:
                sheet.write_string(line, column, _shown(cell), formats["text"])


def _shown(cell: object) -> str:
    if isinstance(cell, date):
        return f"{cell:%d %B %Y}"
    return NOT_APPLICABLE if cell is None or cell == "" else str(cell)
