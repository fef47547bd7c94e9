"""The attack itself: what can be worked out is found, what cannot is not, and nonsense is called nonsense."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.sparse import csr_array

from dagster_project.disclosure.recovery import CannotSolve, Known, Recovered, recover


def known(
    rows: Sequence[Sequence[float]], right: Sequence[float], upper: Sequence[float] | None = None
) -> Known:
    size = len(rows[0])
    return Known(
        csr_array(np.array(rows, dtype=float)),
        np.array(right, dtype=float),
        csr_array((0, size)),
        np.empty(0),
        np.array(upper if upper is not None else [np.inf] * size, dtype=float),
    )


def attack(system: Known, low: float = 0, high: float = 100) -> Recovered:
    size = len(system.upper)
    return recover(system, np.full(size, low), np.full(size, high), np.ones(size, dtype=bool))


def test_a_single_hidden_part_is_the_total_less_the_others() -> None:
    found = attack(known([[1]], [3]))
    assert (found.outer_least[0], found.outer_largest[0]) == (3, 3)


def test_two_hidden_parts_share_what_is_left() -> None:
    found = attack(known([[1, 1]], [10]))
    assert list(found.outer_least) == [0, 0]
    assert list(found.outer_largest) == [10, 10]


def test_a_cap_on_one_part_is_a_floor_under_the_other() -> None:
    found = attack(known([[1, 1]], [10], upper=[8, np.inf]))
    assert list(found.outer_least) == [0, 2]


def test_a_cross_table_whose_margins_settle_a_cell_is_seen_through() -> None:
    # a + b = 1, c + d = 9, a + c = 9, b + d = 1: bounds to and fro leave a between 0 and 1.
    found = attack(known([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]], [1, 9, 9, 1]), high=4)
    assert found.largest[0] == pytest.approx(1)
    assert found.least[2] == pytest.approx(8)


def test_a_circle_that_bounds_alone_do_not_settle_is_solved() -> None:
    # a + b = 6, b + c = 6, a + c = 6 has one solution, though each bound to and fro stays open.
    found = attack(known([[1, 1, 0], [0, 1, 1], [1, 0, 1]], [6, 6, 6]))
    assert found.least == pytest.approx([3, 3, 3])
    assert found.largest == pytest.approx([3, 3, 3])


def test_many_groups_are_each_solved_to_the_end_as_if_alone() -> None:
    # Cross tables of four counts, none connected with another: each leaves its first count a range.
    random = np.random.default_rng(3)
    tables = random.integers(1, 9, size=(40, 4))
    one = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]], dtype=float)
    found = attack(known(np.kron(np.eye(40), one).tolist(), (tables @ one.T).ravel().tolist()))
    for place, (first, second, third, fourth) in enumerate(tables):
        assert found.least[4 * place] == pytest.approx(max(0, first - fourth))
        assert found.largest[4 * place] == pytest.approx(first + min(second, third))


def test_a_rate_with_one_count_gives_the_other() -> None:
    # covered = 0.25 required, covered + rest = required, rest = 9.
    found = attack(known([[1, -0.25], [-1, 1]], [0, 9]), low=20, high=1)
    assert found.least == pytest.approx([3, 12])
    assert found.largest == pytest.approx([3, 12])


def test_contradictions_are_an_error_and_not_a_pass() -> None:
    with pytest.raises(CannotSolve):
        attack(known([[1, 1], [1, 1]], [3, 5]))
