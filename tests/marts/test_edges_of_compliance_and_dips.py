"""The hard cases of requirements, coverage, dip samples and their status, each in an Area of its own.

One set of extracts serves every test: the reporting date is 28 October 2024, so that 2024-25 Q3 is under way.
Two earlier deliveries stand for what was known when 2023-24 Q4 was frozen, on 29 April 2024.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

FIRST_DELIVERY = "2024-04-15"
AFTER_THE_FREEZE = "2024-06-20"
LAST_DELIVERY = "2024-10-28"
Q1_2024 = "2024-04-01"
Row = dict[str, Any]


def posting(posting_id: str, staff_id: str, area: str, start: str, end: str = "", **changes: str) -> Row:
    return {
        "posting_id": posting_id,
        "staff_id": staff_id,
        "area_code": area,
        "start_date": start,
        "end_date": end,
        "line_manager_id": "M1",
    } | changes


def absence(absence_id: str, staff_id: str, start: str, end: str) -> Row:
    return {"absence_id": absence_id, "staff_id": staff_id, "start_date": start, "end_date": end}


def iqa(iqa_id: str, area: str, subject: str, day: str, **changes: str) -> Row:
    return {
        "iqa_id": iqa_id,
        "urn": iqa_id,
        "area_code": area,
        "subject_id": subject,
        "assessor_id": "M1",
        "opened_on": day,
        "assessed_on": day,
        "conversation_on": day,
        "closed_on": day,
    } | changes


def dip(dip_sample_id: str, iqa_id: str, day: str, **changes: str) -> Row:
    return {"dip_sample_id": dip_sample_id, "iqa_id": iqa_id, "sampled_on": day} | changes


def advocacy(iqa_id: str, area: str, subject: str, day: str) -> Row:
    return iqa(iqa_id, area, subject, day, assessment_type="advocacy", instrument_version="AD-2023")


POSTINGS = [
    # M1 manages and assesses; M2 manages nobody who is assessed; D1 is assessed without being required.
    posting("m1", "M1", "NE", "2015-01-01", grade="DCP", line_manager_id=""),
    posting("m2", "M2", "NE", "2015-01-01", grade="DCP", line_manager_id=""),
    posting("d1", "D1", "NE", "2015-01-01", grade="DCP", line_manager_id=""),
    posting("s3", "S3", "NE", "2015-01-01", grade="SDCP", line_manager_id=""),
    # Overlaps: a second posting inside the first, in another unit and Area.
    posting("o1a", "O1", "CYM", "2024-04-01", "2024-06-30"),
    posting("o1b", "O1", "WM", "2024-05-01", "2024-05-31", unit_type="CC"),
    # Absences.
    *[posting(f"ab{n}", f"AB{n}", "EOE", "2024-04-01", "2024-09-30") for n in range(1, 6)],
    # A mover: 61 days in Wessex, 30 in the South West, assessed in the South West.
    posting("mv1", "MV", "WES", "2024-04-01", "2024-05-31", line_manager_id="M2"),
    posting("mv2", "MV", "SW", "2024-06-01", "2024-06-30"),
    # Successive misses.
    posting("c1", "C1", "TC", "2023-04-01", "2024-06-30"),
    posting("c2", "C2", "TC", "2023-04-01", "2024-06-30"),
    # Advocates: a whole year, 100 days, 60 days; and a mixed role.
    posting("ad1", "AD1", "LN", "2023-04-01", role_type="advocate", grade="CA2"),
    posting("ad2", "AD2", "LN", "2023-04-01", "2023-07-09", role_type="advocate", grade="CA1"),
    posting("ad3", "AD3", "LN", "2023-04-01", "2023-05-30", role_type="advocate", grade="CA1"),
    posting("mx", "MX", "LN", "2024-04-01", "2024-06-30", role_type="mixed", grade="CP"),
    # CPS Direct and a test Area.
    posting("cd", "CD", "CPSD", "2024-04-01", "2024-06-30", unit_type="CPSD"),
    posting("te", "TE", "U05", "2024-04-01", "2024-06-30"),
    # Nothing of the following is required.
    posting("ap", "AP", "MER", "2024-04-01", "2024-06-30", grade="AP"),
    # In post before any requirement existed, and until it did.
    posting("old", "OLD", "YH", "2020-01-01", "2022-03-31"),
]
ABSENCES = [
    absence("1a", "AB1", "2024-04-08", "2024-05-03"),
    absence("1b", "AB1", "2024-04-22", "2024-05-17"),
    absence("2", "AB2", "2024-04-08", "2024-04-19"),
    # Eleven weekdays, one of them the early May bank holiday.
    absence("3", "AB3", "2024-04-29", "2024-05-13"),
    absence("4", "AB4", "2024-06-24", "2024-07-12"),
    absence("5", "AB5", "2024-06-01", ""),
    absence("6", "C1", "2023-07-01", "2023-09-30"),
]
IQAS = [
    iqa("mv", "SW", "MV", "2024-06-10"),
    iqa("c2-1", "TC", "C2", "2023-05-10", instrument_version="CW-2022"),
    iqa("c2-2", "TC", "C2", "2023-11-10"),
    iqa("c2-3", "TC", "C2", "2024-05-10"),
    iqa("c1-1", "TC", "C1", "2024-01-10"),
    iqa("c1-2", "TC", "C1", "2024-05-10"),
    *[advocacy(f"ad1-{n}", "LN", "AD1", f"2023-0{n}-10") for n in (7, 8, 9)],
    advocacy("ad1-now", "LN", "AD1", "2024-08-12"),
    iqa("mx", "LN", "MX", "2024-05-10", selection_method="themed"),
    iqa("cd", "CPSD", "CD", "2024-05-10", unit_type="CPSD"),
    iqa("te", "U05", "TE", "2024-05-10"),
    # Only a test Area was assessed in the quarter before.
    iqa("te-alone", "U05", "D1", "2017-05-10", instrument_version="CW-2015"),
    iqa("gone", "MER", "AP", "2024-05-10", status="withdrawn"),
    iqa("stays", "MER", "AP", "2024-05-10", closed_on="2024-07-15"),
    iqa("closed-on-the-day", "MER", "AP", "2024-05-13", closed_on="2024-07-14"),
    iqa("still-open", "MER", "AP", "2024-05-14", conversation_on="", closed_on="", status="open"),
    iqa("under-way", "EM", "D1", "2024-10-10"),
    iqa("before", "YH", "OLD", "2021-05-10", instrument_version="CW-2015"),
    iqa("after", "YH", "OLD", "2021-11-10", instrument_version="CW-2021"),
    *[iqa(f"ls-{n}", "LS", "D1", "2024-02-12") for n in range(3)],
    iqa("ls-old", "LS", "D1", "2022-08-10", instrument_version="CW-2021"),
]
DIPS = [
    dip("v1", "ls-0", "2024-03-04", opinion="challenge"),
    dip("v2", "ls-0", "2024-03-05"),
    dip("on-the-freeze", "ls-1", "2024-04-29", overall_rating="N"),
    dip("late", "ls-2", "2024-04-30"),
    # Neither late nor invalid: D5 can't fall after the freeze.
    dip("late-and-silent", "ls-2", "2024-04-30", comment=""),
    dip("unmarked", "ls-2", "2024-03-06", is_marked="false"),
    dip("silent", "ls-2", "2024-03-07", comment=" "),
    dip("before-the-rule", "ls-old", "2022-08-11", comment="", is_marked=""),
]


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("edges")
    raw: Path = folder / "raw"
    known = [
        iqa("se-1", "SE", "D1", "2024-02-12"),
        iqa("nw-1", "NW", "D1", "2024-02-12", conversation_on="", closed_on="", status="open"),
        iqa("moved", "SE", "D1", "2024-03-12", unit_type="CC"),
    ]
    write_extract(raw, "postings", FIRST_DELIVERY, POSTINGS[:4])
    write_extract(
        raw, "iqa", FIRST_DELIVERY, [*known, *[row for row in IQAS if row["iqa_id"].startswith("ls-")]]
    )
    write_extract(raw, "dip_samples", "2024-05-02", DIPS)
    late = [
        iqa("se-late", "SE", "D1", "2024-03-20"),
        # Closing an assessment is no revision; moving one to another unit is.
        iqa("nw-1", "NW", "D1", "2024-02-12"),
        iqa("moved", "SE", "D1", "2024-03-12", unit_type="RASSO"),
    ]
    write_extract(raw, "iqa", AFTER_THE_FREEZE, late)
    write_extract(raw, "postings", LAST_DELIVERY, POSTINGS)
    write_extract(raw, "absences", LAST_DELIVERY, ABSENCES)
    write_extract(raw, "iqa", LAST_DELIVERY, [*IQAS, iqa("nowhere", "Atlantis", "D1", "2024-05-10")])
    write_extract(
        raw,
        "control_totals",
        LAST_DELIVERY,
        [
            {
                "area_code": area,
                "assessment_type": kind,
                "quarter_start": start,
                "measure": measure,
                "value": value,
            }
            for area, kind, start, measure, value in (
                ("MER", "casework", Q1_2024, "iqas_assessed", "3"),
                ("TC", "casework", Q1_2024, "iqas_assessed", "1"),
                ("LS", "casework", "2024-01-01", "dips_valid", "2"),
                ("EOE", "casework", Q1_2024, "prosecutors_required", "5"),
                ("LN", "advocacy", Q1_2024, "prosecutors_required", "1"),
                ("LN", "casework", "2024-10-01", "prosecutors_required", "1"),
            )
        ],
    )
    connection = build_marts(
        folder, raw, ["+compliance", "+dip_sampling", "+reconciliation", "+data_quality"], with_tests=True
    )
    yield connection
    connection.close()


def rows(marts: duckdb.DuckDBPyConnection, mart: str, **key: str) -> list[Row]:
    condition = " and ".join(f"cast({column} as varchar) = $${value}$$" for column, value in key.items())
    return marts.sql(f"select * from marts.{mart} where {condition or 'true'}").to_arrow_table().to_pylist()


def row(marts: duckdb.DuckDBPyConnection, mart: str, area: str, period_start: str, **key: str) -> Row:
    wanted = {
        "area_code": area,
        "period_start": period_start,
        "period_type": "quarter",
        "assessment_type": "casework",
        "unit_type": "ALL",
    } | key
    if mart == "compliance":
        wanted = {"policy": "half"} | wanted
    found = rows(marts, mart, **wanted)
    assert len(found) == 1, f"{len(found)} rows of {mart} for {wanted}"
    return found[0]


def requirement(marts: duckdb.DuckDBPyConnection, staff: str, period_start: str, policy: str = "half") -> Row:
    found = rows(marts, "fct_requirement", staff_id=staff, period_start=period_start, policy=policy)
    assert len(found) == 1
    return found[0]


def reasons(found: Row) -> dict[str, str]:
    return dict(pair.split(":") for pair in (found["null_reason"] or "").split(";") if pair)


def test_overlapping_postings_count_each_day_once(marts: duckdb.DuckDBPyConnection) -> None:
    overlapped = requirement(marts, "O1", Q1_2024)

    assert overlapped["in_post_days"] == 91
    # April and June in Cymru-Wales against May in the West Midlands.
    assert (overlapped["area_code"], overlapped["unit_type"]) == ("CYM", "MC")
    assert rows(marts, "compliance", area_code="WM") == []


@pytest.mark.parametrize(
    ("staff", "available"),
    [
        pytest.param("AB1", 51, id="overlapping absences come off once"),
        pytest.param("AB2", 91, id="ten working days are not over ten"),
        pytest.param("AB3", 91, id="a bank holiday is no working day"),
        pytest.param("AB4", 84, id="an absence is judged as a whole and its days in the quarter come off"),
        pytest.param("AB5", 61, id="an open absence runs to the reporting date"),
    ],
)
def test_absences(marts: duckdb.DuckDBPyConnection, staff: str, available: int) -> None:
    assert requirement(marts, staff, Q1_2024)["available_days"] == available


def test_a_quarter_spent_absent_is_required_only_under_the_strict_policy(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    strict, half, pro_rata = (
        requirement(marts, "AB5", "2024-07-01", policy) for policy in ("strict", "half", "pro_rata")
    )

    assert (strict["is_required"], half["is_required"], pro_rata["is_required"]) == (True, False, False)
    assert strict["available_days"] == 0


def test_a_mover_is_required_once_and_satisfied_by_an_assessment_anywhere(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    held = row(marts, "compliance", "WES", Q1_2024)

    assert (held["prosecutors_required"], held["prosecutors_covered"]) == (1, 1)
    assert (held["iqas_assessed"], held["volume_ratio"]) == (0, 0)
    assert (held["assessors_expected"], held["assessors_active"]) == (1, 0)


def test_an_area_with_assessments_but_no_requirement_has_no_ratio(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "compliance", "SW", Q1_2024)

    assert (found["iqas_assessed"], found["iqas_required"], found["volume_ratio"]) == (1, 0, None)
    assert reasons(found)["volume_ratio"] == "no_requirement"
    assert found["volume_ratio_required_only_num"] == 1


@pytest.mark.parametrize(
    ("last_quarter", "missed", "required_twice"),
    [
        # The quarter C1 was absent in is skipped: April and October 2023 are successive.
        pytest.param("2023-10-01", 1, 2),
        pytest.param("2024-01-01", 1, 2),
        # April 2023 has left the window, and C2's misses of July and January are not successive.
        pytest.param("2024-04-01", 0, 2),
    ],
)
def test_successive_misses_skip_quarters_without_a_requirement(
    marts: duckdb.DuckDBPyConnection, last_quarter: str, missed: int, required_twice: int
) -> None:
    found = row(marts, "compliance", "TC", last_quarter)

    assert (found["missed_twice"], found["missed_twice_den"]) == (missed, required_twice)


def test_rolling_rows_carry_the_misses_of_their_last_quarter_and_sum_the_rest(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    rolling = row(marts, "compliance", "TC", "2023-04-01", period_type="rolling_12m")

    assert rolling["missed_twice"] == 1
    assert (rolling["prosecutors_required"], rolling["prosecutors_covered"]) == (7, 3)


def test_advocacy_is_required_by_the_year_and_capped_per_person(marts: duckdb.DuckDBPyConnection) -> None:
    year = {"period_type": "financial_year", "assessment_type": "advocacy"}
    half = row(marts, "compliance", "LN", "2023-04-01", **year)
    strict = row(marts, "compliance", "LN", "2023-04-01", policy="strict", **year)

    # Two for the whole year, one for 100 days, none for 60; three done by one person count as two.
    assert (half["iqas_required"], half["capped_num"]) == (3, 2)
    assert half["capped_rate"] == pytest.approx(2 / 3)
    assert (half["prosecutors_required"], half["prosecutors_covered"]) == (2, 1)
    assert strict["iqas_required"] == 6


def test_advocacy_quarters_say_that_the_requirement_is_annual(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "compliance", "LN", "2023-07-01", assessment_type="advocacy")

    assert (found["iqas_assessed"], found["iqas_required"], found["coverage_rate"]) == (3, None, None)
    assert set(reasons(found).values()) == {"annual_requirement"}


def test_a_year_under_way_shows_what_is_on_track_but_no_compliance(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "compliance", "LN", Q1_2024, period_type="financial_year", assessment_type="advocacy")

    # 211 of 365 days: floor(2 x 211 / 365) = 1 is expected of AD1, who has one.
    assert (found["on_track_num"], found["on_track_den"], found["capped_rate"]) == (1, 1, None)
    assert reasons(found)["capped_rate"] == "pending"


def test_a_mixed_role_owes_casework_only(marts: duckdb.DuckDBPyConnection) -> None:
    assert [
        found["assessment_type"] for found in rows(marts, "fct_requirement", staff_id="MX", policy="half")
    ] == ["casework"]


def test_themed_assessments_count_and_are_shown(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "compliance", "LN", Q1_2024)

    assert (found["prosecutors_covered"], found["themed_share"]) == (1, 1)


def test_late_closing_starts_after_fourteen_days_and_open_is_not_late(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = row(marts, "compliance", "MER", Q1_2024)

    assert (found["late_closed_share_num"], found["late_closed_share_den"]) == (1, 3)


def test_a_withdrawn_assessment_counts_nowhere(marts: duckdb.DuckDBPyConnection) -> None:
    assert row(marts, "dip_sampling", "MER", Q1_2024)["iqas_assessed"] == 3


def test_cps_direct_is_part_of_the_nation_and_a_test_area_is_not(marts: duckdb.DuckDBPyConnection) -> None:
    nation = row(marts, "compliance", "ALL", Q1_2024)
    areas = [
        found
        for found in rows(
            marts, "compliance", level="area", period_type="quarter", period_start=Q1_2024, policy="half"
        )
        if found["assessment_type"] == "casework" and found["area_code"] != "U05"
    ]

    assert "CPSD" in {found["area_code"] for found in areas}
    for column in ("iqas_assessed", "prosecutors_required", "prosecutors_covered"):
        assert nation[column] == sum(found[column] for found in areas)


def test_a_quarter_of_test_areas_alone_has_no_national_row(marts: duckdb.DuckDBPyConnection) -> None:
    assert row(marts, "compliance", "U05", "2017-04-01")["iqas_assessed"] == 1
    assert rows(marts, "compliance", level="national", period_start="2017-04-01", period_type="quarter") == []


@pytest.mark.parametrize("mart", ["compliance", "dip_sampling"])
def test_the_quarter_under_way_withholds_its_requirement(marts: duckdb.DuckDBPyConnection, mart: str) -> None:
    found = row(marts, mart, "EM", "2024-10-01")
    required = "iqas_required" if mart == "compliance" else "dips_required"

    assert (found["iqas_assessed"], found[required], found["figure_status"]) == (1, None, "P")
    assert reasons(found)[required] == "pending"


@pytest.mark.parametrize("mart", ["compliance", "dip_sampling"])
def test_there_is_no_requirement_before_october_2021(marts: duckdb.DuckDBPyConnection, mart: str) -> None:
    required = "iqas_required" if mart == "compliance" else "dips_required"
    before, after = (row(marts, mart, "YH", start) for start in ("2021-04-01", "2021-10-01"))

    assert (before[required], reasons(before)[required]) == (None, "no_requirement")
    assert after[required] == 1


@pytest.mark.parametrize("mart", ["compliance", "dip_sampling"])
def test_a_year_that_spans_two_regimes_has_neither_regime_nor_requirement(
    marts: duckdb.DuckDBPyConnection, mart: str
) -> None:
    found = row(marts, mart, "YH", "2021-04-01", period_type="financial_year")
    required = "iqas_required" if mart == "compliance" else "dips_required"

    assert (found["regime"], found["iqas_assessed"], found[required]) == (None, 2, None)
    assert reasons(found)[required] == "no_requirement"


def test_rolling_windows_stay_within_one_regime(marts: duckdb.DuckDBPyConnection) -> None:
    starts = {
        str(found["period_start"])
        for found in rows(marts, "compliance", area_code="YH", period_type="rolling_12m")
    }

    assert "2021-10-01" in starts
    assert not starts & {"2021-01-01", "2021-04-01", "2021-07-01"}


def test_dips_are_valid_up_to_the_freeze_and_late_after_it(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "dip_sampling", "LS", "2024-01-01")

    assert (found["dips_valid"], found["dips_repeat"]) == (2, 1)
    assert (found["dips_invalid"], found["dips_late"]) == (2, 1)
    assert (found["valid_share_num"], found["valid_share_den"]) == (3, 5)
    # The dips of March; those of 29 and 30 April were done in the next quarter.
    assert found["dips_activity"] == 2


def test_a_changed_rating_is_a_challenge_as_much_as_the_word(marts: duckdb.DuckDBPyConnection) -> None:
    found = row(marts, "dip_sampling", "LS", "2024-01-01")

    assert (found["challenge_num"], found["challenge_den"]) == (2, 3)


def test_before_the_rule_any_dip_is_valid_and_the_valid_share_is_not_collected(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = row(marts, "dip_sampling", "LS", "2022-07-01")

    assert (found["dips_valid"], found["dips_invalid"], found["valid_share"]) == (1, 0, None)
    assert reasons(found)["valid_share"] == "not_collected"


@pytest.mark.parametrize(
    ("area", "unit", "status"),
    [
        pytest.param("SE", "MC", "R", id="an assessment that arrived after the freeze"),
        pytest.param("SE", "CC", "R", id="the unit that an assessment left"),
        pytest.param("SE", "RASSO", "R", id="the unit that it went to"),
        pytest.param("SE", "ALL", "R", id="and their Area"),
        pytest.param("NW", "ALL", "P", id="closing an open assessment changes nothing"),
    ],
)
def test_a_change_after_the_freeze_revises_the_figure(
    marts: duckdb.DuckDBPyConnection, area: str, unit: str, status: str
) -> None:
    statuses = marts.sql(
        f"""
        select figure_status from intermediate.int_figure_status
        where area_code = '{area}' and unit_type = '{unit}' and period_start = date '2024-01-01'
            and period_type = 'quarter' and assessment_type = 'casework' and status_basis = 'records'
        """
    ).fetchall()
    assert [value for (value,) in statuses] == (["R"] if status == "R" else [])


def test_a_first_load_of_old_quarters_revises_nothing(marts: duckdb.DuckDBPyConnection) -> None:
    # 2022-23 Q2 arrived in the first delivery, long after its freeze.
    assert row(marts, "dip_sampling", "LS", "2022-07-01")["figure_status"] == "P"


def test_control_totals_are_compared_one_by_one(marts: duckdb.DuckDBPyConnection) -> None:
    found = {
        (total["area_code"], total["measure"], str(total["period_start"])): total
        for total in rows(marts, "reconciliation")
    }

    agreed = found["MER", "iqas_assessed", Q1_2024]
    assert (agreed["expected"], agreed["actual"], agreed["is_agreed"]) == (3, 3, True)
    disagreed = found["TC", "iqas_assessed", Q1_2024]
    assert (disagreed["difference"], disagreed["is_agreed"]) == (1, False)
    assert found["LS", "dips_valid", "2024-01-01"]["is_agreed"] is True
    assert found["EOE", "prosecutors_required", Q1_2024]["is_agreed"] is True


@pytest.mark.parametrize(
    ("period_start", "reason"), [(Q1_2024, "annual_requirement"), ("2024-10-01", "pending")]
)
def test_a_control_total_without_a_figure_says_why(
    marts: duckdb.DuckDBPyConnection, period_start: str, reason: str
) -> None:
    (found,) = rows(
        marts, "reconciliation", area_code="LN", measure="prosecutors_required", period_start=period_start
    )

    assert (found["actual"], found["is_agreed"]) == (None, None)
    assert reasons(found)["is_agreed"] == reason


def test_a_quarantined_row_is_counted_against_its_rule(marts: duckdb.DuckDBPyConnection) -> None:
    (found,) = rows(
        marts,
        "data_quality",
        dataset="iqa",
        rule_id="unknown_area",
        area_code="UNKNOWN",
        period_start=Q1_2024,
    )
    (nation,) = rows(
        marts, "data_quality", dataset="iqa", rule_id="unknown_area", level="national", period_start=Q1_2024
    )

    assert (found["rows_failed"], found["rows_checked"], found["dimension"]) == (1, 1, "validity")
    assert nation["rows_failed"] == 1
    assert nation["rows_checked"] > 1
