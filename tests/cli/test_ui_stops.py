"""`iqa ui` ends with everything it started, however it was started and whatever asks it to stop."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Serves a stand-in for the interface: a process whose child ignores every polite signal.
_SERVER = """
import sys, pathlib
from dagster_project.commands import ui
ui._ENDING = tuple((number, min(seconds, 0.5)) for number, seconds in ui._ENDING)
child = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; time.sleep(60)"
parent = (
    "import pathlib, signal, subprocess, sys, time\\n"
    f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\\n"
    "time.sleep(0.5)\\n"
    "pathlib.Path(sys.argv[1]).write_text(f'{child.pid} {int(signal.getsignal(2) == signal.SIG_IGN)}')\\n"
    "time.sleep(60)\\n"
)
ready = pathlib.Path(sys.argv[1])
ended = ui.serve(
    [sys.executable, "-c", parent, str(ready)], None, pathlib.Path(sys.argv[2]),
    is_ready=ready.exists, on_ready=lambda: print("ready", flush=True),
)
print("ended", ended)
"""


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize(
    ("number", "is_in_background"),
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True)],
)
def test_a_signal_ends_every_process_of_the_interface(
    number: signal.Signals, is_in_background: bool, tmp_path: Path
) -> None:
    def as_a_shell_starts_it() -> None:
        # A shell starts what it runs in the background with the keyboard's signal ignored.
        signal.signal(signal.SIGINT, signal.SIG_IGN if is_in_background else signal.default_int_handler)

    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path / "ready"), str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=as_a_shell_starts_it,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        child, is_deaf = (int(text) for text in (tmp_path / "ready").read_text().split())
        assert not is_deaf, "the interface would not heed Ctrl-C"
        assert _is_running(child)
        asked = time.monotonic()
        server.send_signal(number)
        assert server.communicate(timeout=20)[0] == "ended None\n"
        assert time.monotonic() - asked < 10
        assert not _is_running(child)
    finally:
        server.kill()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((tmp_path / "ready").read_text().split()[0]), signal.SIGKILL)


def test_an_interface_that_stops_by_itself_is_not_taken_for_one_that_was_stopped(tmp_path: Path) -> None:
    from dagster_project.commands import ui

    log = tmp_path / "ui.log"
    ended = ui.serve(
        [sys.executable, "-c", "print('no such port'); raise SystemExit(3)"],
        dict(os.environ),
        log,
        is_ready=lambda: False,
        on_ready=lambda: None,
    )
    assert ended == 3
    assert log.read_text() == "no such port\n"
