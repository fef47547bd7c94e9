"""Writes schema `published`: the shareable marts with the withheld cells empty and marked.

Belongs here: from a plan to tables. Does not: choosing cells. The trap: the reason why a figure is empty can
itself be a figure (`kappa: no_variation` says that all agreed), so a withheld column loses its reason too.
What is empty for a reason that follows from the period or the level alone keeps it: it is not withheld.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from dagster_project.disclosure.figures import PREFIX, Figures, hidden_places
from dagster_project.disclosure.policy import Derived, MartPolicy, Policy
from dagster_project.disclosure.suppression import Flags, Indices, Limits, Plan, capped_sum_tells_nothing
from dagster_project.release.exports import quoted
from dagster_project.release.tables import ReleasedTable

_TIME = ("period_type", "period_start")
# Its own database, of the connection alone: others may read the warehouse meanwhile.
PUBLISHED = "memory.published"


@dataclass(frozen=True)
class MartOutcome:
    """What became of one mart: rows, rows with a withheld cell, counts and how many of them are withheld."""

    mart: str
    rows: int
    rows_suppressed: int
    counts: int
    counts_suppressed: int
    counts_sensitive: int


@dataclass(frozen=True)
class Published:
    """What was written by which plan, mart by mart, and the names of those written just now."""

    plan: Plan
    outcomes: Mapping[str, MartOutcome]
    rewritten: frozenset[str]


def publish(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    tables: Sequence[ReleasedTable],
    figures: Figures,
    plan: Plan,
    limits: Limits,
    schema: str = "warehouse.marts",
    target: str = PUBLISHED,
    before: Published | None = None,
    on_written: Callable[[str], object] = lambda name: None,
) -> Published:
    """Write every shareable table to `target`, with the cells of `plan` withheld.

    before      what is in `target` already, from the same figures: where both plans withhold the same cells
                of a mart, it is left as it is
    on_written  called with the name of each table that was written

    The largest comes first: what others do with it then goes on beside the rest. The order of rows is left
    open: whoever reads the tables for a file sorts them by their grain.
    """
    if before is None:
        connection.execute(f"drop schema if exists {target} cascade")
        connection.execute(f"create schema {target}")
    outcomes = dict(before.outcomes) if before is not None else {}
    rewritten = set()
    for table in sorted(tables, key=lambda table: -figures.rows.get(table.name, 0)):
        if not table.is_shareable:
            continue
        mart = policy.marts.get(table.name)
        if mart is None:
            if before is None:
                _copy(connection, table, schema, target)
                on_written(table.name)
            continue
        if before is not None and not _differs(mart, figures, before.plan.hidden, plan.hidden):
            continue
        masks = _masks(connection, policy, mart, table, figures, plan.hidden, limits)
        connection.execute(f"drop table if exists {target}.{quoted(table.name)}")
        _write(connection, mart, table, masks, target)
        outcomes[mart.name] = _outcome(mart, figures, plan, masks)
        rewritten.add(mart.name)
        on_written(mart.name)
    in_order = {table.name: outcomes[table.name] for table in tables if table.name in outcomes}
    return Published(plan, in_order, frozenset(rewritten))


def _differs(mart: MartPolicy, figures: Figures, one: Flags, other: Flags) -> bool:
    """Whether two plans withhold different cells of a mart. All else that is withheld follows from these."""
    return any(
        not np.array_equal(
            hidden_places(figures, one, mart.name, name), hidden_places(figures, other, mart.name, name)
        )
        for name in mart.count_names
    )


def _masks(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    mart: MartPolicy,
    table: ReleasedTable,
    figures: Figures,
    hidden: Flags,
    limits: Limits,
) -> dict[str, Flags]:
    """For each column with a withheld cell, the rows where it is withheld."""
    counts = {name: hidden_places(figures, hidden, mart.name, name) for name in mart.count_names}
    masks = dict(counts)
    for derived in mart.derived:
        mask = _derived_mask(connection, mart, table, derived, counts, figures, limits)
        for column in derived.columns:
            masks[column] = masks[column] | mask if column in masks else mask
    derived_masks = {column: mask for column, mask in masks.items() if column not in counts and mask.any()}
    for column, rows in _empty_by_nature(connection, policy, table, derived_masks).items():
        masks[column] = masks[column].copy()
        masks[column][rows] = False
    return {column: mask for column, mask in masks.items() if mask.any()}


def _empty_by_nature(
    connection: duckdb.DuckDBPyConnection, policy: Policy, table: ReleasedTable, columns: Collection[str]
) -> dict[str, Indices]:
    """For some of `columns`, the rows where it is empty for a structural reason, so nothing is withheld."""
    if not columns or all(column.name != "null_reason" for column in table.columns):
        return {}
    # A few dozen texts stand for all rows.
    stated = connection.execute(
        f"select null_reason, list(rid) from {quoted(PREFIX + table.name)} "
        "where null_reason is not null group by null_reason"
    ).fetchall()
    found: dict[str, list[int]] = {}
    for text, rows in stated:
        for entry in text.split(";"):
            column, _, reason = entry.partition(":")
            if column in columns and reason in policy.structural_reasons:
                found.setdefault(column, []).extend(rows)
    return {column: np.asarray(rows, dtype=np.int64) for column, rows in found.items()}


def _derived_mask(
    connection: duckdb.DuckDBPyConnection,
    mart: MartPolicy,
    table: ReleasedTable,
    derived: Derived,
    counts: Mapping[str, Flags],
    figures: Figures,
    limits: Limits,
) -> Flags:
    mask = np.zeros(figures.rows[mart.name], dtype=bool)
    for source in derived.sources:
        mask |= counts[source]
    if derived.of_parts is not None and mask.any():
        for line in mart.lines:
            if line.id == derived.of_parts:
                parent, child = figures.numbered.row_pairs(line, table.grain, mart.name)
                struck = parent[mask[child]]
                if derived.capped:
                    safe = _sums_that_stay(connection, mart, derived, parent, child, counts, limits.count_max)
                    struck = struck[~safe[struck]]
                mask[struck] = True
        for line in mart.windows:
            parent, child = figures.numbered.row_pairs(line, table.grain, mart.name)
            mask[parent[mask[child]]] = True
    if derived.by and mask.any():
        group = _group_of(connection, mart, derived.by)
        struck = np.zeros(int(group.max()) + 1, dtype=bool)
        struck[group[mask]] = True
        mask = struck[group]
    if derived.quarters and mask.any():
        mask = mask | _judged_on(connection, mart, table, mask, derived.quarters)
    return mask


def _group_of(connection: duckdb.DuckDBPyConnection, mart: MartPolicy, by: Sequence[str]) -> Indices:
    """The group of each row, rows with the same values in `by` being one group, numbered from 0."""
    found = connection.execute(
        f"select dense_rank() over (order by {', '.join(quoted(column) for column in by)}) - 1 as place "
        f"from {quoted(PREFIX + mart.name)} order by rid"
    ).fetchnumpy()
    return found["place"].astype(np.int64)


def _judged_on(
    connection: duckdb.DuckDBPyConnection,
    mart: MartPolicy,
    table: ReleasedTable,
    mask: Flags,
    quarters: int,
) -> Flags:
    """Rows with a row of `mask` among the last `quarters` quarters up to the end of their own period."""
    series = _group_of(connection, mart, [column for column in table.grain if column not in _TIME])
    found = connection.execute(
        "select period_type = 'quarter' as is_quarter, year(period_end) * 4 + quarter(period_end) as ending "
        f"from {quoted(PREFIX + mart.name)} order by rid"
    ).fetchnumpy()
    ending = found["ending"].astype(np.int64)
    # Years apart, so that no series reaches into the next.
    place = series * (int(ending.max()) + quarters) + ending
    withheld = place[mask & np.asarray(found["is_quarter"], dtype=bool)]
    return np.logical_or.reduce([np.isin(place - back, withheld) for back in range(quarters)])


def _sums_that_stay(
    connection: duckdb.DuckDBPyConnection,
    mart: MartPolicy,
    derived: Derived,
    parent: Indices,
    child: Indices,
    counts: Mapping[str, Flags],
    count_max: float,
) -> Flags:
    """Rows whose sum of capped parts does not narrow a small hidden part down."""
    count, cap = derived.capped
    found = connection.execute(
        f"select rid, coalesce({quoted(count)}::double, 0) as held, "
        f"coalesce({quoted(cap)}::double, 0) as cap "
        f"from {quoted(PREFIX + mart.name)} order by rid"
    ).fetchnumpy()
    value, limit = np.asarray(found["held"], dtype=float), np.asarray(found["cap"], dtype=float)
    own = np.logical_or.reduce([counts[source] for source in derived.sources])
    stays = ~own
    part = own[child]
    whole, inside = parent[part], child[part]
    for row in np.unique(whole):
        hidden = inside[whole == row]
        # Where the cap is hidden too, nothing is said about what the sum tells.
        if not counts[count][hidden].all() or not capped_sum_tells_nothing(
            value[hidden], limit[hidden], count_max
        ):
            stays[row] = False
    return stays


def _copy(connection: duckdb.DuckDBPyConnection, table: ReleasedTable, schema: str, target: str) -> None:
    columns = ", ".join(quoted(column.name) for column in table.columns)
    connection.execute(
        f"create table {target}.{quoted(table.name)} as "
        f"select {columns} from {schema}.{quoted(table.name)} where {table.shareable_condition}"
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    mart: MartPolicy,
    table: ReleasedTable,
    masks: Mapping[str, Flags],
    target: str,
) -> None:
    names = [column.name for column in table.columns]
    struck = [name for name in names if name in masks]
    if not struck:
        plain = ", ".join(quoted(name) for name in names)
        connection.execute(
            f"create table {target}.{quoted(table.name)} as select {plain} from {quoted(PREFIX + table.name)}"
        )
        return
    any_hidden = np.logical_or.reduce([masks[name] for name in struck])
    rows = np.flatnonzero(any_hidden)
    # Many columns are withheld in the same rows: one flag serves them all.
    flags: dict[bytes, str] = {}
    columns: dict[str, np.ndarray] = {}
    hides = {}
    for name in struck:
        mask = masks[name][rows]
        flag = flags.setdefault(mask.tobytes(), f"hide_{len(flags)}")
        columns[flag] = mask
        hides[name] = f"coalesce(withheld.{flag}, false)"
    # And few combinations of flags stand for all rows.
    packed = np.packbits(np.stack(list(columns.values()), axis=1), axis=1)
    _, first, combination = np.unique(
        packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    _register(connection, "withheld", {"rid": rows, "combination": combination})
    _register(
        connection,
        "combinations",
        {"combination": np.arange(len(first)), **{flag: mask[first] for flag, mask in columns.items()}},
    )
    # Lists of names, one for each combination of flags, looked up instead of put together row by row.
    names_of = ", ".join(f"case when {hides[name]} then '{name}' end" for name in struck)
    headline = " or ".join(hides[name] for name in mart.headline if name in hides) or "false"
    has_reasons = "null_reason" in names
    values = {
        "suppressed_columns": "array_to_string(withheld.names, ';')",
        "is_suppressed": "withheld.rid is not null",
        "reliability": f"case when {headline} then 'suppressed' else held.reliability end",
        "null_reason": "case when withheld.rid is null then held.null_reason else reasons.null_reason end",
        **{name: f"case when not {hides[name]} then held.{quoted(name)} end" for name in struck},
    }
    selected = ", ".join(f"{values.get(name, f'held.{quoted(name)}')} as {quoted(name)}" for name in names)
    connection.execute(
        f"""
        create or replace temp table withheld_names as
        with named as (
            select *, list_filter([{names_of}], lambda name: name is not null) as names
            from combinations as withheld
        )
        select * from withheld inner join named using (combination)
        """
    )
    if has_reasons:
        _find_reasons(connection, table)
    connection.execute(
        f"create table {target}.{quoted(table.name)} as select {selected} "
        f"from {quoted(PREFIX + table.name)} as held "
        "left join withheld_names as withheld on held.rid = withheld.rid "
        + ("left join reasons on held.rid = reasons.rid " if has_reasons else "")
    )


def _find_reasons(connection: duckdb.DuckDBPyConnection, table: ReleasedTable) -> None:
    """The reasons of each row with a withheld column: those of other columns, then `column:suppressed`."""
    connection.execute(
        f"""
        create or replace temp table reasons as
        with withheld as (
            select
                withheld_names.rid,
                withheld_names.combination,
                withheld_names.names,
                held.null_reason
            from withheld_names
            inner join {quoted(PREFIX + table.name)} as held
                on withheld_names.rid = held.rid
        ),
        -- Few combinations stand for all rows: lists are put together once for each.
        given as (
            select
                combination,
                any_value(names) as names,
                null_reason,
                coalesce(string_split(null_reason, ';'), []) as entries
            from withheld
            group by combination, null_reason
        ),
        stated as (
            select
                combination,
                null_reason,
                array_to_string(
                    list_concat(
                        list_filter(
                            entries, lambda entry: not list_contains(names, split_part(entry, ':', 1))
                        ),
                        list_transform(names, lambda name: name || ':suppressed')
                    ),
                    ';'
                ) as reasons
            from given
        )
        select
            withheld.rid,
            stated.reasons as null_reason
        from withheld
        inner join stated
            on
                withheld.combination = stated.combination
                and withheld.null_reason is not distinct from stated.null_reason
        """
    )


def _register(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, np.ndarray]) -> None:
    """Make arrays readable as the relation `name`, in place of what had that name."""
    connection.register(name, dict(columns))


def _outcome(mart: MartPolicy, figures: Figures, plan: Plan, masks: Mapping[str, Flags]) -> MartOutcome:
    rows = figures.rows[mart.name]
    any_hidden = np.zeros(rows, dtype=bool)
    for mask in masks.values():
        any_hidden |= mask
    cells = [figures.cell_of[mart.name, name] for name in mart.count_names]
    there = sum(int((column >= 0).sum()) for column in cells)
    hidden = sum(int(plan.hidden[column[column >= 0]].sum()) for column in cells)
    sensitive = sum(int(plan.sensitive[column[column >= 0]].sum()) for column in cells)
    return MartOutcome(
        mart=mart.name,
        rows=rows,
        rows_suppressed=int(any_hidden.sum()),
        counts=there,
        counts_suppressed=hidden,
        counts_sensitive=sensitive,
    )
