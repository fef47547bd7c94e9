"""Expectation suites: good marts pass, each kind of bad value fails, and a broken check is neither."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from made_marts import make_marts

from dagster_project.gate.checks import Check, Verdict
from dagster_project.gate.decision import decide
from dagster_project.gate.expectations import run_suites
from dagster_project.gate.suites import planned_checks, read_suites
from dagster_project.settings import EXPECTATIONS_DIR

SUITES = read_suites(EXPECTATIONS_DIR / "marts")
MADE = [suite for suite in SUITES if suite.mart in {"compliance", "dip_sampling", "leniency", "themes"}]


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with make_marts() as connection:
        yield connection


def spoilt(marts: duckdb.DuckDBPyConnection, mart: str, only: str | None = None) -> dict[str, Check]:
    """The checks of one mart that did not pass, of all its expectations or of the one named `only`."""
    suite = next(suite for suite in MADE if suite.mart == mart)
    if only is not None:
        chosen = tuple(item for item in suite.expectations if item.check.id == f"expect:{mart}.{only}")
        assert chosen, f"{mart} has no expectation {only}"
        suite = replace(suite, expectations=chosen)
    checks = run_suites([suite], marts)
    return {
        check.id.removeprefix(f"expect:{mart}."): check
        for check in checks
        if check.verdict is not Verdict.PASSED
    }


def test_every_suite_in_the_project_can_be_read_and_says_why() -> None:
    assert [suite.problem for suite in SUITES] == [None] * len(SUITES)
    for check in planned_checks({}, SUITES):
        assert check.reason.endswith(".")
        assert check.owner


def test_good_marts_pass_every_expectation(marts: duckdb.DuckDBPyConnection) -> None:
    checks = run_suites(MADE, marts)
    assert [(check.id, check.detail) for check in checks if check.verdict is not Verdict.PASSED] == []
    assert decide([check for suite in MADE for check in suite.checks], checks).exit_code == 0


@pytest.mark.parametrize(
    ("mart", "change", "caught_by"),
    [
        ("compliance", "coverage_rate = 90, coverage_high = 98", "shares_are_at_most_1"),
        ("compliance", "themed_share = 'nan'", "shares_are_at_most_1"),
        ("compliance", "missed_twice_rate = -0.1", "shares_are_at_least_0"),
        ("compliance", "coverage_low = 0.95", "coverage_low_bound_is_at_most_coverage_rate"),
        ("compliance", "prosecutors_covered = 11", "prosecutors_covered_is_at_most_prosecutors_required"),
        ("compliance", "area_code = 'XX'", "area_code_is_known"),
        ("compliance", "release_id = null", "standard_columns_are_present"),
        ("compliance", "policy = 'half'", "key_is_unique"),
        ("compliance", "policy = 'lenient'", "policy_is_known"),
        ("compliance", "figure_status = 'F'", "figure_status_is_known"),
        ("compliance", "prosecutors_required = 0", "coverage_rate_is_withheld_without_requirement"),
        ("compliance", "period_end = date '2024-03-31'", "period_start_is_before_period_end"),
        ("compliance", "unit_type = 'CC'", "unit_type_is_all_above_the_unit"),
        ("dip_sampling", "dips_valid = 13", "dips_valid_is_at_most_iqas_assessed"),
        ("dip_sampling", "fulfilment_rate = 1.5", "national_fulfilment_is_capped"),
        ("dip_sampling", "median_lag_days = -1", "median_lag_days_is_not_negative"),
        ("dip_sampling", "dips_required = 0", "dips_are_required_where_there_are_iqas"),
        ("leniency", "gap_points = -1.5", "differences_are_within_1"),
        ("leniency", "n_agree = 379", "lenient_harsh_and_agree_add_up"),
        ("leniency", "n_examined = 438", "n_compared_is_at_most_n_examined"),
        ("leniency", "lenient_rate = null", "lenient_rate_is_present_where_compared"),
        ("leniency", "q_value = 1e-12, p_value = 0.5", "p_value_is_at_most_q_value_bound"),
        ("leniency", "dimension_value = 'EM'", "overall_rows_cover_everything"),
        ("leniency", "sample = 'REF2018'", "no_inspection_is_missing"),
        ("themes", "iqas_with_theme = 13", "iqas_with_theme_is_at_most_iqas_eligible"),
        ("themes", "iqas_eligible = 0", "iqas_eligible_is_positive"),
        ("themes", "theme_code = 'XX-T99'", "theme_code_is_known"),
        ("themes", "emerging_reason = null", "emerging_themes_say_why"),
    ],
)
def test_a_bad_value_fails_its_expectation(
    marts: duckdb.DuckDBPyConnection, mart: str, change: str, caught_by: str
) -> None:
    marts.execute(f"update warehouse.marts.{mart} set {change}")
    assert spoilt(marts, mart, caught_by)[caught_by].verdict is Verdict.FAILED


def test_a_failure_counts_its_rows_and_shows_a_few(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute("update warehouse.marts.compliance set iqas_assessed = -1 where policy = 'half'")
    check = spoilt(marts, "compliance")["counts_are_not_negative"]
    assert check.rows_failed == 3
    assert {row["policy"] for row in check.examples} == {"half"}
    assert "3 of 9 rows, such as -1" in check.detail


@pytest.mark.parametrize("mart", ["compliance", "dip_sampling"])
def test_an_area_that_vanished_is_named(marts: duckdb.DuckDBPyConnection, mart: str) -> None:
    marts.execute(f"delete from warehouse.marts.{mart} where level = 'area'")
    check = spoilt(marts, mart, "no_area_is_missing")["no_area_is_missing"]
    assert check.verdict is Verdict.FAILED
    assert check.rows_failed == 1
    assert check.examples[0]["area_code"] == "EM"


@pytest.mark.parametrize(
    ("mart", "caught_by"),
    [
        ("compliance", "has_rows"),
        ("dip_sampling", "has_rows"),
        ("leniency", "no_dipped_area_is_missing"),
        ("leniency", "no_inspection_is_missing"),
        ("themes", "no_commented_area_is_missing"),
    ],
)
def test_a_mart_that_lost_its_rows_does_not_pass(
    marts: duckdb.DuckDBPyConnection, mart: str, caught_by: str
) -> None:
    marts.execute(f"delete from warehouse.marts.{mart}")
    assert spoilt(marts, mart, caught_by)[caught_by].verdict is Verdict.FAILED


@pytest.mark.parametrize(
    "without",
    [
        "delete from warehouse.raw.iqa_answers",
        "update warehouse.raw.iqa_answers set comment = null",
        "update warehouse.raw.iqa set assessed_on = date '2017-05-02'",
        "update warehouse.raw.iqa set status = 'withdrawn'",
    ],
)
def test_extracts_without_comments_may_have_no_themes(marts: duckdb.DuckDBPyConnection, without: str) -> None:
    marts.execute("delete from warehouse.marts.themes")
    marts.execute(without)
    assert spoilt(marts, "themes") == {}


def test_extracts_without_inspections_and_dips_may_have_no_leniency(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    marts.execute("delete from warehouse.marts.leniency")
    marts.execute("delete from warehouse.raw.reassessments")
    marts.execute("update warehouse.raw.dip_samples set comment = ' '")
    assert spoilt(marts, "leniency") == {}


def test_a_mart_that_is_not_there_is_a_crash_of_its_checks(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute("drop table warehouse.marts.themes")
    verdicts = {check.verdict for check in spoilt(marts, "themes").values()}
    assert verdicts == {Verdict.CRASHED}


def test_a_column_that_is_not_there_is_a_crash_and_not_bad_data(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute("alter table warehouse.marts.dip_sampling drop column median_lag_days")
    failed = spoilt(marts, "dip_sampling")
    assert list(failed) == ["median_lag_days_is_not_negative"]
    assert failed["median_lag_days_is_not_negative"].verdict is Verdict.CRASHED


BROKEN = {
    "no yaml": "mart: [compliance",
    "another mart's name": "mart: dip_sampling\nexpectations: [{id: a, type: b, reason: c}]",
    "no expectations": "mart: compliance\nexpectations: []",
    "an unknown key": "mart: compliance\nexpectation: []",
    "an unknown severity": "mart: compliance\nexpectations: [{id: a, type: b, reason: c, severity: fatal}]",
    "no reason": "mart: compliance\nexpectations: [{id: a, type: b}]",
    "an id twice": "mart: compliance\nexpectations: "
    "[{id: a, type: b, reason: c}, {id: a, type: b, reason: c}]",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_suite_that_cannot_be_read_shuts_the_gate_as_a_crash(
    marts: duckdb.DuckDBPyConnection, tmp_path: Path, text: str
) -> None:
    (tmp_path / "compliance.yml").write_text(text)
    suites = read_suites(tmp_path)
    decision = decide([check for suite in suites for check in suite.checks], run_suites(suites, marts))
    assert decision.exit_code == 2
    assert decision.checks[0].verdict is Verdict.CRASHED
    assert "compliance.yml" in decision.checks[0].detail


@pytest.mark.parametrize(
    "expectation",
    [
        "{id: a, type: expect_the_moon, reason: c}",
        "{id: a, type: expect_column_values_to_be_between, kwargs: {column: x, min: 0}, reason: c}",
        "{id: a, type: expect_column_values_to_be_in_set, reason: c, "
        "kwargs: {column: area_code, value_set: {query: select gone}}}",
    ],
)
def test_an_expectation_that_cannot_run_is_a_crash(
    marts: duckdb.DuckDBPyConnection, tmp_path: Path, expectation: str
) -> None:
    (tmp_path / "compliance.yml").write_text(f"mart: compliance\nexpectations: [{expectation}]")
    verdicts = [check.verdict for check in run_suites(read_suites(tmp_path), marts)]
    assert verdicts == [Verdict.PASSED, Verdict.CRASHED]


def test_validation_writes_no_file_and_prints_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from made_marts import make_marts;"
        "from dagster_project.gate.expectations import run_suites;"
        "from dagster_project.gate.suites import read_suites;"
        "suites = [s for s in read_suites(Path(sys.argv[2])) if s.mart == 'themes'];"
        "assert all(c.verdict == 'passed' for c in run_suites(suites, make_marts()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent), str(EXPECTATIONS_DIR / "marts")],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.rglob("*")) == []


def test_importing_the_gate_does_not_import_great_expectations() -> None:
    script = (
        "import sys, dagster_project.gate.expectations, dagster_project.gate.decision;"
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
