"""Accessible workbooks: a cover, a list of contents, and one marked-up table a sheet, from its first cell.

Belongs here: how such a workbook is made. Does not: what is in it. The one trap: every text is written as
text. A cell that begins with an equals sign must never become a formula, whoever wrote it.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

# Excel takes 32,767 characters a cell; nobody reads more than this of a refused value.
_CELL_MAX = 1_000
_WIDTH_MIN, _WIDTH_MAX = 10, 60


@dataclass(frozen=True)
class Table:
    """One sheet: its name, what it shows, a header and rows."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def write_workbook(
    path: Path, *, title: str, made_on: date, cover: Sequence[str], tables: Sequence[Table]
) -> None:
    """Write a workbook of mode 600 in one step. The same content gives the same bytes.

    A table without rows keeps its sheet, with a row that says so: an empty sheet reads as a fault.
    """
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".xlsx")
    os.close(handle)
    aside = Path(name)
    try:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(aside, options) as workbook:
            # The clock would make every run's file another one.
            workbook.set_properties({"title": title, "created": datetime.combine(made_on, time())})
            formats = {
                "heading": workbook.add_format({"bold": True, "font_size": 16}),
                "text": workbook.add_format({"text_wrap": True, "valign": "top"}),
            }
            _cover(workbook, formats, [title, *cover])
            contents = Table(
                "Contents",
                "Sheets of this workbook",
                ("Sheet", "What it shows", "Rows"),
                [(table.name, table.title, len(table.rows)) for table in tables],
            )
            for table in (contents, *tables):
                _sheet(workbook, formats, table)
        aside.chmod(0o600)
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def _cover(workbook: Any, formats: Any, lines: Sequence[str]) -> None:
    sheet = workbook.add_worksheet("Cover")
    sheet.set_column(0, 0, 100)
    for number, line in enumerate(lines):
        sheet.write_string(number, 0, line, formats["heading" if number == 0 else "text"])


def _sheet(workbook: Any, formats: Any, table: Table) -> None:
    sheet = workbook.add_worksheet(table.name)
    rows = [list(row) for row in table.rows] or [["No rows", *[""] * (len(table.header) - 1)]]
    sheet.add_table(
        0,
        0,
        len(rows),
        len(table.header) - 1,
        {
            "name": f"{table.name.lower()}_table",
            "style": None,
            "autofilter": True,
            "columns": [{"header": header} for header in table.header],
        },
    )
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, int) and not isinstance(value, bool):
                sheet.write_number(number, column, value, formats["text"])
            else:
                sheet.write_string(number, column, cell_text(value), formats["text"])
    for column, header in enumerate(table.header):
        longest = max([len(header), *(len(cell_text(row[column])) for row in rows[:200])])
        sheet.set_column(column, column, min(max(longest + 2, _WIDTH_MIN), _WIDTH_MAX))


def cell_text(value: Any) -> str:
    """A value as the text of one cell, cut where it is too long to be read."""
    if value is None:
        return "(empty)"
    text = str(value)
    return text if len(text) <= _CELL_MAX else f"{text[:_CELL_MAX]} (cut: {len(text):,} characters)"


def long_date(day: date) -> str:
    """A date as people write it: 1 April 2026."""
    return f"{day.day} {day:%B %Y}"
