"""What must hold for the statistics whatever the counts."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dagster_project.statistics import agreement, exact, sign_flip

counts = st.integers(0, 400)
nets = st.lists(st.integers(-6, 6), min_size=1, max_size=16)
tables = st.integers(2, 4).flatmap(
    lambda width: hnp.arrays(np.int64, (width, width), elements=st.integers(0, 40))
)


@given(counts, counts)
def test_mcnemar_does_not_care_who_is_called_the_rated(lenient, harsh):
    found, swapped = (
        float(exact.mcnemar_exact_p(lenient, harsh)),
        float(exact.mcnemar_exact_p(harsh, lenient)),
    )
    mid = float(exact.mcnemar_mid_p(lenient, harsh))
    if lenient + harsh == 0:
        assert math.isnan(found) and math.isnan(mid)
    else:
        assert found == swapped
        assert 0 < found <= 1
        assert mid <= found + 1e-12


@given(nets, st.randoms(use_true_random=False))
def test_sign_flip_ignores_order_direction_and_zeros(net, random):
    found = sign_flip.sign_flip_p(net)
    shuffled = [*net, 0, 0]
    random.shuffle(shuffled)
    for other in (shuffled, [-value for value in net]):
        again = sign_flip.sign_flip_p(other)
        assert again == found or (math.isnan(again) and math.isnan(found))
    if any(net):
        assert 0 < found <= 1
        assert found >= 2.0 ** -(np.count_nonzero(net) - 1) - 1e-15


@given(nets)
def test_one_sided_sign_flip_of_both_directions_covers_everything(net):
    if any(net):
        up = sign_flip.sign_flip_one_sided_p(net)
        down = sign_flip.sign_flip_one_sided_p([-value for value in net])
        assert up + down >= 1 - 1e-12


@settings(deadline=None)
@given(tables)
def test_agreement_is_bounded_and_the_same_with_the_raters_swapped(table):
    for statistic in (
        agreement.raw_agreement,
        agreement.cohens_kappa,
        agreement.gwet_ac,
        lambda given_table: agreement.gwet_ac(given_table, "quadratic"),
        lambda given_table: agreement.alpha_from_table(given_table, "ordinal"),
    ):
        found, swapped = float(statistic(table)), float(statistic(table.T))
        assert (math.isnan(found) and math.isnan(swapped)) or abs(found - swapped) < 1e-9
        assert math.isnan(found) or found <= 1 + 1e-9


@settings(deadline=None)
@given(tables)
def test_perfect_agreement_is_one(table):
    diagonal = np.diag(np.diag(table))
    for statistic in (agreement.cohens_kappa, agreement.gwet_ac, agreement.alpha_from_table):
        found = float(statistic(diagonal))
        assert math.isnan(found) or abs(found - 1) < 1e-9


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.data())
def test_binomial_tails_are_probabilities_and_mid_p_is_smaller(total, probability, data):
    count = data.draw(st.integers(0, total))
    whole = float(exact.binomial_upper_p(count, total, probability))
    mid = float(exact.binomial_upper_mid_p(count, total, probability))
    assert -1e-12 <= mid <= whole <= 1 + 1e-12
    assert 0 <= float(exact.binomial_two_sided_mid_p(count, total, probability)) <= 1
