"""`iqa run`: ingest, build, check, release.

Here: the options, and what is shown while the flow runs and when it has ended; `iqa check` is the same
without a release. The one trap: figures of a candidate that did not pass are shown to nobody, so the
headlines come only after an open gate.
"""

import os
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_project.commands.common import (
    COULD_NOT_RUN,
    as_of_option,
    error_text,
    format_option,
    marts_option,
    print_json,
    printable,
    progress_stream,
    raw_option,
    refuse_full_disk,
    reread_option,
    settings_from,
    warehouse_option,
)
from dagster_project.errors import four_parts
from dagster_project.settings import Settings

if TYPE_CHECKING:
    from dagster_project.gate.checks import Check
    from dagster_project.orchestration.endings import Ending
    from dagster_project.orchestration.pipeline import Pipeline
    from dagster_project.orchestration.runner import RunOutcome
    from dagster_project.orchestration.steps import StepReport

_DETAILS_MAX = 20


@click.command("run")
@raw_option
@marts_option
@warehouse_option
@as_of_option
@reread_option
@format_option
def command(
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    as_of: datetime | None,
    reread: tuple[str, ...],
    output_format: str,
) -> int:
    """Ingest the extracts, build the marts, check them and release them."""
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse, as_of=as_of)
    return execute("run", settings, output_format, reread)


def execute(name: str, settings: Settings, output_format: str, reread: Sequence[str] = ()) -> int:
    """Run the flow, show it, and return the exit code; only the command `run` releases."""
    stream = progress_stream(output_format)

    def say(line: str = "") -> None:
        click.echo(printable(line), file=stream)

    say(f"Extracts {_short(settings.raw_dir)}, releases {_short(settings.marts_dir)}.")
    from dagster_project.orchestration.endings import Ending
    from dagster_project.orchestration.runner import run_flow

    try:
        outcome = run_flow(
            settings,
            release=name == "run",
            reread=reread,
            on_start=lambda step: _say_start(step, stream),
            on_step=lambda report: _say_step(report, say),
        )
        if outcome.error is not None:
            refuse_full_disk(outcome.error, settings)
    except Exception as error:
        _tell(name, None, Ending(COULD_NOT_RUN, error), say)
        refuse_full_disk(error, settings)
        raise
    say()
    _say_end(outcome, say)
    _tell(name, outcome.pipeline, Ending(outcome.exit_code, outcome.error), say)
    if output_format == "json":
        print_json(document(name, outcome))
    if outcome.error is not None:
        if os.environ.get("IQA_DEBUG") == "1":
            traceback.print_exception(outcome.error)
        click.echo(error_text(four_parts(outcome.error)), err=True)
    return outcome.exit_code


def _tell(name: str, pipeline: "Pipeline | None", ending: "Ending", say: Any) -> None:
    """Tell people who are not here of a run that was to release; a check is watched by who asked for it."""
    from dagster_project.orchestration.notices import tell

    stopped = ending.error is not None and not isinstance(ending.error, Exception)
    if name == "run" and not stopped:
        for line in tell(pipeline, ending):
            say(line)


def _say_start(step: str, stream: Any) -> None:
    if stream.isatty():
        click.echo(f"{step} ...\r", nl=False, file=stream)


def _say_step(report: "StepReport", say: Any) -> None:
    say(f"{report.name:<8} {report.seconds:6.1f} s  {report.summary}")
    for line in report.details[:_DETAILS_MAX]:
        say(f"{'':<18}{line}")
    if len(report.details) > _DETAILS_MAX:
        say(f"{'':<18}and {len(report.details) - _DETAILS_MAX} more (tables raw.files, raw.quarantine)")


def _say_end(outcome: "RunOutcome", say: Any) -> None:
    pipeline = outcome.pipeline
    decision = pipeline.decision
    from dagster_project.orchestration.steps import count_of

    if decision is not None and outcome.error is None:
        for check in decision.warnings:
            say(f"Warning: {_check_line(check)}")
        in_the_way = [check for check in decision.blocking if check.verdict != "not_run"]
        not_run = [check for check in decision.blocking if check.verdict == "not_run"]
        for check in in_the_way[:_DETAILS_MAX]:
            say(f"{str(check.verdict).capitalize()}: {_check_line(check)}")
            say(f"  why it matters: {check.reason} (owner: {check.owner})")
            for example in check.examples:
                say(f"  for example: {', '.join(f'{key}={value}' for key, value in example.items())}")
        if len(in_the_way) > _DETAILS_MAX:
            say(f"and {len(in_the_way) - _DETAILS_MAX} more checks; --format json lists them all")
        if not_run:
            why = "because of the above" if in_the_way else "though nothing kept them from it"
            say(f"Not run: {count_of(len(not_run), 'check')}, {why}.")
            for check in [] if in_the_way else not_run[:_DETAILS_MAX]:
                say(f"  {check.id} ({check.subject})")
    for headline in pipeline.headlines:
        say(headline.text)
    if pipeline.release is not None:
        say()
        say(f"Release {pipeline.release.release_id} is current: {_short(pipeline.release.path)}")
        if pipeline.key.is_demo:
            say("Staff pseudonyms use the public demo key: for made-up data only (IQA_PSEUDONYM_KEY_FILE).")
    elif outcome.exit_code != 0:
        say("Nothing was released; the last release stays in place.")


def _check_line(check: "Check") -> str:
    detail = f": {check.detail}" if check.detail else ""
    return f"{check.id} ({check.subject}){detail}"


def document(name: str, outcome: "RunOutcome") -> dict[str, Any]:
    """The run as one JSON-ready document."""
    pipeline = outcome.pipeline
    decision, release, result = pipeline.decision, pipeline.release, pipeline.intake
    return {
        "command": name,
        "exit_code": outcome.exit_code,
        "as_of": result.as_of if result else None,
        "error": None if outcome.error is None else four_parts(outcome.error),
        "steps": [
            {"name": step.name, "seconds": round(step.seconds, 3), "summary": step.summary, **step.counts}
            for step in pipeline.steps
        ],
        "ingest": result.to_dict() if result else None,
        "error_workbooks": [str(path) for path in pipeline.error_workbooks],
        "gate": None
        if decision is None
        else {
            "sentence": decision.sentence(),
            "counts": decision.counts,
            "blocking": [_check_record(check) for check in decision.blocking],
            "warnings": [_check_record(check) for check in decision.warnings],
        },
        "headlines": [
            {
                "key": headline.key,
                "text": headline.text,
                "is_synthetic": headline.is_synthetic,
                **headline.values,
            }
            for headline in pipeline.headlines
        ],
        "is_demo_key": pipeline.key.is_demo,
        "release": None
        if release is None
        else {
            "release_id": release.release_id,
            "path": str(release.path),
            "content_hash": release.content_hash,
            "marts": {
                mart: {
                    "rows": restricted.rows,
                    "content_hash": restricted.content_hash,
                    "is_shareable": shareable is not None,
                }
                for mart, (shareable, restricted) in sorted(release.contents.items())
            },
        },
    }


def _check_record(check: "Check") -> dict[str, Any]:
    return {
        **check.public_record(),
        "detail": check.detail,
        "examples": [dict(example) for example in check.examples],
    }


def _short(path: Path) -> str:
    """A path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
