"""The gate compares what was planned with what completed."""

from dataclasses import replace

import pytest

from dagster_project.gate.checks import Check, Kind, Severity, Verdict
from dagster_project.gate.decision import decide


def check(name: str, severity: Severity = Severity.ERROR) -> Check:
    return Check(name, Kind.EXPECTATION, "compliance", severity, "Analysis", f"Reason of {name}.")


ONE, TWO, SOFT = check("one"), check("two"), check("soft", Severity.WARN)


def test_the_gate_opens_when_every_planned_check_passed() -> None:
    decision = decide([ONE, TWO], [TWO.passed(), ONE.passed()])
    assert decision.exit_code == 0
    assert decision.may_release
    assert decision.counts["passed"] == 2


def test_a_failed_check_is_about_the_data() -> None:
    decision = decide([ONE, TWO], [ONE.passed(), TWO.failed("3 rows", 3)])
    assert decision.exit_code == 1
    assert [item.id for item in decision.blocking] == ["two"]


def test_a_crashed_check_is_not_a_pass_and_not_a_failure() -> None:
    decision = decide([ONE, TWO], [ONE.passed(), TWO.crashed("list index out of range")])
    assert decision.exit_code == 2


def test_a_crash_outweighs_a_failure() -> None:
    assert decide([ONE, TWO], [ONE.failed("3 rows"), TWO.crashed("lost")]).exit_code == 2


def test_a_planned_check_without_result_shuts_the_gate() -> None:
    decision = decide([ONE, TWO], [ONE.passed()])
    assert decision.exit_code == 2
    assert decision.blocking[0].verdict is Verdict.NOT_RUN


def test_checks_skipped_in_the_wake_of_a_failure_leave_it_a_failure_of_the_data() -> None:
    decision = decide([ONE, TWO], [ONE.failed("3 rows", 3), TWO.not_run("skipped")])
    assert decision.exit_code == 1
    assert len(decision.blocking) == 2


def test_a_gate_without_any_check_is_shut() -> None:
    assert decide([], []).exit_code == 2
    assert decide([], [ONE.passed()]).exit_code == 2


@pytest.mark.parametrize("result", [SOFT.failed("1 row"), SOFT.crashed("lost"), SOFT.not_run("skipped")])
def test_a_warning_is_shown_but_does_not_block(result: Check) -> None:
    decision = decide([ONE, SOFT], [ONE.passed(), result])
    assert decision.exit_code == 0
    assert [item.id for item in decision.warnings] == ["soft"]


def test_a_result_cannot_weaken_the_severity_that_was_planned() -> None:
    lenient = replace(ONE.failed("3 rows"), severity=Severity.WARN, owner="Somebody else")
    decision = decide([ONE], [lenient])
    assert decision.exit_code == 1
    assert decision.checks[0].owner == "Analysis"


def test_an_unplanned_check_is_reported_and_judged_too() -> None:
    assert decide([ONE], [ONE.passed(), TWO.passed()]).unplanned == ("two",)
    assert decide([ONE], [ONE.passed(), TWO.failed("3 rows")]).exit_code == 1


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_results_for_one_check_the_worse_counts(order: int) -> None:
    results = [ONE.passed(), ONE.failed("3 rows")][::order]
    assert decide([ONE], results).exit_code == 1


def test_two_planned_checks_cannot_share_an_id() -> None:
    with pytest.raises(ValueError, match="Two planned checks are called 'one'"):
        decide([ONE, ONE], [ONE.passed()])


def test_a_waiver_lets_a_failure_through_and_keeps_it_on_record() -> None:
    decision = decide(
        [ONE], [ONE.failed("3 rows", 3)], waived={"one": "until 1 December 2024, by M. Example"}
    )
    assert decision.exit_code == 0
    assert decision.checks[0].verdict is Verdict.WAIVED
    assert decision.checks[0].rows_failed == 3


def test_a_check_that_nobody_may_wave_through_blocks_in_spite_of_a_waiver() -> None:
    strict = replace(ONE, is_waivable=False)
    decision = decide([strict], [ONE.failed("3 rows", 3)], waived={"one": "until December"})
    assert decision.exit_code == 1 and [check.id for check in decision.blocking] == ["one"]


def test_a_crash_cannot_be_waived() -> None:
    assert decide([ONE], [ONE.crashed("lost")], waived={"one": "until December"}).exit_code == 2
    assert decide([ONE], [], waived={"one": "until December"}).exit_code == 2


def test_the_sentence_counts_the_verdicts() -> None:
    assert decide([ONE, SOFT], [ONE.passed(), SOFT.failed("x")]).sentence() == (
        "The gate is open (1 passed, 1 failed)."
    )
