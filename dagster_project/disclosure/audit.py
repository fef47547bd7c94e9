"""The audit: an onlooker with every published table tries to work the hidden cells out.

Belongs here: from published tables to equations, and from ranges to a verdict. It reads what is published,
and the policy for what adds up to what; never the suppressor's plan. The figures behind the hidden cells are
looked up last, to tell which of them are small. The trap: an identity that the audit does not know can't be
attacked; what adds up must be in `expectations/disclosure.yml`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

import duckdb
import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from dagster_project.disclosure.numbered import NumberedMarts
from dagster_project.disclosure.policy import DISTINCT, EXACT, LOOSELY, NEVER, MartPolicy, Policy
from dagster_project.disclosure.publishing import PUBLISHED
from dagster_project.disclosure.recovery import Flags, Indices, Known, Numbers, in_groups_of, recover
from dagster_project.disclosure.suppression import Limits
from dagster_project.release.exports import quoted
from dagster_project.release.tables import ReleasedTable

PREFIX, HIDDEN = "seen_", "hidden_"
PERIOD = ("period_end", "as_of")
_NONE = -1
# The reasons that a row states, a third of all its bytes, are in no identity.
_NOT_LOOKED_AT = frozenset({"null_reason"})


@dataclass(frozen=True)
class Weakness:
    """A hidden small cell that can be narrowed down: where it stands and what is left open."""

    mart: str
    column: str
    row: Mapping[str, object]
    least: float
    largest: float


@dataclass(frozen=True)
class AuditResult:
    """What the audit found.

    `hidden` counts the unknowns, `small` those that must keep their range. `weak` are small ones that don't,
    `narrow` counts covering cells with less width than asked for, `beside` names columns that are shown
    although a count they are worked out from is hidden, `weak_cells` holds (mart, column) -> rows.
    """

    hidden: int
    small: int
    weak: tuple[Weakness, ...]
    narrow: int
    beside: Mapping[str, int]
    weak_cells: Mapping[tuple[str, str], Indices] = field(default_factory=dict)


@dataclass(frozen=True)
class _SeenMart:
    """One published table: by count, each row's number (NaN where there is none to see) and if it is hidden.

    `actual` holds the figures of rows with a hidden cell, NaN elsewhere.
    """

    numbers: Mapping[str, Numbers]
    hidden: Mapping[str, Flags]
    actual: Mapping[str, Numbers]
    beside: Mapping[str, int]


@dataclass(frozen=True)
class _Seen:
    """The published tables as an onlooker sees them, place by place."""

    place: Mapping[tuple[str, str], Indices]
    value: Numbers  # per place, NaN where hidden
    actual: Numbers  # per place, NaN where nothing is hidden in the row


@dataclass(frozen=True)
class _System:
    """What the published tables say of the hidden numbers.

    `unknown_of` holds the unknown at each place, -1 where there is none, and `value` what is known there.
    `is_sum` are unknowns that are sums over time of others, `is_whole` those that are such sums or totals of
    the two types, hidden because a part is and not to cover others.
    """

    unknown_of: Indices
    value: Numbers
    known: Known
    is_sum: Flags
    is_whole: Flags

    @property
    def count(self) -> int:
        """How many unknowns there are, with those that were told since."""
        return len(self.is_sum)

    def knowing(self, told: Flags, numbers: Numbers) -> "tuple[_System, Flags]":
        """The same for somebody who is told the numbers at some places, and the unknowns this speaks of."""
        told = told & (self.unknown_of >= 0)
        is_told = _any_of(self.unknown_of, told, self.count)
        number = np.zeros(self.count)
        number[self.unknown_of[told]] = numbers[told]
        is_touched = np.zeros(self.count, dtype=bool)

        def put_in(matrix: csr_array, right: Numbers) -> tuple[csr_array, Numbers]:
            entries = matrix.tocoo()
            hit = np.zeros(matrix.shape[0], dtype=bool)
            hit[entries.row[is_told[entries.col]]] = True
            is_touched[entries.col[hit[entries.row]]] = True
            left = matrix.copy()
            left.data[is_told[left.indices]] = 0.0
            return _speaking(left, right - matrix @ number)

        known = self.known
        equal, equal_to = put_in(known.equal, known.equal_to)
        at_most, at_most_of = put_in(known.at_most, known.at_most_of)
        stands = np.zeros(len(self.unknown_of), dtype=bool)
        there = self.unknown_of >= 0
        stands[there] = is_told[self.unknown_of[there]]
        value = self.value.copy()
        value[stands] = number[self.unknown_of[stands]]
        told_since = replace(
            self,
            unknown_of=np.where(stands, _NONE, self.unknown_of),
            value=value,
            known=Known(equal, equal_to, at_most, at_most_of, known.upper),
        )
        return told_since, is_touched & ~is_told

    def solvable(self) -> tuple[Known, Flags]:
        """The equations without those that only define a sum over time that nothing else speaks of.

        And which unknowns are such sums: their range follows from their quarters'.
        """
        known = self.known
        uses = np.bincount(known.equal.indices, minlength=self.count) + np.bincount(
            known.at_most.indices, minlength=self.count
        )
        loose = self.is_sum & (uses == 1) & np.isinf(known.upper)
        entries = known.equal.tocoo()
        defines = np.zeros(known.equal.shape[0], dtype=bool)
        defines[entries.row[loose[entries.col] & (entries.data < 0)]] = True
        return replace(known, equal=known.equal[~defines], equal_to=known.equal_to[~defines]), loose


class Onlooker:
    """Somebody with every published table of one release, who tries to work the hidden cells out.

    published  the schema that is read
    truth      where the figures behind the hidden cells are, read to judge the outcome only
    place      the column that tells rows of `published` apart

    What was seen of a table is kept until it is looked at again, so `look_at` each that was written again,
    then `put_together`. Threads may audit at the same time, once a look is through.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        tables: Sequence[ReleasedTable],
        limits: Limits,
        published: str = PUBLISHED,
        truth: str = "warehouse.marts",
        *,
        place: str = "rowid",
    ) -> None:
        self._marts = [
            (policy.marts[table.name], table)
            for table in tables
            if table.is_shareable and table.name in policy.marts and policy.marts[table.name].counts
        ]
        self._limits = limits
        self._truth = truth
        self._numbered = NumberedMarts(
            connection, policy, published, PREFIX, left_out=_NOT_LOOKED_AT, place=place
        )
        self._seen_marts: dict[str, _SeenMart] = {}
        self._elsewhere: dict[tuple[str, str], Mapping[str, Numbers]] = {}
        self._seen = _Seen({}, np.empty(0), np.empty(0))
        self._system: _System | None = None
        self._building = Lock()

    def look(self) -> None:
        """Read all published tables."""
        for mart, _ in self._marts:
            self.look_at(mart.name)
        self.put_together()

    def look_at(self, name: str) -> None:
        """Read one published table, as a part of a look."""
        for mart, table in self._marts:
            if mart.name == name:
                self._numbered.number(table)
                self._seen_marts[name] = self._look_at(mart, table)
                self._elsewhere = {key: held for key, held in self._elsewhere.items() if key[1] != name}

    def put_together(self) -> None:
        """End a look, once every table was looked at since it was written."""
        self._seen = self._placed()
        self._system = None

    def forget_elsewhere(self, rewritten: Collection[str]) -> None:
        """Tables of these names were written again in the other release."""
        self._elsewhere = {key: held for key, held in self._elsewhere.items() if key[1] not in rewritten}

    def audit(self, also_seen: str | None = None) -> AuditResult:
        """Try to recover the hidden cells of what `look` saw.

        also_seen  another release's published tables, which the onlooker has too: a cell hidden here and
                   shown there counts as known if its figure has not changed since

        Raises CannotSolve when what is published contradicts the policy's identities.
        """
        if not self._marts:
            return AuditResult(0, 0, (), 0, {})
        seen, actual = self._seen, self._seen.actual
        beside = {name: rows for look in self._seen_marts.values() for name, rows in look.beside.items()}
        touched: Flags | None = None
        if also_seen is None:
            system = self._equations()
            # A number that another table shows is no secret.
            is_told = np.isnan(seen.value) & (system.unknown_of < 0)
            is_told &= (actual > 0) & (actual <= self._limits.count_max)
        else:
            other = self._other(also_seen)
            given_away = np.isnan(seen.value) & (np.abs(other - actual) < 1e-6)
            if not given_away.any():
                return AuditResult(0, 0, (), 0, {})
            system, touched = self._equations().knowing(given_away, other)
            # What the other release shows can't be taken back.
            is_told = np.zeros(len(actual), dtype=bool)
        unknown_of, known_value, count = system.unknown_of, system.value, system.count
        if not count:
            told = _weak_cells(self._marts, seen, is_told)
            return AuditResult(0, 0, self._named(told, known_value, known_value), 0, beside, told)
        known, is_fixed = system.solvable()

        limits = self._limits
        hidden_places = np.flatnonzero(unknown_of >= 0)
        of_unknown = unknown_of[hidden_places]
        true_value = np.zeros(count)
        np.fmax.at(true_value, of_unknown, actual[hidden_places])
        small = (true_value > 0) & (true_value <= limits.count_max)
        asked = small & ~is_fixed
        if touched is not None:
            # Of all other groups the audit without the other release tells.
            asked &= in_groups_of(touched, known)
        found = recover(known, np.full(count, 1.0), np.full(count, limits.count_max), asked)
        least = np.maximum(found.least, found.outer_least)
        largest = np.minimum(found.largest, found.outer_largest)
        weak = asked & ((least > 1 + 1e-6) | (largest < limits.count_max - 1e-6))
        narrow = (
            ~small & ~system.is_whole & (found.outer_largest - found.outer_least < limits.width_min - 1e-6)
        )
        narrow &= true_value > 0
        is_weak = is_told.copy()
        is_weak[hidden_places[weak[of_unknown]]] = True
        low, high = known_value.copy(), known_value.copy()
        low[hidden_places], high[hidden_places] = (
            found.outer_least[of_unknown],
            found.outer_largest[of_unknown],
        )
        weak_cells = _weak_cells(self._marts, seen, is_weak)
        return AuditResult(
            hidden=len(np.unique(of_unknown)),
            small=int(small.sum()),
            weak=self._named(weak_cells, low, high),
            narrow=int(narrow.sum()),
            beside=beside,
            weak_cells=weak_cells,
        )

    def _equations(self) -> "_System":
        """The equations of what was seen; put together for the first audit that asks."""
        with self._building:
            if self._system is None:
                self._system = _system(self._numbered, self._marts, self._seen)
            return self._system

    def _look_at(self, mart: MartPolicy, table: ReleasedTable) -> _SeenMart:
        relation, hidden_rows = self._numbered.relation(mart.name), quoted(HIDDEN + mart.name)
        flags = ", ".join(
            f"coalesce(list_contains(names, '{name}'), false) as {quoted('h_' + name)}"
            for name in mart.count_names
        )
        self._numbered.run(
            f"create or replace temp table {hidden_rows} as "
            f"select rid, {flags} from (select rid, string_split(suppressed_columns, ';') as names "
            f"from {relation} where is_suppressed)"
        )
        columns = ", ".join(
            f"case when {item.where} then {quoted(item.name)}::double end as {quoted(item.name)}, "
            f"coalesce({quoted('h_' + item.name)}, false) as {quoted('h_' + item.name)}"
            for item in mart.counts
        )
        found = self._numbered.arrays(
            f"select seen.rid, {columns} from {relation} as seen "
            f"left join {hidden_rows} as hidden on seen.rid = hidden.rid order by seen.rid"
        )
        hidden = {name: np.asarray(found["h_" + name], dtype=bool) for name in mart.count_names}
        numbers = {name: np.where(hidden[name], np.nan, _doubles(found[name])) for name in mart.count_names}
        return _SeenMart(
            numbers,
            hidden,
            self._by_key(mart, table, self._truth, len(found["rid"])),
            self._shown_beside(mart, table),
        )

    def _placed(self) -> _Seen:
        place: dict[tuple[str, str], Indices] = {}
        values, actual = [np.empty(0)], [np.empty(0)]
        size = 0
        for mart, _ in self._marts:
            look = self._seen_marts[mart.name]
            for name in mart.count_names:
                there = look.hidden[name] | ~np.isnan(look.numbers[name])
                places = np.full(len(there), _NONE, dtype=np.int64)
                places[there] = size + np.arange(int(there.sum()))
                place[mart.name, name] = places
                values.append(look.numbers[name][there])
                actual.append(look.actual[name][there])
                size += int(there.sum())
        return _Seen(place, np.concatenate(values), np.concatenate(actual))

    def _other(self, schema: str) -> Numbers:
        """What another release shows at each place; NaN where it shows nothing.

        Nor does it count for a period that was not over in the older of the two: nobody takes a figure that
        is still growing for the same one later.
        """
        found = np.full(len(self._seen.value), np.nan)
        for mart, table in self._marts:
            key = schema, mart.name
            if key not in self._elsewhere:
                rows = len(self._seen.place[mart.name, mart.count_names[0]])
                self._elsewhere[key] = self._by_key(mart, table, schema, rows, is_settled=True)
            for name, numbers in self._elsewhere[key].items():
                places = self._seen.place[mart.name, name]
                found[places[places >= 0]] = numbers[places >= 0]
        return found

    def _by_key(
        self, mart: MartPolicy, table: ReleasedTable, schema: str, rows: int, *, is_settled: bool = False
    ) -> dict[str, Numbers]:
        """By count, the number that `schema` has for each row with a hidden cell; NaN where it has none."""
        values = {name: np.full(rows, np.nan) for name in mart.count_names}
        database, _, name_of_schema = schema.partition(".")
        held = {
            row[0]
            for row in self._numbered.rows(
                "select column_name from duckdb_columns() "
                "where database_name = $database and schema_name = $schema and table_name = $table",
                {"database": database, "schema": name_of_schema, "table": mart.name},
            )
        }
        wanted = [name for name in mart.count_names if name in held]
        keys = [column for column in table.grain if column not in mart.count_names]
        if not wanted or not set(keys) <= held:
            return values
        on = " and ".join(f"seen.{quoted(key)} is not distinct from held.{quoted(key)}" for key in keys)
        is_unique = len(keys) == len(table.grain)
        value = "held.{}" if is_unique else "any_value(held.{})"
        columns = ", ".join(f"{value.format(quoted(name))}::double as {quoted(name)}" for name in wanted)
        settled = f" and {was_over('seen', 'held')}" if is_settled and set(PERIOD) <= held else ""
        found = self._numbered.arrays(
            f"select seen.rid, {columns} from {self._numbered.relation(mart.name)} as seen "
            f"inner join {schema}.{quoted(mart.name)} as held on {on} "
            f"where seen.is_suppressed{settled}{'' if is_unique else ' group by seen.rid'}"
        )
        row = found["rid"].astype(np.int64)
        for name in wanted:
            values[name][row] = _doubles(found[name])
        return values

    def _shown_beside(self, mart: MartPolicy, table: ReleasedTable) -> dict[str, int]:
        """Columns shown in rows where a count behind them is hidden: a rate and one count give the other."""
        public = {column.name for column in table.columns}
        checks: dict[str, str] = {}
        for derived in mart.derived:
            hidden = " or ".join(quoted("h_" + source) for source in derived.sources)
            for name in derived.columns:
                if name in public and not (derived.capped or derived.of_parts):
                    checks[name] = f"count(*) filter ({quoted(name)} is not null and ({hidden}))"
        if not checks:
            return {}
        counts = self._numbered.rows(
            f"select {', '.join(checks.values())} from {self._numbered.relation(mart.name)} "
            f"inner join {quoted(HIDDEN + mart.name)} using (rid)"
        )[0]
        return {f"{mart.name}.{name}": number for name, number in zip(checks, counts, strict=True) if number}

    def _named(
        self, weak_cells: Mapping[tuple[str, str], Indices], low: Numbers, high: Numbers
    ) -> tuple[Weakness, ...]:
        found: list[Weakness] = []
        for (mart_name, column), rows in weak_cells.items():
            table = next(table for mart, table in self._marts if mart.name == mart_name)
            keys = ", ".join(quoted(key) for key in table.grain)
            for row in rows:
                place = self._seen.place[mart_name, column][row]
                (values,) = self._numbered.rows(
                    f"select {keys} from {self._numbered.relation(mart_name)} where rid = {int(row)}"
                )
                key = dict(zip(table.grain, values, strict=True))
                found.append(Weakness(mart_name, column, key, float(low[place]), float(high[place])))
                if len(found) >= 100:
                    return tuple(found)
        return tuple(found)


def _doubles(column: object) -> Numbers:
    return np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)


def was_over(one: str, other: str) -> str:
    """SQL: the period was over in both relations, which have the columns `PERIOD`, or there is none."""
    return f"({one}.period_end < least({one}.as_of, {other}.as_of)) is not false"


def _unknowns(
    numbered: NumberedMarts,
    marts: Sequence[tuple[MartPolicy, ReleasedTable]],
    seen: _Seen,
    full: Numbers,
) -> tuple[Indices, Numbers, int]:
    """The unknown at each place (-1 where it is known), what is known there, and how many there are."""
    value = seen.value
    pairs = [np.empty((0, 2), dtype=np.int64)]
    names = {mart.name for mart, _ in marts}
    for mart, _ in marts:
        for same in mart.same_as:
            if same.mart not in names:
                continue
            left, right = numbered.matching_rows(
                (mart.name, same.where), (same.mart, same.other_where), same.on
            )
            pairs.append(
                _both(
                    seen.place[mart.name, same.column][left], seen.place[same.mart, same.other_column][right]
                )
            )
    links = np.concatenate(pairs)
    links = links[~(np.abs(full[links[:, 0]] - full[links[:, 1]]) > 1e-6)]
    size = len(value)
    graph = coo_array((np.ones(len(links), dtype=np.int8), (links[:, 0], links[:, 1])), shape=(size, size))
    number, label = connected_components(graph, directed=False)
    shown = ~np.isnan(value)
    value_of = np.full(number, np.nan)
    value_of[label[shown]] = value[shown]
    is_unknown = np.isnan(value_of)
    numbering = np.full(number, _NONE, dtype=np.int64)
    numbering[is_unknown] = np.arange(int(is_unknown.sum()))
    return numbering[label], value_of[label], int(is_unknown.sum())


def _system(
    numbered: NumberedMarts, marts: Sequence[tuple[MartPolicy, ReleasedTable]], seen: _Seen
) -> _System:
    """Everything that the policy says of the places."""
    # What is not so in this release would mislead the attack: an identity counts where it holds.
    full = np.where(np.isnan(seen.value), seen.actual, seen.value)
    unknown_of, value, count = _unknowns(numbered, marts, seen, full)
    names = {mart.name for mart, _ in marts}
    exact: list[tuple[Indices, Indices]] = []
    bounded: list[tuple[Indices, Indices, bool]] = []
    smaller: list[Indices] = []
    of_time: list[tuple[Indices, Indices]] = []
    summed = np.zeros(len(value), dtype=bool)
    wholes = np.zeros(len(value), dtype=bool)
    for mart, table in marts:
        for window in mart.windows:
            whole, part = numbered.row_pairs(window, table.grain, mart.name)
            for item in mart.counts:
                places = seen.place[mart.name, item.name]
                pairs = _both(places[whole], places[part])
                if item.adds_over_time != NEVER:
                    wholes[pairs[:, 0]] = True
                if item.adds_over_time == EXACT:
                    of_time.append((pairs[:, 0], pairs[:, 1]))
                    summed[pairs[:, 0]] = True
                elif item.adds_over_time == DISTINCT:
                    smaller.append(pairs[:, ::-1])
                    bounded.append((pairs[:, 0], pairs[:, 1], True))
    for mart, table in marts:
        for line in mart.lines:
            if line.parent_mart is not None and line.parent_mart not in names:
                continue
            whole, part = numbered.row_pairs(line, table.grain, mart.name)
            for item in mart.counts:
                if line.child_column not in (None, item.name) or item.adds in (LOOSELY, NEVER):
                    continue
                head = seen.place[line.parent_mart or mart.name, line.parent_column or item.name]
                pairs = _both(head[whole], seen.place[mart.name, item.name][part])
                if item.adds == EXACT:
                    exact.append((pairs[:, 0], pairs[:, 1]))
                else:
                    bounded.append((pairs[:, 0], pairs[:, 1], item.adds == DISTINCT))
                    if item.adds == DISTINCT:
                        smaller.append(pairs[:, ::-1])
        for split in mart.splits:
            whole_places = seen.place[mart.name, split.whole]
            pairs = np.concatenate([_both(whole_places, seen.place[mart.name, part]) for part in split.parts])
            if split.adds == EXACT:
                exact.append((pairs[:, 0], pairs[:, 1]))
            else:
                bounded.append((pairs[:, 0], pairs[:, 1], False))
        for low, high in (*mart.at_most, *mart.bounds):
            smaller.append(_both(seen.place[mart.name, low], seen.place[mart.name, high]))

    builder = _Builder(unknown_of, value, count, full)
    for whole, part in of_time:
        builder.add_sum(whole, part, equal=True)
    for whole, part in exact:
        # What adds up in each quarter adds up over them: such a line of sums says nothing more.
        own = ~summed[whole]
        builder.add_sum(whole[own], part[own], equal=True)
    for whole, part, counted_once in bounded:
        own = ~summed[whole]
        builder.add_sum(whole[own], part[own], equal=False, reverse=counted_once)
    for pairs in smaller:
        # A cap in every quarter is a cap on their sum.
        builder.add_smaller(pairs[~summed[pairs[:, 0]]])
    equal, equal_to = _stacked(builder.equal, count)
    at_most, at_most_of = _stacked(builder.at_most, count)
    known = Known(equal, equal_to, at_most, at_most_of, builder.upper)
    return _System(
        unknown_of, value, known, _any_of(unknown_of, summed, count), _any_of(unknown_of, wholes, count)
    )


def _any_of(unknown_of: Indices, places: Flags, count: int) -> Flags:
    """The unknowns that stand at one of `places`."""
    found = np.zeros(count, dtype=bool)
    found[unknown_of[places & (unknown_of >= 0)]] = True
    return found


class _Builder:
    """Collects equations over places and turns them into equations over unknowns."""

    def __init__(self, unknown_of: Indices, value: Numbers, count: int, full: Numbers) -> None:
        self.unknown_of = unknown_of
        self.full = full
        self.value = np.nan_to_num(value)
        self.count = count
        self.upper = np.full(count, np.inf)
        self.equal: list[tuple[Indices, Indices, Numbers, Numbers]] = []
        self.at_most: list[tuple[Indices, Indices, Numbers, Numbers]] = []

    def add_sum(self, whole: Indices, part: Indices, *, equal: bool, reverse: bool = False) -> None:
        """Each whole is the sum of its parts; not `equal`, it is no less (with `reverse`, no more).

        Where that is not so, nothing is added.
        """
        if not len(whole):
            return
        heads, line = np.unique(whole, return_inverse=True)
        surplus = np.bincount(line, weights=self.full[part], minlength=len(heads)) - self.full[heads]
        holds = ~(np.abs(surplus) > 1e-6) if equal else ~((-surplus if reverse else surplus) > 1e-6)
        if not holds.all():
            kept = holds[line]
            whole, part = whole[kept], part[kept]
            if not len(whole):
                return
            heads, line = np.unique(whole, return_inverse=True)
        row = np.concatenate([line, np.arange(len(heads))])
        place = np.concatenate([part, heads])
        weight = np.concatenate([np.ones(len(part)), -np.ones(len(heads))])
        if reverse:
            weight = -weight
        self._add(self.equal if equal else self.at_most, row, place, weight, len(heads))

    def add_smaller(self, pairs: Indices) -> None:
        """The first of each pair is at most the second."""
        pairs = pairs[~(self.full[pairs[:, 0]] > self.full[pairs[:, 1]] + 1e-6)]
        if not len(pairs):
            return
        low, high = self.unknown_of[pairs[:, 0]], self.unknown_of[pairs[:, 1]]
        capped = (low >= 0) & (high < 0)
        np.minimum.at(self.upper, low[capped], self.value[pairs[capped, 1]])
        rest = pairs[high >= 0]
        number = len(rest)
        row = np.concatenate([np.arange(number), np.arange(number)])
        place = np.concatenate([rest[:, 0], rest[:, 1]])
        weight = np.concatenate([np.ones(number), -np.ones(number)])
        self._add(self.at_most, row, place, weight, number)

    def _add(
        self,
        into: list[tuple[Indices, Indices, Numbers, Numbers]],
        row: Indices,
        place: Indices,
        weight: Numbers,
        rows: int,
    ) -> None:
        unknown = self.unknown_of[place]
        is_known = unknown < 0
        right = -np.bincount(
            row[is_known], weights=weight[is_known] * self.value[place[is_known]], minlength=rows
        )
        open_row, open_unknown, open_weight = row[~is_known], unknown[~is_known], weight[~is_known]
        is_used = np.zeros(rows, dtype=bool)
        is_used[open_row] = True
        if len(open_row):
            number = np.cumsum(is_used) - 1
            right_used = np.asarray(right[is_used], dtype=np.float64)
            into.append((number[open_row], open_unknown, open_weight, right_used))


def _stacked(
    parts: Sequence[tuple[Indices, Indices, Numbers, Numbers]], count: int
) -> tuple[csr_array, Numbers]:
    rows, columns, weights, rights = [], [], [], []
    number = 0
    for row, column, weight, right in parts:
        rows.append(row + number)
        columns.append(column)
        weights.append(weight)
        rights.append(right)
        number += len(right)
    if not number:
        return csr_array((0, count)), np.empty(0)
    # One number in several places gives one equation several times; each is kept once.
    matrix = coo_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(number, count)
    ).tocsr()
    return _speaking(matrix, np.concatenate(rights))


def _speaking(matrix: csr_array, right: Numbers) -> tuple[csr_array, Numbers]:
    """The equations that say something, each once."""
    # A total that is the same number as its only part says nothing: its weights cancel out.
    matrix.eliminate_zeros()
    speaks = np.diff(matrix.indptr) > 0
    return _distinct_rows(matrix[speaks], right[speaks])


def _distinct_rows(matrix: csr_array, right: Numbers) -> tuple[csr_array, Numbers]:
    """Each equation once: equal ones have equal sums under two sets of arbitrary weights."""
    random = np.random.default_rng(7)
    marks = np.stack(
        [
            np.round(matrix @ random.random(matrix.shape[1]), 9),
            np.round(matrix @ random.random(matrix.shape[1]), 9),
        ]
    )
    marks = np.round(np.vstack([marks, right]), 6)
    # The sort is stable, so the first of equals stays the first; `np.unique` on columns takes far longer.
    order = np.lexsort(marks)
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (marks[:, order[1:]] != marks[:, order[:-1]]).any(axis=0)
    first = np.sort(order[is_new])
    return matrix[first], right[first]


def _both(one: Indices, other: Indices) -> Indices:
    there = (one >= 0) & (other >= 0)
    pairs = np.stack([one[there], other[there]], axis=1)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _weak_cells(
    marts: Sequence[tuple[MartPolicy, ReleasedTable]], seen: _Seen, is_weak: Flags
) -> dict[tuple[str, str], Indices]:
    found: dict[tuple[str, str], Indices] = {}
    for mart, _ in marts:
        for name in mart.count_names:
            places = seen.place[mart.name, name]
            rows = np.flatnonzero((places >= 0) & is_weak[places])
            if len(rows):
                found[mart.name, name] = rows
    return found
