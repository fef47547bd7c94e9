"""Runs the flow as a Dagster job in this process, and says how it ended.

Here: one run from lock to exit code, for the commands. Not here: printing, and how a run ended
(`endings.py`). The one trap: the job is given its open pipeline as an object; Dagster's interface makes one
from settings instead. Whatever is done at the end of a run must be done for both (`definitions.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.orchestration.endings import conclude
from dagster_project.orchestration.home import dagster_home
from dagster_project.orchestration.pipeline import Pipeline
from dagster_project.orchestration.steps import StepReport
from dagster_project.settings import Settings, silence_telemetry

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunOutcome:
    """A run that ended. `error` is what kept it from deciding, where something did."""

    pipeline: Pipeline
    exit_code: int
    error: BaseException | None


def run_flow(
    settings: Settings,
    *,
    release: bool,
    on_step: Callable[[StepReport], None] = lambda report: None,
    on_start: Callable[[str], None] = lambda name: None,
    dbt_dir: Path | None = None,
    suites_dir: Path | None = None,
    policy_file: Path | None = None,
    reread: Sequence[str] = (),
) -> RunOutcome:
    """Ingest, build, check and, with `release`, publish. Extracts in `reread` are read again.

    Raises IqaError or ReleaseError when the run could not start (another writer, an unusable key).
    """
    silence_telemetry()
    pipeline = Pipeline(
        settings,
        on_step=on_step,
        on_start=on_start,
        is_to_release=release,
        dbt_dir=dbt_dir,
        suites_dir=suites_dir,
        policy_file=policy_file,
    )
    with pipeline:
        import dagster as dg

        from dagster_project.orchestration.definitions import (
            CHECK_JOB,
            RUN_JOB,
            build_definitions,
            run_config,
        )

        definitions = build_definitions(pipeline.manifest.document, pipeline.suites, pipeline)
        job = definitions.resolve_job_def(RUN_JOB if release else CHECK_JOB)
        with dg.DagsterInstance.from_ref(_instance(settings)) as instance:
            result = job.execute_in_process(
                run_config={**_QUIET, **run_config(reread)}, instance=instance, raise_on_error=False
            )
        ending = conclude(pipeline, "" if result.success else _failures(result))
        return RunOutcome(pipeline, ending.exit_code, ending.error)


def _instance(settings: Settings) -> Any:
    """Where Dagster keeps its history, with telemetry off whatever its file says.

    Dagster looks for the file with a pattern: below a folder such as `data [old]` it finds none.
    """
    from dagster._core.instance.ref import InstanceRef

    return InstanceRef.from_dir(
        str(dagster_home(settings)),
        overrides={"telemetry": {"enabled": False}},  # type: ignore[typeddict-unknown-key]
    )


def _failures(result: Any) -> str:
    messages = [
        f"{event.step_key}: {event.step_failure_data.error.message.strip()}"
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.error is not None
    ]
    return "; ".join(messages) or "Dagster ended the run without saying why"
