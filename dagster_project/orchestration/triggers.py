"""What starts a run without a person: a sensor on the raw folder, and a schedule once a month.

Here: when a run is asked for, and why not. Not here: the run. Both are off until somebody switches them on
in Dagster, because a run releases figures. The one trap: a file that is still being copied looks like an
extract; so nothing is asked for until two looks in a row find the same names, sizes and times.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from dagster_project.release.locks import is_being_written
from dagster_project.settings import Settings

SENSOR = "new_extracts"
SCHEDULE = "monthly_run"
LOOK_EVERY_SECONDS = 30
# By the fifth the extracts of the month before have arrived; before the working day begins.
MONTHLY = "0 6 5 * *"
TIME_ZONE = "Europe/London"

# Path below the raw folder -> size and time of last change in nanoseconds.
Look = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Cursor:
    """What the sensor remembers: its last look, the state it last asked a run for, and how often it asked."""

    last_look: str = ""
    asked_for: str = ""
    requests: int = 0

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """The cursor in Dagster's history; one that cannot be read is a fresh one, which costs a run."""
        try:
            found = json.loads(text or "{}")
            return cls(str(found["last_look"]), str(found["asked_for"]), int(found["requests"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def text(self) -> str:
        """For Dagster to keep."""
        return json.dumps(self.__dict__, sort_keys=True)


def look_at(raw_dir: Path) -> dict[str, tuple[int, int]]:
    """Every file below the folder but hidden ones, which tools write before they rename.

    Links are not followed. A file that goes while we look is not there.
    """
    found: dict[str, tuple[int, int]] = {}
    for folder, folders, files in os.walk(raw_dir):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.startswith((".", "~$")):
                continue
            path = Path(folder) / name
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            found[path.relative_to(raw_dir).as_posix()] = (facts.st_size, facts.st_mtime_ns)
    return found


def state_of(look: Look) -> str:
    """A short name for a look: the same names, sizes and times give the same one."""
    return hashlib.sha256(json.dumps(sorted(look.items())).encode()).hexdigest()[:16]


def next_request(look: Look, cursor: Cursor, *, is_writing: bool) -> tuple[str | None, str, Cursor]:
    """The key of the run to ask for, or None; the sentence that says why; and the next cursor."""
    state = state_of(look)
    seen = Cursor(state, cursor.asked_for, cursor.requests)
    if not look:
        return None, "There are no extracts in the raw folder.", seen
    if state == cursor.asked_for:
        return None, "Nothing has changed since the run that was last asked for.", seen
    if state != cursor.last_look:
        return None, "The extracts have changed: waiting until two looks in a row find the same.", seen
    if is_writing:
        return None, "The extracts have changed; a run is under way, so they wait until it has ended.", seen
    # The count keeps keys apart when a file goes and comes back as it was.
    key = f"extracts-{state}-{cursor.requests + 1}"
    return key, "The extracts have changed.", Cursor(state, state, cursor.requests + 1)


def extracts_sensor(job_name: str) -> dg.SensorDefinition:
    """One run for new, changed or removed files, once they have come to rest."""

    @dg.sensor(
        name=SENSOR,
        job_name=job_name,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Asks for one run when extracts in the raw folder are new, changed or gone, and none is "
        "still being copied.",
    )
    def new_extracts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        settings = Settings.from_environment()
        key, why, cursor = next_request(
            look_at(settings.raw_dir),
            Cursor.read(context.cursor),
            is_writing=is_being_written(settings.marts_dir, settings.warehouse),
        )
        if key is None:
            return dg.SensorResult(skip_reason=why, cursor=cursor.text())
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key, tags={"iqa/started_by": SENSOR})],
            cursor=cursor.text(),
        )

    return new_extracts


def monthly_schedule(job_name: str) -> dg.ScheduleDefinition:
    """A run a month, whether or not anything has changed."""

    @dg.schedule(
        name=SCHEDULE,
        job_name=job_name,
        cron_schedule=MONTHLY,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="A run at 6am on the fifth of each month, over the extracts that are there.",
    )
    def monthly_run(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = Settings.from_environment()
        if not look_at(settings.raw_dir):
            return dg.SkipReason(f"There are no extracts in {settings.raw_dir}.")
        if is_being_written(settings.marts_dir, settings.warehouse):
            return dg.SkipReason("A run is under way already: it reads the same extracts.")
        month = f"{context.scheduled_execution_time:%Y-%m}"
        return dg.RunRequest(run_key=f"month-{month}", tags={"iqa/started_by": SCHEDULE})

    return monthly_run
