"""Runs that are killed, starved or shut out: the last release stays and the next run works."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.release.history import current_release, releases
from dagster_project.release.locks import writer_lock
from tests.faults.conftest import Home

# Whole runs by the command line, minutes each: too long for the quick suite.
pytestmark = pytest.mark.slow

STEPS = ("Ingest", "Build", "Assure", "Expect", "Protect", "Gate", "Release")


def content_hash(home: Home) -> str:
    """The hash of what the current release says, whatever its id and date."""
    manifest = json.loads((current_release(home.marts) / "manifest.json").read_text())
    return str(manifest["content_hash"])


def test_kills_damage_and_a_clock_that_went_back_leave_a_next_run_that_works(home: Home) -> None:
    first, content = current_release(home.marts).name, content_hash(home)

    # Each run is killed further on than the last, so that each also starts from the remains of the last.
    home.killed("kill:node:60")
    for landed in (home.root / "work" / "landing").rglob("*.parquet"):
        landed.write_bytes(landed.read_bytes()[: landed.stat().st_size // 2])
    home.killed("kill:before:Release")
    # The release had been begun.
    assert len(list((home.marts / "releases").glob(".staging-*"))) == 1
    (home.marts / "releases" / ".staging-20990101T000000Z-abcdef").mkdir()

    ended = home.run(fault="clock:-864000", IQA_THREADS="1")
    assert ended.code == 0, ended.text
    assert current_release(home.marts).name > first
    assert content_hash(home) == content
    assert not list((home.marts / "releases").glob(".staging-*"))
    assert [row.problem for row in releases(home.marts)] == [None, None]


def test_a_check_that_crashed_or_left_no_result_is_exit_code_2_and_no_release(home: Home) -> None:
    before = home.bytes_of_release()
    crashed = home.run(fault="crashed-suite")
    assert crashed.code == 2, crashed.text
    assert "a check crashed or did not run" in crashed.text
    assert "expect:compliance.crashes" in crashed.text
    lost = home.run(fault="lost-test")
    assert lost.code == 2, lost.text
    assert "1 not run" in lost.text
    assert "though nothing kept them from it" in lost.text
    assert home.bytes_of_release() == before


def test_what_keeps_a_run_from_starting_is_said_in_four_parts(
    home: Home, mounted: Callable[..., None]
) -> None:
    assert "Put the key there" in home.refused(IQA_PSEUDONYM_KEY_FILE=str(home.root / "no key"))
    with writer_lock(home.marts, home.warehouse):
        assert "Another run is writing: process" in home.refused()
    # Another folder of releases does not help: the work file is held too.
    with writer_lock(home.root / "other", home.warehouse):
        assert "Another run is writing: process" in home.refused()
    whole = home.warehouse.read_bytes()
    home.warehouse.write_bytes(whole[: len(whole) // 3])
    assert "delete it" in home.refused()
    home.warehouse.write_bytes(b"no database" * 1000)
    assert "delete it" in home.refused()
    home.warehouse.unlink()
    mounted(home.marts, "--bind", str(home.marts))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(home.marts)], check=True)
    assert "Read-only file system" in home.refused()


def test_a_full_disk_under_the_work_file_is_said_to_be_full(home: Home, mounted: Callable[..., None]) -> None:
    mounted(home.warehouse.parent, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    said = home.refused()
    assert "The disk is full" in said


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_every_step_boundary_leaves_a_whole_release(home: Home, moment: str) -> None:
    for step in STEPS:
        before = home.bytes_of_release()
        ended = home.run(fault=f"kill:{moment}:{step}")
        assert ended.code == -signal.SIGKILL, ended.text
        # The pointer has moved only once the last step is over.
        assert (home.bytes_of_release() == before) == ((moment, step) != ("after", "Release"))
    assert home.run().code == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_at_a_random_instant_leaves_a_whole_release(home: Home, seed: int) -> None:
    chance = random.Random(seed)
    started = time.monotonic()
    assert home.run().code == 0
    lasts = time.monotonic() - started
    for _ in range(4):
        before = home.bytes_of_release()
        with subprocess.Popen(
            home.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            time.sleep(chance.uniform(0, lasts))
            running.kill()
        after = home.bytes_of_release()
        assert after == before or next(iter(after)) > next(iter(before))
    assert home.run().code == 0
    assert all(row.problem is None for row in releases(home.marts))
    assert not list(Path(home.marts).glob("releases/.staging-*"))
