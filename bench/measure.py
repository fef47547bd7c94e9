"""Runs one command as a process of its own and says what it cost: wall clock, processor time, peak memory.

Here: measuring, and reading what `iqa run` says of its own steps. Not here: what is run. The one trap: peak
memory is VmHWM of the very process. `ru_maxrss` survives fork and exec, so a small child of a large parent
reports the parent's peak. VmHWM has to be read while the process lives; it only grows, so the last reading
is the peak but for the last tenth of a second.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """What one command cost. `peak_mb` is the main process; `peak_all_mb` adds the peaks of its children."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    peak_all_mb: float
    output: str


def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> Cost:
    """Run `command` to its end. Raises RuntimeError, with the end of its output, if it fails."""
    peaks: dict[int, int] = {}
    before = os.times()
    started = time.perf_counter()
    with log.open("wb") as errors, (log.with_suffix(".out")).open("w+b") as said:
        process = subprocess.Popen(list(command), cwd=cwd, env=environment, stdout=said, stderr=errors)
        while process.poll() is None:
            for pid in _family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), _peak_kb(pid))
            time.sleep(_EVERY_SECONDS)
        seconds = time.perf_counter() - started
        said.seek(0)
        output = said.read().decode(errors="replace")
    after = os.times()
    if process.returncode != 0:
        tail = (output + log.read_text(errors="replace")).strip().splitlines()[-15:]
        raise RuntimeError(f"{' '.join(command[:4])} ended with {process.returncode}:\n" + "\n".join(tail))
    cpu = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return Cost(seconds, cpu, peaks.get(process.pid, 0) / 1024, sum(peaks.values()) / 1024, output)


def _family(pid: int) -> list[int]:
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    except OSError:
        return found
    return found


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
