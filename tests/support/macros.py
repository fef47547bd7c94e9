"""Renders the project's dbt macros without dbt, so that a statistic can be checked in milliseconds.

What belongs here: the rendering only. The one trap: a macro that reads policy rows must be given them
(`render_with_policies`); the rows of the seed are not read here.
"""

from pathlib import Path
from typing import Any

import jinja2

from dagster_project.settings import DBT_DIR

MACRO_FILES = [
    DBT_DIR / "macros" / "same_columns.sql",
    DBT_DIR / "macros" / "dips_required.sql",
    *sorted((DBT_DIR / "macros" / "statistics").glob("*.sql")),
]


def render_macro(call: str, **variables: Any) -> str:
    """SQL of the macro call written in `call`, such as `xmr_chart('points', ...)`."""
    source = "\n".join(Path(path).read_text() for path in MACRO_FILES)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    # What dbt offers a macro that has a variant per engine: its dispatch, and a `return` that keeps types.
    environment.globals["adapter"] = _DuckdbDispatch(environment, source)
    environment.globals["return"] = lambda value: value
    return environment.from_string(f"{source}\n{{{{ {call} }}}}").render(**variables)


def render_with_policies(call: str, policies: dict[str, Any], **variables: Any) -> str:
    """The same for a macro that reads policy rows, with the rows it is to find."""
    return render_macro(
        call,
        policy=lambda key: repr(policies[key]),
        policy_text=lambda key: f"'{policies[key]}'",
        **variables,
    )


class _DuckdbDispatch:
    """Picks the DuckDB variant of a macro, as dbt does on this project's target."""

    def __init__(self, environment: jinja2.Environment, source: str) -> None:
        self._environment = environment
        self._source = source

    def dispatch(self, name: str, _package: str) -> Any:
        return getattr(self._environment.from_string(self._source).module, f"duckdb__{name}")
