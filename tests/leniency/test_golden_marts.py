"""The worked examples of METRICS.md section 6 from extracts to marts, to six decimals.

One build holds most of them, each in a sample of its own: casework REF2024 is E2 (answers) and E6 (ratings
and dips), casework REF2018 is E12, advocacy REF2018 is E13, advocacy REF2024 is E3 (ratings) and E16
(answers), and the quarter 2024-25 Q1 is E17.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT
from tests.leniency.builder import Cases
from tests.support.pipeline import build_marts

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())
MARTS = ["+leniency", "+dip_catch", "+question_quality", "+fct_comparison"]
ADVOCACY = [f"AD{number:02d}" for number in range(1, 13)]
RANKS = "NPM"


def close(value: float) -> object:
    return pytest.approx(value, abs=5e-7)


def row_of(marts: duckdb.DuckDBPyConnection, mart: str, **keys: str) -> dict[str, object]:
    where = " and ".join(f"{column} = ?" for column in keys)
    found = marts.execute(f"select * from marts.{mart} where {where}", list(keys.values()))
    columns = [description[0] for description in found.description]
    rows = found.fetchall()
    assert len(rows) == 1, f"{len(rows)} rows of {mart} for {keys}"
    return dict(zip(columns, rows[0], strict=True))


def overall(marts: duckdb.DuckDBPyConnection, **keys: str) -> dict[str, object]:
    defaults = {"comparison": "manager_v_inspector", "assessment_type": "casework", "dimension": "overall"}
    return row_of(marts, "leniency", **(defaults | keys))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the checked-in 2018 reference set alone."""
    folder = tmp_path_factory.mktemp("reference")
    for path in sorted((PROJECT_ROOT / "data" / "raw").glob("*/*_2018-01-31.*")):
        target = folder / "raw" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    with build_marts(folder, folder / "raw", select=MARTS) as marts:
        yield marts


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the small worked examples."""
    cases = Cases()
    add_answers_table_and_catch(cases)
    add_three_raters(cases)
    add_clusters(cases)
    add_kappa_paradox_and_sign_flip(cases)
    add_weighted_quarter(cases)
    folder = tmp_path_factory.mktemp("examples")
    cases.write(folder / "raw")
    with build_marts(folder, folder / "raw", select=MARTS) as marts:
        yield marts


def add_answers_table_and_catch(cases: Cases) -> None:
    table = GOLDEN["E2_ordinal_3x3"]["inp"]
    pairs = [("MPN"[i], "MPN"[j]) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    # E6: 48 lenient (7 caught, 5 challenged but left unchanged), then 152 agreed (4 flagged).
    dips = [("N", "")] * 7 + [("Y", "challenge")] * 5 + [("Y", "agree")] * 36
    dips += [("N", "")] * 4 + [("Y", "agree")] * 148
    for number, ((manager, inspector), (sampler, opinion)) in enumerate(zip(pairs, dips, strict=True)):
        cases.add(
            instrument="CW-2015",
            manager="Y",
            inspector="N" if number < 48 else "Y",
            sampler=sampler,
            opinion=opinion,
            manager_answers={"CR01": manager},
            inspector_answers={"CR01": inspector},
            dip={"feedback_given_on": "2017-06-06"} if number < 3 else {},
        )


def add_three_raters(cases: Cases) -> None:
    for manager, sampler, inspector in zip(*GOLDEN["E12_alpha"]["inp"], strict=True):
        cases.add(
            instrument="CW-2015",
            inspection="REF2018",
            manager_answers={"CR01": RANKS[manager]},
            sampler_answers=None if sampler is None else {"CR01": RANKS[sampler]},
            inspector_answers={"CR01": RANKS[inspector]},
        )


def add_clusters(cases: Cases) -> None:
    inp = GOLDEN["E13_cluster"]["inp"]
    for lenient, answers in zip(inp["lenient"], inp["answers"], strict=True):
        codes = ADVOCACY[:answers]
        cases.add(
            instrument="AD-2015",
            inspection="REF2018",
            manager_answers=dict.fromkeys(codes, "M"),
            inspector_answers={code: "P" if place < lenient else "M" for place, code in enumerate(codes)},
        )


def add_kappa_paradox_and_sign_flip(cases: Cases) -> None:
    both, lenient, harsh, neither = GOLDEN["E3_kappa_paradox"]["inp"]
    ratings = [("Y", "Y")] * both + [("Y", "N")] * lenient + [("N", "Y")] * harsh + [("N", "N")] * neither
    nets = GOLDEN["E16_signflip"]["inp"]
    for number, (manager, inspector) in enumerate(ratings):
        net = nets[number] if number < len(nets) else None
        answers: dict[str, dict[str, str]] = {"manager": {}, "inspector": {}}
        if net is not None:
            for place, code in enumerate(ADVOCACY):
                answers["manager"][code] = "P"
                moved = "N" if net > 0 else "M"
                answers["inspector"][code] = moved if place < abs(net) else "P"
        cases.add(
            instrument="AD-2015",
            manager=manager,
            inspector=inspector,
            manager_answers=answers["manager"],
            inspector_answers=answers["inspector"],
        )


def add_weighted_quarter(cases: Cases) -> None:
    inp = GOLDEN["E17_weighted"]["inp"]
    for unit, frame, sampled, lenient in zip(("MC", "CC"), inp["N"], inp["n"], inp["k"], strict=True):
        for number in range(frame):
            sampler = None if number >= sampled else "N" if number < lenient else "Y"
            cases.add(manager="Y", sampler=sampler, unit_type=unit)


def test_e1_the_reference_set_gives_12_1_and_14_3_per_cent(reference):
    out, row = GOLDEN["E1_ref2018_2x2"]["out"], overall(reference, sample="REF2018", basis="iqa")
    assert (row["n_examined"], row["n_compared"], row["n_lenient"], row["n_harsh"]) == (444, 439, 53, 6)
    for column, golden in (
        *(("lenient_rate", "lenient_rate"), ("harsh_rate", "harsh_rate"), ("net_leniency", "net_leniency")),
        *(("gap_points", "net_leniency"), ("gap_relative", "gap_relative"), ("agreement_rate", "agreement")),
        *(("kappa", "kappa"), ("ac1", "ac1"), ("alpha_nominal", "kripp_alpha_nominal")),
        *(("bias_index", "bias_index"), ("prevalence_index", "prevalence_index")),
    ):
        assert row[column] == close(out[golden]), column
    for stem, golden in (
        *(("lenient", "lenient_wilson95"), ("harsh", "harsh_wilson95")),
        *(("gap_points", "gap_points_bonett_price95"), ("gap_relative", "gap_relative_log95")),
    ):
        assert [row[f"{stem}_low"], row[f"{stem}_high"]] == [close(value) for value in out[golden]], stem
    assert row["lenient_given_fail"] == close(53 / 110)
    assert f"{row['p_value']:.6e}" == out["mcnemar_exact_p"]
    assert f"{row['mid_p_value']:.6e}" == out["mcnemar_midp"]
    assert row["headline"] == (
        "managers 85.6%, inspectors 74.9%: 10.7 percentage points, 14.3% higher in relative terms (n = 439)"
    )


def test_e1b_the_reference_answers_tell_the_same_story(reference):
    out, row = GOLDEN["E1b_answers"], overall(reference, sample="REF2018", basis="answer")
    assert (row["n_compared"], row["n_lenient"], row["n_harsh"]) == (5268, 809, 68)
    assert (row["rated_score_num"], row["reference_score_num"]) == (out["mgr_points"], out["insp_points"])
    assert row["rated_score"] * 100 == close(out["mgr_pct"])
    assert row["reference_score"] * 100 == close(out["insp_pct"])
    assert row["gap_points"] * 100 == close(out["gap_points"])
    assert row["gap_relative"] * 100 == close(out["gap_rel"])
    assert row["lenient_rate"] == close(out["lenient_rate"])
    assert row["harsh_rate"] == close(out["harsh_rate"])
    assert row["agreement_rate"] == close(out["agree"])
    assert row["gap_points_low"] < row["gap_points"] < row["gap_points_high"]
    assert row["gap_relative_boot_low"] < row["gap_relative"] < row["gap_relative_boot_high"]


def test_e8_units_of_the_reference_set_are_shrunk_towards_each_other(reference):
    out = GOLDEN["E8_shrink"]["out"]
    rows = reference.execute(
        """
        select n_lenient, n_compared, shrunk_rate, shrunk_low, shrunk_high, anova_rho from marts.leniency
        where sample = 'REF2018' and basis = 'iqa' and assessment_type = 'casework' and dimension = 'area'
        """
    ).fetchall()
    shrunk = {row[:2]: row[2:] for row in rows}
    assert len(rows) == 15
    assert shrunk[10, 30] == (close(out["post_n30_k10"]), *map(close, out["cri_n30_k10"]), close(out["rho"]))
    assert shrunk[0, 29][:3] == (close(out["post_n29_k0"]), *map(close, out["cri_n29_k0"]))
    assert shrunk[4, 30][0] == close(out["post_n30_k4"])


def test_benjamini_hochberg_over_the_fifteen_units_of_the_reference_set(reference):
    rows = reference.execute(
        """
        select p_value, q_value, family_size from marts.leniency
        where sample = 'REF2018' and basis = 'iqa' and assessment_type = 'casework' and dimension = 'area'
        order by p_value
        """
    ).fetchall()
    family = [p for p, _, _ in rows if p is not None]
    for place, (p, q, size) in enumerate(rows):
        assert size == len(family)
        if p is not None:
            assert q == close(
                min(1.0, *(family[later] * size / (later + 1) for later in range(place, len(family))))
            )


def test_e2_three_point_answers(examples):
    out = GOLDEN["E2_ordinal_3x3"]["out"]
    row = overall(examples, sample="REF2024", basis="answer")
    assert (row["n_lenient"], row["n_harsh"], row["n_two_steps"]) == (42, 8, out["lenient_two_steps"])
    assert (row["rated_score_num"], row["reference_score_num"], row["score_den"]) == (324, 285, 400)
    for column, golden in (
        *(("lenient_rate", "lenient_rate"), ("harsh_rate", "harsh_rate"), ("agreement_rate", "agreement")),
        *((name, name) for name in ("kappa", "kappa_linear", "kappa_quadratic", "ac1", "ac2_linear")),
        *((name, name) for name in ("ac2_quadratic", "alpha_nominal", "alpha_ordinal", "alpha_interval")),
        ("stuart_maxwell_p", "sm_p"),
    ):
        assert row[column] == close(out[golden]), column
    assert row["gap_points"] * 100 == close(out["gap_points"])
    assert row["gap_relative"] * 100 == close(out["gap_relative_pct"])
    assert row["lenient_given_fail"] == close(42 / 85)


def test_e3_kappa_collapses_where_ac1_does_not(examples):
    out = GOLDEN["E3_kappa_paradox"]["out"]
    row = overall(examples, sample="REF2024", assessment_type="advocacy", basis="iqa")
    for column, golden in (
        *(
            ("agreement_rate", "agreement"),
            ("kappa", "kappa"),
            ("ac1", "ac1"),
            ("p_value", "mcnemar_exact_p"),
        ),
        *(("alpha_nominal", "kripp_alpha_nominal"), ("mid_p_value", "mcnemar_midp")),
        *(("lenient_rate", "lenient_rate"), ("gap_relative", "gap_relative")),
    ):
        assert row[column] == close(out[golden]), column
    assert [row["lenient_low"], row["lenient_high"]] == [close(value) for value in out["lenient_wilson95"]]
    gap = [row["gap_points_low"], row["gap_points_high"]]
    assert gap == [close(value) for value in out["gap_points_bonett_price95"]]


def test_e6_what_the_dip_sample_catches(examples):
    out = GOLDEN["E6_catch"]["out"]
    row = row_of(
        examples, "dip_catch", sample="REF2024", assessment_type="casework", basis="iqa", level="national"
    )
    assert (row["n_triple"], row["n_inspector_lenient"], row["n_caught"]) == (200, 48, 7)
    for column, golden in (
        *(("catch_rate", "catch_rate"), ("catch_inclusive_rate", "catch_inclusive")),
        *(("false_alarm_rate", "false_alarm"), ("precision_rate", "ppv")),
        *(("residual_leniency", "leniency_after"), ("absorbed_rate", "absorbed")),
        ("sampler_agreement_rate", "dip_agrees_mgr"),
    ):
        assert row[column] == close(out[golden]), column
    assert row["rubber_stamp_rate"] == close(out["rubber_stamp"])
    for stem, golden in (
        *(("catch", "catch_w"), ("catch_inclusive", "catch_incl_w")),
        *(("false_alarm", "fa_w"), ("precision", "ppv_w")),
    ):
        assert [row[f"{stem}_low"], row[f"{stem}_high"]] == [close(value) for value in out[golden]], stem
    assert row["fed_back_rate"] == close(3 / 7)


def test_e12_three_raters_with_missing_dips(examples):
    out = GOLDEN["E12_alpha"]["out"]
    row = row_of(
        examples, "dip_catch", sample="REF2018", assessment_type="casework", basis="answer", level="national"
    )
    assert row["alpha_ordinal"] == close(out["ordinal"])
    assert row["ac1"] == close(out["ac1_multi"])


def test_e13_answers_of_one_assessment_move_together(examples):
    out = GOLDEN["E13_cluster"]["out"]
    row = overall(examples, sample="REF2018", assessment_type="advocacy", basis="answer")
    assert row["lenient_rate"] == close(out["p"])
    assert row["design_effect"] == close(out["deff"])
    assert [row["lenient_low"], row["lenient_high"]] == [close(value) for value in out["wilson_neff"]]


def test_e16_whole_assessments_flip_sign(examples):
    row = overall(examples, sample="REF2024", assessment_type="advocacy", basis="answer")
    assert (row["n_lenient"], row["n_harsh"], row["n_clusters"]) == (12, 1, 8)
    assert row["p_value"] == close(GOLDEN["E16_signflip"]["out"]["p_two"])


def test_e17_the_quarter_is_weighted_to_its_assessments(examples):
    out = GOLDEN["E17_weighted"]["out"]
    row = overall(examples, comparison="manager_v_dip_sampler", sample="2024-25 Q1", basis="iqa")
    assert row["lenient_rate"] == close(out["unweighted"])
    assert row["weighted_rate"] == close(out["weighted"])
    assert row["weighted_se"] == close(out["se"])
    assert (row["period_label"], row["level"]) == ("2024-25 Q1 (Apr-Jun 2024)", "national")
