"""What can be worked out about hidden numbers from the shown ones: the least and the largest value of each.

Pure linear programming over sparse matrices, apart from the code that chooses what to hide. Unknowns are not
negative; what is known are equations and upper bounds on sums. Groups of unknowns that nothing connects are
looked at apart. Where the equations of a group form no circle, carrying bounds to and fro gives the exact
range; elsewhere solutions are found that reach the values asked about, many unknowns in one program.

The trap: a bound that was not reached proves nothing; in a circle a range is proven by a solution at each
end. One limit: in the smallest circles that hold CIRCLES_MAX unknowns together every inequality counts; in
larger ones one between two unknowns (a hidden numerator under a hidden denominator) is used to carry bounds,
and left out of the programs. Equations never are.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]

INFINITE = 1e9
TOLERANCE = 1e-6
# Weights of the unknowns in one program: other weights reach other solutions, the same ones every time.
_SEED = 20180101
_PASSES_MAX = 30
_PROGRAMS_MAX = 12
_SINGLE_PROGRAMS_MAX = 4000
# With every inequality between unknowns the sample has 3,200 circles with 104,000 unknowns in all, 2,400 in
# the largest. To solve all of them takes it seven seconds, the smallest with so many a few tenths of one.
CIRCLES_MAX = 20_000
# So many unknowns, or one group, make a program.
_BATCH = 3_000
_THREADS = 2


@dataclass(frozen=True)
class Known:
    """What is known of unknowns x: `equal @ x == equal_to`, `at_most @ x <= at_most_of`, `x <= upper`."""

    equal: csr_array
    equal_to: Numbers
    at_most: csr_array
    at_most_of: Numbers
    upper: Numbers


@dataclass(frozen=True)
class Recovered:
    """For each unknown the least and the largest value asked about that it was shown to reach.

    `least` and `largest` are proven by solutions (infinite, the wrong way round, where none was looked for);
    no solution passes `outer_least` and `outer_largest`.
    """

    least: Numbers
    largest: Numbers
    outer_least: Numbers
    outer_largest: Numbers


class CannotSolve(Exception):
    """The system has no solution: what is known contradicts itself."""


def recover(known: Known, low_target: Numbers, high_target: Numbers, asked: Flags) -> Recovered:
    """How low and how high each unknown of `asked` can be; looking no further than its targets.

    Raises CannotSolve when there is no solution at all.
    """
    outer_least, outer_largest = _carry_bounds(known)
    size = len(known.upper)
    least, largest = np.full(size, np.inf), np.full(size, -np.inf)
    label, is_circle = _groups(known)
    held = np.where(is_circle, np.bincount(label, minlength=len(is_circle)), 0)
    smallest_first = np.argsort(held, kind="stable")
    is_large = np.zeros(len(held), dtype=bool)
    is_large[smallest_first[np.cumsum(held[smallest_first]) > CIRCLES_MAX]] = True
    if is_large.any():
        known = _without_links(known, is_large[label])
        label, is_circle = _groups(known)
    straight = ~is_circle[label]
    least[straight], largest[straight] = outer_least[straight], outer_largest[straight]
    # A group needs programs only if an answer is asked of it that its outer bounds allow.
    open_low = asked & (outer_least <= low_target + TOLERANCE) & ~straight
    open_high = asked & (outer_largest >= high_target - TOLERANCE) & ~straight
    needed = np.zeros(len(is_circle), dtype=bool)
    needed[label[open_low | open_high]] = True

    def solve(inside: Indices) -> tuple[Indices, Numbers, Numbers]:
        _, group = np.unique(label[inside], return_inverse=True)
        part = _part(known, inside)
        return inside, *_solve(
            part, low_target[inside], high_target[inside], open_low[inside], open_high[inside], group
        )

    # The programs themselves run beside Python.
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for inside, low, high in pool.map(solve, _batches(label, needed)):
            least[inside], largest[inside] = low, high
    return Recovered(least, largest, outer_least, outer_largest)


def in_groups_of(some: Flags, known: Known) -> Flags:
    """All unknowns of the groups that hold one of `some`."""
    label, is_circle = _groups(known)
    hit = np.zeros(len(is_circle), dtype=bool)
    hit[label[some]] = True
    return hit[label]


def _batches(label: Indices, needed: Flags) -> list[Indices]:
    """The unknowns of the needed groups, some groups at a time: one program of all takes far longer."""
    unknowns = np.flatnonzero(needed[label]) if len(label) else np.empty(0, dtype=np.int64)
    unknowns = unknowns[np.argsort(label[unknowns], kind="stable")]
    starts = np.flatnonzero(np.diff(label[unknowns], prepend=-1))
    batches: list[Indices] = []
    first = 0
    for end in [*starts[1:], len(unknowns)]:
        if end - first >= _BATCH:
            batches.append(unknowns[first:end])
            first = end
    if first < len(unknowns):
        batches.append(unknowns[first:])
    return batches


def _carry_bounds(known: Known) -> tuple[Numbers, Numbers]:
    low = np.zeros(len(known.upper))
    high = np.minimum(known.upper, INFINITE)
    # An upper bound on a sum is an equation with a slack that is not negative: one-sided.
    both = vstack([known.equal, known.at_most]).tocoo()
    row, column, weight = both.row, both.col, both.data
    rows = both.shape[0]
    top = np.concatenate([known.equal_to, known.at_most_of])
    bottom = np.concatenate([known.equal_to, np.full(len(known.at_most_of), -np.inf)])
    for _ in range(_PASSES_MAX):
        before_low, before_high = low.copy(), high.copy()
        small = np.where(weight > 0, weight * low[column], weight * high[column])
        large = np.where(weight > 0, weight * high[column], weight * low[column])
        small_sum = np.bincount(row, weights=small, minlength=rows)
        large_sum = np.bincount(row, weights=large, minlength=rows)
        # What this unknown may add, if all the others add their least or their most.
        may = top[row] - (small_sum[row] - small)
        must = bottom[row] - (large_sum[row] - large)
        up = weight > 0
        np.minimum.at(high, column[up], may[up] / weight[up])
        np.maximum.at(low, column[up], must[up] / weight[up])
        np.maximum.at(low, column[~up], may[~up] / weight[~up])
        np.minimum.at(high, column[~up], must[~up] / weight[~up])
        if (low > high + 1e-3).any():
            raise CannotSolve("bounds contradict each other")
        if np.allclose(low, before_low, atol=TOLERANCE) and np.allclose(high, before_high, atol=TOLERANCE):
            break
    return low, high


def _groups(known: Known) -> tuple[Indices, Flags]:
    """The group of each unknown, and whether the equations of a group form a circle."""
    both = vstack([known.equal, known.at_most]).tocoo()
    rows, size = both.shape
    graph = coo_array(
        (np.ones(len(both.row), dtype=np.int8), (both.row + size, both.col)), shape=(rows + size, rows + size)
    )
    number, label = connected_components(graph, directed=False)
    nodes = np.bincount(label, minlength=number)
    edges = np.bincount(label[both.col], minlength=number)
    return label[:size].astype(np.int64), edges >= nodes


def _without_links(known: Known, inside: Flags) -> Known:
    """The same without inequalities between unknowns `inside`, whole groups of them."""
    at_most = known.at_most.tocsr()
    terms = np.diff(at_most.indptr)
    is_inside = np.zeros(at_most.shape[0], dtype=bool)
    is_inside[np.repeat(np.arange(at_most.shape[0]), terms)] = inside[at_most.indices]
    kept = (terms <= 1) | ~is_inside
    return Known(known.equal, known.equal_to, at_most[kept], known.at_most_of[kept], known.upper)


def _part(known: Known, inside: Indices) -> Known:
    """The unknowns `inside`, whole groups of them, and what is known of them."""

    def rows_of(matrix: csr_array, right: Numbers) -> tuple[csr_array, Numbers]:
        kept = matrix[:, inside]
        filled = np.diff(kept.indptr) > 0
        return kept[filled], right[filled]

    equal, equal_to = rows_of(known.equal.tocsr(), known.equal_to)
    at_most, at_most_of = rows_of(known.at_most.tocsr(), known.at_most_of)
    return Known(equal, equal_to, at_most, at_most_of, known.upper[inside])


def _solve(
    known: Known,
    low_target: Numbers,
    high_target: Numbers,
    open_low: Flags,
    open_high: Flags,
    label: Indices,
) -> tuple[Numbers, Numbers]:
    size = len(known.upper)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    tried_low, tried_high = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    # Nothing is asked above a target; the bound keeps programs from running to infinity. It stays far away,
    # for the other unknowns must be able to take up what one gives.
    ceiling = np.minimum(known.upper, INFINITE)
    random = np.random.default_rng(_SEED)
    groups = int(label.max()) + 1

    for turn in range(_PROGRAMS_MAX + _SINGLE_PROGRAMS_MAX):
        want_low = open_low & (low > low_target + TOLERANCE) & ~tried_low
        want_high = open_high & (high < high_target - TOLERANCE) & ~tried_high
        if not (want_low.any() or want_high.any()):
            return low, high
        has_low, has_high = np.zeros(groups, dtype=bool), np.zeros(groups, dtype=bool)
        has_low[label[want_low]], has_high[label[want_high]] = True, True
        # One end of a group at a time: pushing down and up at once would cancel out in a sum.
        is_low = (has_low & (~has_high | (turn % 2 == 0)))[label]
        asked = np.where(is_low, want_low, want_high)
        if turn >= _PROGRAMS_MAX:
            # What many at once did not reach is asked about by itself, one unknown of every group at a time.
            cells = np.flatnonzero(asked)
            asked = np.zeros(size, dtype=bool)
            asked[cells[np.unique(label[cells], return_index=True)[1]]] = True
            tried_low |= asked & is_low
            tried_high |= asked & ~is_low
        weights = np.where(asked, np.where(is_low, 1.0, -1.0) * (random.random(size) + 0.1), 0.0)
        inside = np.flatnonzero((has_low | has_high)[label])
        solution = _program(_part(known, inside), weights[inside], ceiling[inside])
        low[inside] = np.minimum(low[inside], solution)
        high[inside] = np.maximum(high[inside], solution)
    raise CannotSolve(f"{_SINGLE_PROGRAMS_MAX} programs do not suffice to look at unknowns one by one")


def _program(known: Known, weights: Numbers, ceiling: Numbers) -> Numbers:
    found = linprog(
        weights,
        A_eq=known.equal if known.equal.shape[0] else None,
        b_eq=known.equal_to if known.equal.shape[0] else None,
        A_ub=known.at_most if known.at_most.shape[0] else None,
        b_ub=known.at_most_of if known.at_most.shape[0] else None,
        bounds=np.stack([np.zeros(len(weights)), ceiling], axis=1),
        method="highs",
    )
    if found.x is None:
        raise CannotSolve(str(found.message))
    return np.asarray(found.x, dtype=np.float64)
