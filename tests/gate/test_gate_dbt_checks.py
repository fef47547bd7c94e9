"""dbt's tests as checks of the gate."""

from types import SimpleNamespace

import duckdb
import pytest

from dagster_project.gate.checks import Check, Severity, Verdict
from dagster_project.gate.dbt_checks import (
    MODELS_BUILT,
    DbtOutcome,
    completed_dbt_checks,
    outcomes,
    planned_dbt_checks,
)
from dagster_project.gate.decision import decide

MANIFEST: dict[str, object] = {
    "nodes": {
        "model.iqa.compliance": {
            "resource_type": "model",
            "name": "compliance",
            "schema": "marts",
            "config": {"materialized": "table", "meta": {"owner": "Casework Quality Board"}},
        },
        "model.iqa.helper": {
            "resource_type": "model",
            "name": "helper",
            "schema": "intermediate",
            "config": {"materialized": "ephemeral"},
        },
        "seed.iqa.areas": {"resource_type": "seed", "name": "areas", "config": {"materialized": "seed"}},
        "test.iqa.unique_key_compliance.1": {
            "resource_type": "test",
            "name": "unique_key_compliance",
            "attached_node": "model.iqa.compliance",
            "config": {"severity": "ERROR"},
            "test_metadata": {"name": "unique_key"},
        },
        "test.iqa.late_rows.2": {
            "resource_type": "test",
            "name": "late_rows",
            "description": "Late rows are\n rare.",
            "depends_on": {"nodes": ["seed.iqa.areas", "model.iqa.compliance"]},
            "config": {"severity": "warn", "meta": {"owner": "Operational Assurance"}},
        },
    },
    "unit_tests": {
        "unit_test.iqa.compliance.counts_surplus": {
            "name": "counts_surplus",
            "depends_on": {"nodes": ["model.iqa.compliance"]},
            "config": {},
        }
    },
}
UNIQUE, LATE, UNIT = (
    "test.iqa.unique_key_compliance.1",
    "test.iqa.late_rows.2",
    "unit_test.iqa.compliance.counts_surplus",
)
BUILT = [DbtOutcome("model.iqa.compliance", "success"), DbtOutcome("seed.iqa.areas", "success")]


def completed(*results: DbtOutcome, connection: duckdb.DuckDBPyConnection | None = None) -> dict[str, Check]:
    return {check.id: check for check in completed_dbt_checks(MANIFEST, list(results), connection)}


def test_every_data_test_and_unit_test_is_planned_with_owner_and_reason() -> None:
    planned = {check.id: check for check in planned_dbt_checks(MANIFEST)}
    assert set(planned) == {"dbt:unique_key_compliance", "dbt:late_rows", "dbt:counts_surplus", MODELS_BUILT}
    assert planned["dbt:unique_key_compliance"].owner == "Casework Quality Board"
    assert planned["dbt:unique_key_compliance"].reason == "The test 'unique key' holds for compliance."
    assert planned["dbt:late_rows"].subject == "compliance"
    assert planned["dbt:late_rows"].owner == "Operational Assurance"
    assert planned["dbt:late_rows"].reason == "Late rows are rare."
    assert planned["dbt:late_rows"].severity is Severity.WARN


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("pass", Verdict.PASSED),
        ("fail", Verdict.FAILED),
        ("error", Verdict.CRASHED),
        ("runtime error", Verdict.CRASHED),
        ("skipped", Verdict.NOT_RUN),
        ("a word of a later version", Verdict.CRASHED),
    ],
)
def test_each_status_of_dbt_has_its_verdict(status: str, verdict: Verdict) -> None:
    assert completed(DbtOutcome(UNIQUE, status, failures=2))["dbt:unique_key_compliance"].verdict is verdict


def test_rows_within_the_tolerance_of_a_test_pass_and_stay_on_record() -> None:
    check = completed(DbtOutcome(UNIQUE, "warn", failures=2))["dbt:unique_key_compliance"]
    assert (check.verdict, check.rows_failed) == (Verdict.PASSED, 2)


def test_a_complete_build_opens_the_gate() -> None:
    results = [*BUILT, DbtOutcome(UNIQUE, "pass"), DbtOutcome(LATE, "pass"), DbtOutcome(UNIT, "pass")]
    assert decide(planned_dbt_checks(MANIFEST), completed(*results).values()).exit_code == 0


def test_a_model_that_was_never_built_shuts_the_gate_although_no_test_failed() -> None:
    results = [BUILT[0], DbtOutcome(UNIQUE, "pass"), DbtOutcome(LATE, "pass"), DbtOutcome(UNIT, "pass")]
    found = completed(*results)
    assert "areas (absent from dbt's results)" in found[MODELS_BUILT].detail
    assert decide(planned_dbt_checks(MANIFEST), found.values()).exit_code == 2


def test_a_model_that_dbt_skipped_after_a_failed_test_leaves_exit_code_1() -> None:
    results = [
        BUILT[1],
        DbtOutcome("model.iqa.compliance", "skipped"),
        DbtOutcome(UNIQUE, "fail", failures=1),
        DbtOutcome(UNIT, "skipped"),
    ]
    assert decide(planned_dbt_checks(MANIFEST), completed(*results).values()).exit_code == 1


def test_a_failed_test_brings_a_few_of_its_rows() -> None:
    with duckdb.connect() as connection:
        outcome = DbtOutcome(
            UNIQUE, "fail", failures=9, compiled_code="select n as area from range(9) as made(n)"
        )
        check = completed(outcome, connection=connection)["dbt:unique_key_compliance"]
        assert check.examples == tuple({"area": number} for number in range(5))
        lost = completed(
            DbtOutcome(UNIQUE, "fail", failures=9, compiled_code="select * from gone"), connection=connection
        )["dbt:unique_key_compliance"]
        assert lost.verdict is Verdict.FAILED
        assert "no example rows" in lost.detail


def test_results_of_dbt_are_read_as_they_are() -> None:
    node = SimpleNamespace(unique_id=UNIQUE, compiled_code="select 1")
    result = SimpleNamespace(
        node=node, status=SimpleNamespace(value="fail"), failures=3, message="Got 3 results"
    )
    assert outcomes([result]) == [DbtOutcome(UNIQUE, "fail", 3, "Got 3 results", "select 1")]
