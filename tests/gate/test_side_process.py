"""The process that runs Great Expectations: its verdicts, and what becomes of it when something is killed."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.gate import side_process
from dagster_project.gate.checks import Verdict
from dagster_project.gate.side_process import SuiteProcess, Task
from dagster_project.gate.suites import read_suites

_SUITE = """
mart: things
expectations:
  - {id: counts, type: expect_column_values_to_be_between, kwargs: {column: n, min_value: 0}, reason: r}
  - {id: large, type: expect_column_values_to_be_between, kwargs: {column: n, min_value: 2}, reason: r}
  - {id: absent, type: expect_column_values_to_not_be_null, kwargs: {column: nowhere}, reason: r}
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    warehouse = tmp_path / "it's a warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.things as select 1 as n, date '2024-04-01' as counted_on")
    (tmp_path / "things.yml").write_text(_SUITE)
    return Task(read_suites(tmp_path), warehouse, {"threads": 1})


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[SuiteProcess]:
    # As in a process of its own, whatever the tests before this one imported.
    monkeypatch.delitem(sys.modules, "great_expectations", raising=False)
    process = SuiteProcess()
    yield process
    process.close()


def test_verdicts_of_the_other_process_are_those_of_this_one(process: SuiteProcess, task: Task) -> None:
    process.start()
    process.hand_over(task)
    verdicts = {check.id: check.verdict for check in process.verdicts()}
    assert verdicts == {
        "expect:things.suite_is_readable": Verdict.PASSED,
        "expect:things.counts": Verdict.PASSED,
        "expect:things.large": Verdict.FAILED,
        "expect:things.absent": Verdict.CRASHED,
    }


def test_a_process_that_was_killed_leaves_every_check_crashed(process: SuiteProcess, task: Task) -> None:
    process.start()
    assert process._process is not None
    process._process.kill()
    process.hand_over(task)
    checks = process.verdicts()
    assert [check.verdict for check in checks] == [Verdict.CRASHED] * 4
    assert "ended with code -9" in checks[0].detail


def test_the_warehouse_can_be_written_to_once_the_process_is_closed(
    process: SuiteProcess, task: Task
) -> None:
    process.start()
    process.hand_over(task)
    process.close()
    with duckdb.connect(str(task.warehouse)) as connection:
        connection.execute("drop table marts.things")


def test_the_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    script = (
        "import os, signal; from dagster_project.gate.side_process import SuiteProcess;"
        "process = SuiteProcess(); process.start();"
        "print(process._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    started = Path("/proc", done.stdout.strip())
    if not started.parent.is_dir():
        pytest.skip("needs /proc to look for a process")
    for _ in range(100):
        if not _is_running(started):
            return
        time.sleep(0.1)
    pytest.fail("the process outlived its parent by 10 s")


def _is_running(process: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return side_process.__name__ in (process / "cmdline").read_text()
    return False
