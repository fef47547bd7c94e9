"""The figures of the candidate's marts as cells, and what the policy says binds them.

Belongs here: reading schema `marts` and turning the policy's conditions into the index arrays of `Cells`.
Does not: choosing cells (`suppression.py`) and writing tables (`publishing.py`). The trap: one number stands
in many places (three policies, two marts). They become one cell here, so that a plan can't hide it in one
place only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dagster_project.disclosure.errors import DisclosureError
from dagster_project.disclosure.numbered import NumberedMarts
from dagster_project.disclosure.policy import AT_MOST, DISTINCT, EXACT, NEVER, MartPolicy, Policy
from dagster_project.disclosure.suppression import TOLERANCE, Cells, Flags, Indices, Numbers
from dagster_project.release.exports import quoted
from dagster_project.release.tables import ReleasedTable

PREFIX = "figures_"
_NO_CELL = -1


@dataclass(frozen=True)
class Figures:
    """The cells of all marts.

    `cell_of` maps (mart, column) to the cell of each row, -1 where the row has no number there; rows are
    numbered in the order of the mart's key. `rows` maps a mart to its number of rows. `untrue` names row
    identities of the policy that the figures don't fulfil, with how many rows break each. `numbered` are the
    copies that were read.
    """

    cells: Cells
    cell_of: Mapping[tuple[str, str], Indices]
    rows: Mapping[str, int]
    untrue: Mapping[str, int]
    numbered: NumberedMarts


def read_figures(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    tables: Sequence[ReleasedTable],
    schema: str = "warehouse.marts",
    uniform_below: float = 10,
) -> Figures:
    """Read the figures of `tables` in `schema`, and leave a numbered copy of each in figures_<mart>."""
    return _Reader(connection, policy, schema, uniform_below).read(
        [table for table in tables if table.is_shareable and table.name in policy.marts]
    )


class _Reader:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, policy: Policy, schema: str, uniform_below: float
    ) -> None:
        self.policy = policy
        self.numbered = NumberedMarts(connection, policy, schema, PREFIX)
        self.uniform_below = uniform_below
        self.rows: dict[str, int] = {}
        self.grain: dict[str, tuple[str, ...]] = {}
        self.place: dict[tuple[str, str], Indices] = {}
        self.values: list[Numbers] = []
        self.size = 0
        self.twins: list[Indices] = []

    def read(self, tables: Sequence[ReleasedTable]) -> Figures:
        marts = [self.policy.marts[table.name] for table in tables]
        for table, mart in zip(tables, marts, strict=True):
            self._read_mart(table, mart)
        values = np.concatenate(self.values) if self.values else np.empty(0)
        cell_of_place = self._merge(marts, values)
        cell_of = {
            name: np.where(places >= 0, cell_of_place[places], _NO_CELL)
            for name, places in self.place.items()
        }
        count = int(cell_of_place.max(initial=-1)) + 1
        cell_values = np.zeros(count)
        cell_values[cell_of_place] = values
        twins = cell_of_place[_joined_pairs(self.twins)]
        return self._bind(marts, cell_of, cell_values, twins)

    def _read_mart(self, table: ReleasedTable, mart: MartPolicy) -> None:
        self.numbered.number(table)
        self.grain[table.name] = table.grain
        names = mart.count_names
        columns = ", ".join(
            f"case when {count.where} then {quoted(count.name)}::double end as {quoted(count.name)}"
            for count in mart.counts
        )
        found = self.numbered.arrays(
            f"select rid{', ' + columns if columns else ''} "
            f"from {self.numbered.relation(table.name)} order by rid"
        )
        self.rows[table.name] = len(found["rid"])
        for name in names:
            numbers = np.ma.filled(np.ma.asarray(found[name], dtype=np.float64), np.nan)
            if (numbers < 0).any():
                raise DisclosureError(
                    f"A count is negative: {int((numbers < 0).sum())} rows.",
                    where=f"{table.name}.{name}",
                    expected="counts of people, cases or points, none below zero",
                    next_step="Correct the model, or call the column `derived` in the disclosure policy.",
                )
            there = ~np.isnan(numbers)
            places = np.full(len(numbers), _NO_CELL, dtype=np.int64)
            places[there] = self.size + np.arange(int(there.sum()))
            self.place[table.name, name] = places
            self.values.append(numbers[there])
            self.size += int(there.sum())

    def _merge(self, marts: Sequence[MartPolicy], values: Numbers) -> Indices:
        """The cell of each place: places that show the same number are one cell."""
        left_parts, right_parts = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for mart in marts:
            for same in mart.same_as:
                if same.mart not in self.rows:
                    continue
                left_rows, right_rows = self.numbered.matching_rows(
                    (mart.name, same.where), (same.mart, same.other_where), same.on
                )
                left = self.place[mart.name, same.column][left_rows]
                right = self.place[same.mart, same.other_column][right_rows]
                both = (left >= 0) & (right >= 0)
                left, right = left[both], right[both]
                # Where two figures that mostly agree differ, they are two cells that are hidden together.
                differ = np.abs(values[left] - values[right]) > 1e-6
                self.twins.append(np.stack([left[differ], right[differ]], axis=1))
                left, right = left[~differ], right[~differ]
                left_parts.append(left)
                right_parts.append(right)
        left, right = np.concatenate(left_parts), np.concatenate(right_parts)
        graph = coo_array((np.ones(len(left)), (left, right)), shape=(self.size, self.size))
        _, labels = connected_components(graph, directed=False)
        # Cells are numbered by first appearance, which is the order of marts, columns and keys.
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        return rank[inverse] if self.size else np.empty(0, dtype=np.int64)

    def _bind(
        self,
        marts: Sequence[MartPolicy],
        cell_of: Mapping[tuple[str, str], Indices],
        values: Numbers,
        twins: Indices,
    ) -> Figures:
        fixed = np.zeros(len(values), dtype=bool)
        uniform = np.zeros(len(values), dtype=bool)
        preferred = np.zeros(len(values), dtype=bool)
        implies: list[Indices] = [twins, twins[:, ::-1]]
        caps: list[Indices] = []
        for mart in marts:
            for parent, child in self._windows(mart, cell_of):
                fixed[parent] = True
                implies.append(np.stack([child, parent], axis=1))
            implies += list(self._implications(mart, cell_of, values))
            for low, high in mart.bounds:
                caps.append(_both(cell_of[mart.name, low], cell_of[mart.name, high]))
            for low, high in mart.at_most:
                pairs = _both(cell_of[mart.name, low], cell_of[mart.name, high])
                caps.append(pairs)
                # A shown numerator would bound a hidden denominator from below.
                implies.append(pairs[:, ::-1])
            uniform[self._uniform(mart, cell_of, values)] = True
            for split in mart.splits:
                if split.first is not None:
                    named = cell_of[mart.name, split.first]
                    preferred[named[named >= 0]] = True
        parents: list[Indices] = []
        entry_lines: list[Indices] = []
        entry_children: list[Indices] = []
        no_less: list[Flags] = []
        no_more: list[Flags] = []
        untrue: dict[str, int] = {}
        number = 0
        for name, adds, parent, child in self._all_lines(marts, cell_of):
            # One number in several places gives the same pair several times.
            total, part = _distinct(np.stack([parent, child], axis=1)).T
            is_first = np.r_[True, total[1:] != total[:-1]][: len(total)]
            heads, line = total[is_first], np.cumsum(is_first) - 1
            surplus = np.bincount(line, weights=values[part], minlength=len(heads)) - values[heads]
            is_less, is_more = surplus < -1e-6, surplus > 1e-6
            if adds == EXACT:
                is_less = is_more = is_less | is_more
                if is_less.any():
                    untrue[name] = int(is_less.sum())
            kept = ~fixed[heads]
            parents.append(heads[kept])
            no_less.append(~is_less[kept] & (adds in (EXACT, DISTINCT)))
            no_more.append(~is_more[kept] & (adds in (EXACT, AT_MOST)))
            entry_lines.append((np.cumsum(kept) - 1 + number)[line[kept[line]]])
            entry_children.append(part[kept[line]])
            number += int(kept.sum())
        twin_totals, twin_parts = self._twins(marts, cell_of, values, fixed)
        cells = Cells(
            values=values,
            twin_totals=twin_totals,
            twin_parts=twin_parts,
            line_parent=_joined(parents),
            entry_line=_joined(entry_lines),
            entry_child=_joined(entry_children),
            line_no_less=np.concatenate([np.empty(0, dtype=bool), *no_less]),
            line_no_more=np.concatenate([np.empty(0, dtype=bool), *no_more]),
            implies=_distinct(_implied(_joined_pairs(implies), values)),
            caps=_true(_joined_pairs(caps), values),
            uniform=uniform,
            fixed=fixed,
            preferred=preferred,
        )
        return Figures(cells, cell_of, self.rows, untrue, self.numbered)

    def _twins(
        self,
        marts: Sequence[MartPolicy],
        cell_of: Mapping[tuple[str, str], Indices],
        values: Numbers,
        fixed: Flags,
    ) -> tuple[Indices, Indices]:
        """Lines over the same rows of two counts of which one caps the other; see `Cells`."""
        totals, parts = [np.empty((0, 2), dtype=np.int64)], [np.empty((0, 3), dtype=np.int64)]
        number = 0
        for mart in marts:
            adds_up = {count.name for count in mart.counts if count.adds == EXACT}
            for line in mart.lines:
                if line.parent_mart is not None or line.child_column is not None:
                    continue
                whole, part = self.numbered.row_pairs(line, self.grain[mart.name], mart.name)
                for low, high in dict.fromkeys((*mart.at_most, *mart.bounds)):
                    if not {low, high} <= adds_up:
                        continue
                    cells_of_high, cells_of_low = cell_of[mart.name, high], cell_of[mart.name, low]
                    total, total_of_low = cells_of_high[whole], cells_of_low[whole]
                    there = (total >= 0) & (total_of_low >= 0) & (cells_of_high[part] >= 0)
                    there &= ~fixed[total]
                    found = _twin(
                        np.stack([total, total_of_low], axis=1)[there],
                        np.stack([cells_of_high[part], cells_of_low[part]], axis=1)[there],
                        values,
                    )
                    totals.append(found[0])
                    parts.append(found[1] + np.array([number, 0, 0]))
                    number += len(found[0])
        return np.concatenate(totals), np.concatenate(parts)

    def _windows(
        self, mart: MartPolicy, cell_of: Mapping[tuple[str, str], Indices]
    ) -> Iterator[tuple[Indices, Indices]]:
        for line in mart.windows:
            rows = self.numbered.row_pairs(line, self.grain[mart.name], mart.name)
            for count in mart.counts:
                if count.adds_over_time == NEVER:
                    continue
                cells = cell_of[mart.name, count.name]
                pairs = _both(cells[rows[0]], cells[rows[1]])
                pairs = pairs[pairs[:, 0] != pairs[:, 1]]
                yield pairs[:, 0], pairs[:, 1]

    def _implications(
        self, mart: MartPolicy, cell_of: Mapping[tuple[str, str], Indices], values: Numbers
    ) -> Iterator[Indices]:
        for group in mart.together:
            rows = self.numbered.rows_where(mart.name, group.where)
            for one in group.columns:
                for other in group.columns:
                    if one != other:
                        yield _both(cell_of[mart.name, one][rows], cell_of[mart.name, other][rows])
        for rule in mart.implied_by:
            if rule.mart not in self.rows:
                continue
            mine, theirs = self.numbered.matching_rows(
                (mart.name, rule.where), (rule.mart, rule.other_where), rule.on
            )
            if (rule.mart, rule.other_where, rule.sources) == (mart.name, rule.where, rule.columns):
                # A group of rows of one mart: each implies the next and the last the first.
                for name in rule.columns:
                    cells = cell_of[mart.name, name][mine]
                    counted = (cells >= 0) & (values[cells] > 0)
                    yield _ring(cells[counted], theirs[counted])
                continue
            for target in rule.columns:
                for source in rule.sources:
                    yield _both(cell_of[rule.mart, source][theirs], cell_of[mart.name, target][mine])

    def _uniform(
        self, mart: MartPolicy, cell_of: Mapping[tuple[str, str], Indices], values: Numbers
    ) -> Indices:
        found = [np.empty(0, dtype=np.int64)]
        for group in mart.uniform:
            rows = self.numbered.rows_where(mart.name, group.where)
            pairs = _both(cell_of[mart.name, group.num][rows], cell_of[mart.name, group.den][rows])
            size = values[pairs[:, 1]]
            found.append(pairs[(size > 0) & (size < self.uniform_below), 0])
        return np.unique(np.concatenate(found))

    def _all_lines(
        self, marts: Sequence[MartPolicy], cell_of: Mapping[tuple[str, str], Indices]
    ) -> Iterator[tuple[str, str, Indices, Indices]]:
        """Name, how the parts come to the total, total and part of every line."""
        for mart in marts:
            for line in mart.lines:
                if line.parent_mart is not None and line.parent_mart not in self.rows:
                    continue
                rows = self.numbered.row_pairs(line, self.grain[mart.name], mart.name)
                for count in mart.counts:
                    if line.child_column not in (None, count.name) or count.adds == NEVER:
                        continue
                    head = cell_of[line.parent_mart or mart.name, line.parent_column or count.name]
                    pairs = _both(head[rows[0]], cell_of[mart.name, count.name][rows[1]])
                    name = f"{mart.name}.{count.name}: {line.id}"
                    yield name, count.adds, pairs[:, 0], pairs[:, 1]
            for line in mart.windows:
                rows = self.numbered.row_pairs(line, self.grain[mart.name], mart.name)
                for count in mart.counts:
                    cells = cell_of[mart.name, count.name]
                    pairs = _both(cells[rows[0]], cells[rows[1]])
                    name = f"{mart.name}.{count.name}: {line.id}"
                    if count.adds_over_time == EXACT:
                        yield name, EXACT, pairs[:, 0], pairs[:, 1]
            for split in mart.splits:
                whole = cell_of[mart.name, split.whole]
                pairs = np.concatenate([_both(whole, cell_of[mart.name, part]) for part in split.parts])
                name = f"{mart.name}.{split.whole}: {' + '.join(split.parts)}"
                yield name, split.adds, pairs[:, 0], pairs[:, 1]


def _both(one: Indices, other: Indices) -> Indices:
    """Pairs of cells where both rows have a number."""
    there = (one >= 0) & (other >= 0)
    return np.stack([one[there], other[there]], axis=1)


def _twin(totals: Indices, parts: Indices, values: Numbers) -> tuple[Indices, Indices]:
    """The pairs of lines whose parts come to both totals, and their distinct parts, numbered by pair."""
    if not len(totals):
        return totals, np.empty((0, 3), dtype=np.int64)
    size = len(values)
    key, line = np.unique(totals[:, 0] * size + totals[:, 1], return_inverse=True)
    # One number in several places gives the same part several times.
    order = np.lexsort((parts[:, 1], parts[:, 0], line))
    line, parts = line[order], parts[order]
    is_new = np.r_[True, (line[1:] != line[:-1]) | (parts[1:, 0] != parts[:-1, 0])]
    line, parts = line[is_new], parts[is_new]
    held = np.where(parts < 0, 0.0, values[parts])
    heads = np.stack(np.divmod(key, size), axis=1)
    comes_to = [np.bincount(line, weights=held[:, side], minlength=len(heads)) for side in (0, 1)]
    is_true = (np.abs(np.stack(comes_to, axis=1) - values[heads]) < 1e-6).all(axis=1)
    is_true &= np.bincount(line, weights=held[:, 1] > held[:, 0], minlength=len(heads)) == 0
    kept = is_true[line]
    return heads[is_true], np.column_stack([(np.cumsum(is_true) - 1)[line[kept]], parts[kept]])


def _implied(pairs: Indices, values: Numbers) -> Indices:
    """The pairs whose second cell can be hidden at all: a zero is shown."""
    return pairs[values[pairs[:, 1]] > TOLERANCE]


def _true(caps: Indices, values: Numbers) -> Indices:
    """The caps that hold."""
    return caps[values[caps[:, 0]] <= values[caps[:, 1]] + 1e-6]


def _ring(cells: Indices, group: Indices) -> Indices:
    """Pairs that lead from each cell of a group to the next and from the last to the first."""
    order = np.lexsort((cells, group))
    cells, group = cells[order], group[order]
    starts = (
        np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(cells) else np.empty(0, dtype=np.int64)
    )
    following = np.roll(cells, -1)
    ends = np.r_[starts[1:], len(cells)] - 1
    following[ends[: len(starts)]] = cells[starts]
    return np.stack([cells, following], axis=1)


def _joined(parts: Sequence[Indices]) -> Indices:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _joined_pairs(parts: Sequence[Indices]) -> Indices:
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *parts])


def _distinct(pairs: Indices) -> Indices:
    """The distinct pairs, in order. One number a pair sorts ten times faster than the pairs themselves.

    `np.unique` would look each number up in a table of all: at millions that takes a hundred times as long.
    """
    if not len(pairs):
        return pairs
    base = int(pairs[:, 1].max()) + 1
    number = np.sort(pairs[:, 0] * base + pairs[:, 1])
    is_new = np.r_[True, number[1:] != number[:-1]]
    return np.stack(np.divmod(number[is_new], base), axis=1)


def hidden_places(figures: Figures, hidden: Flags, mart: str, column: str) -> Flags:
    """Which rows of a mart's column are hidden."""
    cells = figures.cell_of[mart, column]
    return (cells >= 0) & hidden[cells]
