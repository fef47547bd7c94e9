"""The decision: may this candidate become a release?

Pure functions over `Check` records; running checks and printing the decision are elsewhere.
The trap: comparing only what completed. A suite that nobody ran reports nothing, so the plan is compared
with the results and every gap is a result of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dagster_project.gate.checks import Check, Severity, Verdict

PASSED, DATA_FAILED, COULD_NOT_CHECK = 0, 1, 2

# Worst first: two results under one id are judged by the worse one.
_WORST_FIRST = (Verdict.CRASHED, Verdict.FAILED, Verdict.NOT_RUN, Verdict.WAIVED, Verdict.PASSED)


@dataclass(frozen=True)
class GateDecision:
    """Every check with its verdict, and the exit code they come to.

    `unplanned` holds the ids of completed checks that no plan named: they are judged like any other.
    """

    checks: tuple[Check, ...]
    unplanned: tuple[str, ...]
    exit_code: int

    @property
    def may_release(self) -> bool:
        """Whether the candidate may be released."""
        return self.exit_code == PASSED

    @property
    def blocking(self) -> tuple[Check, ...]:
        """The checks that stand in the way."""
        return tuple(check for check in self.checks if check.is_blocking)

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks of severity `warn` that did not pass: shown, not blocking."""
        return tuple(
            check
            for check in self.checks
            if check.severity is Severity.WARN and check.verdict not in (Verdict.PASSED, Verdict.WAIVED)
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many checks have each verdict, every verdict named."""
        found = Counter(str(check.verdict) for check in self.checks)
        return {str(verdict): found[str(verdict)] for verdict in Verdict}

    def sentence(self) -> str:
        """One line for a person."""
        counts = ", ".join(
            f"{number} {verdict.replace('_', ' ')}" for verdict, number in self.counts.items() if number
        )
        outcome = {
            PASSED: "The gate is open",
            DATA_FAILED: "The gate is shut: the data failed a check",
            COULD_NOT_CHECK: "The gate is shut: a check crashed or did not run",
        }[self.exit_code]
        return f"{outcome} ({counts or 'no check was planned'})."


def decide(
    planned: Iterable[Check],
    completed: Iterable[Check],
    waived: Mapping[str, str] | None = None,
) -> GateDecision:
    """Compare the plan with the results.

    The plan's severity, owner and reason stand; the results bring the verdicts. `waived` maps the ids of
    checks to the words of the waiver in force; only a *failed* check can be waived, for a crash says nothing
    about the data. Exit code: 2 when a check of severity `error` crashed, or did not run although nothing
    failed; 1 when one failed (checks that dbt skipped in its wake are then a consequence, not a cause);
    2 when nothing was planned at all; else 0.

    Raises ValueError when two planned checks share an id.
    """
    plan: dict[str, Check] = {}
    for check in planned:
        if check.id in plan:
            raise ValueError(
                f"Two planned checks are called {check.id!r} ({plan[check.id].subject} and {check.subject}): "
                "expected one id a check. Rename one of them."
            )
        plan[check.id] = check

    results: dict[str, Check] = {}
    for check in completed:
        known = results.get(check.id)
        if known is None or _rank(check) < _rank(known):
            results[check.id] = check

    judged = [_judge(check, results.get(check.id)) for check in plan.values()]
    unplanned = tuple(sorted(set(results) - set(plan)))
    judged += [results[check_id] for check_id in unplanned]
    judged = [_waive(check, waived or {}) for check in judged]
    return GateDecision(
        checks=tuple(sorted(judged, key=lambda check: check.id)),
        unplanned=unplanned,
        exit_code=_exit_code(judged) if plan else COULD_NOT_CHECK,
    )


def _rank(check: Check) -> int:
    return _WORST_FIRST.index(check.verdict)


def _judge(planned: Check, result: Check | None) -> Check:
    if result is None:
        return planned.not_run("planned, but no result came back")
    return replace(
        planned,
        verdict=result.verdict,
        rows_failed=result.rows_failed,
        examples=result.examples,
        detail=result.detail,
    )


def _waive(check: Check, waived: Mapping[str, str]) -> Check:
    if check.verdict is Verdict.FAILED and check.is_waivable and check.id in waived:
        return check.waived(f"{waived[check.id]} ({check.detail})")
    return check


def _exit_code(checks: Iterable[Check]) -> int:
    verdicts = {check.verdict for check in checks if check.is_blocking}
    if Verdict.CRASHED in verdicts:
        return COULD_NOT_CHECK
    if Verdict.FAILED in verdicts:
        return DATA_FAILED
    return COULD_NOT_CHECK if verdicts else PASSED
