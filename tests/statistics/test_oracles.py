"""The statistics against statsmodels, scipy and brute force, on cases the worked examples do not reach."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import contingency_tables, inter_rater

from dagster_project.statistics import agreement, bootstrap, exact, sign_flip


@pytest.mark.parametrize(("lenient", "harsh"), [(0, 1), (3, 0), (4, 4), (17, 5), (250, 190)])
def test_mcnemar_is_that_of_statsmodels(lenient, harsh):
    expected = contingency_tables.mcnemar([[9, lenient], [harsh, 9]], exact=True).pvalue
    assert float(exact.mcnemar_exact_p(lenient, harsh)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("probability", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_binomial_tails_are_those_of_scipy_stats(probability):
    totals = np.repeat([1, 7, 40, 900], 41)
    counts = np.minimum(np.tile(np.arange(41), 4), totals)
    upper = stats.binom.sf(counts - 1, totals, probability)
    lower = stats.binom.cdf(counts, totals, probability)
    half = stats.binom.pmf(counts, totals, probability) / 2
    close = {"rel": 1e-9, "abs": 1e-300}
    assert exact.binomial_upper_p(counts, totals, probability) == pytest.approx(upper, **close)
    assert exact.binomial_upper_mid_p(counts, totals, probability) == pytest.approx(
        upper - half, rel=1e-7, abs=1e-13
    )
    two_sided = np.minimum(2 * (np.minimum(upper, lower) - half), 1)
    assert exact.binomial_two_sided_mid_p(counts, totals, probability) == pytest.approx(
        two_sided, rel=1e-7, abs=1e-13
    )


@pytest.mark.parametrize("seed", range(6))
def test_kappa_and_symmetry_tests_are_those_of_statsmodels(seed):
    table = np.random.default_rng(seed).integers(1, 30, size=(3, 3))
    square = contingency_tables.SquareTable(table, shift_zeros=False)
    homogeneity, symmetry = square.homogeneity(), square.symmetry()
    assert agreement.stuart_maxwell(table) == pytest.approx(
        (homogeneity.statistic, homogeneity.df, homogeneity.pvalue), rel=1e-9
    )
    assert agreement.bowker(table) == pytest.approx(
        (symmetry.statistic, symmetry.df, symmetry.pvalue), rel=1e-9
    )
    for weights, name in (("identity", None), ("linear", "linear"), ("quadratic", "quadratic")):
        expected = inter_rater.cohens_kappa(table, wt=name, return_results=False)
        assert float(agreement.cohens_kappa(table, weights)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_sign_flip_is_that_of_every_sign_vector_written_out(seed):
    net = np.random.default_rng(seed).integers(-3, 4, size=9)
    moved = net[net != 0]
    sums = [abs(int(moved @ signs)) for signs in itertools.product((-1, 1), repeat=len(moved))]
    expected = np.mean([total >= abs(int(net.sum())) for total in sums])
    assert sign_flip.sign_flip_p(net) == pytest.approx(expected, abs=1e-12)


def test_drawn_signs_come_near_the_exact_answer_and_never_give_zero():
    net = [1, 1, 2, -1, 3, 0, 1, 1, -2, 1, 1, 2]
    assert sign_flip.sign_flip_p(net, exact_clusters=0) == pytest.approx(
        sign_flip.sign_flip_p(net), abs=0.015
    )
    assert sign_flip.sign_flip_p([1] * 400) == pytest.approx(1 / 10_000)


def test_exact_signs_refuse_more_clusters_than_integers_can_count():
    with pytest.raises(ValueError, match="62"):
        sign_flip.sign_flip_p([1] * 70, exact_clusters=100)


def test_beta_quantile_is_that_of_scipy_and_takes_the_limit_at_zero():
    found = exact.beta_quantile([0.025, 0.5, 0.975], [2.8, 0.3, 7.0], [20.6, 0.4, 1.5])
    assert found == pytest.approx(stats.beta.ppf([0.025, 0.5, 0.975], [2.8, 0.3, 7.0], [20.6, 0.4, 1.5]))
    assert exact.beta_quantile([0.5, 0.5], [0.0, 3.0], [3.0, 0.0]).tolist() == [0.0, 1.0]


def test_alpha_of_two_raters_is_the_same_from_ratings_and_from_the_table():
    generator = np.random.default_rng(11)
    ratings = generator.integers(0, 3, size=(2, 60)).astype(float)
    table = np.zeros((3, 3))
    for first, second in ratings.T.astype(int):
        table[first, second] += 1
    for metric in ("nominal", "ordinal", "interval"):
        from_table = float(agreement.alpha_from_table(table, metric))
        assert agreement.krippendorff_alpha(ratings, 3, metric) == pytest.approx(from_table, abs=1e-12)


def test_ac1_of_two_raters_is_the_same_from_ratings_and_from_the_table():
    ratings = np.random.default_rng(12).integers(0, 3, size=(2, 60)).astype(float)
    table = np.zeros((3, 3))
    for first, second in ratings.T.astype(int):
        table[first, second] += 1
    for weights in ("identity", "linear", "quadratic"):
        from_table = float(agreement.gwet_ac(table, weights))
        assert agreement.gwet_ac_raters(ratings, 3, weights) == pytest.approx(from_table, abs=1e-12)


def test_a_bootstrap_of_independent_units_comes_near_the_normal_interval():
    tables = np.zeros((400, 2, 2), dtype=int)
    tables[:300, 1, 1] = tables[300:360, 0, 0] = tables[360:400, 1, 0] = 1
    found = bootstrap.cluster_bootstrap(tables, [0, 1], np.zeros(400))
    ratio = math.log(340 / 300)
    spread = 1.96 * math.sqrt(40 / (340 * 300))
    expected = (math.exp(ratio - spread) - 1, math.exp(ratio + spread) - 1)
    assert found.gap_relative == pytest.approx(expected, abs=0.01)


def test_resampling_within_strata_never_moves_what_only_differs_between_them():
    tables = np.zeros((20, 2, 2), dtype=int)
    tables[:10, 1, 1] = 1
    tables[10:, 1, 0] = 1
    found = bootstrap.cluster_bootstrap(tables, [0, 1], np.repeat(["A", "B"], 10), draws=50)
    assert found.gap_relative == (1.0, 1.0)
