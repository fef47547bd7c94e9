"""The rows behind one figure, and the figure added up again from them.

Belongs here: running the row queries of a lineage file and comparing the outcome with the mart. Does not:
which rows count (the queries and the int_ models they read say so) or how it is printed. The one trap: an
empty figure agrees with nothing; its reason is given and its rows are shown all the same.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import IqaError
from dagster_project.explain.holder import Held
from dagster_project.explain.lineage import (
    Amount,
    ColumnRule,
    Elsewhere,
    Lineage,
    lineage_of,
    shared_views,
)
from dagster_project.explain.question import Figure
from dagster_project.settings import DBT_DIR
from dagster_project.yaml_files import read_yaml

_SOURCE_COLUMNS = ("dataset", "record", "source_file", "source_sheet", "source_row", "is_in", "rule")
# Doubles are added in another order here than in dbt.
_TOLERANCE = 1e-9
_SHARED_NAME = re.compile(r"\bexplain_(\w+)")

AGREES, DIFFERS, WITHHELD, FOLLOWS, DESCRIBES = "agrees", "differs", "withheld", "follows", "describes"


@dataclass(frozen=True)
class Row:
    """One row behind a figure: where it stands, what it counts for and the rule that says so."""

    unit: str
    part: str
    rule: str
    dataset: str | None
    record: str | None
    source_file: str | None
    source_sheet: str | None
    source_row: int | None
    other_sources: str | None
    details: dict[str, Any]


@dataclass(frozen=True)
class RuleCount:
    """How many rows a rule put where."""

    unit: str
    part: str
    rule: str
    rows: int


@dataclass(frozen=True)
class Check:
    """A count added up from the rows, beside the mart's own where the mart has that column."""

    name: str
    recomputed: Any
    published: Any = None
    is_published: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the two are the same; a count that the mart does not give cannot disagree."""
        return not self.is_published or same(self.recomputed, self.published)


@dataclass(frozen=True)
class Explanation:
    """All there is to say about one figure. `verdict` is agrees, differs, withheld, follows or describes."""

    figure: Figure
    verdict: str
    value: Any
    recomputed: Any
    sentence: str
    how: str | None = None
    reason: str | None = None
    checks: tuple[Check, ...] = ()
    counts: tuple[RuleCount, ...] = ()
    rows: tuple[Row, ...] = ()
    total_rows: int = 0
    see: str | None = None
    held: Held | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the rows add up to what the mart says."""
        return self.verdict != DIFFERS and all(check.agrees for check in self.checks)


@dataclass
class Explainer:
    """Explains figures from one open warehouse; the queries of a row are run once for all its columns."""

    connection: duckdb.DuckDBPyConnection
    held: Held | None = None
    limit: int | None = None
    _figure: tuple[Any, ...] | None = None
    _made: set[str] = field(default_factory=set)
    _found_elsewhere: dict[str, Explanation] = field(default_factory=dict)

    def explain(self, figure: Figure) -> Explanation:
        """The explanation of one figure."""
        lineage = lineage_of(figure.mart)
        rule = lineage.columns.get(figure.column)
        if rule is None or rule.describes is not None:
            return _described(figure, rule, self.held)
        self._prepare(figure, lineage)
        explanation = self._figure_of(figure, lineage, rule)
        return replace(explanation, held=self.held, notes=(*explanation.notes, *self._notes(figure)))

    # One kind of column each --------------------------------------------------------------------

    def _figure_of(self, figure: Figure, lineage: Lineage, rule: ColumnRule) -> Explanation:
        if rule.elsewhere:
            return self._elsewhere(figure, lineage, rule)
        if rule.follows:
            return self._following(figure, lineage, rule)
        names = (*rule.of, *rule.extra)
        amounts = self._amounts(lineage, names)
        recomputed = self._evaluate(rule.formula or "", {name: amounts[name] for name in rule.of})
        roles = [
            *zip(rule.of, rule.roles, strict=True),
            *((name, f"beside: {name}") for name in rule.extra),
        ]
        counts, rows, total = self._rows(lineage, roles)
        checks = tuple(self._checked(figure, name, amounts[name], lineage) for name in dict.fromkeys(names))
        verdict, reason = _judge(figure, recomputed)
        return Explanation(
            figure,
            verdict,
            figure.value,
            recomputed,
            _sentence(figure, rule, amounts, recomputed, verdict, reason),
            reason=reason,
            checks=checks if verdict != WITHHELD else tuple(replace(c, is_published=False) for c in checks),
            counts=counts,
            rows=rows,
            total_rows=total,
        )

    def _following(self, figure: Figure, lineage: Lineage, rule: ColumnRule) -> Explanation:
        names = self._resolved(lineage, rule.follows, figure)
        amounts = self._amounts(lineage, (*names, *rule.extra))
        counts, rows, total = self._rows(lineage, [(name, name) for name in (*names, *rule.extra)])
        elsewhere = [
            self._elsewhere(replace(figure, column=name), lineage, lineage.columns[name])
            for name in rule.follows
            if name in lineage.columns and lineage.columns[name].elsewhere
        ]
        checks = [self._checked(figure, name, amounts[name], lineage) for name in names]
        for other in elsewhere:
            if other.verdict == DESCRIBES:
                continue
            checks.append(Check(other.figure.column, other.recomputed, other.value, other.value is not None))
            counts, rows, total = (*counts, *other.counts), (*rows, *other.rows), total + other.total_rows
        reason = _reason(figure)
        if figure.value is None:
            checks = [replace(check, is_published=False) for check in checks]
        sound = all(check.agrees for check in checks)
        verdict = WITHHELD if figure.value is None else (FOLLOWS if sound else DIFFERS)
        given = ", ".join(f"{check.name} = {shown(check.recomputed)}" for check in checks)
        sentence = (
            f"{figure.column} is empty: {reason or 'it does not apply to this row'}."
            if figure.value is None
            else f"{figure.column} = {shown(figure.value)} follows from {given}: {rule.how}."
        )
        return Explanation(
            figure,
            verdict,
            figure.value,
            None,
            sentence,
            how=rule.how,
            reason=reason,
            checks=tuple(checks),
            counts=counts,
            rows=rows[: self.limit],
            total_rows=total,
        )

    def _elsewhere(self, figure: Figure, lineage: Lineage, rule: ColumnRule) -> Explanation:
        # Many columns of a row can follow from one that stands elsewhere.
        if figure.column not in self._found_elsewhere:
            self._found_elsewhere[figure.column] = self._look_elsewhere(figure, lineage, rule)
        return self._found_elsewhere[figure.column]

    def _look_elsewhere(self, figure: Figure, lineage: Lineage, rule: ColumnRule) -> Explanation:
        for case in rule.elsewhere:
            if not self._evaluate_on_figure(case.when):
                continue
            if case.rule is not None:
                return self._figure_of(figure, lineage, case.rule)
            if case.mart is None or case.column is None:
                text = f"{figure.column} = {shown(figure.value)}: {case.note}."
                return Explanation(figure, DESCRIBES, figure.value, None, text, how=case.note)
            return self._delegated(figure, case)
        text = f"{figure.column} = {shown(figure.value)} is not counted for this row."
        return Explanation(figure, DESCRIBES, figure.value, None, text)

    def _delegated(self, figure: Figure, case: Elsewhere) -> Explanation:
        other = self._other_figure(case)
        if other is None:
            verdict, reason = _judge(figure, 0)
            text = (
                f"{figure.column} = {shown(figure.value)}: the mart {case.mart} has no such row, so nothing."
            )
            return Explanation(figure, verdict, figure.value, 0, text, reason=reason)
        inner = Explainer(self.connection, None, self.limit).explain(other)
        self._figure, self._made = None, set()
        self._prepare(figure, lineage_of(figure.mart))
        verdict, reason = _judge(figure, other.value)
        if verdict == AGREES and not inner.is_sound:
            verdict = DIFFERS
        return replace(
            inner,
            figure=figure,
            verdict=verdict,
            value=figure.value,
            recomputed=inner.recomputed,
            sentence=f"{figure.column} is {other.column} of {other.mart}. {inner.sentence}",
            reason=reason,
            see=other.command(self.held.release_id if self.held else None),
        )

    def _other_figure(self, case: Elsewhere) -> Figure | None:
        mart, column = str(case.mart), str(case.column)
        if case.is_column_named_in_row:
            column = str(self._evaluate_on_figure(column))
        keys = " and ".join(
            f"other.{name} is not distinct from ({expression})" for name, expression in case.key.items()
        )
        cursor = self.connection.execute(
            f"select other.* from marts.{mart} as other where exists (select 1 from figure where {keys})"
        )
        row = cursor.fetchone()
        if row is None:
            return None
        names = [described[0] for described in cursor.description]
        return Figure(mart, column, grain_of(mart), dict(zip(names, row, strict=True)))

    # The rows -----------------------------------------------------------------------------------

    def _prepare(self, figure: Figure, lineage: Lineage) -> None:
        """Put the figure's row where the queries find it."""
        key = (figure.mart, tuple(figure.key.values()))
        if self._figure == key:
            return
        if self._figure is not None:
            self._found_elsewhere.clear()
        self._figure, self._made = key, set()
        added = "".join(f", {expression} as {name}" for name, expression in lineage.figure_columns.items())
        grain = " and ".join(
            f"{name} is not distinct from ${place}" for place, name in enumerate(figure.grain, start=1)
        )
        self.connection.execute(
            f"create or replace temp table figure as select *{added} from marts.{figure.mart} where {grain}",
            list(figure.key.values()),
        )

    def _share(self, sql: str) -> None:
        """Make the shared tables that a query reads, and those that they read."""
        for name in _SHARED_NAME.findall(sql):
            if f"shared {name}" not in self._made:
                view = shared_views()[name]
                self._share(view)
                self.connection.execute(f"create or replace temp table explain_{name} as {view}")
                self._made.add(f"shared {name}")

    def _population(self, lineage: Lineage, name: str) -> str:
        table = f"rows_{name}"
        if name not in self._made:
            population = lineage.populations[name]
            amounts = "".join(
                f", coalesce(cast(case when is_in then ({amount.value}) end as double), 0) "
                f"as amount_{amount.name}"
                for amount in lineage.amounts.values()
                if amount.population == name
            )
            self._share(population.sql)
            self.connection.execute(
                f"create or replace temp table {table} as "
                f"select *{amounts} from ({population.sql}) as population"
            )
            self._made.add(name)
        return table

    def _amounts(self, lineage: Lineage, names: Iterable[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in dict.fromkeys(names):
            amount = lineage.amounts[name]
            table = self._population(lineage, amount.population)
            row = self.connection.execute(f"select {_aggregate(amount)} from {table}").fetchone()
            value = row[0] if row else None
            found[name] = int(value) if isinstance(value, float) and value.is_integer() else value
        return found

    def _rows(
        self, lineage: Lineage, roles: Sequence[tuple[str, str]]
    ) -> tuple[tuple[RuleCount, ...], tuple[Row, ...], int]:
        counts: list[RuleCount] = []
        rows: list[Row] = []
        total = 0
        by_population: dict[str, list[tuple[str, str]]] = {}
        for name, role in dict(roles).items():
            by_population.setdefault(lineage.amounts[name].population, []).append((name, role))
        for population, members in by_population.items():
            table, unit = self._population(lineage, population), lineage.populations[population].unit
            part = " || ".join(
                f"case when amount_{name} <> 0 then {_literal(role + ', ')} else '' end"
                for name, role in members
            )
            # A role of the figure comes first, what is shown beside it next, what is out last.
            labelled = f"select *, coalesce(nullif(rtrim({part}, ', '), ''), 'out') as part from {table}"
            counted = self.connection.execute(
                f"select part, rule, count(*) from ({labelled}) group by part, rule "
                "order by part = 'out', count(*) desc, part, rule"
            ).fetchall()
            counts += [RuleCount(unit, row[0], row[1], row[2]) for row in counted]
            total += sum(row[2] for row in counted)
            rows += self._fetched(labelled, unit, members)
        return tuple(counts), tuple(rows), total

    def _fetched(self, labelled: str, unit: str, members: Sequence[tuple[str, str]]) -> list[Row]:
        if self.limit == 0:
            return []
        weight = " + ".join(f"cast(amount_{name} <> 0 as integer)" for name, _ in members)
        limit = "" if self.limit is None else f" limit {self.limit}"
        cursor = self.connection.execute(
            f"select * from ({labelled}) order by part = 'out', {weight} desc, part, "
            f"record, source_file, source_row{limit}"
        )
        names = [column[0] for column in cursor.description]
        fetched = []
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            details = {
                name: value
                for name, value in row.items()
                if value is not None
                and name not in (*_SOURCE_COLUMNS, "part", "other_sources")
                and not name.startswith("amount_")
            }
            fetched.append(
                Row(
                    unit,
                    row["part"],
                    row["rule"] or "",
                    row["dataset"],
                    row["record"],
                    row["source_file"],
                    row["source_sheet"],
                    row["source_row"],
                    row.get("other_sources"),
                    details,
                )
            )
        return fetched

    # Figures from counts ------------------------------------------------------------------------

    def _evaluate(self, formula: str, amounts: dict[str, Any]) -> Any:
        given = ", ".join(f"${place} as {name}" for place, name in enumerate(amounts, start=1))
        row = self.connection.execute(
            f"select {formula} from (select {given})", [*amounts.values()]
        ).fetchone()
        return row[0] if row else None

    def _evaluate_on_figure(self, expression: str) -> Any:
        row = self.connection.execute(f"select {expression} from figure").fetchone()
        return row[0] if row else None

    def _resolved(self, lineage: Lineage, names: Iterable[str], figure: Figure) -> list[str]:
        """Amounts that a figure follows from, through other columns where need be."""
        found: list[str] = []
        for name in names:
            rule = lineage.columns.get(name)
            if name in lineage.amounts:
                found.append(name)
            elif rule is not None and rule.elsewhere:
                continue
            elif rule is not None:
                found += rule.of or self._resolved(lineage, rule.follows, figure)
        return list(dict.fromkeys(found))

    def _checked(self, figure: Figure, name: str, value: Any, lineage: Lineage) -> Check:
        column = next(
            (
                column
                for column, rule in lineage.columns.items()
                if rule.formula == name and rule.of == (name,) and column in figure.row
            ),
            None,
        )
        if column is None or figure.row[column] is None:
            return Check(name, value)
        return Check(name, value, figure.row[column], True)

    def _notes(self, figure: Figure) -> tuple[str, ...]:
        """What a reader of the release must know about the figure beside its rows."""
        if self.held is None or self.held.release is None:
            return ()
        notes = []
        unsuppressed = _published(self.connection, self.held.release / "restricted" / "parquet", figure)
        if unsuppressed is not _ABSENT and not same(unsuppressed, figure.value):
            notes.append(
                f"Release {self.held.release_id} says {shown(unsuppressed)}: the warehouse was built again "
                "with other code or policies. Check out the code version of its manifest and run `iqa check`."
            )
        shareable = _published(self.connection, self.held.release / "parquet", figure, "suppressed_columns")
        if isinstance(shareable, str) and figure.column in shareable.split(";"):
            notes.append("The figure is suppressed in the shareable files: do not pass it on.")
        return tuple(notes)


_ABSENT = object()


def _published(
    connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, column: str | None = None
) -> Any:
    path = folder / f"{figure.mart}.parquet"
    if not path.is_file():
        return _ABSENT
    grain = " and ".join(
        f"{name} is not distinct from ${place}" for place, name in enumerate(figure.grain, start=1)
    )
    try:
        row = connection.execute(
            f"select {column or figure.column} from read_parquet({_literal(str(path))}) where {grain}",
            list(figure.key.values()),
        ).fetchone()
    except duckdb.Error:
        return _ABSENT
    return row[0] if row else _ABSENT


@cache
def grain_of(mart: str) -> tuple[str, ...]:
    """The full key of a mart, as its model declares it."""
    for path in sorted((DBT_DIR / "models" / "marts").glob("_*.yml")):
        for model in read_yaml(path).get("models") or []:
            if model["name"] == mart:
                return tuple(model["config"]["meta"]["grain"])
    raise IqaError(
        f"No model declares the grain of {mart}.",
        where=str(DBT_DIR / "models" / "marts"),
        expected="config.meta.grain of the model",
        next_step="Declare it in the mart's yml.",
    )


def same(left: Any, right: Any) -> bool:
    """Whether two figures are the same, for doubles to nine decimals."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(left) == bool(right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(left == right)


def shown(value: Any) -> str:
    """A figure as a person reads it: six decimals at most, and thousands apart."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return str(value)


def _aggregate(amount: Amount) -> str:
    return amount.aggregate or f"coalesce(sum(amount_{amount.name} order by record, source_row), 0)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reason(figure: Figure) -> str | None:
    """The reason that the mart gives for an empty figure."""
    for pair in str(figure.row.get("null_reason") or "").split(";"):
        name, _, reason = pair.partition(":")
        if name == figure.column:
            return reason
    return None


def _judge(figure: Figure, recomputed: Any) -> tuple[str, str | None]:
    if figure.value is None:
        return (AGREES if recomputed is None else WITHHELD), _reason(figure)
    return (AGREES if same(figure.value, recomputed) else DIFFERS), None


def _sentence(
    figure: Figure,
    rule: ColumnRule,
    amounts: dict[str, Any],
    recomputed: Any,
    verdict: str,
    reason: str | None,
) -> str:
    made = shown(recomputed)
    if rule.roles == ("numerator", "denominator"):
        made = f"{shown(amounts[rule.of[0]])} / {shown(amounts[rule.of[1]])} = {made}"
    if verdict == WITHHELD:
        return (
            f"{figure.column} is empty: {reason or 'it does not apply to this row'}. "
            f"The rows would give {made}."
        )
    if figure.value is None:
        return f"{figure.column} is empty: {reason or 'nothing to count'} ({made})."
    if verdict == AGREES:
        return f"{figure.column} = {shown(figure.value)}. The rows give {made}: the same."
    return f"{figure.column} = {shown(figure.value)}, but the rows give {made}. THEY DO NOT AGREE."


def _described(figure: Figure, rule: ColumnRule | None, held: Held | None) -> Explanation:
    from dagster_project.explain.question import describe

    text = describe(figure.mart, figure.column) or "a column without lineage"
    return Explanation(
        figure,
        DESCRIBES,
        figure.value,
        None,
        f"{figure.column} = {shown(figure.value)}: a description, not a figure. It says {text}.",
        how=rule.describes if rule else None,
        held=held,
    )
