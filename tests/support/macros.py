"""Renders the project's dbt macros without dbt, so that a statistic can be checked in milliseconds.

What belongs here: the rendering only. The one trap: macros that read policy rows need dbt, not this.
"""

from pathlib import Path
from typing import Any

import jinja2

from dagster_project.settings import DBT_DIR

MACRO_FILES = [
    DBT_DIR / "macros" / "same_columns.sql",
    *sorted((DBT_DIR / "macros" / "statistics").glob("*.sql")),
]


def render_macro(call: str, **variables: Any) -> str:
    """SQL of the macro call written in `call`, such as `xmr_chart('points', ...)`."""
    source = "\n".join(Path(path).read_text() for path in MACRO_FILES)
    return (
        jinja2.Environment(extensions=["jinja2.ext.do"])
        .from_string(f"{source}\n{{{{ {call} }}}}")
        .render(**variables)
    )
