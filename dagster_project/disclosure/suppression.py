"""Which cells to withhold: the small ones, and as few others as keep them from being worked out.

Pure functions over numbers; they know nothing of marts, files or the database. A cell is a count; cells are
bound by lines (a total and its parts), by implications (a sum over time goes where one of its quarters goes)
and by caps (a numerator never exceeds its denominator). The choice for a line looks at that line and at those
of the same period that cap it or hold it, and a sum over time is shown only where each of its quarters is. So
the plan of a closed quarter never depends on other quarters, and two releases can't be played off against
each other unless its own figures were revised.

The trap: a total is not safe because two of its parts are hidden. 1 and 2 hidden beside a known 3 leave each
at most 3; so what a line leaves open is measured, not counted. Zeros are shown, so an onlooker may also know
that nothing hidden is zero: where another part can be hidden, a line is covered against that too, but a total
is not given up for it (six parts of 1 leave their total of 6 in place).
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]

UNBOUNDED = 1e9  # larger than any count, small enough to add up without losing units
TOLERANCE = 1e-6
_ROUNDS_MAX = 200
# A bound travels from a unit to the nation and back in six passes; more only circle.
_PASSES_MAX = 8


@dataclass(frozen=True)
class Limits:
    """Counts from 1 to `count_max` are small; `width_min` is what a covering cell must leave open."""

    count_max: float = 4
    width_min: float = 3


def _no_indices() -> Indices:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Cells:
    """Counts and what binds them.

    values        [n] the counts, none negative
    line_parent   [m] the total of each line
    entry_line,
    entry_child   [k] each pair says that a cell is a part of a line
    line_no_less,
    line_no_more  [m] whether the parts come to no less than the total, and to no more; where people are
                  counted once or parts are missing they only bound it on one side, and the line is covered
                  as if they came to it
    implies       [i, 2] where the first cell is hidden, the second is
    caps          [c, 2] the first cell is never larger than the second
    twin_totals   [t, 2] the totals of two lines; each part of the second is capped by one of the first
    twin_parts    [p, 3] two such lines, a part of the first, and what it caps in the second (-1: nothing)
    uniform       [n] cells of a small group in which all failed: hidden whatever their size, zero included
    fixed         [n] cells that cannot cover others, because everybody knows them or they are sums themselves
    preferred     [n] cells to take first, where there is a choice
    also_hidden   [n] cells that are hidden on top of the small ones (they were hidden before)
    """

    values: Numbers
    line_parent: Indices = field(default_factory=_no_indices)
    entry_line: Indices = field(default_factory=_no_indices)
    entry_child: Indices = field(default_factory=_no_indices)
    line_no_less: Flags | None = None
    line_no_more: Flags | None = None
    implies: Indices = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    caps: Indices = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    twin_totals: Indices = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    twin_parts: Indices = field(default_factory=lambda: np.empty((0, 3), dtype=np.int64))
    uniform: Flags | None = None
    fixed: Flags | None = None
    preferred: Flags | None = None
    also_hidden: Flags | None = None

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.values)

    @property
    def no_less(self) -> Flags:
        """`line_no_less`; all lines where nothing else is said."""
        return _all_unless(self.line_no_less, len(self.line_parent))

    @property
    def no_more(self) -> Flags:
        """`line_no_more`; all lines where nothing else is said."""
        return _all_unless(self.line_no_more, len(self.line_parent))

    def only(self, kept: Flags) -> "Cells":
        """The cells of `kept`: all or none of those that hang together."""
        number = np.cumsum(kept) - 1
        lines = kept[self.line_parent]
        line_number = np.cumsum(lines) - 1
        entries = lines[self.entry_line]

        def pairs(given: Indices) -> Indices:
            return number[given[kept[given[:, 0]]]]

        def some(given: Flags | None) -> Flags | None:
            return None if given is None else given[kept]

        twins = kept[self.twin_totals[:, 0]]
        twin, part, capped = self.twin_parts[twins[self.twin_parts[:, 0]]].T
        return Cells(
            values=self.values[kept],
            line_parent=number[self.line_parent[lines]],
            entry_line=line_number[self.entry_line[entries]],
            entry_child=number[self.entry_child[entries]],
            line_no_less=None if self.line_no_less is None else self.line_no_less[lines],
            line_no_more=None if self.line_no_more is None else self.line_no_more[lines],
            implies=pairs(self.implies),
            caps=pairs(self.caps),
            twin_totals=number[self.twin_totals[twins]],
            twin_parts=np.stack(
                [(np.cumsum(twins) - 1)[twin], number[part], np.where(capped < 0, -1, number[capped])], axis=1
            ),
            uniform=some(self.uniform),
            fixed=some(self.fixed),
            preferred=some(self.preferred),
            also_hidden=some(self.also_hidden),
        )

    def flags(self, given: Flags | None) -> Flags:
        """`given`, or no flag set."""
        return np.zeros(self.size, dtype=bool) if given is None else given


def _all_unless(given: Flags | None, size: int) -> Flags:
    return np.ones(size, dtype=bool) if given is None else given


@dataclass(frozen=True)
class Plan:
    """What is hidden; `sensitive` are the small cells and uniform groups, the rest of `hidden` covers them.

    `unprotected` are hidden cells for which no further cell could be found. `group` numbers alike the cells
    that hang together.
    """

    hidden: Flags
    sensitive: Flags
    unprotected: Flags
    group: Indices


def protect(
    cells: Cells, limits: Limits = Limits(), extra: Flags | None = None, before: Plan | None = None
) -> Plan:
    """Choose the cells to hide: per line the fewest, then the smallest, then the first.

    `extra` are cells that need more cover than the lines show (an audit says so); each gets another covering
    cell from its lines. `before` is the plan that is covered further: all it hid is in `cells.also_hidden`,
    and nothing else has changed. Then only what hangs together with `extra` is planned again.
    """
    if before is not None and extra is not None:
        around = _alike(before.group, extra)
        further = protect(cells.only(around), limits, extra[around])
        plan = Plan(before.hidden.copy(), before.sensitive, before.unprotected.copy(), before.group)
        plan.hidden[around], plan.unprotected[around] = further.hidden, further.unprotected
        return plan
    values = cells.values
    group = _groups(cells)
    small = (values > TOLERANCE) & (values <= limits.count_max + TOLERANCE)
    sensitive = small | cells.flags(cells.uniform)
    hidden = _spread(cells, sensitive | (cells.flags(cells.also_hidden) & (values > TOLERANCE)))
    hidden = _cover_lines(cells, group, hidden, limits)
    if extra is not None and extra.any():
        hidden = _spread(cells, _Lines(cells).cover(hidden, extra & hidden))
        hidden = _cover_lines(cells, group, hidden, limits)
    unprotected = _unprotected(cells, hidden, small, limits)
    part = _Part.of(cells, group).around(unprotected)
    for _ in range(_ROUNDS_MAX):
        here = part.places
        covered = _Lines(part.cells).cover(hidden[here], unprotected[here])
        added = covered & ~hidden[here]
        if not added.any():
            break
        hidden[here] = covered
        # What is left concerns few cells, so only what hangs together with them is looked at again.
        part = part.around(added)
        here = part.places
        hidden[here] = _cover_lines(part.cells, part.group, _spread(part.cells, hidden[here]), limits)
        unprotected[here] = _unprotected(part.cells, hidden[here], small[here], limits)
    return Plan(hidden, sensitive, unprotected, group)


@dataclass(frozen=True)
class _Part:
    """Some of the cells, whole groups of them: `places` says which, and `group` numbers the groups."""

    cells: Cells
    group: Indices
    places: Indices

    @classmethod
    def of(cls, cells: Cells, group: Indices) -> "_Part":
        """All cells."""
        return cls(cells, group, np.arange(cells.size))

    def around(self, start: Flags) -> "_Part":
        """What hangs together with the cells of `start`; all of this where that is most of it."""
        kept = _alike(self.group, start)
        if 2 * kept.sum() > len(kept):
            return self
        return _Part(self.cells.only(kept), self.group[kept], self.places[kept])


def _cover_lines(cells: Cells, group: Indices, hidden: Flags, limits: Limits) -> Flags:
    """Hide more until no line gives a hidden part away."""
    hidden = hidden.copy()
    part = _Part.of(cells, group)
    lines = _Lines(part.cells)
    for _ in range(_ROUNDS_MAX):
        here = part.places
        picked = lines.pick(hidden[here], limits) & ~hidden[here]
        if not picked.any():
            break
        hidden[here] = _spread(part.cells, hidden[here] | picked)
        # Where nothing was picked, nothing is given away.
        around = part.around(picked)
        if around is not part:
            part, lines = around, _Lines(around.cells)
    return hidden


def _groups(cells: Cells) -> Indices:
    """The group of each cell: those that hang together, by lines, implications or caps."""
    heads = cells.line_parent[cells.entry_line]
    one = np.concatenate([heads, cells.implies[:, 0], cells.caps[:, 0]])
    other = np.concatenate([cells.entry_child, cells.implies[:, 1], cells.caps[:, 1]])
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(cells.size, cells.size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _alike(group: Indices, start: Flags) -> Flags:
    """The cells in a group with one of `start`."""
    reached = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
    reached[group[start]] = True
    return reached[group]


def _spread(cells: Cells, hidden: Flags) -> Flags:
    """Hide what the hidden cells imply; a zero is shown unless its own group is uniform."""
    hidden = hidden.copy()
    source, target = cells.implies.T
    can_hide = cells.values > TOLERANCE
    while True:
        # What is hidden already needs no second look: few of the many pairs are left after the first pass.
        left = can_hide[target] & ~hidden[target]
        source, target = source[left], target[left]
        reached = target[hidden[source]]
        if not len(reached):
            return hidden
        hidden[reached] = True


class _Lines:
    """The lines of `Cells`, with the sums over their hidden parts."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.number = len(cells.line_parent)
        fixed = cells.flags(cells.fixed)
        self.can_hide = (cells.values > TOLERANCE) & ~fixed
        # Within a line: preferred cells first, then the smallest, then the first by key.
        order = np.lexsort(
            (
                cells.entry_child,
                cells.values[cells.entry_child],
                ~cells.flags(cells.preferred)[cells.entry_child],
                cells.entry_line,
            )
        )
        self.line = cells.entry_line[order]
        self.child = cells.entry_child[order]

    @cached_property
    def nested(self) -> Indices:
        """Which twin parts are totals of twin lines; asked for by `pick` alone."""
        return _nested(self.cells)

    def sums(self, weights: Numbers) -> Numbers:
        return np.asarray(np.bincount(self.line, weights=weights, minlength=self.number), dtype=np.float64)

    def least(self, weights: Numbers) -> Numbers:
        found = np.full(self.number, np.inf)
        np.minimum.at(found, self.line, weights)
        return found

    def pick(self, hidden: Flags, limits: Limits) -> Flags:
        """One more cell to hide for every line, and every two lines, that give something away."""
        return self._pick_in_lines(hidden, limits) | self._pick_in_twins(hidden, limits)

    def _pick_in_twins(self, hidden: Flags, limits: Limits) -> Flags:
        """One more cell for every two lines whose difference gives a part away.

        By how much each part exceeds what it caps is never negative. Where both totals are shown, the sum of
        the unknown ones of these surpluses is known, so one can grow by no more than the others can give up:
        what is known of their own parts they can't. Where a total is hidden, the lines that it is a part of
        set that limit.
        """
        cells, values = self.cells, self.cells.values
        picked = np.zeros(cells.size, dtype=bool)
        number = len(cells.twin_totals)
        if not number:
            return picked
        twin, part, capped = cells.twin_parts.T
        of_capped = np.where(capped < 0, 0.0, values[capped])
        surplus = values[part] - of_capped
        is_part_hidden, is_capped_hidden = hidden[part], (capped >= 0) & hidden[capped]
        is_unknown = np.logical_or(is_part_hidden, is_capped_hidden)
        is_open = np.asarray(~hidden[cells.twin_totals].any(axis=1))
        entry, below = self.nested.T
        # From the units to their Areas to the nation: what a surplus can't fall under.
        floor = np.zeros(len(twin))
        for _ in range(3):
            least = np.bincount(twin, weights=np.where(is_unknown, floor, surplus), minlength=number)
            np.maximum.at(floor, entry, least[below])
        slack = np.bincount(twin, weights=np.where(is_unknown, surplus - floor, 0.0), minlength=number)
        slack[~is_open] = np.inf
        # And back.
        source = np.arange(number)
        upper = twin[entry]
        is_within = ~is_open[below]
        inner, outer = below[is_within], upper[is_within]
        for _ in range(3):
            np.minimum.at(slack, inner, slack[outer])
            is_source = slack[outer] <= slack[inner]
            source[inner[is_source]] = outer[is_source]
        limit = slack[twin] + floor
        is_small = (values[part] <= limits.count_max + TOLERANCE) & is_part_hidden & ~is_capped_hidden
        short = np.where(is_small, limits.count_max - of_capped - limit, 0.0)
        is_small = (of_capped <= limits.count_max + TOLERANCE) & is_capped_hidden & ~is_part_hidden
        short = np.where(is_small & (of_capped > TOLERANCE), values[part] - 1 - limit, short)
        need = np.zeros(number)
        np.maximum.at(need, twin, short)
        # What is limited from above is covered there.
        for _ in range(3):
            np.maximum.at(need, source, need)
        wanting = (need > TOLERANCE) & is_open
        if not wanting.any():
            return picked
        gives = np.where((capped >= 0) & self.can_hide[capped], capped, part)
        free = wanting[twin] & ~is_unknown & self.can_hide[gives] & (surplus > TOLERANCE)
        chosen = np.full(number, -1)
        # The smallest that suffices, else the one that brings nearest; the last one written stays.
        suffices = free & (surplus >= need[twin] - TOLERANCE)
        order = np.lexsort((-gives[suffices], -values[gives[suffices]]))
        chosen[twin[suffices][order]] = gives[suffices][order]
        rest = free & (chosen[twin] < 0)
        order = np.lexsort((-gives[rest], surplus[rest]))
        chosen[twin[rest][order]] = gives[rest][order]
        # No part is left to hide: a total goes, that of what is capped first.
        for place in (1, 0):
            total = cells.twin_totals[:, place]
            goes = wanting & (chosen < 0) & self.can_hide[total]
            chosen[goes] = total[goes]
        picked[chosen[chosen >= 0]] = True
        return picked

    def _pick_in_lines(self, hidden: Flags, limits: Limits) -> Flags:
        cells, values = self.cells, self.cells.values
        picked = np.zeros(cells.size, dtype=bool)
        if not self.number:
            return picked
        part = hidden[self.child]
        count = self.sums(part.astype(float))
        parent_hidden = hidden[cells.line_parent]

        # A hidden total whose parts are all shown is their sum.
        bare = parent_hidden & (count == 0)

        # Below a shown total the hidden parts add up to a known sum.
        low = structural_minimum(cells, hidden)[self.child]
        known_sum = self.sums(np.where(part, values[self.child], 0.0))
        low_sum = self.sums(np.where(part, low, 0.0))
        low_least = self.least(np.where(part, low, np.inf))
        open_line = ~parent_hidden & (count > 0)
        # The largest value that the part with the least room above the others can have.
        short_above = np.where(open_line, limits.count_max - (known_sum - low_sum + low_least), 0.0)
        # What the other parts can take over, against what a small part must be able to give up.
        headroom = _headroom(cells, hidden)[self.child]
        room = np.where(part, headroom, 0.0)
        gives = np.where(
            part & (values[self.child] <= limits.count_max + TOLERANCE), values[self.child] - 1, -np.inf
        )
        short_below_of_part = np.where(part, gives - (self.sums(room)[self.line] - room), -np.inf)
        short_below = np.full(self.number, -np.inf)
        np.maximum.at(short_below, self.line, short_below_of_part)
        short_below = np.where(open_line, short_below, 0.0)

        single = open_line & (count == 1)
        # A single hidden part is the total less the others, whatever its size.
        need = np.maximum.reduce(
            [
                np.where(open_line, short_above, 0.0),
                np.where(open_line, short_below, 0.0),
                np.where(single, 1.0, 0.0),
                np.where(bare, 1.0, 0.0),
            ]
        )
        # A total goes only where its parts can be worked out by somebody who knows nothing but the sums.
        short_by_sums = np.where(open_line, limits.count_max - known_sum, 0.0)
        total_goes = bare | single | (short_by_sums > TOLERANCE) | (short_below > TOLERANCE)
        wanting = need > TOLERANCE
        if not wanting.any():
            return picked
        free = wanting[self.line] & ~hidden[self.child] & self.can_hide[self.child]
        enough = free & (values[self.child] - 1 >= need[self.line] - TOLERANCE)
        enough &= headroom >= short_below[self.line] - TOLERANCE
        chosen = np.full(self.number, -1)
        # Entries are sorted, so the first that suffices is the best; writing backwards leaves the first.
        chosen[self.line[enough][::-1]] = self.child[enough][::-1]
        # No single cell suffices: the largest brings a line nearest, and the next round adds another.
        rest = free & (chosen[self.line] < 0)
        order = np.lexsort((-self.child[rest], values[self.child[rest]]))
        chosen[self.line[rest][order]] = self.child[rest][order]
        # No part is left to hide: the total goes.
        stuck = wanting & (chosen < 0) & total_goes & ~parent_hidden & self.can_hide[cells.line_parent]
        chosen[stuck] = cells.line_parent[stuck]
        picked[chosen[chosen >= 0]] = True
        return picked

    def cover(self, hidden: Flags, wanting: Flags) -> Flags:
        """Another hidden cell for each of `wanting`: from its lines, else from those around."""
        cells = self.cells
        result = hidden.copy()
        for cell in np.flatnonzero(wanting):
            reach, seen = [int(cell)], {int(cell)}
            while reach:
                mine = np.isin(cells.entry_line, self._lines_of(reach))
                around = np.concatenate([cells.entry_child[mine], cells.line_parent[self._lines_of(reach)]])
                free = np.unique(around[~result[around] & self.can_hide[around]])
                if len(free):
                    keys = np.lexsort((free, cells.values[free], ~cells.flags(cells.preferred)[free]))
                    result[free[keys[0]]] = True
                    break
                reach = [int(other) for other in np.unique(around[hidden[around]]) if int(other) not in seen]
                seen.update(reach)
        return result

    def _lines_of(self, cells_of: list[int]) -> Indices:
        as_part = self.cells.entry_line[np.isin(self.cells.entry_child, cells_of)]
        as_total = np.flatnonzero(np.isin(self.cells.line_parent, cells_of))
        return np.unique(np.concatenate([as_part, as_total]))


def _nested(cells: Cells) -> Indices:
    """Twin parts that are totals of twin lines themselves: the place among the parts, and those lines."""
    _, part, capped = cells.twin_parts.T
    total = cells.twin_totals[:, 0] * cells.size + cells.twin_totals[:, 1]
    order = np.argsort(total, kind="stable")
    sought = np.where(capped < 0, -1, part * cells.size + capped)
    first = np.searchsorted(total[order], sought, side="left")
    times = np.searchsorted(total[order], sought, side="right") - first
    entry = np.repeat(np.arange(len(part)), times)
    # The place of each match within its own run of them.
    within = np.arange(len(entry)) - np.repeat(np.cumsum(times) - times, times)
    return np.stack([entry, order[first[entry] + within]], axis=1).astype(np.int64)


def structural_minimum(cells: Cells, hidden: Flags) -> Numbers:
    """The least each cell can be for somebody who knows that nothing hidden is zero.

    A shown cell is its value; a hidden one is at least 1 (0 in a column where a zero may be hidden), and at
    least what its parts come to.
    """
    least = np.where(hidden, 1.0, cells.values)
    least[hidden & (cells.values <= TOLERANCE)] = 0.0
    least = np.minimum(least, cells.values)
    parent, line, child = _kept_lines(cells, cells.no_less & cells.no_more)
    # Four passes carry a minimum from the units to the nation and its sums.
    for _ in range(4):
        sums = np.bincount(line, weights=least[child], minlength=len(parent))
        raised = least.copy()
        np.maximum.at(raised, parent, sums)
        raised = np.where(hidden, np.minimum(raised, cells.values), cells.values)
        if np.array_equal(raised, least):
            break
        least = raised
    return least


def _kept_lines(cells: Cells, kept: Flags) -> tuple[Indices, Indices, Indices]:
    """Totals, and line and part of each entry, of the lines `kept`."""
    if kept.all():
        return cells.line_parent, cells.entry_line, cells.entry_child
    new_number = np.cumsum(kept) - 1
    entries = kept[cells.entry_line]
    return cells.line_parent[kept], new_number[cells.entry_line[entries]], cells.entry_child[entries]


def _headroom(cells: Cells, hidden: Flags) -> Numbers:
    """How far each cell can rise below the shown cells that cap it."""
    room = np.full(cells.size, UNBOUNDED)
    low, high = cells.caps[:, 0], cells.caps[:, 1]
    shown = ~hidden[high]
    np.minimum.at(room, low[shown], cells.values[high[shown]] - cells.values[low[shown]])
    return np.maximum(room, 0.0)


def ranges(cells: Cells, hidden: Flags) -> tuple[Numbers, Numbers]:
    """The least and the largest value of each cell; exact where lines form no circle."""
    return _propagate(cells, hidden, np.where(hidden, 0.0, cells.values))


def capped_sum_tells_nothing(values: Numbers, caps: Numbers, count_max: float) -> bool:
    """Whether the sum of `values`, each counted up to its cap, leaves every small value its range.

    Known are the caps, the sum of the values, and the sum of what counts. A small value keeps its range if
    each number from 1 to `count_max` is possible: if others can count for the rest, and, where a surplus is
    left, at least one of them reaches its cap.
    """
    total, counted = values.sum(), np.minimum(values, caps).sum()
    for place in np.flatnonzero((values > TOLERANCE) & (values <= count_max)):
        others = np.delete(caps, place)
        if not len(others):
            return False
        for guess in range(1, int(count_max) + 1):
            rest = counted - min(guess, caps[place])
            surplus = total - guess - rest
            if rest < 0 or rest > others.sum() or surplus < 0 or (surplus > 0 and rest < others.min()):
                return False
    return True


def _propagate(cells: Cells, hidden: Flags, low: Numbers) -> tuple[Numbers, Numbers]:
    low = low.copy()
    high = np.where(hidden, UNBOUNDED, cells.values)
    # Where the parts come to no more than the total, and where they come to no less: mostly the same lines.
    below, below_line, below_part = _kept_lines(cells, cells.no_more)
    above, above_line, above_part = _kept_lines(cells, cells.no_less)
    for _ in range(_PASSES_MAX):
        before_low, before_high = low.copy(), high.copy()
        np.minimum.at(high, cells.caps[:, 0], high[cells.caps[:, 1]])
        np.maximum.at(low, cells.caps[:, 1], low[cells.caps[:, 0]])
        low_sum = np.bincount(below_line, weights=low[below_part], minlength=len(below))
        high_sum = np.bincount(above_line, weights=high[above_part], minlength=len(above))
        np.minimum.at(high, above, high_sum)
        np.maximum.at(low, below, low_sum)
        np.minimum.at(high, below_part, high[below][below_line] - (low_sum[below_line] - low[below_part]))
        np.maximum.at(low, above_part, low[above][above_line] - (high_sum[above_line] - high[above_part]))
        if np.allclose(low, before_low, atol=TOLERANCE) and np.allclose(high, before_high, atol=TOLERANCE):
            break
    # Shown cells are what they are, whatever rounding the sums of doubles left behind.
    return np.where(hidden, low, cells.values), np.where(hidden, high, cells.values)


def _unprotected(cells: Cells, hidden: Flags, small: Flags, limits: Limits) -> Flags:
    least, largest = ranges(cells, hidden)
    narrow_small = (least > 1 + TOLERANCE) | (largest < limits.count_max - TOLERANCE)
    narrow = largest - least < limits.width_min - TOLERANCE
    fixed = cells.flags(cells.fixed)
    # Below a total of zero everybody sees that all failed, however small the group.
    evident = (cells.values <= TOLERANCE) & (largest <= TOLERANCE)
    return hidden & ~fixed & ~evident & np.where(small, narrow_small, narrow)
