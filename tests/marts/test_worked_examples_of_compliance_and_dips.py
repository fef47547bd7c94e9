"""E4 and E5 end to end: extracts in, marts out, six decimals.

E5 is 2024-25 Q2 casework in two Areas; E4 is 2024-25 Q1 in four other Areas, and 2023-24 Q2 for its single
Area. The people assessed in E4 are DCPs, who have no requirement, so the two examples do not touch.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.extracts import write_extract
from tests.support.macros import render_with_policies
from tests.support.pipeline import build_marts

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "golden_examples.json").read_text())
EXTRACT_DATE = "2024-10-28"
QUARTER_2 = "2024-07-01"
QUARTER_1 = "2024-04-01"


def near(value: float) -> Any:
    return pytest.approx(value, abs=5e-7)


def posting(
    posting_id: str, staff_id: str, area: str, start: str, end: str = "", **changes: str
) -> dict[str, str]:
    return {
        "posting_id": posting_id,
        "staff_id": staff_id,
        "area_code": area,
        "start_date": start,
        "end_date": end,
        "line_manager_id": "M1",
    } | changes


def requirement_postings() -> list[dict[str, str]]:
    return [
        posting("1", "P1", "NE", "2024-07-01"),
        posting("2", "P2", "NE", "2024-08-15"),
        posting("3", "P3", "NE", "2024-07-01", "2024-07-31"),
        posting("4", "P4", "NE", "2024-07-01"),
        posting("5a", "P5", "NE", "2024-07-01", "2024-08-15"),
        posting("5b", "P5", "NW", "2024-08-16", line_manager_id="M2"),
        posting("6", "P6", "NE", "2024-07-01", role_type="advocate"),
        posting("7", "P7", "NE", "2024-07-01"),
    ]


def requirement_iqas() -> list[dict[str, str]]:
    done = [("P1", "NE"), ("P4", "NE"), ("P5", "NW"), ("P7", "NE"), ("P7", "NE")]
    return [
        {
            "iqa_id": f"E5-{number}",
            "urn": f"E5-{number}",
            "subject_id": subject,
            "area_code": area,
            "assessor_id": "M2" if area == "NW" else "M1",
        }
        | dates("2024-09-10")
        for number, (subject, area) in enumerate(done)
    ]


def dates(day: str) -> dict[str, str]:
    return {"opened_on": day, "assessed_on": day, "conversation_on": day, "closed_on": day}


def dip_cohort(
    area: str, iqas: int, dips: int, assessed_on: str, sampled_on: str
) -> tuple[list[Any], list[Any]]:
    assessments = [
        {
            "iqa_id": f"{area}-{number}",
            "urn": f"{area}-{number}",
            "area_code": area,
            "unit_type": "MC" if number % 2 else "CC",
            "subject_id": "M3",
            "assessor_id": "M1" if number % 3 else "M2",
        }
        | dates(assessed_on)
        for number in range(iqas)
    ]
    samples = [
        {"dip_sample_id": f"{area}-D{number}", "iqa_id": f"{area}-{number}", "sampled_on": sampled_on}
        for number in range(dips)
    ]
    return assessments, samples


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("worked_examples")
    raw = folder / "raw"
    managers = [
        posting(f"M{n}", f"M{n}", "NE", "2020-01-01", grade="DCP", line_manager_id="") for n in (1, 2, 3)
    ] + [posting("S3", "S3", "NE", "2020-01-01", grade="SDCP", line_manager_id="")]
    # SE has a requirement and no assessment: the fourth Area of E4.
    lone = [posting("9", "P9", "SE", "2024-04-01", "2024-06-30")]
    cohorts = [
        dip_cohort("EM", 143, 20, "2024-05-02", "2024-06-03"),
        dip_cohort("EOE", 40, 2, "2024-05-02", "2024-06-03"),
        dip_cohort("WM", 11, 2, "2024-05-02", "2024-06-03"),
        dip_cohort("YH", 143, 14, "2023-08-02", "2023-09-04"),
    ]
    write_extract(raw, "postings", EXTRACT_DATE, requirement_postings() + managers + lone)
    write_extract(
        raw,
        "absences",
        EXTRACT_DATE,
        [{"staff_id": "P4", "start_date": "2024-07-10", "end_date": "2024-09-09"}],
    )
    write_extract(raw, "iqa", EXTRACT_DATE, requirement_iqas() + [row for iqas, _ in cohorts for row in iqas])
    write_extract(raw, "dip_samples", EXTRACT_DATE, [row for _, dips in cohorts for row in dips])
    connection = build_marts(folder, raw, ["+compliance", "+dip_sampling"], with_tests=True)
    yield connection
    connection.close()


def only_row(marts: duckdb.DuckDBPyConnection, mart: str, **key: str) -> dict[str, Any]:
    key = {"period_type": "quarter", "assessment_type": "casework", "unit_type": "ALL"} | key
    condition = " and ".join(f"cast({column} as varchar) = $${value}$$" for column, value in key.items())
    rows = marts.sql(f"select * from marts.{mart} where {condition}").to_arrow_table().to_pylist()
    assert len(rows) == 1, f"{len(rows)} rows of {mart} for {key}"
    return rows[0]


def test_strict_policy_requires_everyone_with_a_day_in_post(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "compliance", level="national", policy="strict", period_start=QUARTER_2)

    assert (row["iqas_assessed"], row["iqas_required"]) == (5, 6)
    assert row["volume_ratio"] == near(0.833333)
    assert (row["prosecutors_covered"], row["prosecutors_required"]) == (4, 6)
    assert row["coverage_rate"] == near(0.666667)


def test_half_policy_requires_those_available_for_half_the_quarter(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "compliance", level="national", policy="half", period_start=QUARTER_2)

    assert row["iqas_required"] == 4
    assert row["volume_ratio"] == near(1.25)
    assert row["volume_ratio_required_only"] == near(1.0)
    assert (row["prosecutors_covered"], row["prosecutors_required"]) == (3, 4)
    assert row["coverage_rate"] == near(0.75)
    assert row["capped_rate"] == near(0.75)


def test_pro_rata_policy_adds_up_shares_of_availability(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "compliance", level="national", policy="pro_rata", period_start=QUARTER_2)

    assert row["iqas_required"] == near(GOLDEN["E5_required"]["prorata"]["required"])
    assert row["prosecutors_required"] == 6
    # P1, P5 and P7 in full and P4 for 30 of 92 days; P2 and P3 were not assessed.
    assert row["capped_num"] == near(3 + 30 / 92)


def test_availability_of_each_person_is_that_of_the_worked_example(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.sql(
        f"""
        select staff_id, policy, available_days, is_required, iqas_done
        from marts.fct_requirement
        where period_start = date '{QUARTER_2}' and assessment_type = 'casework'
        """
    ).fetchall()
    found = {(staff, policy): rest for staff, policy, *rest in rows}

    expected = {name: case for name, case in GOLDEN["E5_required"]["rows"].items() if name != "P6"}
    assert {staff for staff, _ in found} == set(expected)
    for name, case in expected.items():
        for policy in ("strict", "half"):
            assert found[name, policy] == [case["avail"], bool(case[policy]), case["done"]], (name, policy)


def test_a_tie_between_areas_goes_to_the_area_at_the_quarters_end(marts: duckdb.DuckDBPyConnection) -> None:
    mover = only_row(marts, "compliance", level="area", area_code="NW", policy="half", period_start=QUARTER_2)
    left = only_row(marts, "compliance", level="area", area_code="NE", policy="half", period_start=QUARTER_2)

    assert (mover["prosecutors_required"], mover["prosecutors_covered"]) == (1, 1)
    assert (left["prosecutors_required"], left["prosecutors_covered"]) == (3, 2)


@pytest.mark.parametrize(
    ("area", "required", "valid", "is_met"), [("EM", 15, 20, True), ("EOE", 4, 2, False), ("WM", 2, 2, True)]
)
def test_each_area_owes_a_tenth_rounded_up(
    marts: duckdb.DuckDBPyConnection, area: str, required: int, valid: int, is_met: bool
) -> None:
    row = only_row(marts, "dip_sampling", level="area", area_code=area, period_start=QUARTER_1)

    assert (row["dips_required"], row["dips_valid"], row["is_met"]) == (required, valid, is_met)
    assert row["fulfilment_rate"] == near(valid / required)


def test_a_surplus_in_one_area_does_not_hide_a_gap_in_another(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "dip_sampling", level="national", period_start=QUARTER_1)
    expected = GOLDEN["E4_dip"]["national"]

    assert row["fulfilment_rate"] == near(expected["capped"])
    assert row["fulfilment_uncapped_rate"] == near(expected["uncapped"])
    assert row["raw_rate"] == near(expected["raw_rate"])
    assert (row["areas_met"], row["areas_with_iqas"], row["is_met"]) == (2, 3, False)


def test_an_area_without_assessments_has_no_rate_and_says_why(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "dip_sampling", level="area", area_code="SE", period_start=QUARTER_1)

    assert (row["iqas_assessed"], row["dips_required"]) == (0, 0)
    assert (row["fulfilment_rate"], row["is_met"], row["raw_rate"]) == (None, None, None)
    assert "fulfilment_rate:no_activity;" in row["null_reason"]


def test_fourteen_dips_of_143_fall_short_by_one(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(marts, "dip_sampling", level="area", area_code="YH", period_start="2023-07-01")
    expected = GOLDEN["E4_dip"]["example"]

    assert row["raw_rate"] == near(expected["achieved_rate"])
    assert row["fulfilment_rate"] == near(expected["ratio_ceil"])
    assert row["is_met"] is False


def test_a_unit_owes_no_dips_of_its_own(marts: duckdb.DuckDBPyConnection) -> None:
    row = only_row(
        marts, "dip_sampling", level="unit", area_code="EM", unit_type="MC", period_start=QUARTER_1
    )

    assert row["dips_required"] is None
    assert row["raw_rate"] == near(10 / 71)
    assert row["null_reason"].startswith("dips_required:defined_at_area;fulfilment_rate:defined_at_area")


@pytest.mark.parametrize(("dips", "chance"), [(15, 0.145158), (29, 0.023964)])
def test_the_zero_challenge_signal_uses_the_published_leniency_rate(
    marts: duckdb.DuckDBPyConnection, dips: int, chance: float
) -> None:
    rate = marts.sql(
        "select policy_value from seeds.policies where policy_key = 'published_leniency_rate'"
    ).fetchall()[0][0]
    row = only_row(marts, "dip_sampling", level="area", area_code="EM", period_start=QUARTER_1)

    assert (1 - rate) ** dips == near(chance)
    assert row["zero_challenge_p"] == near((1 - rate) ** 20)


@pytest.mark.parametrize("rounding", ["ceil", "half_up", "floor"])
def test_the_rounding_of_the_requirement_is_a_policy_row(rounding: str) -> None:
    sql = render_with_policies("dips_required('iqas')", {"dip_rate_divisor": 10, "dip_rounding": rounding})
    cases = GOLDEN["E4_dip"]["rows"]
    values = ", ".join(f"({case['iqas']})" for case in cases)

    found = duckdb.sql(f"select {sql} from (values {values}) as counted (iqas)").fetchall()
    assert [row[0] for row in found] == [case[rounding] for case in cases]
