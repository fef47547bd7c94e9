"""What people are told of a run that releases figures, by the ways that `alerts` knows.

Here: the message about an ending. Not here: how it leaves. The one trap: a message leaves the machine. What a
check found (`detail`, `examples`) holds values of the data, and an unforeseen error may hold any text, so
neither is in a message; the counts, the names of checks and the next step are.
"""

from dagster_project.alerts import AlertSettings, Notice, send
from dagster_project.errors import four_parts, is_foreseen
from dagster_project.gate.checks import Check
from dagster_project.gate.decision import DATA_FAILED
from dagster_project.orchestration.endings import Ending, in_the_way
from dagster_project.orchestration.pipeline import Pipeline

_WHERE_TO_LOOK = "Details: the output of the run, or `iqa ui`, page Runs."
_STAYS = "Nothing was released; the last release stays in place."


def tell(pipeline: Pipeline | None, ending: Ending) -> list[str]:
    """Send what is asked for about a run; returns lines for the log. Never raises, never changes the run."""
    try:
        settings = AlertSettings.from_environment()
        notice = notice_of(pipeline, ending)
        if not settings.wants(notice):
            return [f"Alert settings: {problem}" for problem in settings.problems]
        return send(notice, settings)
    except Exception as error:
        return [f"The alert could not be made: {type(error).__name__}."]


def notice_of(pipeline: Pipeline | None, ending: Ending) -> Notice:
    """The message about an ending; `pipeline` is None for a run that could not start."""
    facts = _facts(pipeline, ending)
    release = pipeline.release if pipeline is not None else None
    if ending.exit_code == 0 and release is not None:
        return Notice("released", "IQA figures: a release was made", {"Release": release.release_id, **facts})
    decision = pipeline.decision if pipeline is not None else None
    if ending.error is None and decision is not None:
        refused = ending.exit_code == DATA_FAILED
        title = "the run was refused, because data failed a check" if refused else "a check could not be made"
        checks = [_line(check) for check in in_the_way(decision)]
        kind = "refused" if refused else "failed"
        return Notice(kind, f"IQA figures: {title}", facts, (*checks, _STAYS, _WHERE_TO_LOOK))
    return Notice(
        "failed", "IQA figures: the run failed", facts, (*_what_failed(ending), _STAYS, _WHERE_TO_LOOK)
    )


def _facts(pipeline: Pipeline | None, ending: Ending) -> dict[str, str]:
    facts = {"Exit code": str(ending.exit_code)}
    if pipeline is None:
        return facts
    intake = pipeline.intake
    if intake is not None:
        facts |= {
            "Reporting date": str(intake.as_of),
            "Extracts refused": str(len(intake.refusals)),
            "Rows quarantined": f"{intake.rows('quarantined'):,}",
        }
    if pipeline.decision is not None:
        facts["Checks"] = ", ".join(
            f"{number} {verdict.replace('_', ' ')}"
            for verdict, number in pipeline.decision.counts.items()
            if number
        )
    return facts


def _line(check: Check) -> str:
    rows = f", {check.rows_failed:,} rows" if check.rows_failed else ""
    verdict = str(check.verdict).replace("_", " ")
    return f"{check.id} ({check.subject}) {verdict}{rows}. {check.reason} Owner: {check.owner}."


def _what_failed(ending: Ending) -> list[str]:
    error = ending.error
    if error is None:
        return []
    parts = four_parts(error)
    if not is_foreseen(error):
        return [f"An error that was not foreseen: {type(error).__name__}, in {parts['where']}."]
    return [
        parts["what"],
        f"Where: {parts['where']}",
        f"Expected: {parts['expected']}",
        f"What next: {parts['what_next']}",
    ]
