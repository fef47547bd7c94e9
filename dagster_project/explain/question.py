"""Which figure is meant: a mart, a column and as many keys as it takes.

Belongs here: reading `key=value`, filling in what has only one value, and saying what is left open. Does
not: the rows behind the figure. The one trap: a key that is left out and has several values is never guessed,
but for the whole of a cut (ALL) and the policy row's default, and what was assumed is said.
"""

import difflib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from dagster_project.errors import IqaError
from dagster_project.explain.lineage import STANDARD_COLUMNS, explained_marts, lineage_of

# What people type for the names of the marts.
_SHORTHAND = {
    "area": "area_code",
    "unit": "unit_type",
    "type": "assessment_type",
    "period": "period_label",
    "quarter": "period_label",
    "theme": "theme_code",
    "question": "question_code",
    "category": "question_category",
    "rule": "rule_id",
}
# Tried in this order for keys that were left out: what a person means who says nothing.
_DEFAULTS = {
    "unit_type": "ALL",
    "area_code": "ALL",
    "dimension": "overall",
    "dimension_value": "ALL",
    "row_kind": "area",
    "level": "national",
}
_SHOWN = 8


@dataclass(frozen=True)
class Figure:
    """One cell of a mart. `row` is the whole row; `assumed` are keys that were filled in by default."""

    mart: str
    column: str
    grain: tuple[str, ...]
    row: Mapping[str, Any]
    assumed: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """The figure itself."""
        return self.row[self.column]

    @property
    def key(self) -> dict[str, Any]:
        """The full key of the row."""
        return {name: self.row[name] for name in self.grain}

    def command(self, release_id: str | None = None) -> str:
        """The command that explains this figure: a line to copy and send."""
        keys = [
            shlex.quote(f"{name}={value}" if value is not None else f"{name}=")
            for name, value in self.key.items()
        ]
        release = ["--release", release_id] if release_id else []
        return " ".join(["iqa explain", self.mart, self.column, *keys, *release])


def parse_keys(arguments: Sequence[str]) -> dict[str, str]:
    """`key=value` arguments as a mapping. Raises IqaError for one without `=` or a key given twice."""
    keys: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        name = name.strip().lower().replace("-", "_")
        if not equals or not name:
            raise _error(
                f"{argument!r} is not a key with a value.",
                "key=value, such as area_code=WES",
                "Write the key, an equals sign and the value; quote values with spaces.",
            )
        if name in keys:
            raise _error(f"The key {name} is given twice.", "each key once", "Leave one of the two out.")
        keys[name] = value.strip()
    return keys


def find_figure(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    column: str,
    keys: Mapping[str, str],
    grain: Sequence[str],
    default_policy: str | None = None,
) -> Figure:
    """The one row that the keys name. Raises IqaError when there is none or more than one."""
    columns = [row[0] for row in connection.execute(f"describe marts.{mart}").fetchall()]
    if column not in columns:
        raise _error(
            f"The mart {mart} has no column {column!r}.",
            f"one of its {len(columns)} columns",
            _suggest(column, columns, "columns"),
        )
    conditions = [_condition(mart, name, value, columns) for name, value in keys.items()]
    assumed: list[str] = []
    _require(connection, mart, conditions)
    defaults = {**_DEFAULTS, **({"policy": default_policy} if default_policy else {})}
    for name, value in defaults.items():
        if name in grain and not any(condition.column == name for condition in conditions):
            with_default = [*conditions, _Condition(name, "=", value)]
            values = _values(connection, mart, name, conditions)
            if len(values) > 1 and value in values and _count(connection, mart, with_default):
                conditions = with_default
                assumed.append(f"{name}={value}")
    rows = _rows(connection, mart, conditions, 2)
    if len(rows) > 1:
        raise _ambiguous(connection, mart, conditions, grain)
    return Figure(mart, column, tuple(grain), rows[0], tuple(assumed))


def check_mart(mart: str) -> None:
    """Raise IqaError unless the mart is one whose figures can be explained."""
    known = explained_marts()
    if mart not in known:
        raise _error(
            f"There is no metric mart {mart!r}.", f"one of {', '.join(known)}", _suggest(mart, known, "marts")
        )


def describe(mart: str, column: str) -> str | None:
    """What a column that is no figure says about its row, or None when it is a figure."""
    rule = lineage_of(mart).columns.get(column)
    return STANDARD_COLUMNS.get(column) if rule is None else rule.describes


@dataclass(frozen=True)
class _Condition:
    column: str
    operator: str
    value: str

    @property
    def sql(self) -> str:
        if self.operator == "label":
            return (
                f"(lower({self.column}) = lower($value) or lower(split_part({self.column}, ' (', 1)) "
                "= lower($value) or cast(period_start as varchar) = $value)"
            )
        if self.operator == "empty":
            return f"{self.column} is null"
        return f"lower(cast({self.column} as varchar)) = lower($value)"


def _condition(mart: str, name: str, value: str, columns: Sequence[str]) -> _Condition:
    known = name if name in columns else _SHORTHAND.get(name, name)
    if known not in columns and known in ("question_code", "theme_code") and "dimension_value" in columns:
        known = "dimension_value"
    if known == "period_label" and "period_label" in columns and "sample" in columns and name == "quarter":
        known = "sample"
    if known not in columns:
        raise _error(
            f"The mart {mart} has no key {name!r}.",
            "one of its columns",
            _suggest(name, [*columns, *_SHORTHAND], "keys"),
        )
    if value == "":
        return _Condition(known, "empty", value)
    if known in ("period_start", "period_end", "month") and not _is_date(value):
        known = "period_label"
    return _Condition(known, "label" if known == "period_label" else "=", value)


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _where(conditions: Sequence[_Condition]) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    for condition in conditions:
        parts.append(condition.sql.replace("$value", f"${len(values) + 1}"))
        if condition.operator != "empty":
            values.append(condition.value)
    return " and ".join(parts) or "true", values


def _rows(
    connection: duckdb.DuckDBPyConnection, mart: str, conditions: Sequence[_Condition], limit: int
) -> list[dict[str, Any]]:
    where, values = _where(conditions)
    cursor = connection.execute(f"select * from marts.{mart} where {where} limit {limit}", values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _count(connection: duckdb.DuckDBPyConnection, mart: str, conditions: Sequence[_Condition]) -> int:
    where, values = _where(conditions)
    row = connection.execute(f"select count(*) from marts.{mart} where {where}", values).fetchone()
    return int(row[0]) if row else 0


def _values(
    connection: duckdb.DuckDBPyConnection, mart: str, column: str, conditions: Sequence[_Condition]
) -> list[str | None]:
    where, values = _where(conditions)
    return [
        value
        for (value,) in connection.execute(
            f"select distinct cast({column} as varchar) as value from marts.{mart} "
            f"where {where} order by value",
            values,
        ).fetchall()
    ]


def _require(connection: duckdb.DuckDBPyConnection, mart: str, conditions: Sequence[_Condition]) -> None:
    """Say which key has a value that no row has, or that no row has all of them together."""
    if _count(connection, mart, conditions):
        return
    for condition in conditions:
        if condition.operator != "empty" and not _count(connection, mart, [condition]):
            known = [value for value in _values(connection, mart, condition.column, []) if value is not None]
            raise _error(
                f"No row of {mart} has {condition.column} {condition.value!r}.",
                f"one of {_listed(known)}",
                _suggest(condition.value, known, "values"),
            )
    raise _error(
        f"No row of {mart} has all of these keys together.",
        "keys of one row: " + ", ".join(f"{condition.column}={condition.value}" for condition in conditions),
        "Leave one key out: what remains open is then listed.",
    )


def _ambiguous(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    conditions: Sequence[_Condition],
    grain: Iterable[str],
) -> IqaError:
    lines = []
    for name in grain:
        values = _values(connection, mart, name, conditions)
        if len(values) > 1:
            lines.append(f"{name} ({_listed([str(value) for value in values])})")
    return _error(
        f"{_count(connection, mart, conditions)} rows of {mart} have these keys.",
        f"one row; still open: {'; '.join(lines)}",
        "Add a value for each of them.",
    )


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


def _suggest(name: str, known: Sequence[str], what: str) -> str:
    lowered = {value.lower(): value for value in known}
    near = [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=3)]
    near = near or [value for value in known if name.lower() in value.lower()][:3]
    return f"Did you mean {' or '.join(near)}?" if near else f"The {what} are: {_listed(list(known))}."


def _error(what: str, expected: str, next_step: str) -> IqaError:
    return IqaError(what, where="iqa explain", expected=expected, next_step=next_step)
