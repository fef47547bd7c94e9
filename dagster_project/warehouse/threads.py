"""Threads that work in the database beside a run, and how they are stopped.

Here: the stopping, the same for all of them. Not here: what they do. The trap: a connection may be between
two statements, where there is nothing to interrupt, so one interruption is not enough.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from typing import Any

import duckdb


def stop(
    threads: Sequence[Executor],
    asked: Sequence[Future[Any]],
    connections: Sequence[duckdb.DuckDBPyConnection],
) -> None:
    """Leave off what was asked of `threads`, which work with `connections`. Returns when none is at work."""
    for executor in threads:
        executor.shutdown(wait=False, cancel_futures=True)
    # Not `futures.wait`: for that, what was cancelled before its turn is never done.
    while not all(one.done() for one in asked):
        for connection in connections:
            connection.interrupt()
        time.sleep(0.02)
