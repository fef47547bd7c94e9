"""What a sign-off covers: a family of metrics, in an Area, in a quarter; and the hash of the counts in it.

A row belongs to the quarter that its period ends in, so a sign-off of a quarter covers the windows and the
financial year that end with it. Rows of an inspection belong to the inspection. `ALL` is the nation, an Area
like any other. Here: finding the scopes of a set of marts. Not here: who signed them. The trap: only counts
are hashed. Rates follow from them, and p values or ranks of one Area move with every other Area's figures;
with those in the hash, a correction in one Area would undo the sign-offs of all.
"""

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from dagster_project.assurance.errors import AssuranceError
from dagster_project.release.exports import quoted
from dagster_project.release.hashing import contents_by
from dagster_project.release.tables import ReleasedTable

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "compliance": ("compliance",),
    "dip_sampling": ("dip_sampling",),
    "leniency": ("leniency", "dip_catch", "question_quality"),
    "themes": ("themes",),
    "assessment_quality": ("assessment_quality",),
}
RECONCILED = "reconciliation"
SCOPES_FILE = "restricted/scopes.json"
# Which families a control total speaks of.
_MEASURED_IN = {
    "iqas_assessed": ("compliance", "dip_sampling"),
    "prosecutors_required": ("compliance",),
    "dips_valid": ("dip_sampling",),
}
# What a row must say of itself to belong to a scope.
_PLACED = frozenset({"area_code", "period_end", "as_of", "figure_status"})
_COUNTED = ("BIGINT", "INTEGER", "HUGEINT")
# Whole numbers that depend on other rows than the scope's own.
_NOT_OWN = frozenset({"family_size", "ambiguity_rank"})


@dataclass(frozen=True, order=True)
class Scope:
    """A family × Area × quarter; `quarter` is `2024-25 Q1`, or the code of an inspection."""

    family: str
    area: str
    quarter: str

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.family}, {self.area}, {self.quarter}"


@dataclass(frozen=True)
class ScopeState:
    """A scope in a set of marts: its rows, the hash of its counts, whether its quarter is over, and whether a
    control total disagrees with it (`is_disputed`)."""

    scope: Scope
    rows: int
    content_hash: str
    is_complete: bool
    is_disputed: bool = False

    @property
    def is_signable(self) -> bool:
        """Whether a sign-off may cover it: a quarter that is over, and no total that disagrees."""
        return self.is_complete and not self.is_disputed


def scoped_tables(tables: Iterable[ReleasedTable]) -> list[tuple[str, ReleasedTable]]:
    """Family and mart, for the marts among `tables` whose rows belong to scopes."""
    by_name = {table.name: table for table in tables}
    return [
        (family, by_name[name])
        for family, names in FAMILIES.items()
        for name in names
        if name in by_name and {column.name for column in by_name[name].columns} >= _PLACED
    ]


def count_columns(table: ReleasedTable) -> list[str]:
    """The columns of a mart that hold counts of its own row, in the order of names."""
    return sorted(
        column.name
        for column in table.columns
        if column.name not in _NOT_OWN
        and column.name not in table.grain
        and (column.unit == "count" or column.data_type.upper() in _COUNTED)
    )


def scope_columns(table: str) -> dict[str, str]:
    """SQL for the Area, the quarter and whether the quarter is over, of a row of a metric mart."""
    by_dimension = "case when dimension = 'area' then dimension_value else area_code end"
    fiscal = "case when month(period_end) >= 4 then year(period_end) else year(period_end) - 1 end"
    quarter = (
        f"({fiscal}) || '-' || lpad((({fiscal}) + 1) % 100 || '', 2, '0') || ' Q' || "
        "(((month(period_end) + 8) % 12) // 3 + 1)"
    )
    has_sample = table in FAMILIES["leniency"]
    return {
        "scope_area": by_dimension if table == "leniency" else "area_code",
        "scope_quarter": f"coalesce({quarter}, sample)" if has_sample else quarter,
        "scope_is_complete": "coalesce(period_end < as_of, true)",
    }


def scoped_relation(table: str, relation: str) -> str:
    """The rows of a mart with the columns `scope_area`, `scope_quarter` and `scope_is_complete`, as SQL."""
    added = ", ".join(f"{sql} as {name}" for name, sql in scope_columns(table).items())
    return f"(select *, {added} from {relation})"


def scope_states(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable], schema: str = "marts"
) -> list[ScopeState]:
    """Every scope that has rows in the marts of `schema`, in order."""
    found: dict[Scope, list[tuple[str, int, str, bool]]] = {}
    groups = ("scope_area", "scope_quarter", "scope_is_complete")
    for family, table in scoped_tables(tables):
        columns = [(name, "") for name in sorted({*table.grain, *count_columns(table)})]
        relation = scoped_relation(table.name, f"{schema}.{quoted(table.name)}")
        for (area, quarter, complete), content in contents_by(connection, relation, columns, groups).items():
            scope = Scope(family, str(area), str(quarter))
            part = (table.name, content.rows, content.content_hash, complete is True)
            found.setdefault(scope, []).append(part)
    disputed = _disputed(connection, schema) if RECONCILED in {table.name for table in tables} else set()
    return [
        ScopeState(
            scope=scope,
            rows=sum(rows for _, rows, _, _ in parts),
            content_hash=_joined(parts),
            is_complete=all(complete for _, _, _, complete in parts),
            is_disputed=scope in disputed,
        )
        for scope, parts in sorted(found.items())
    ]


def _disputed(connection: duckdb.DuckDBPyConnection, schema: str) -> set[Scope]:
    """The scopes that a control total disagrees with."""
    quarter = scope_columns(RECONCILED)["scope_quarter"]
    rows = connection.execute(
        f"select distinct measure, area_code, {quarter} from {schema}.{RECONCILED} where is_agreed is false"
    ).fetchall()
    return {
        Scope(family, area, fiscal_quarter)
        for measure, area, fiscal_quarter in rows
        for family in _MEASURED_IN[measure]
    }


def _joined(parts: list[tuple[str, int, str, bool]]) -> str:
    lines = [f"{table} {rows} {content_hash}" for table, rows, content_hash, _ in sorted(parts)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def scopes_text(states: Iterable[ScopeState]) -> str:
    """The scopes of a release as the JSON text kept in its restricted part."""
    return json.dumps([asdict(state) for state in states], indent=1, ensure_ascii=False) + "\n"


def read_scopes(release: Path) -> list[ScopeState]:
    """The scopes of the release in the folder `release`.

    Raises AssuranceError when they cannot be read.
    """
    path = release / SCOPES_FILE
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [ScopeState(**{**row, "scope": Scope(**row["scope"])}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AssuranceError(
            f"The scopes of release {release.name} can't be read: {error}.",
            where=str(path),
            expected="the list of scopes that `iqa run` keeps in a release's restricted part",
            next_step="Verify a release that was made by this version, as a user who may read `restricted/`.",
        ) from error


def matching(states: Iterable[ScopeState], scope: Scope) -> list[ScopeState]:
    """The states whose scope matches `scope`, with `*` and `?` as wildcards, in any case."""
    wanted = (scope.family, scope.area, scope.quarter)
    return [
        state
        for state in states
        if all(
            fnmatch.fnmatchcase(held.casefold(), pattern.casefold())
            for held, pattern in zip(
                (state.scope.family, state.scope.area, state.scope.quarter), wanted, strict=True
            )
        )
    ]
