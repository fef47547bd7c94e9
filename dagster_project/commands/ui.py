"""`iqa ui`: Dagster's web interface over the same definitions, on this machine only.

Here: starting the processes of the interface, and ending every one of them. The one trap: Dagster's processes
heed a signal only if it is not ignored where they start, as it is below `nohup` and in a shell's background;
so the signals are handled here first, and the children start with all of them as the system has them.

The interface runs the flow in processes of its own, so settings reach them by environment and never by an
object of this process.
"""

import contextlib
import glob
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from dagster_project.commands.common import (
    DONE,
    as_of_option,
    marts_option,
    raw_option,
    settings_from,
    warehouse_option,
)
from dagster_project.errors import IqaError
from dagster_project.settings import Settings, silence_telemetry

# There is no log-in in front of Dagster, so nobody but this machine may reach it.
_HOST = "127.0.0.1"
_LOOK_EVERY_SECONDS = 0.1
# Signal after signal, with the seconds to heed each; an idle interface ends within two of the first.
_ENDING = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))


@click.command("ui")
@raw_option
@marts_option
@warehouse_option
@as_of_option
@click.option(
    "--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
def command(
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    as_of: datetime | None,
    port: int,
) -> int:
    """Open Dagster's web interface over the same flow; stop it with Ctrl-C."""
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse, as_of=as_of)
    _require_free(port)
    arguments, environment = dagster_process(settings, port)
    log = log_file(settings)
    address = f"http://{_HOST}:{port}"
    click.echo("Dagster starts, which takes some 20 seconds.")
    ended = serve(
        arguments,
        environment,
        log,
        is_ready=lambda: _listens(port),
        on_ready=lambda: click.echo(f"Dagster listens on {address} (Ctrl-C stops it)."),
    )
    if ended is not None:
        raise IqaError(
            f"Dagster's web interface stopped by itself, with exit code {ended}.",
            where=str(log),
            expected="an interface that runs until Ctrl-C",
            next_step="Read the end of that file, and correct what it says. `iqa run` works without.",
        )
    click.echo("Dagster has stopped.")
    return DONE


def serve(
    arguments: list[str],
    environment: dict[str, str],
    log: Path,
    *,
    is_ready: Callable[[], bool],
    on_ready: Callable[[], None],
) -> int | None:
    """Run a program until a signal asks to stop, then end it and all that it started.

    What it says goes to the file `log`: Dagster says every event of every run. Returns None when it was asked
    to stop, else the exit code it ended with by itself.
    """
    with _stop_signals() as stop, log.open("wb") as said:
        process = subprocess.Popen(
            arguments, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            told = False
            while not stop.wait(_LOOK_EVERY_SECONDS):
                if (code := process.poll()) is not None:
                    return code
                if not told and is_ready():
                    on_ready()
                    told = True
            return None
        finally:
            _end(process)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C, by `kill`, or when the terminal goes away."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and its whole group: politely, so that a run under way is recorded; then by force."""
    for number, seconds in _ENDING:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            process.poll()
            if not _lives(process.pid):
                return
            time.sleep(_LOOK_EVERY_SECONDS)


def _lives(group: int) -> bool:
    """Whether a process of the group is still at work; one that has ended may wait to be counted out."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    processes = Path("/proc")
    if not (processes / "self" / "stat").exists():
        return True
    for stat in processes.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The name, in brackets, may hold anything; state, parent and group follow it.
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def dagster_process(settings: Settings, port: int) -> tuple[list[str], dict[str, str]]:
    """The command line and environment of the web interface and its daemon."""
    from dagster_project.orchestration.home import dagster_home, workspace_file

    silence_telemetry()
    home = str(dagster_home(settings))
    if glob.escape(home) != home:
        raise IqaError(
            "Dagster's web interface can't read its settings here.",
            where=home,
            expected="a folder whose path holds none of [ ] * ?, which Dagster takes for a pattern",
            next_step="Name a work file in another folder with --warehouse; `iqa run` works in both.",
        )
    environment = {
        **os.environ,
        "DAGSTER_HOME": home,
        "IQA_RAW_DIR": str(settings.raw_dir),
        "IQA_MARTS_DIR": str(settings.marts_dir),
        "IQA_WAREHOUSE": str(settings.warehouse),
    }
    if settings.as_of is not None:
        environment["IQA_AS_OF"] = settings.as_of.isoformat()
    arguments = [
        *(sys.executable, "-m", "dagster", "dev"),
        *("--workspace", str(workspace_file(settings))),
        *("--host", _HOST, "--port", str(port)),
        *("--log-level", "warning"),
    ]
    return arguments, environment


def log_file(settings: Settings) -> Path:
    """What the interface's processes said since they were last started."""
    from dagster_project.orchestration.home import dagster_home

    return dagster_home(settings) / "ui.log"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(_LOOK_EVERY_SECONDS)
        return probe.connect_ex((_HOST, port)) == 0


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise IqaError(
                f"Port {port} cannot be used: {error.strerror}.",
                where=f"{_HOST}:{port}",
                expected="a free port",
                next_step="Stop what listens there, or name another with --port.",
            ) from error
