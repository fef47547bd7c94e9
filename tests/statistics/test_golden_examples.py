"""The worked examples of METRICS.md section 6 that one function answers, to six decimals."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from dagster_project.statistics import agreement, bootstrap, exact, sign_flip

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())


def close(value: float) -> object:
    return pytest.approx(value, abs=5e-7)


def test_e1_mcnemar_is_exact_and_mid_p_is_smaller():
    inp, out = GOLDEN["E1_ref2018_2x2"]["inp"], GOLDEN["E1_ref2018_2x2"]["out"]
    p = float(exact.mcnemar_exact_p(inp["lenient"], inp["harsh"]))
    mid_p = float(exact.mcnemar_mid_p(inp["lenient"], inp["harsh"]))
    assert f"{p:.6e}" == out["mcnemar_exact_p"]
    assert f"{mid_p:.6e}" == out["mcnemar_midp"]


@pytest.mark.parametrize("name", ["E1_ref2018_2x2", "E3_kappa_paradox"])
def test_e1_and_e3_agreement_of_two_by_two_tables(name):
    inp, out = GOLDEN[name]["inp"], GOLDEN[name]["out"]
    cells = (
        [inp[key] for key in ("both_met", "lenient", "harsh", "both_not")] if isinstance(inp, dict) else inp
    )
    table = np.reshape(cells, (2, 2))
    assert float(agreement.raw_agreement(table)) == close(out["agreement"])
    assert float(agreement.cohens_kappa(table)) == close(out["kappa"])
    assert float(agreement.gwet_ac(table)) == close(out["ac1"])
    assert float(agreement.alpha_from_table(table)) == close(out["kripp_alpha_nominal"])


def test_e2_agreement_of_the_three_point_table():
    table, out = GOLDEN["E2_ordinal_3x3"]["inp"], GOLDEN["E2_ordinal_3x3"]["out"]
    found = {
        "agreement": agreement.raw_agreement(table),
        "kappa": agreement.cohens_kappa(table),
        "kappa_linear": agreement.cohens_kappa(table, "linear"),
        "kappa_quadratic": agreement.cohens_kappa(table, "quadratic"),
        "ac1": agreement.gwet_ac(table),
        "ac2_linear": agreement.gwet_ac(table, "linear"),
        "ac2_quadratic": agreement.gwet_ac(table, "quadratic"),
        "alpha_nominal": agreement.alpha_from_table(table, "nominal"),
        "alpha_ordinal": agreement.alpha_from_table(table, "ordinal"),
        "alpha_interval": agreement.alpha_from_table(table, "interval"),
        "sign_test_p": exact.mcnemar_exact_p(out["lenient"], out["harsh"]),
    }
    assert {name: float(value) for name, value in found.items()} == {name: close(out[name]) for name in found}


def test_e2_stuart_maxwell_and_bowker():
    table, out = GOLDEN["E2_ordinal_3x3"]["inp"], GOLDEN["E2_ordinal_3x3"]["out"]
    assert agreement.stuart_maxwell(table) == (
        close(out["stuart_maxwell_chi2"]),
        out["sm_df"],
        close(out["sm_p"]),
    )
    assert agreement.bowker(table) == (close(out["bowker_chi2"]), out["bk_df"], close(out["bk_p"]))


def test_e3_mcnemar_on_three_discordant_pairs():
    _, lenient, harsh, _ = GOLDEN["E3_kappa_paradox"]["inp"]
    assert float(exact.mcnemar_exact_p(lenient, harsh)) == close(1.0)
    assert float(exact.mcnemar_mid_p(lenient, harsh)) == close(0.625)


def test_e7_exact_mid_p_of_each_unit():
    inp, out = GOLDEN["E7_funnel"]["inp"], GOLDEN["E7b_funnel_anscombe"]["p_exact_midp"]
    p = exact.binomial_two_sided_mid_p(inp["k"], inp["n"], 53 / 439)
    assert p.tolist() == [close(value) for value in out]


def test_e8_beta_quantiles_of_the_posterior():
    out = GOLDEN["E8_shrink"]["out"]
    alpha, beta = out["alpha"], out["beta"]
    for events, total, name in ((10, 30, "cri_n30_k10"), (0, 29, "cri_n29_k0")):
        bounds = exact.beta_quantile([0.025, 0.975], alpha + events, beta + total - events)
        assert bounds.tolist() == [pytest.approx(value, abs=1e-6) for value in out[name]]


def test_e11_one_sided_tails():
    now, now_of, before, before_of = GOLDEN["E11_emerging"]["inp"]
    share = now_of / (now_of + before_of)
    out = GOLDEN["E11_emerging"]["out"]
    assert float(exact.binomial_upper_p(now, now + before, share)) == close(out["cond_binom_p"])
    assert float(exact.binomial_upper_mid_p(now, now + before, share)) == close(out["midp"])


def test_e12_three_raters_with_missing_dips():
    ratings, out = np.array(GOLDEN["E12_alpha"]["inp"], dtype=float), GOLDEN["E12_alpha"]["out"]
    for metric in ("ordinal", "nominal", "interval"):
        assert agreement.krippendorff_alpha(ratings, 3, metric) == close(out[metric])
    assert agreement.gwet_ac_raters(ratings, 3) == close(out["ac1_multi"])
    assert agreement.coincidences_of(ratings, 3).sum(axis=0).tolist() == [3.0, 9.0, 15.0]


def test_e16_sign_flip_counts_clusters_not_answers():
    inp, out = GOLDEN["E16_signflip"]["inp"], GOLDEN["E16_signflip"]["out"]
    assert sign_flip.sign_flip_p(inp) == close(out["p_two"])
    assert sign_flip.sign_flip_one_sided_p(inp) == close(out["p_one"])
    assert float(exact.mcnemar_exact_p(12, 1)) == close(0.003418)


def test_nothing_discordant_has_no_p_value():
    assert math.isnan(float(exact.mcnemar_exact_p(0, 0)))
    assert math.isnan(float(exact.mcnemar_mid_p(0, 0)))
    assert math.isnan(sign_flip.sign_flip_p([0, 0, 0]))


def test_all_equal_values_have_no_alpha_and_no_kappa():
    table = [[12, 0], [0, 0]]
    assert math.isnan(float(agreement.alpha_from_table(table)))
    assert math.isnan(float(agreement.cohens_kappa(table)))
    assert float(agreement.gwet_ac(table)) == close(1.0)


def test_singular_marginals_have_no_stuart_maxwell():
    assert math.isnan(agreement.stuart_maxwell([[5, 0, 0], [0, 4, 0], [0, 0, 3]])[2])
    assert math.isnan(agreement.stuart_maxwell([[5, 2, 0], [1, 4, 0], [0, 0, 3]])[2])


def test_a_value_nobody_used_is_dropped_before_stuart_maxwell():
    with_empty = agreement.stuart_maxwell([[30, 9, 0], [2, 10, 0], [0, 0, 0]])
    assert with_empty == (close((9 - 2) ** 2 / (9 + 2)), 1, close(0.034808))


def test_bootstrap_repeats_with_its_seed_and_ignores_the_order_of_clusters():
    generator = np.random.default_rng(5)
    tables = generator.integers(0, 5, size=(24, 2, 2))
    strata = np.repeat([1, 2, 3], 8)
    order = generator.permutation(24)
    first = bootstrap.cluster_bootstrap(tables, [0, 1], strata, draws=300)
    again = bootstrap.cluster_bootstrap(tables[order], [0, 1], strata[order], draws=300)
    assert first == again
    kappa = float(agreement.cohens_kappa(tables.sum(axis=0)))
    assert first.kappa.low < kappa < first.kappa.high
