"""The expectation suites in a process of their own, beside the rest of a run.

Here: starting that process, handing it the candidate, taking its verdicts. Not here: what a suite is and how
it is verified (`suites.py`, `expectations.py`). Importing Great Expectations and running it takes some 8 s of
Python, which in one process would wait for the Python of Dagster and dbt and they for it.

The one trap: the process reads the warehouse file, so between `hand_over` and `verdicts` nothing may open it
for writing. It ends by itself, within milliseconds, when the process that started it ends in any way.
"""

import contextlib
import gc
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from dagster_project.gate.checks import Check
from dagster_project.gate.expectations import import_quietly, run_suites
from dagster_project.gate.suites import Suite


@dataclass(frozen=True)
class Task:
    """What is to be verified: suites, on a warehouse file, with a connection under `limits`."""

    suites: list[Suite]
    warehouse: Path
    limits: dict[str, Any]

    def done(self) -> list[Check]:
        """The verdicts, worked out in this process."""
        with duckdb.connect(":memory:", config=self.limits) as connection:
            path = str(self.warehouse).replace("'", "''")
            connection.execute(f"attach '{path}' as warehouse (read_only)")
            return run_suites(self.suites, connection)

    def broken(self, detail: str) -> list[Check]:
        """All that the suites plan, crashed."""
        return [check.crashed(detail) for suite in self.suites for check in suite.checks]


class SuiteProcess:
    """One process for one run. `start` it early, `hand_over` a task once, then take the `verdicts`.

    A process that has imported Great Expectations already, as one of several runs may, does the work itself.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._task: Task | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether a task was handed over."""
        return self._task is not None

    def start(self) -> None:
        """Start the process, which imports Great Expectations while it waits."""
        if "great_expectations" in sys.modules:
            return
        # A file and not a pipe, which nobody would read while it fills up.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )

    def hand_over(self, task: Task) -> None:
        """Have the task done."""
        self._task = task
        if self._process is not None:
            # That a process has died is noticed where its verdicts are missing.
            with contextlib.suppress(OSError):
                pickle.dump(task, self._process.stdin)  # type: ignore[arg-type]
                self._process.stdin.flush()  # type: ignore[union-attr]

    def verdicts(self) -> list[Check]:
        """A completed check for each one that the suites plan; `crashed`, all of them, if the process broke.

        Raises RuntimeError if no task was handed over.
        """
        task, self._task = self._task, None
        if task is None:
            raise RuntimeError("verdicts() was called before hand_over().")
        if self._process is None:
            return task.done()
        try:
            completed: list[Check] = pickle.load(self._process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError):
            code = self._process.wait()
            return task.broken(f"the process of Great Expectations ended with code {code}: {self._words()}")
        return completed

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            # Closes the pipes and waits, so that no lock on the warehouse file is left.
            self._process.communicate()
            self._process = None
        if self._said is not None:
            self._said.close()

    def _words(self) -> str:
        assert self._said is not None
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _serve() -> None:
    # A short life, nearly all of it imports: the looking for garbage would find none.
    gc.disable()
    # What a library prints must not get between the verdicts: it goes where errors go.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    import_quietly()
    pickle.dump(tasks.get().done(), answer)
    answer.close()
    # The answer is out: taking apart what was imported would keep a core from the run for a second.
    sys.stderr.flush()
    os._exit(0)


def _listen(tasks: "queue.SimpleQueue[Task]") -> None:
    # The input ends when the process at its other end does, also if that one was killed.
    with contextlib.suppress(EOFError):
        tasks.put(pickle.load(sys.stdin.buffer))
        sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    code = 1
    try:
        _serve()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Not `sys.exit`: Python would wait at its end for the thread that listens.
        sys.stderr.flush()
        os._exit(code)
