"""Statuses in a candidate: what is verified becomes V; what was verified and has moved goes back to P.

Here: the one step between building the marts and checking them that writes into marts. It needs the sign-off
log and the hashes of the counts just built, which no model can know. Not here: R, which is a matter of data
alone and is set by the models. The trap: order of precedence. A verified figure is V even if it was revised
before; a figure whose sign-off fell is P even if the change came after the freeze, until it is signed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.assurance.figures import PLACE, figure_key_sql, moved_figures_sql
from dagster_project.assurance.scopes import (
    Scope,
    ScopeState,
    count_columns,
    scope_columns,
    scope_states,
    scoped_relation,
    scoped_tables,
)
from dagster_project.assurance.sign_offs import SignOff, SignOffs
from dagster_project.release.exports import literal, quoted
from dagster_project.release.identity import RELEASES
from dagster_project.release.tables import ReleasedTable

REVISIONS = "revisions"
UNDONE = "sign_off_undone"
_LABELS = ("regime", "area_name", "period_label", "period_end")


@dataclass(frozen=True)
class Assured:
    """What the sign-offs came to on a candidate."""

    states: tuple[ScopeState, ...]
    verified: tuple[Scope, ...]
    fallen: tuple[SignOff, ...]
    figures_moved: int

    @property
    def is_all_verified(self) -> bool:
        """Whether every scope of a quarter that is over is signed, and there is one."""
        required = {state.scope for state in self.states if state.is_complete}
        return bool(required) and required <= set(self.verified)

    def sentence(self) -> str:
        """One line for a person."""
        required = sum(state.is_complete for state in self.states)
        undone = len(self.fallen)
        return f"{len(self.verified):,} of {required:,} scopes verified, {undone:,} sign-offs undone"

    def details(self) -> list[str]:
        """A line for each family, quarter and signature with sign-offs that fell, naming the Areas."""
        areas: dict[tuple[str, str, str, str], list[str]] = {}
        for word in sorted(self.fallen, key=lambda word: word.scope):
            key = (word.scope.family, word.scope.quarter, word.by, word.release_id)
            areas.setdefault(key, []).append(word.scope.area)
        return [
            f"Sign-off undone: {family}, {quarter}, {', '.join(named)}. Counts changed since {by} signed "
            f"{release_id}; provisional until signed again (`iqa verify`)."
            for (family, quarter, by, release_id), named in areas.items()
        ]


def apply_statuses(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[ReleasedTable],
    sign_offs: SignOffs,
    marts_dir: Path,
) -> Assured:
    """Set V and P in the marts of the current database, and add what moved under a sign-off to `revisions`.

    `tables` are the released ones; old values are read from the releases that were signed, in `marts_dir`.
    """
    states = scope_states(connection, tables)
    verified, fallen = [], []
    for state in states:
        word = sign_offs.standing.get(state.scope)
        if word is None or not word.is_signed:
            continue
        if not word.holds_for(state):
            fallen.append(word)
        elif state.is_signable:
            verified.append(state.scope)
    present = {state.scope for state in states}
    standing = sorted(sign_offs.standing.items())
    fallen += [word for scope, word in standing if word.is_signed and scope not in present]
    has_revisions = any(table.name == REVISIONS for table in tables)
    if has_revisions:
        _mark_revised(connection, tables)
    statuses = [(scope, "V") for scope in verified] + [(word.scope, "P") for word in fallen]
    _write_statuses(connection, tables, statuses)
    moved = 0
    if has_revisions:
        moved = sum(_write_undone(connection, tables, word, marts_dir) for word in fallen)
    return Assured(tuple(states), tuple(verified), tuple(fallen), moved)


def _mark_revised(connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable]) -> None:
    """P becomes R for the rows that `revisions` lists: a change in one Area may move a figure of another.

    That concerns marts of places and periods. The rows of an inspection are marked by the models alone.
    """
    listed = connection.execute(
        f"select distinct mart from marts.{REVISIONS} where basis = 'freeze'"
    ).fetchall()
    for table in tables:
        if (table.name,) not in listed or not set(PLACE) <= set(table.grain):
            continue
        matched = " and ".join(f"marked.{key} = listed.{key}" for key in PLACE)
        connection.execute(
            f"update marts.{quoted(table.name)} as marked set figure_status = 'R' "
            f"from marts.{REVISIONS} as listed where listed.basis = 'freeze' "
            f"and marked.figure_status = 'P' and listed.mart = {literal(table.name)} and {matched}"
        )


def _write_statuses(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable], statuses: list[tuple[Scope, str]]
) -> None:
    if not statuses:
        return
    connection.execute(
        "create or replace temp table assured as select unnest(?) as family, unnest(?) as assured_area, "
        "unnest(?) as assured_quarter, unnest(?) as status",
        [
            [scope.family for scope, _ in statuses],
            [scope.area for scope, _ in statuses],
            [scope.quarter for scope, _ in statuses],
            [status for _, status in statuses],
        ],
    )
    for family, table in scoped_tables(tables):
        columns = scope_columns(table.name)
        connection.execute(
            f"update marts.{quoted(table.name)} set figure_status = assured.status from temp.assured "
            f"where assured.family = {literal(family)} and assured.assured_area = {columns['scope_area']} "
            f"and assured.assured_quarter = {columns['scope_quarter']}"
        )
    connection.execute("drop table temp.assured")


def _write_undone(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable], word: SignOff, marts_dir: Path
) -> int:
    """Rows of `revisions` for one sign-off that fell; none where the signed release is gone."""
    moved = 0
    for table in (table for family, table in scoped_tables(tables) if family == word.scope.family):
        signed = marts_dir / RELEASES / word.release_id / "restricted" / "parquet" / f"{table.name}.parquet"
        relation = f"read_parquet({literal(signed)})"
        new = f"marts.{quoted(table.name)}"
        if not signed.exists():
            continue
        held = {row[0] for row in connection.execute(f"describe select * from {relation}").fetchall()}
        if not set(table.grain) <= held:
            continue
        columns = [column for column in count_columns(table) if column in held]
        moved += _insert_undone(connection, table, word, relation, new, columns)
    return moved


def _insert_undone(
    connection: duckdb.DuckDBPyConnection,
    table: ReleasedTable,
    word: SignOff,
    old: str,
    new: str,
    columns: list[str],
) -> int:
    inside = f"scope_area = {literal(word.scope.area)} and scope_quarter = {literal(word.scope.quarter)}"
    scoped = {
        side: f"(select * from {scoped_relation(table.name, relation)} where {inside})"
        for side, relation in (("old", old), ("new", new))
    }
    moved = moved_figures_sql(scoped["old"], scoped["new"], table.grain, columns)
    own = {column.name for column in table.columns}
    known = [name for name in (*PLACE, *_LABELS) if name in own]
    # A key is in `moved`; a label is the new row's, or the old one's where the row is gone.
    picked = {
        name: f"moved.{quoted(name)}"
        if name in table.grain
        else f"coalesce(after.{quoted(name)}, before.{quoted(name)})"
        for name in known
    }
    on = {
        side: " and ".join(
            f"moved.{quoted(key)} is not distinct from {side}.{quoted(key)}" for key in table.grain
        )
        for side in ("before", "after")
    }
    values = {
        **picked,
        "mart": literal(table.name),
        "column_name": "moved.column_name",
        "policy": "moved.policy" if "policy" in table.grain else "cast(null as varchar)",
        "figure_key": figure_key_sql("moved", table.grain),
        "basis": "'sign_off'",
        "old_value": "moved.old_value",
        "new_value": "moved.new_value",
        "difference": "moved.new_value - moved.old_value",
        "cause": literal(UNDONE),
        "signed_release_id": literal(word.release_id),
        "figure_status": "'P'",
        "reliability": "coalesce(after.reliability, before.reliability)",
        "is_suppressed": "false",
        "metric_version": "coalesce(after.metric_version, before.metric_version)",
        "release_id": "run_context.release_id",
        "as_of": "run_context.as_of",
    }
    before = connection.execute(f"select count(*) from marts.{REVISIONS}").fetchone()
    connection.execute(
        f"insert into marts.{REVISIONS} ({', '.join(quoted(name) for name in values)}) "
        f"select {', '.join(values.values())} from ({moved}) as moved "
        f"left join {scoped['old']} as before on {on['before']} "
        f"left join {scoped['new']} as after on {on['after']} cross join raw.run_context as run_context"
    )
    after = connection.execute(f"select count(*) from marts.{REVISIONS}").fetchone()
    assert before is not None and after is not None  # a count always returns a row
    return int(after[0]) - int(before[0])
