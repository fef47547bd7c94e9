"""`iqa_tables.xlsx`: the accessible workbook, by gptables.

Here: cover, contents, notes and one marked-up table a sheet, as the Analysis Function's guidance on
spreadsheets asks. Not here: what the tables hold. The trap: gptables reads `[words](more)` in any text as a
link; no text of ours may look like one. The same release gives the same bytes: the workbook carries the
reporting date, not the clock.
"""

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any

from dagster_project.report.blocks import Headline
from dagster_project.report.figures import Figures
from dagster_project.report.tables import NOTES, Column, Sheet, sheets
from dagster_project.report.values import SHORTHAND_MEANINGS, long_date

_FORMATS = {
    "rate": "0.0%",
    "points": "0.0",
    "count": "#,##0",
    "number": "#,##0.0#",
    "p": "#,##0.0000",
}
# Wide enough for the longest word of a heading; texts wrap.
_WIDTHS = {"text": 22, "words": 24, "period": 28, "status": 16}
_NUMBER_WIDTH = 15
_WIDE = {"definition": 60, "numerator": 40, "denominator": 40, "question_text": 50, "rule_description": 50}
_HEADLINE_COLUMNS = (
    "Area",
    "Figure",
    "Period",
    "Value",
    "95% interval",
    "Count",
    "Change",
    "Status",
    "Meaning",
)


def write_tables(figures: Figures, headlines: Mapping[str, Sequence[Headline]], path: Path) -> None:
    """Write the workbook of a release. `headlines` maps the name of a place to its headline figures."""
    import gptables
    import pandas

    found = sheets(figures)
    label = ["Synthetic data: the figures are made up to show the product."] if figures.is_synthetic else []
    about = f"Release {figures.info['release_id']}, as of {long_date(figures.as_of)}."
    tables = {"headlines": _headline_table(headlines, label, about)}
    for sheet in found:
        tables[sheet.name] = _table(sheet, label, about)
    used = [note for note in NOTES if any(note in sheet.notes for sheet in found)]
    notes = pandas.DataFrame({"Key": used, "Note text": [NOTES[note] for note in used]})
    with warnings.catch_warnings():
        # Of empty cells and unnamed notes, which tests look for, and of how it calls pandas.
        warnings.simplefilter("ignore")
        workbook = gptables.produce_workbook(
            str(path),
            tables,
            cover=_cover(figures, label),
            contentsheet_label="contents",
            contentsheet_options={
                "instructions": "This sheet has one table. Each row links to a sheet of this workbook.",
            },
            notes_table=notes if used else None,
            notesheet_label="notes",
            notesheet_options={"instructions": "This sheet has one table. Sheets refer to notes by number."},
            auto_width=False,
            workbook_options={
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
    _set_widths(workbook, found)
    workbook.set_properties(
        {
            "title": "Individual quality assessments: tables",
            "subject": about,
            "author": "IQA warehouse",
            "created": datetime.combine(figures.as_of, time()),
        }
    )
    workbook.close()


def _cover(figures: Figures, label: Sequence[str]) -> Any:
    import gptables

    status = str(figures.info["status_note"] or "Management information").rstrip(".")
    return gptables.Cover(
        title="Individual quality assessments: tables",
        intro=[
            *label,
            f"{status}. Figures as of {long_date(figures.as_of)}, release {figures.info['release_id']}.",
            "Each figure has a status: provisional, verified by Operational Assurance, or revised.",
        ],
        about=[
            "Each sheet has one table. The sheet contents lists them; the sheet notes explains what they "
            "refer to.",
            "Figures are unrounded and shown with one decimal. Add up counts, never percentages.",
            "Shorthand used where there is no figure, or beside one:",
            *[f"{mark} means {meaning}." for mark, meaning in SHORTHAND_MEANINGS.items()],
            "Counts from 1 to 4, and others from which they could be worked out, are withheld.",
        ],
        contact=["Operational Assurance answers questions about these figures."],
        cover_label="cover",
    )


def _headline_table(headlines: Mapping[str, Sequence[Headline]], label: Sequence[str], about: str) -> Any:
    import gptables
    import pandas

    rows: list[tuple[str, ...]] = [
        (
            place,
            item.name,
            item.period,
            item.value,
            item.interval,
            item.count,
            item.change,
            f"{item.status} {item.marks}".strip(),
            item.meaning,
        )
        for place, items in headlines.items()
        for item in items
    ] or [("No figures", *["[z]"] * (len(_HEADLINE_COLUMNS) - 1))]
    return gptables.GPTable(
        table=pandas.DataFrame(rows, columns=list(_HEADLINE_COLUMNS)),
        table_name="headlines",
        title="Headline figures as the board pack words them",
        subtitles=list(label),
        instructions=_instructions(),
        source=about,
        index_columns={2: 0},
    )


def _table(sheet: Sheet, label: Sequence[str], about: str) -> Any:
    import gptables
    import pandas

    headings = [column.heading for column in sheet.columns]
    formats: dict[str, list[str]] = {}
    for column in sheet.columns:
        if column.kind in _FORMATS:
            formats.setdefault(column.kind, []).append(column.heading)
    return gptables.GPTable(
        table=pandas.DataFrame(sheet.cells, columns=headings, dtype=object),
        table_name=sheet.name,
        title=sheet.title + "".join(f" $${note}$$" for note in sheet.notes),
        subtitles=list(label),
        instructions=_instructions(),
        source=f"{about} Mart {sheet.mart}.",
        index_columns={2: 0},
        additional_formatting=[
            {"column": {"columns": names, "format": {"num_format": _FORMATS[kind], "align": "right"}}}
            for kind, names in formats.items()
        ],
    )


def _instructions() -> str:
    return (
        "This sheet has one table. Shorthand in square brackets stands where there is no figure; the "
        "sheet cover says "
        "what it means."
    )


def _set_widths(workbook: Any, found: Sequence[Sheet]) -> None:
    for worksheet in workbook.worksheets():
        if worksheet.get_name() == "contents":
            worksheet.set_column(0, 0, 24)
            worksheet.set_column(1, 1, 90)
        elif worksheet.get_name() == "notes":
            worksheet.set_column(0, 0, 14)
            worksheet.set_column(1, 1, 110)
        elif worksheet.get_name() == "headlines":
            for place, width in enumerate((26, 44, 28, 24, 28, 34, 34, 16, 60)):
                worksheet.set_column(place, place, width)
    for sheet in found:
        worksheet = workbook.get_worksheet_by_name(sheet.name)
        for place, column in enumerate(sheet.columns):
            worksheet.set_column(place, place, _width(column))


def _width(column: Column) -> int:
    return _WIDE.get(column.column, _WIDTHS.get(column.kind, _NUMBER_WIDTH))
