"""One writer at a time for a folder of releases and for a warehouse file; readers take no lock at all.

The lock is the kernel's (`flock`), so it ends with the process that holds it, also after SIGKILL.
The trap: the lock file stays behind for ever and means nothing by itself. It only names the last holder,
and must not be deleted: two writers could then each lock a file of that name.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from dagster_project.release.errors import ReleaseError

LOCK_NAME = ".writer.lock"


@dataclass(frozen=True)
class WriterLock:
    """Proof that this process is the one writer of `marts_dir` (and of `warehouse`, if named)."""

    marts_dir: Path
    warehouse: Path | None

    def require(self, marts_dir: Path) -> None:
        """Raise ReleaseError if this is the lock of another folder than `marts_dir`."""
        if self.marts_dir != marts_dir.resolve():
            raise ReleaseError(
                "The lock that is held is for another folder.",
                where=f"{self.marts_dir} instead of {marts_dir}",
                expected="the writer's lock of the folder to be written to",
                next_step="Take `writer_lock` for the folder of releases, and write the release inside it.",
            )


@contextmanager
def writer_lock(marts_dir: Path, warehouse: Path | None = None) -> Iterator[WriterLock]:
    """Hold the right to write to `marts_dir`, and to the file `warehouse` if one is given.

    Does not wait. Raises ReleaseError naming the holder when somebody else is writing, or when the folder
    cannot be written to.
    """
    paths = _lock_paths(marts_dir, warehouse)
    with ExitStack() as stack:
        # Always in the same order: two writers that share one of the two can't wait for each other.
        for path in paths:
            stack.enter_context(_held(path))
        yield WriterLock(marts_dir.resolve(), None if warehouse is None else warehouse.resolve())


def is_being_written(marts_dir: Path, warehouse: Path) -> bool:
    """Whether somebody holds the right to write to either. True only at the moment of asking."""
    for path in _lock_paths(marts_dir, warehouse):
        try:
            with path.open(encoding="utf-8") as file:
                # Shared, and let go at once: it shuts out a writer that starts in these microseconds only.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except BlockingIOError:
            return True
    return False


def _lock_paths(marts_dir: Path, warehouse: Path | None) -> list[Path]:
    paths = [marts_dir / LOCK_NAME]
    if warehouse is not None:
        paths.append(warehouse.with_name(f".{warehouse.name}.lock"))
    return paths


@contextmanager
def _held(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise ReleaseError(
            f"The lock file can't be opened: {error.strerror}.",
            where=str(path),
            expected="a folder this user may write to",
            next_step="Correct its permissions or mount, or name another with --marts or --warehouse.",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReleaseError(
                f"Another run is writing: {_holder(file)}.",
                where=str(path.parent),
                expected="one writer at a time",
                next_step="Wait until it has ended, then run again. Reading is not affected.",
            ) from error
        _sign(file)
        yield


def _sign(file: IO[str]) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        file.seek(0)
        file.truncate()
        file.write(json.dumps(holder))
        file.flush()
    except OSError:
        # The lock is held already; on a full disk only the name of the holder is lost.
        return


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        holder = json.loads(file.read())
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has not signed its name"
