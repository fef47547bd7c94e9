"""How a run ended, and what a person is told who was not there.

Here: the exit code of a run, and the refusal of a candidate or the failure of a build in four parts. Not
here: showing or sending them. The one trap: "the job failed" says too little. Whether the data failed a check
(1) or something could not be checked (2) is read from the gate's decision and from what a stage raised, never
from Dagster's status alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.errors import IqaError
from dagster_project.gate.checks import Check, Verdict
from dagster_project.gate.decision import COULD_NOT_CHECK, DATA_FAILED, GateDecision
from dagster_project.orchestration.pipeline import Pipeline
from dagster_project.orchestration.steps import count_of
from dagster_project.warehouse.dbt_runner import DbtResult

_NAMED_MAX = 5


@dataclass(frozen=True)
class Ending:
    """A run that ended. `error` is what kept it from deciding, where something did."""

    exit_code: int
    error: BaseException | None = None


def conclude(pipeline: Pipeline, step_failures: str = "") -> Ending:
    """How the run ended. `step_failures` is what Dagster says of its steps, empty if all succeeded."""
    if pipeline.crash is not None:
        return Ending(COULD_NOT_CHECK, pipeline.crash)
    if pipeline.decision is None:
        # A failed check stopped the job before the gate; the gate still says what did not run.
        pipeline.decide()
    assert pipeline.decision is not None
    if pipeline.decision.may_release and step_failures:
        return Ending(COULD_NOT_CHECK, RuntimeError(step_failures))
    return Ending(pipeline.decision.exit_code)


def problem_of(pipeline: Pipeline, ending: Ending) -> BaseException | None:
    """What went wrong, with its four parts where it was foreseen; None for a run that did what it should."""
    if ending.error is not None:
        return ending.error
    if pipeline.decision is None or pipeline.decision.may_release:
        return None
    if pipeline.dbt_result is not None and is_broken(pipeline.dbt_result):
        return broken_build(pipeline.dbt_result)
    return refusal(pipeline.decision)


def in_the_way(decision: GateDecision) -> list[Check]:
    """The checks that shut the gate; those that did not run in their wake only where nothing else did."""
    causes = [check for check in decision.blocking if check.verdict is not Verdict.NOT_RUN]
    return causes or list(decision.blocking)


def refusal(decision: GateDecision) -> IqaError:
    """Why the gate is shut."""
    causes = in_the_way(decision)
    return IqaError(
        decision.sentence(),
        where=_listed([_line(check) for check in causes]) or "the gate",
        expected=_listed(list(dict.fromkeys(check.reason for check in causes))) or "at least one check",
        next_step=_NEXT_STEPS[decision.exit_code] + " The last release stays in place.",
    )


_NEXT_STEPS = {
    DATA_FAILED: "Look at the failing rows (`iqa check` prints examples; quarantined rows are in "
    "`raw.quarantine` and the error workbooks). Correct the extracts, then run again; or let a check through "
    "for a limited time with `iqa waive`.",
    COULD_NOT_CHECK: "Nothing is known about the data. Run the whole flow (`iqa run`, or the job `iqa_run`); "
    "if a check crashes again, correct what it says.",
}


def is_broken(result: DbtResult) -> bool:
    """Whether dbt could not do its work, whatever the data is like."""
    return bool(result.crash or result.with_status("error"))


def broken_build(result: DbtResult) -> IqaError:
    """What dbt could not build or run."""
    broken = result.with_status("error")
    return IqaError(
        f"{count_of(len(broken), 'model or test', 'models or tests')} could not be built or run."
        if broken
        else "dbt gave up.",
        where=_listed([f"{node.name}: {' '.join((node.message or 'no message').split())}" for node in broken])
        or str(result.crash),
        expected="a dbt project that builds on these extracts",
        next_step="Correct the model or the extract that the message names, then run again. "
        "The last release stays in place.",
    )


def _line(check: Check) -> str:
    detail = f": {check.detail}" if check.detail else ""
    return f"{check.id} ({check.subject}) {str(check.verdict).replace('_', ' ')}{detail}"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED_MAX
    return "; ".join([*texts[:_NAMED_MAX], *([f"and {more} more"] if more > 0 else [])])
