"""Dagster's event log: stored beside the run, and read as if it had been stored at once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import EventLogEntry

from dagster_project.orchestration.run_history import RunHistory

RUN = "00000000-0000-0000-0000-000000000001"


def entry(number: int) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        level=20,
        user_message=f"message {number}",
        run_id=RUN,
        timestamp=1_700_000_000.0 + number,
        step_key=None,
        job_name="iqa_run",
        dagster_event=None,
    )


@pytest.fixture
def history(tmp_path: Path) -> Iterator[RunHistory]:
    opened = RunHistory(str(tmp_path))
    yield opened
    opened.dispose()


def messages(history: RunHistory) -> list[str]:
    return [record.event_log_entry.user_message for record in history.get_records_for_run(RUN).records]


def test_what_was_stored_is_read_back_at_once_and_in_order(history: RunHistory) -> None:
    for number in range(500):
        history.store_event(entry(number))
    assert messages(history) == [f"message {number}" for number in range(500)]


def test_what_was_stored_is_in_the_file_when_it_is_closed(tmp_path: Path) -> None:
    history = RunHistory(str(tmp_path))
    for number in range(50):
        history.store_event(entry(number))
    history.dispose()
    assert len(messages(RunHistory(str(tmp_path)))) == 50


def test_a_reader_that_reads_on_does_not_wait_for_events_that_wait_for_it(history: RunHistory) -> None:
    history.store_event(entry(0))
    read: list[str] = []

    def reader() -> None:
        with history.index_connection():
            other = threading.Thread(target=history.store_event, args=(entry(1),))
            other.start()
            other.join()
            time.sleep(0.1)
            read.extend(messages(history))

    thread = threading.Thread(target=reader, daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert read == ["message 0"]
    assert messages(history) == ["message 0", "message 1"]


def test_what_keeps_events_from_being_stored_is_not_kept_quiet(
    history: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RunHistory, "prepare_insert_event", lambda self, event: 1 / 0)
        history.store_event(entry(0))
        with pytest.raises(ZeroDivisionError):
            messages(history)
    history.store_event(entry(1))
    assert messages(history) == ["message 1"]
