"""Which cells are hidden: the worked examples, the readings, and tables drawn at random."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array, diags_array, vstack

from dagster_project.disclosure.recovery import Known, recover
from dagster_project.disclosure.suppression import (
    Cells,
    Limits,
    capped_sum_tells_nothing,
    protect,
    ranges,
)

LIMITS = Limits(count_max=4, width_min=3)
EXAMPLES = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text("utf-8"))


def line_of(parts: Sequence[float], **others: np.ndarray) -> Cells:
    """Parts and their total, which is the last cell."""
    number = len(parts)
    return Cells(
        np.array([*parts, sum(parts)], dtype=float),
        line_parent=np.array([number]),
        entry_line=np.zeros(number, dtype=np.int64),
        entry_child=np.arange(number),
        **others,  # type: ignore[arg-type]
    )


def shown(cells: Cells) -> list[float | None]:
    hidden = protect(cells, LIMITS).hidden
    return [
        None if is_hidden else float(value) for value, is_hidden in zip(cells.values, hidden, strict=True)
    ]


@pytest.mark.parametrize(("given_counts", "published"), [("inp", "out"), ("inp2", "out2")])
def test_e18_hides_the_small_unit_and_the_smallest_other_and_keeps_a_zero(
    given_counts: str, published: str
) -> None:
    example = EXAMPLES["E18_suppression"]
    expected = [None if cell == "[c]" else cell for cell in example[published]]
    assert shown(line_of(example[given_counts])) == [*expected, example["total"]]


def test_a_table_without_small_counts_is_shown_whole() -> None:
    assert shown(line_of([5, 9, 0, 12])) == [5, 9, 0, 12, 26]


def test_two_small_counts_that_a_total_would_bound_get_a_third() -> None:
    assert shown(line_of([1, 2, 9, 8])) == [None, None, 9, None, 20]


def test_of_equal_candidates_the_first_by_key_is_hidden() -> None:
    assert shown(line_of([3, 8, 8])) == [None, None, 8, 19]


def test_a_preferred_cell_covers_although_another_is_smaller() -> None:
    preferred = np.array([False, False, True, False])
    assert shown(line_of([3, 8, 30], preferred=preferred)) == [None, 8, None, 41]


def test_a_small_count_without_siblings_takes_its_total_along() -> None:
    assert shown(line_of([3, 0])) == [None, 0, None]


def test_six_parts_of_one_leave_their_total_in_place() -> None:
    assert shown(line_of([1, 1, 1, 1, 1, 1, 0])) == [None] * 6 + [0, 6]


def test_a_small_group_in_which_all_failed_is_hidden_whatever_its_size() -> None:
    cells = line_of([8, 20, 30], uniform=np.array([True, False, False, False]))
    assert shown(cells) == [None, None, 30, 58]


def test_a_group_in_which_nobody_passed_is_hidden_although_the_count_is_zero() -> None:
    cells = line_of([0, 20, 30], uniform=np.array([True, False, False, False]))
    assert shown(cells) == [None, None, 30, 50]


def test_a_window_goes_with_any_of_its_quarters_and_covers_nothing() -> None:
    # Two units over two quarters; cells 6 and 7 are the units' sums over time, 8 the Area's.
    cells = Cells(
        np.array([3, 9, 12, 9, 8, 17, 12, 17, 29], dtype=float),
        line_parent=np.array([2, 5]),
        entry_line=np.array([0, 0, 1, 1]),
        entry_child=np.array([0, 1, 3, 4]),
        implies=np.array([[0, 6], [3, 6], [1, 7], [4, 7], [2, 8], [5, 8]]),
        fixed=np.array([False] * 6 + [True] * 3),
    )
    assert list(protect(cells, LIMITS).hidden) == [True, True, False, False, False, False, True, True, False]


def test_what_a_quarter_hides_does_not_depend_on_other_quarters() -> None:
    quarter = line_of([7, 3, 12])
    beside = Cells(
        np.concatenate([quarter.values, [2, 40, 9, 51]]),
        line_parent=np.array([3, 7]),
        entry_line=np.array([0, 0, 0, 1, 1, 1]),
        entry_child=np.array([0, 1, 2, 4, 5, 6]),
    )
    assert list(protect(beside, LIMITS).hidden[:4]) == list(protect(quarter, LIMITS).hidden)


def test_a_capped_sum_that_pins_a_small_count_down_is_found() -> None:
    # 3 dips where one was due and 2 where five were: nothing else comes to 5 dips of which 3 count.
    assert not capped_sum_tells_nothing(np.array([3.0, 2.0]), np.array([1.0, 5.0]), 4)
    assert capped_sum_tells_nothing(np.array([3.0, 4.0, 6.0]), np.array([5.0, 5.0, 7.0]), 4)


@settings(deadline=None)
@given(
    values=st.lists(st.integers(0, 7), min_size=2, max_size=4),
    caps=st.lists(st.integers(1, 8), min_size=4, max_size=4),
)
def test_a_capped_sum_that_may_stay_leaves_every_small_count_its_range(
    values: list[int], caps: list[int]
) -> None:
    caps = caps[: len(values)]
    if not capped_sum_tells_nothing(np.array(values, dtype=float), np.array(caps, dtype=float), 4):
        return
    total, counted = sum(values), sum(map(min, values, caps))
    possible = [
        guess
        for guess in product(range(total + 1), repeat=len(values))
        if sum(guess) == total and sum(map(min, guess, caps)) == counted
    ]
    for place, value in enumerate(values):
        if 1 <= value <= 4:
            assert {1, 2, 3, 4} <= {guess[place] for guess in possible}


# --- tables drawn at random ---


@st.composite
def nations(draw: st.DrawFn) -> Cells:
    """Units in Areas in a nation over quarters, with windows of quarters at every level."""
    areas = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    quarters = draw(st.integers(1, 4))
    count = st.one_of(st.integers(0, 6), st.integers(0, 60))
    values: list[float] = []
    parents: list[int] = []
    lines: list[int] = []
    children: list[int] = []
    implies: list[tuple[int, int]] = []

    def cell(value: float) -> int:
        values.append(value)
        return len(values) - 1

    series: dict[tuple[int, int], list[int]] = {}
    for _ in range(quarters):
        area_cells = []
        for area, units in enumerate(areas):
            unit_cells = [cell(draw(count)) for _ in range(units)]
            for unit, place in enumerate(unit_cells):
                series.setdefault((area, unit), []).append(place)
            head = cell(sum(values[place] for place in unit_cells))
            series.setdefault((area, -1), []).append(head)
            parents.append(head)
            lines += [len(parents) - 1] * units
            children += unit_cells
            area_cells.append(head)
        nation = cell(sum(values[place] for place in area_cells))
        series.setdefault((-1, -1), []).append(nation)
        parents.append(nation)
        lines += [len(parents) - 1] * len(areas)
        children += area_cells
    first_window = len(values)
    for places in series.values():
        window = cell(sum(values[place] for place in places))
        implies += [(place, window) for place in places]
    fixed = np.arange(len(values)) >= first_window
    return Cells(
        np.array(values, dtype=float),
        line_parent=np.array(parents),
        entry_line=np.array(lines),
        entry_child=np.array(children),
        implies=np.array(implies),
        fixed=fixed,
    )


def as_seen(cells: Cells, hidden: np.ndarray) -> Known:
    """Everything an onlooker knows: each line, and each window as the sum of its quarters."""
    rows, columns, weights = [], [], []
    number = len(cells.line_parent)
    for line, child in zip(cells.entry_line, cells.entry_child, strict=True):
        rows.append(int(line))
        columns.append(int(child))
        weights.append(1.0)
    for line, parent in enumerate(cells.line_parent):
        rows.append(line)
        columns.append(int(parent))
        weights.append(-1.0)
    for window in np.unique(cells.implies[:, 1]):
        for part in cells.implies[cells.implies[:, 1] == window, 0]:
            rows.append(number)
            columns.append(int(part))
            weights.append(1.0)
        rows.append(number)
        columns.append(int(window))
        weights.append(-1.0)
        number += 1
    matrix = coo_array((weights, (rows, columns)), shape=(number, cells.size)).tocsr()
    known = np.where(hidden, 0.0, cells.values)
    of_hidden = matrix[:, np.flatnonzero(hidden)]
    nothing = csr_array((0, int(hidden.sum())))
    return Known(of_hidden, -(matrix @ known), nothing, np.empty(0), np.full(int(hidden.sum()), np.inf))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=nations())
def test_no_small_count_of_a_random_nation_can_be_recovered(cells: Cells) -> None:
    plan = protect(cells, LIMITS)
    if not plan.hidden.any():
        return
    small = plan.sensitive[plan.hidden] & ~cells.flags(cells.fixed)[plan.hidden]
    size = int(plan.hidden.sum())
    found = recover(as_seen(cells, plan.hidden), np.ones(size), np.full(size, 4.0), np.ones(size, dtype=bool))
    values = cells.values[plan.hidden]
    assert (found.least[small] <= 1 + 1e-6).all(), values[small]
    assert (found.largest[small] >= 4 - 1e-6).all(), values[small]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=nations())
def test_zeros_and_tables_without_small_counts_are_never_touched(cells: Cells) -> None:
    hidden = protect(cells, LIMITS).hidden
    assert not hidden[cells.values == 0].any()
    if not ((cells.values > 0) & (cells.values <= 4)).any():
        assert not hidden.any()


def side_by_side(one: Cells, other: Cells) -> Cells:
    """Two nations that have nothing to do with each other."""
    lines = len(one.line_parent)
    return Cells(
        np.concatenate([one.values, other.values]),
        line_parent=np.concatenate([one.line_parent, other.line_parent + one.size]),
        entry_line=np.concatenate([one.entry_line, other.entry_line + lines]),
        entry_child=np.concatenate([one.entry_child, other.entry_child + one.size]),
        implies=np.concatenate([one.implies, other.implies + one.size]),
        caps=np.concatenate([one.caps, other.caps + one.size]),
        fixed=np.concatenate([one.flags(one.fixed), other.flags(other.fixed)]),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=nations(), other=nations(), chosen=st.sets(st.integers(0, 40), min_size=1, max_size=3))
def test_covering_further_hides_what_planning_all_of_it_anew_would(
    one: Cells, other: Cells, chosen: set[int]
) -> None:
    cells = side_by_side(one, other)
    before = protect(cells, LIMITS)
    hidden = np.flatnonzero(before.hidden)
    extra = np.zeros(cells.size, dtype=bool)
    extra[[hidden[number % len(hidden)] for number in chosen if len(hidden)]] = True
    held = replace(cells, also_hidden=before.hidden)
    further, anew = protect(held, LIMITS, extra, before), protect(held, LIMITS, extra)
    assert list(further.hidden) == list(anew.hidden)
    assert list(further.unprotected) == list(anew.unprotected)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=nations())
def test_the_suppressors_own_ranges_agree_with_the_audits(cells: Cells) -> None:
    plan = protect(cells, LIMITS)
    if not plan.hidden.any():
        return
    free = np.flatnonzero(plan.hidden & ~cells.flags(cells.fixed))
    least, largest = ranges(cells, plan.hidden)
    size = int(plan.hidden.sum())
    far = np.full(size, 1e6)
    found = recover(as_seen(cells, plan.hidden), np.zeros(size), far, np.ones(size, dtype=bool))
    place = np.cumsum(plan.hidden) - 1
    assert least[free] == pytest.approx(np.maximum(found.outer_least[place[free]], 0), abs=1e-6)
    bounded = largest[free] < 1e6
    assert largest[free][bounded] == pytest.approx(found.outer_largest[place[free]][bounded], abs=1e-6)


# --- counts that cap others ---


def twins_of(parts: Sequence[tuple[float, float]]) -> Cells:
    """Parts and what each caps, with the totals of both: parts, capped ones, the two totals."""
    number = len(parts)
    one, other = zip(*parts, strict=True)
    place = np.arange(number)
    return Cells(
        np.array([*one, *other, sum(one), sum(other)], dtype=float),
        line_parent=np.array([2 * number, 2 * number + 1]),
        entry_line=np.repeat([0, 1], number),
        entry_child=np.arange(2 * number),
        implies=np.array([*((here, here + number) for here in range(number)), (2 * number, 2 * number + 1)]),
        caps=np.array([(here + number, here) for here in range(number)] + [(2 * number + 1, 2 * number)]),
        twin_totals=np.array([[2 * number, 2 * number + 1]]),
        twin_parts=np.stack([np.zeros(number, dtype=np.int64), place, place + number], axis=1),
    )


def with_caps(cells: Cells, hidden: np.ndarray) -> Known:
    """What an onlooker knows who also knows the caps, and which lines only bound their total."""
    seen = as_seen(replace(cells, implies=np.empty((0, 2), dtype=np.int64)), hidden)
    place = np.cumsum(hidden) - 1
    upper = np.full(int(hidden.sum()), np.inf)
    pairs = []
    for low, high in cells.caps:
        if hidden[low] and hidden[high]:
            pairs.append((place[low], place[high]))
        elif hidden[low]:
            upper[place[low]] = min(upper[place[low]], cells.values[high])
    row = np.repeat(np.arange(len(pairs)), 2)
    links = csr_array(
        (np.tile([1.0, -1.0], len(pairs)), (row, np.array(pairs, dtype=np.int64).reshape(-1))),
        shape=(len(pairs), len(upper)),
    )
    adds_up = cells.no_less & cells.no_more
    bounds = np.flatnonzero(~adds_up)
    # The sum of the parts less the total is at most nothing, or the other way round.
    sign = diags_array(np.where(cells.no_more[bounds], 1.0, -1.0))
    return replace(
        seen,
        equal=seen.equal[np.flatnonzero(adds_up)],
        equal_to=seen.equal_to[adds_up],
        at_most=vstack([links, sign @ seen.equal[bounds]]).tocsr(),
        at_most_of=np.concatenate([np.zeros(len(pairs)), sign @ seen.equal_to[bounds]]),
        upper=upper,
    )


def given_away(cells: Cells, hidden: np.ndarray) -> np.ndarray:
    """The small hidden cells that somebody can narrow down who knows sums and caps."""
    values = cells.values[hidden]
    size = len(values)
    asked = (values > 0) & (values <= 4)
    found = recover(with_caps(cells, hidden), np.ones(size), np.full(size, 4.0), asked)
    weak = asked & ((found.least > 1 + 1e-6) | (found.largest < 4 - 1e-6))
    result = np.zeros(cells.size, dtype=bool)
    result[np.flatnonzero(hidden)[weak]] = True
    return result


def test_a_part_that_two_totals_and_their_caps_would_give_away_is_covered() -> None:
    # 3 + 1 + 4 less 3 + 0 + 4 leaves 1 for the second, although three are hidden in the first line.
    cells = twins_of([(3, 3), (1, 0), (4, 4), (20, 11), (30, 30)])
    without = protect(
        replace(
            cells, twin_totals=np.empty((0, 2), dtype=np.int64), twin_parts=np.empty((0, 3), dtype=np.int64)
        ),
        LIMITS,
    )
    assert given_away(cells, without.hidden)[1]
    plan = protect(cells, LIMITS)
    assert not given_away(cells, plan.hidden).any()
    assert plan.hidden.sum() <= without.hidden.sum() + 2


def test_a_capped_part_that_its_cap_would_hold_up_is_covered() -> None:
    # Of 9 the second and third can take 5 at most, so the first is 4.
    cells = twins_of([(25, 4), (4, 4), (1, 1), (60, 33), (7, 7)])
    plan = protect(cells, LIMITS)
    assert not given_away(cells, plan.hidden).any()
    assert not plan.hidden[[10, 11]].any()


def test_a_part_whose_cap_a_larger_count_bounds_is_covered() -> None:
    # Of 7 the second can take no more than its cap, and that no more than 5: so the first is 2 at least.
    cells = Cells(
        np.array([4.0, 3.0, 7.0, 4.0, 5.0]),
        line_parent=np.array([2, 4]),
        entry_line=np.array([0, 0, 1]),
        entry_child=np.array([0, 1, 3]),
        caps=np.array([[1, 3]]),
        fixed=np.array([False, False, False, False, True]),
        line_no_less=np.array([True, False]),
    )
    assert given_away(cells, np.array([True, True, False, True, False]))[0]
    plan = protect(cells, LIMITS)
    assert not given_away(cells, plan.hidden)[:2].any()


@st.composite
def capped_nations(draw: st.DrawFn) -> Cells:
    """Units in Areas in a nation, each with a count and one that is no larger."""
    areas = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    count = st.one_of(st.integers(0, 6), st.integers(0, 40))
    values: list[float] = []

    def pair(high: float, low: float) -> int:
        values.extend((high, low))
        return len(values) - 2

    lines: list[tuple[int, list[int]]] = []
    heads = []
    for units in areas:
        found = []
        for _ in range(units):
            high = draw(count)
            found.append(pair(high, high - draw(st.one_of(st.just(0), st.integers(0, high)))))
        heads.append(pair(sum(values[cell] for cell in found), sum(values[cell + 1] for cell in found)))
        lines.append((heads[-1], found))
    nation = pair(sum(values[cell] for cell in heads), sum(values[cell + 1] for cell in heads))
    lines.append((nation, heads))
    highs = np.arange(0, len(values), 2)
    return Cells(
        np.array(values, dtype=float),
        line_parent=np.array([head + side for head, _ in lines for side in (0, 1)]),
        entry_line=np.array(
            [2 * line + side for line, (_, parts) in enumerate(lines) for side in (0, 1) for _ in parts]
        ),
        entry_child=np.array([part + side for _, parts in lines for side in (0, 1) for part in parts]),
        implies=np.stack([highs, highs + 1], axis=1),
        caps=np.stack([highs + 1, highs], axis=1),
        twin_totals=np.array([(head, head + 1) for head, _ in lines]),
        twin_parts=np.array(
            [(line, part, part + 1) for line, (_, parts) in enumerate(lines) for part in parts]
        ),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=capped_nations())
def test_no_small_count_can_be_recovered_by_somebody_who_knows_what_caps_it(cells: Cells) -> None:
    plan = protect(cells, LIMITS)
    for _ in range(8):
        weak = given_away(cells, plan.hidden)
        if not weak.any():
            break
        # What an audit finds is covered in the next round, as in a run.
        plan = protect(replace(cells, also_hidden=plan.hidden), LIMITS, weak, plan)
    assert not weak.any()
