"""What starts a run by itself: new extracts at rest, once; and the fifth of each month."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.gate.suites import read_suites
from dagster_project.orchestration.definitions import RUN_JOB, build_definitions
from dagster_project.orchestration.pipeline import SUITES_DIR
from dagster_project.orchestration.triggers import SCHEDULE, SENSOR, extracts_sensor, monthly_schedule
from dagster_project.release.locks import is_being_written, writer_lock
from dagster_project.settings import Settings
from dagster_project.warehouse.dbt_runner import load_manifest
from tests.support.extracts import write_extract

# Six in the morning of British summer time is five by universal time.
FIFTH = datetime(2024, 7, 5, 5, 0, tzinfo=UTC)
Watch = Callable[[], dg.SensorResult]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings as the sensor finds them, from the environment."""
    for name, place in (("RAW_DIR", "raw"), ("MARTS_DIR", "marts"), ("WAREHOUSE", "work/iqa.duckdb")):
        monkeypatch.setenv(f"IQA_{name}", str(tmp_path / place))
    return Settings.from_environment()


@pytest.fixture
def watch(settings: Settings) -> Watch:
    """Let the sensor look once more, remembering what it has seen."""
    sensor = extracts_sensor(RUN_JOB)
    kept: list[str | None] = [None]

    def look() -> dg.SensorResult:
        with dg.build_sensor_context(cursor=kept[0]) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        kept[0] = result.cursor
        return result

    return look


def keys(result: dg.SensorResult) -> list[str | None]:
    return [request.run_key for request in result.run_requests or []]


def reason(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


def test_an_extract_that_is_still_being_copied_starts_no_run(settings: Settings, watch: Watch) -> None:
    path = write_extract(settings.raw_dir, "iqa")
    for _ in range(3):
        assert "waiting until two looks" in reason(watch())
        with path.open("a", encoding="utf-8") as file:
            file.write("more")
    assert keys(watch()) == []
    assert len(keys(watch())) == 1


def test_several_files_that_arrive_together_start_one_run_and_then_none(
    settings: Settings, watch: Watch
) -> None:
    for dataset in ("postings", "iqa", "dip_samples"):
        write_extract(settings.raw_dir, dataset)
    assert [len(keys(watch())) for _ in range(4)] == [0, 1, 0, 0]
    assert "Nothing has changed" in reason(watch())


def test_a_new_a_changed_and_a_removed_file_each_start_a_run_with_a_key_of_its_own(
    settings: Settings, watch: Watch
) -> None:
    first = write_extract(settings.raw_dir, "iqa")
    found = [*keys(watch()), *keys(watch())]
    second = write_extract(settings.raw_dir, "iqa", "2024-08-30")
    found += [*keys(watch()), *keys(watch())]
    os.utime(first, ns=(0, 1_700_000_000_000_000_000))
    found += [*keys(watch()), *keys(watch())]
    second.unlink()
    found += [*keys(watch()), *keys(watch())]
    assert len(found) == len(set(found)) == 4


def test_a_file_that_goes_and_comes_back_as_it_was_is_run_again(settings: Settings, watch: Watch) -> None:
    write_extract(settings.raw_dir, "postings")
    path = write_extract(settings.raw_dir, "iqa")
    found = [*keys(watch()), *keys(watch())]
    aside = path.rename(settings.raw_dir.parent / "aside.csv")
    found += [*keys(watch()), *keys(watch())]
    aside.rename(path)
    found += [*keys(watch()), *keys(watch())]
    assert len(set(found)) == 3


def test_hidden_and_lock_files_start_no_run(settings: Settings, watch: Watch) -> None:
    folder = settings.raw_dir / "iqa"
    folder.mkdir(parents=True)
    for name in (".gitkeep", ".iqa_2024-07-26.csv.part", "~$iqa_2024-07-26.xlsx"):
        (folder / name).write_text("half")
    for _ in range(2):
        assert "no extracts" in reason(watch())


def test_without_a_raw_folder_the_sensor_waits(watch: Watch) -> None:
    assert "no extracts" in reason(watch())


def test_new_extracts_wait_for_a_run_under_way_and_are_run_after_it(settings: Settings, watch: Watch) -> None:
    write_extract(settings.raw_dir, "iqa")
    with writer_lock(settings.marts_dir, settings.warehouse):
        watch()
        for _ in range(2):
            assert "a run is under way" in reason(watch())
    assert len(keys(watch())) == 1


def test_a_cursor_that_cannot_be_read_costs_a_run_and_no_error(settings: Settings) -> None:
    write_extract(settings.raw_dir, "iqa")
    with dg.build_sensor_context(cursor="{damaged") as context:
        result = extracts_sensor(RUN_JOB)(context)
    assert isinstance(result, dg.SensorResult)
    assert "waiting until two looks" in reason(result)


def test_asking_whether_somebody_writes_leaves_no_lock_behind(settings: Settings) -> None:
    assert not is_being_written(settings.marts_dir, settings.warehouse)
    with writer_lock(settings.marts_dir, settings.warehouse):
        assert is_being_written(settings.marts_dir, settings.warehouse)
    assert not is_being_written(settings.marts_dir, settings.warehouse)
    with writer_lock(settings.marts_dir, settings.warehouse):
        pass


def test_the_schedule_asks_for_one_run_a_month_at_six_in_london(settings: Settings) -> None:
    write_extract(settings.raw_dir, "iqa")
    schedule = monthly_schedule(RUN_JOB)
    with dg.build_schedule_context(scheduled_execution_time=FIFTH) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [request.run_key for request in requests] == ["month-2024-07"]
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 5 * *", "Europe/London")


def test_the_schedule_says_why_it_asks_for_none(settings: Settings) -> None:
    schedule = monthly_schedule(RUN_JOB)
    with dg.build_schedule_context(scheduled_execution_time=FIFTH) as context:
        assert "no extracts" in (schedule.evaluate_tick(context).skip_message or "")
        write_extract(settings.raw_dir, "iqa")
        with writer_lock(settings.marts_dir, settings.warehouse):
            assert "under way" in (schedule.evaluate_tick(context).skip_message or "")


def test_both_belong_to_the_releasing_job_and_are_off_until_switched_on() -> None:
    definitions = build_definitions(load_manifest(Settings()).document, read_suites(SUITES_DIR))
    (sensor,) = definitions.sensors or ()
    (schedule,) = definitions.schedules or ()
    assert isinstance(sensor, dg.SensorDefinition)
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (sensor.name, schedule.name) == (SENSOR, SCHEDULE)
    assert sensor.job_name == schedule.job_name == RUN_JOB
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
