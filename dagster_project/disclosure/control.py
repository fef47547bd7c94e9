"""The step as a run calls it: plan, publish, audit, and hide more where the audit got through.

Belongs here: the order of things, the guard against the last release, and the checks the gate plans. Does
not: any choice of cells. The trap: the plan follows from the inputs alone, so that two runs agree; the last
release enters only where its tables and this one's together give a cell away, which takes a revision of a
closed quarter.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np

from dagster_project.disclosure.audit import PERIOD, AuditResult, Onlooker, was_over
from dagster_project.disclosure.figures import PREFIX, Figures, read_figures
from dagster_project.disclosure.policy import Policy, require_cover
from dagster_project.disclosure.publishing import PUBLISHED, MartOutcome, Published, publish
from dagster_project.disclosure.recovery import CannotSolve
from dagster_project.disclosure.suppression import Flags, Limits, Plan, protect
from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.release.exports import literal, quoted
from dagster_project.release.tables import ReleasedTable
from dagster_project.warehouse.policies import policy_numbers
from dagster_project.warehouse.threads import stop

_Made = TypeVar("_Made")

OWNER = "Performance Analysis"
MARTS, SEEDS = "warehouse.marts", "warehouse.seeds"
_LAST = "last_release"
# Raise it when the same policy withholds more: what was made before is then looked at before it is compared.
METHOD = 2
_THRESHOLDS = ("suppress_count_max", "suppress_secondary_width_min", "uniform_group_below")
_WEAKER = "the last release withheld less than is asked for today: what it shows can't be taken back"
_NONE_BEFORE = "there is no release before this one"
# Each round hides more; what so many rounds don't settle is for a person to look at.
_ROUNDS_MAX = 8

_IDENTITIES = "disclosure:figures_add_up"
_RANGES = "disclosure:small_cells_keep_their_range"
_WIDTHS = "disclosure:covering_cells_keep_a_width"
_BESIDE = "disclosure:nothing_is_shown_beside_what_it_is_made_of"
_LAST_RELEASE = "disclosure:the_last_release_gives_nothing_away"


@dataclass(frozen=True)
class DisclosureResult:
    """What was published, and what the audit found. `checks` are completed.

    `thresholds` and `policy_sha256` are those of today; `note` says what a person should know of the last
    release.
    """

    outcomes: tuple[MartOutcome, ...]
    checks: tuple[Check, ...]
    rounds: int
    thresholds: Mapping[str, float]
    policy_sha256: str
    note: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Counts shown and withheld, over all marts."""
        return {
            "counts": sum(outcome.counts for outcome in self.outcomes),
            "counts_withheld": sum(outcome.counts_suppressed for outcome in self.outcomes),
            "rows": sum(outcome.rows for outcome in self.outcomes),
            "rows_with_withheld_cells": sum(outcome.rows_suppressed for outcome in self.outcomes),
        }

    def sentence(self) -> str:
        """One line for a person."""
        counts = self.counts
        share = counts["counts_withheld"] / counts["counts"] if counts["counts"] else 0.0
        not_passed = sum(check.verdict != "passed" for check in self.checks)
        return (
            f"{counts['counts_withheld']:,} of {counts['counts']:,} counts withheld ({share:.0%}), "
            f"{len(self.checks)} checks of the audit, {not_passed} not passed"
        )


def disclosure_checks() -> list[Check]:
    """The checks this step plans."""
    return [
        _check(
            _IDENTITIES,
            Severity.WARN,
            "Figures add up as the disclosure policy says: where they don't, the audit leaves the rule out.",
        ),
        _check(_RANGES, Severity.ERROR, "Nobody can work a small count out from the published tables."),
        _check(_WIDTHS, Severity.WARN, "Cells that cover small counts leave a range open themselves."),
        _check(_BESIDE, Severity.ERROR, "A rate beside one of its counts would give the other away."),
        _check(
            _LAST_RELEASE,
            Severity.ERROR,
            "The last release and this one together give no small count away.",
            is_waivable=True,
        ),
    ]


class Control:
    """Disclosure control of a candidate that was begun: one thread plans, another reads the last release."""

    def __init__(
        self,
        connections: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
        policy: Policy,
        tables: Sequence[ReleasedTable],
        last_release: Path | None,
    ) -> None:
        self._connections = connections
        self._policy = policy
        self._tables = tables
        self._threads = ThreadPoolExecutor(max_workers=2)
        # One at a time, in order.
        self._looking = ThreadPoolExecutor(max_workers=1)
        self._asked: list[Future[Any]] = []
        self._planned = self._ask(self._threads, _plan, connections[0], policy, tables)
        shared = [table for table in tables if table.is_shareable]
        self._opening = self._ask(self._threads, _open_last, connections[1], policy, shared, last_release)

    def finish(self, on_written: Callable[[str], None] = lambda name: None) -> DisclosureResult:
        """Publish, audit, and hide more where the audit got through. Call it once.

        on_written  called with the name of each table as often as it is written

        Raises DisclosureError when the policy does not fit the marts.
        """
        connection, _, own = self._connections
        policy, tables = self._policy, self._tables
        planned = self._planned.result()
        figures, plan, limits = planned.figures, planned.plan, planned.limits
        onlooker = Onlooker(own, policy, tables, limits, PUBLISHED, MARTS)
        published: Published | None = None
        is_bound = False
        extra: Flags | None = None
        looks: list[Future[None]] = []

        def look_soon(name: str) -> None:
            """A table is read by one core while another one writes the next."""
            looks.append(self._ask(self._looking, onlooker.look_at, name))
            on_written(name)

        rounds = 0
        while True:
            rounds += 1
            published = publish(
                connection, policy, tables, figures, plan, limits, MARTS, PUBLISHED, published, look_soon
            )
            while looks:
                looks.pop().result()
            onlooker.put_together()
            last = self._opening.result()
            against = (
                self._ask(self._threads, _against_last, onlooker, last.onlooker, published.rewritten)
                if last.onlooker is not None
                else None
            )
            checks, weak, is_played_off = _audited(onlooker, figures, against, last.why_not_compared)
            binds = is_played_off and not is_bound
            if rounds == _ROUNDS_MAX or not (binds or weak.any()):
                break
            if binds:
                figures, is_bound = _with_last(connection, policy, tables, figures), True
                plan = protect(figures.cells, limits, extra)
            else:
                # What was withheld stays so: each round then covers further than the one before.
                figures = replace(figures, cells=replace(figures.cells, also_hidden=plan.hidden))
                extra = weak
                plan = protect(figures.cells, limits, extra, plan)
        return DisclosureResult(
            tuple(published.outcomes.values()),
            tuple(checks),
            rounds,
            planned.thresholds,
            policy.sha256,
            f"Not compared: {_WEAKER}." if last.why_not_compared == _WEAKER else "",
        )

    def stop(self) -> None:
        """Leave off, whatever is being done."""
        stop((self._threads, self._looking), self._asked, self._connections)
        self._connections[1].execute(f"detach database if exists {_LAST}")

    def _ask(self, threads: Executor, work: Callable[..., _Made], *arguments: Any) -> "Future[_Made]":
        asked = threads.submit(work, *arguments)
        self._asked.append(asked)
        return asked


@contextmanager
def begin_control(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    tables: Sequence[ReleasedTable],
    last_release: Path | None = None,
) -> Iterator[Control]:
    """Begin disclosure control of the warehouse that `connection` has attached, to read, as `warehouse`.

    last_release   the folder of the release before this one, which readers have too

    What may be published comes to stand in `PUBLISHED`, in the connection's own database.
    """
    with connection.cursor() as one, connection.cursor() as another, connection.cursor() as third:
        control = Control((one, another, third), policy, tables, last_release)
        try:
            yield control
        finally:
            control.stop()


@dataclass(frozen=True)
class _Planned:
    """What is withheld of which figures, and by what limits."""

    figures: Figures
    plan: Plan
    limits: Limits
    thresholds: Mapping[str, float]


def _plan(connection: duckdb.DuckDBPyConnection, policy: Policy, tables: Sequence[ReleasedTable]) -> _Planned:
    require_cover(policy, tables)
    thresholds = policy_numbers(connection, _THRESHOLDS, SEEDS)
    count_max, width_min, uniform_below = thresholds.values()
    limits = Limits(count_max, width_min)
    figures = read_figures(connection, policy, tables, MARTS, uniform_below)
    return _Planned(figures, protect(figures.cells, limits), limits, thresholds)


def _audited(
    onlooker: Onlooker,
    figures: Figures,
    against: Future[tuple[AuditResult, AuditResult]] | None,
    why_not_compared: str,
) -> tuple[list[Check], Flags, bool]:
    """The completed checks, the cells to cover better, and whether the last release gives one away."""
    by_id = {check.id: check for check in disclosure_checks()}
    checks = []
    weak_cells = np.zeros(figures.cells.size, dtype=bool)
    if figures.untrue:
        found = [f"{name} ({rows} rows)" for name, rows in sorted(figures.untrue.items())]
        checks.append(
            by_id[_IDENTITIES].failed(f"not so: {'; '.join(found[:5])}", sum(figures.untrue.values()))
        )
    else:
        checks.append(by_id[_IDENTITIES].passed())
    try:
        result = onlooker.audit()
    except CannotSolve as error:
        return (
            [
                *checks,
                *(by_id[name].crashed(str(error)) for name in (_RANGES, _WIDTHS, _BESIDE, _LAST_RELEASE)),
            ],
            weak_cells,
            False,
        )
    weak_cells |= _cells_of(figures, result)
    checks.append(_verdict(by_id[_RANGES], result))
    checks.append(
        by_id[_WIDTHS].failed(f"{result.narrow} covering counts can be narrowed down", result.narrow)
        if result.narrow
        else by_id[_WIDTHS].passed()
    )
    if result.beside:
        names = ", ".join(f"{name} ({rows} rows)" for name, rows in result.beside.items())
        checks.append(
            by_id[_BESIDE].failed(f"shown beside a withheld count: {names}", sum(result.beside.values()))
        )
    else:
        checks.append(by_id[_BESIDE].passed())
    if against is None:
        checks.append(by_id[_LAST_RELEASE].passed(why_not_compared))
        return checks, weak_cells, False
    try:
        forward, backward = against.result()
    except CannotSolve as error:
        checks.append(by_id[_LAST_RELEASE].crashed(str(error)))
        return checks, weak_cells, False
    is_played_off = bool(forward.weak or backward.weak)
    # What the last release gives away of this one's cells is covered in the next round, as all else is.
    weak_cells |= _cells_of(figures, forward)
    both = replace(forward, weak=(*forward.weak, *backward.weak))
    checks.append(_verdict(by_id[_LAST_RELEASE], both))
    return checks, weak_cells, is_played_off


def _against_last(
    onlooker: Onlooker, last: Onlooker, rewritten: Collection[str]
) -> tuple[AuditResult, AuditResult]:
    """What the last release gives away of this one's cells, and this one of the last one's."""
    forward = onlooker.audit(also_seen=f"{_LAST}.published")
    last.forget_elsewhere(rewritten)
    return forward, last.audit(also_seen=PUBLISHED)


def _verdict(check: Check, result: AuditResult) -> Check:
    if not result.weak:
        return check.passed(f"{result.small:,} small counts among {result.hidden:,} withheld ones")
    return check.failed(
        f"{len(result.weak)} withheld counts can be worked out or narrowed down",
        len(result.weak),
        [
            {
                "mart": weakness.mart,
                "column": weakness.column,
                **weakness.row,
                "between": f"{weakness.least:g} and {weakness.largest:g}",
            }
            for weakness in result.weak
        ],
    )


def _cells_of(figures: Figures, result: AuditResult) -> Flags:
    found = np.zeros(figures.cells.size, dtype=bool)
    for (mart, column), rows in result.weak_cells.items():
        named = figures.cell_of[mart, column][rows]
        found[named[named >= 0]] = True
    return found


@dataclass(frozen=True)
class _Last:
    """Somebody with the release before this one, or why there is nobody to compare with."""

    onlooker: Onlooker | None
    why_not_compared: str = ""


def _open_last(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    tables: Sequence[ReleasedTable],
    folder: Path | None,
) -> _Last:
    """Read the last release: its tables become last_release.published, unsuppressed those of .marts.

    Both are views of its files. Name the tables that are shared, never the facts, which grow with the
    answers. What withheld less than is asked for today, or gives something away to somebody who knows today's
    policy, is not compared.
    """
    if folder is None:
        return _Last(None, _NONE_BEFORE)
    parquet, restricted = folder / "parquet", folder / "restricted" / "parquet"
    if not (parquet.is_dir() and restricted.is_dir()):
        return _Last(None, _NONE_BEFORE)
    thresholds = policy_numbers(connection, _THRESHOLDS, SEEDS)
    made_by = _made_by(folder)
    if made_by is not None and any(
        made_by.thresholds.get(name, 0) < least for name, least in thresholds.items()
    ):
        return _Last(None, _WEAKER)
    connection.execute(f"attach ':memory:' as {_LAST}")
    connection.execute(f"create schema {_LAST}.published")
    connection.execute(f"create schema {_LAST}.marts")
    for table in tables:
        for schema, source in (("published", parquet), ("marts", restricted)):
            file = source / f"{table.name}.parquet"
            if file.exists():
                connection.execute(
                    f"create view {_LAST}.{schema}.{quoted(table.name)} as "
                    f"select * from read_parquet({literal(file)}, file_row_number = true)"
                )
    held = _tables_of_last(connection, tables)
    limits = Limits(thresholds["suppress_count_max"], thresholds["suppress_secondary_width_min"])
    onlooker = Onlooker(
        connection, policy, held, limits, f"{_LAST}.published", f"{_LAST}.marts", place="file_row_number"
    )
    onlooker.look()
    # By the policy and the method of then it was found to be safe then.
    is_like_today = made_by is None or (made_by.policy_sha256, made_by.method) == (policy.sha256, METHOD)
    if not is_like_today and not _is_safe(onlooker):
        return _Last(None, _WEAKER)
    return _Last(onlooker)


@dataclass(frozen=True)
class _Making:
    """What a release's manifest says of disclosure control; without any there are no thresholds."""

    thresholds: Mapping[str, float]
    policy_sha256: str | None
    method: int | None


def _made_by(release: Path) -> _Making | None:
    """None where the release can't speak for itself: it is taken for a protected one."""
    try:
        facts = json.loads((release / "manifest.json").read_text(encoding="utf-8")).get("disclosure")
    except (OSError, ValueError, AttributeError):
        return None
    then = facts.get("thresholds") if isinstance(facts, dict) else None
    if not isinstance(then, dict):
        return _Making({}, None, None)
    return _Making(then, facts.get("policy_sha256"), facts.get("method"))


def _is_safe(onlooker: Onlooker) -> bool:
    try:
        return not onlooker.audit().weak
    except CannotSolve:
        return False


def _tables_of_last(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable]
) -> list[ReleasedTable]:
    """The tables that the last release holds with the columns of today."""
    rows = connection.execute(
        "select table_name, list(column_name) from duckdb_columns() "
        f"where database_name = '{_LAST}' and schema_name = 'published' group by table_name"
    ).fetchall()
    held: Mapping[str, set[str]] = {name: set(columns) for name, columns in rows}
    return [
        table for table in tables if {column.name for column in table.columns} <= held.get(table.name, set())
    ]


def _with_last(
    connection: duckdb.DuckDBPyConnection, policy: Policy, tables: Sequence[ReleasedTable], figures: Figures
) -> Figures:
    """The same figures, bound by the last release: hidden stays hidden, and what it shows covers nothing.

    That goes for periods that were over then; the others have grown since.
    """
    also_hidden = figures.cells.flags(figures.cells.also_hidden).copy()
    fixed = figures.cells.flags(figures.cells.fixed).copy()
    for table in _tables_of_last(connection, tables):
        mart = policy.marts.get(table.name)
        if mart is None or not table.is_shareable or not mart.counts:
            continue
        keys = [column for column in table.grain if column not in mart.count_names]
        on = " and ".join(f"now.{quoted(key)} is not distinct from last.{quoted(key)}" for key in keys)
        if set(PERIOD) <= {column.name for column in table.columns}:
            on += f" and {was_over('now', 'last')}"
        columns = ", ".join(
            f"any_value(last.{quoted(name)}::double) as {quoted(name)}, "
            f"bool_or(list_contains(string_split(last.suppressed_columns, ';'), '{name}')) "
            f"as {quoted('h_' + name)}"
            for name in mart.count_names
        )
        found = connection.execute(
            f"select now.rid, {columns} from {quoted(PREFIX + mart.name)} as now "
            f"inner join {_LAST}.published.{quoted(mart.name)} as last on {on} group by now.rid"
        ).fetchnumpy()
        rows = found["rid"].astype(np.int64)
        for name in mart.count_names:
            cells = figures.cell_of[mart.name, name][rows]
            there = cells >= 0
            hidden = np.asarray(np.ma.filled(found["h_" + name], False), dtype=bool)
            value = np.ma.filled(np.ma.asarray(found[name], dtype=np.float64), np.nan)
            also_hidden[cells[there & hidden]] = True
            same = there & ~np.isnan(value)
            same[same] = np.abs(value[same] - figures.cells.values[cells[same]]) < 1e-6
            fixed[cells[same]] = True
    return replace(figures, cells=replace(figures.cells, also_hidden=also_hidden, fixed=fixed))


def _check(name: str, severity: Severity, reason: str, *, is_waivable: bool = False) -> Check:
    """A check. What this release alone gives away nobody can wave through.

    What an earlier one has shown can't be taken back: a correction of a closed quarter may leave no cover
    that would help, and then a person decides.
    """
    return Check(
        id=name,
        kind=Kind.DISCLOSURE,
        subject="published",
        severity=severity,
        owner=OWNER,
        reason=reason,
        is_waivable=is_waivable,
    )
