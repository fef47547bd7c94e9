"""A release of a small synthetic nation, for every test that only reads one.

Belongs here: making it once a session, whatever the number of workers. Does not: any assertion about it. The
one trap: checks and suppression are left out to save a minute, so its shareable tables are the unsuppressed
ones; and it is shared, so a test that would write into it copies it first.
"""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.gate.decision import decide
from dagster_project.release.history import current_release
from dagster_project.release.locks import writer_lock
from dagster_project.release.staging import MARTS, begin_release
from dagster_project.release.writer import write_release
from dagster_project.synth.generate import generate
from dagster_project.warehouse.dbt_runner import load_manifest
from tests.support.pipeline import build_marts, pipeline_settings

# Enough for two years of quarters, both inspections and every mart.
YEARS, SCALE, SEED = 2, 0.06, 11


def sample_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the release. Its home has `data/raw` and `data/marts/current`, as the repository has."""
    base = tmp_path_factory.getbasetemp()
    # Workers have a folder each below that of the session: the first one builds, the others wait for it.
    home = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "sample-release"
    home.mkdir(exist_ok=True)
    marts_dir = home / "data" / "marts"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (marts_dir / "current").exists():
            _make(home, marts_dir)
    return current_release(marts_dir)


def _make(home: Path, marts_dir: Path) -> None:
    raw_dir = home / "data" / "raw"
    generate(raw_dir, years=YEARS, scale=SCALE, seed=SEED)
    build_marts(home, raw_dir).close()
    settings = replace(pipeline_settings(home, raw_dir), marts_dir=marts_dir)
    check = Check("expect:sample", Kind.EXPECTATION, "sample", Severity.ERROR, "Analysis", "Left out here.")
    with writer_lock(settings.marts_dir, settings.warehouse) as held, duckdb.connect() as connection:
        connection.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        with begin_release(
            connection, load_manifest(settings).document, settings.marts_dir, held, shareable=MARTS
        ) as staged:
            write_release(connection, staged, decide([check], [check.passed()]))
