"""D7, A6 and the inspectors' ceiling end to end: extracts in, figures out, checked against scipy.

One Area, one quarter, twenty assessments of five questions: M1's ten are all dip sampled, M2's ten are not.
The one trap: every assessment has five applicable answers, so that rates of answers and mean scores agree.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from scipy import stats

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

EXTRACT_DATE = "2024-10-28"
QUESTIONS = ["CR01", "CR02", "CR03", "CR04", "CR05"]
# Fully met answers of each of the ten, in turn.
DIPPED, OTHERS = (5, 4), (4, 3)
Row = dict[str, Any]


def extracts() -> dict[str, list[Row]]:
    people = [("S1", "SCP"), ("M1", "DCP"), ("M2", "DCP"), ("D1", "SDCP")]
    rows: dict[str, list[Row]] = {
        "postings": [
            {"posting_id": f"P{number}", "staff_id": staff, "grade": grade, "area_code": "NE"}
            for number, (staff, grade) in enumerate(people)
        ],
        "iqa": [],
        "iqa_answers": [],
        "dip_samples": [],
        "dip_sample_answers": [],
        "reassessments": [],
        "reassessment_answers": [],
    }
    for number in range(20):
        assessor, met = ("M1", DIPPED[number % 2]) if number < 10 else ("M2", OTHERS[number % 2])
        iqa_id = f"I{number:02d}"
        rows["iqa"].append({"iqa_id": iqa_id, "urn": iqa_id, "area_code": "NE", "assessor_id": assessor})
        for place, question in enumerate(QUESTIONS):
            answer = "Y" if place < met else "N"
            rows["iqa_answers"].append({"iqa_id": iqa_id, "question_code": question, "answer": answer})
        if number < 10:
            rows["dip_samples"].append({"dip_sample_id": f"D{number}", "iqa_id": iqa_id, "sampler_id": "D1"})
    # Two inspectors on two files: nine of ten answers the same. A third look is the first inspector's own.
    for number in range(2):
        for inspector, purpose in [
            ("X1", "inspection"),
            ("X2", ("quality_assurance", "calibration")[number]),
            ("X1", "quality_assurance"),
        ]:
            reassessment_id = f"R{number}-{inspector}-{purpose}"
            rows["reassessments"].append(
                {"reassessment_id": reassessment_id, "iqa_id": f"I{number:02d}", "inspector_id": inspector}
                | {"purpose": purpose, "overall_rating": "Y" if inspector == "X1" else "N"}
            )
            for question in QUESTIONS:
                differs = inspector == "X2" and number == 0 and question == "CR01"
                rows["reassessment_answers"].append(
                    {"reassessment_id": reassessment_id, "question_code": question}
                    | {"agrees": str(not differs).lower(), "answer": "N" if differs else ""}
                )
    # Three inspectors mark a file that no inspection drew: one of them sees one answer differently.
    for inspector in ("X3", "X4", "X5"):
        rows["reassessments"].append(
            {"reassessment_id": f"C-{inspector}", "inspection_code": "REF2018", "iqa_id": "I05"}
            | {"inspector_id": inspector, "purpose": "calibration", "overall_rating": "Y"}
        )
        for question in QUESTIONS:
            differs = inspector == "X5" and question == "CR01"
            rows["reassessment_answers"].append(
                {"reassessment_id": f"C-{inspector}", "question_code": question}
                | {"agrees": str(not differs).lower(), "answer": "N" if differs else ""}
            )
    return rows


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("consistency")
    for dataset, rows in extracts().items():
        if rows:
            write_extract(folder / "raw", dataset, EXTRACT_DATE, rows)
    wanted = ["+dip_representativeness", "+marking_consistency", "+inspector_agreement"]
    connection = build_marts(folder, folder / "raw", wanted)
    yield connection
    connection.close()


def one(marts: duckdb.DuckDBPyConnection, mart: str, condition: str) -> Row:
    result = marts.execute(f"select * from marts.{mart} where {condition}")
    names = [column[0] for column in result.description or []]
    rows = result.fetchall()
    assert len(rows) == 1, f"{len(rows)} rows of {mart} where {condition}"
    return dict(zip(names, rows[0], strict=True))


def traits(marts: duckdb.DuckDBPyConnection, characteristic: str) -> Row:
    condition = f"level = 'area' and period_type = 'quarter' and characteristic = '{characteristic}'"
    return one(marts, "dip_representativeness", condition)


def test_the_scores_of_dipped_and_other_assessments_are_compared(marts: duckdb.DuckDBPyConnection) -> None:
    row = traits(marts, "score")
    assert (row["n_dipped"], row["n_not_dipped"], row["null_reason"]) == (10, 10, None)
    assert row["dipped_mean"] == pytest.approx(0.9, abs=5e-7)
    assert row["not_dipped_mean"] == pytest.approx(0.7, abs=5e-7)
    assert row["standardised_difference"] == pytest.approx(1.897367, abs=5e-7)
    assert row["chi_squared"] == pytest.approx(18, abs=5e-7)
    assert row["p_value"] == pytest.approx(stats.chi2.sf(18, 1), rel=1e-9)
    assert row["is_unlike"]


def test_dips_of_one_assessor_only_are_unlike_the_rest(marts: duckdb.DuckDBPyConnection) -> None:
    row = traits(marts, "assessor")
    assert row["chi_squared"] == pytest.approx(20, abs=5e-7)
    assert row["p_value"] == pytest.approx(stats.chi2.sf(20, 1), rel=1e-9)
    assert row["is_unlike"]


def test_what_does_not_vary_cannot_differ(marts: duckdb.DuckDBPyConnection) -> None:
    unit = traits(marts, "unit_type")
    assert (unit["p_value"], unit["is_unlike"]) == (None, False)
    assert "p_value:single_category" in unit["null_reason"]
    absent = traits(marts, "na_rate")
    assert (absent["dipped_mean"], absent["not_dipped_mean"], absent["p_value"]) == (0, 0, None)
    assert "p_value:no_spread" in absent["null_reason"]


def test_the_spread_between_assessors_has_the_interval_of_an_analysis_of_variance(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    row = one(marts, "marking_consistency", "period_type = 'quarter' and measure = 'met_rate'")
    hits, totals = [45, 35], [50, 50]
    pooled = sum(hits) / sum(totals)
    between = sum(n * (k / n - pooled) ** 2 for k, n in zip(hits, totals, strict=True)) / 1
    within = sum(k * (1 - k / n) for k, n in zip(hits, totals, strict=True)) / (100 - 2)
    size = 50
    ratio = between / within
    low, high = (ratio / stats.f.ppf(share, 1, 98) for share in (0.975, 0.025))
    assert (row["within_unit_type"], row["n_assessors"], row["n_answers"], row["n_marked"]) == (
        "MC",
        2,
        100,
        80,
    )
    assert row["rho"] == pytest.approx((between - within) / (between + (size - 1) * within), abs=5e-7)
    assert row["rho_low"] == pytest.approx((low - 1) / (size + low - 1), abs=5e-7)
    assert row["rho_high"] == pytest.approx((high - 1) / (size + high - 1), abs=5e-7)
    assert row["is_marking_unequal"] == (row["rho_low"] > 0)


def test_the_ceiling_is_what_two_inspectors_agree_on(marts: duckdb.DuckDBPyConnection) -> None:
    row = one(marts, "inspector_agreement", "sample = 'REF2024' and basis = 'answer'")
    assert (row["n_iqas"], row["n_compared"], row["n_agree"], row["agreement_rate"]) == (2, 10, 9, 0.9)
    # Both mark "yes" on nine of ten, one of them on eight: pi = 0.85, pe = 2 x 0.85 x 0.15.
    values = [10, 8]
    share = (values[0] - 1 + values[1]) / 20
    expected = 2 * share * (1 - share)
    assert row["ac1"] == pytest.approx((0.9 - expected) / (1 - expected), abs=5e-7)


def test_a_second_look_by_the_same_inspector_is_no_second_inspector(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    row = one(marts, "inspector_agreement", "sample = 'REF2024' and basis = 'iqa'")
    assert (row["n_iqas"], row["n_compared"], row["n_agree"]) == (2, 2, 0)


def test_in_a_calibration_each_two_inspectors_are_a_pair(marts: duckdb.DuckDBPyConnection) -> None:
    answers = one(marts, "inspector_agreement", "sample = 'REF2018' and basis = 'answer'")
    assert (answers["n_iqas"], answers["n_compared"], answers["n_agree"]) == (1, 15, 13)
    ratings = one(marts, "inspector_agreement", "sample = 'REF2018' and basis = 'iqa'")
    assert (ratings["n_iqas"], ratings["n_compared"], ratings["n_agree"]) == (1, 3, 3)
