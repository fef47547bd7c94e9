"""The data dictionary of a release, generated from the dbt models.

One row per column that leaves, in the order of tables and of the model's own columns.
The trap: it describes the columns as released. A private column is not in it, so that the dictionary can't
tell what is being held back about people.
"""

import csv
import io
from collections.abc import Sequence

from dagster_project.release.tables import ReleasedTable

HEADER = ("table", "column", "type", "unit", "description", "metric_id", "is_key", "is_shareable")


def data_dictionary(tables: Sequence[ReleasedTable]) -> str:
    """The dictionary as CSV text. Descriptions are ours, but are made safe for spreadsheets all the same."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for table in tables:
        for column in table.columns:
            writer.writerow(
                [
                    table.name,
                    column.name,
                    column.data_type,
                    column.unit,
                    spreadsheet_safe(column.description),
                    column.metric,
                    str(column.name in table.grain).lower(),
                    str(table.is_shareable).lower(),
                ]
            )
    return text.getvalue()


def spreadsheet_safe(text: str) -> str:
    """`text`, with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


# The last four are the full-width forms, which some spreadsheets treat alike.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
