"""An explanation as text, JSON or CSV.

Belongs here: how an explanation looks. Does not: anything that is in it. The one trap: a spreadsheet runs a
cell that begins like a formula, so CSV cells of text are made safe; JSON is left as it is.
"""

import csv
import io
from dataclasses import asdict
from typing import Any

from dagster_project.explain.explanation import Explanation, Row, shown
from dagster_project.release.dictionary import spreadsheet_safe

RESTRICTED = (
    "Restricted: the rows hold staff and assessment ids. Pass them on only to those who may see them."
)
_CSV_HEADER = (
    "unit",
    "part",
    "rule",
    "dataset",
    "record",
    "source_file",
    "source_sheet",
    "source_row",
    "other_sources",
    "details",
)


def as_text(explanation: Explanation) -> str:
    """For a terminal: the figure, its counts by rule, the rows, and the command to send to a colleague."""
    figure = explanation.figure
    key = ", ".join(f"{name}={value}" for name, value in figure.key.items())
    lines = [f"{figure.mart}.{figure.column}", f"  {key}"]
    if figure.assumed:
        lines.append(f"  assumed: {', '.join(figure.assumed)}")
    lines += ["", explanation.sentence]
    if explanation.checks:
        lines.append("")
        for check in explanation.checks:
            beside = "" if check.agrees else f"  BUT THE MART SAYS {shown(check.published)}"
            agreed = "  (as in the mart)" if check.is_published and check.agrees else ""
            lines.append(f"  {check.name:<28}{shown(check.recomputed):>14}{agreed}{beside}")
    unit = None
    for count in explanation.counts:
        if count.unit != unit:
            unit = count.unit
            lines += ["", f"{unit.capitalize()}:"]
        lines.append(f"  {count.rows:>8,}  {count.part}: {count.rule}")
    lines += _row_lines(explanation)
    lines += [f"Note: {note}" for note in explanation.notes]
    lines += _end_lines(explanation)
    return "\n".join(lines)


def _row_lines(explanation: Explanation) -> list[str]:
    if not explanation.total_rows:
        return []
    lines, unit = [], None
    for row in explanation.rows:
        if row.unit != unit:
            unit = row.unit
            lines += ["", f"Rows ({unit}):"]
        lines.append(f"  [{row.part}] {row.record or ''}  {place(row)}")
        lines.append(f"      {row.rule}")
        if row.other_sources:
            lines.append(f"      with {row.other_sources}")
    hidden = explanation.total_rows - len(explanation.rows)
    if hidden > 0:
        lines.append(f"  and {hidden:,} more rows: --limit N shows more, --format csv all of them")
    return [*lines, ""]


def _end_lines(explanation: Explanation) -> list[str]:
    lines = [""] if not explanation.total_rows else []
    held = explanation.held
    if held is not None:
        made = f"release {held.release_id}" if held.release_id else f"run {held.run_id}, not released"
        lines.append(f"From {made}, as of {held.as_of}, code {held.code_version}.")
    if explanation.see:
        lines.append(f"The figure itself: {explanation.see}")
    lines.append(f"To send: {command_line(explanation)}")
    if explanation.rows:
        lines.append(RESTRICTED)
    return lines


def as_document(explanation: Explanation) -> dict[str, Any]:
    """For machines: everything, JSON-ready."""
    figure = explanation.figure
    return {
        "mart": figure.mart,
        "column": figure.column,
        "key": figure.key,
        "assumed": list(figure.assumed),
        "value": explanation.value,
        "recomputed": explanation.recomputed,
        "verdict": explanation.verdict,
        "is_sound": explanation.is_sound,
        "sentence": explanation.sentence,
        "how": explanation.how,
        "reason": explanation.reason,
        "counts": [
            {
                "name": check.name,
                "recomputed": check.recomputed,
                "in_mart": check.published if check.is_published else None,
                "agrees": check.agrees,
            }
            for check in explanation.checks
        ],
        "rows_by_rule": [asdict(count) for count in explanation.counts],
        "total_rows": explanation.total_rows,
        "rows": [asdict(row) for row in explanation.rows],
        "notes": list(explanation.notes),
        "release_id": explanation.held.release_id if explanation.held else None,
        "as_of": explanation.held.as_of if explanation.held else None,
        "see": explanation.see,
        "command": command_line(explanation),
    }


def as_csv(explanation: Explanation) -> str:
    """For a spreadsheet: one line a row behind the figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_HEADER)
    for row in explanation.rows:
        details = "; ".join(f"{name}={value}" for name, value in row.details.items())
        cells = (
            row.unit,
            row.part,
            row.rule,
            row.dataset,
            row.record,
            row.source_file,
            row.source_sheet,
            row.source_row,
            row.other_sources,
            details,
        )
        writer.writerow([spreadsheet_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def place(row: Row) -> str:
    """File, sheet and row, as a person finds them."""
    if row.source_file is None:
        return ""
    sheet = f", sheet {row.source_sheet}" if row.source_sheet else ""
    number = f", row {row.source_row}" if row.source_row is not None else ""
    return f"{row.source_file}{sheet}{number}"


def command_line(explanation: Explanation) -> str:
    """The same explanation as a line to copy."""
    held = explanation.held
    return explanation.figure.command(held.release_id if held else None)
