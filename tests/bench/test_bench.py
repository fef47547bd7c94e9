"""The benchmark compares the same figures, measures the right process, and tells nothing of the machine."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import figures, headlines_pandas, headlines_polars, measure, report
from bench.extracts import without_newest_quarter
from dagster_project.orchestration.runner import run_flow
from dagster_project.settings import Settings
from dagster_project.synth.generate import generate

# Two years have no inspection but that of 2018, whose fifteen assessments an Area are in every set.
YEARS, SCALE = 2, 0.02


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extracts without faults."""
    raw = tmp_path_factory.mktemp("clean") / "raw"
    generate(raw, years=YEARS, scale=SCALE, faults=False)
    return raw


def test_the_pandas_and_the_polars_script_give_the_same_figures(clean: Path) -> None:
    found = headlines_pandas.figures_of(clean)
    assert headlines_polars.figures_of(clean) == found
    assert {key[0] for key in found} == {"assessed", "covered", "dipped", "leniency"}
    # The published figures of 2018: 53 of 439 compared were rated too high, of 444 examined.
    assert found["leniency", "manager_v_inspector", "REF2018", "iqa", "ALL"][:3] == (444, 439, 53)


@pytest.mark.slow
def test_the_scripts_give_every_number_of_the_marts(clean: Path, tmp_path: Path) -> None:
    settings = Settings(raw_dir=clean, marts_dir=tmp_path / "marts", warehouse=tmp_path / "wh" / "iqa.duckdb")
    outcome = run_flow(settings, release=True)
    assert outcome.exit_code == 0
    expected = figures.of_release((tmp_path / "marts" / "current").resolve())
    figures.require_same("The pandas script", headlines_pandas.figures_of(clean), expected)


def test_a_script_that_differs_in_one_number_is_found_out() -> None:
    with pytest.raises(AssertionError, match=r"dipped LN 2024-01-01 is \(9, 7\), in the marts \(9, 8\)"):
        figures.require_same(
            "The script", {("dipped", "LN", "2024-01-01"): (9, 7)}, {("dipped", "LN", "2024-01-01"): (9, 8)}
        )


def test_the_newest_quarter_is_left_out_and_nothing_else(clean: Path, tmp_path: Path) -> None:
    earlier = without_newest_quarter(clean, tmp_path / "earlier")
    left_out = {path.name for path in clean.glob("*/*")} - {path.name for path in earlier.glob("*/*")}
    assert left_out and {name.split(".")[0][-10:] for name in left_out} == {"2024-10-28"}


def test_peak_memory_is_that_of_the_measured_process_and_not_of_its_parent(tmp_path: Path) -> None:
    ballast = bytearray(300_000_000)
    cost = measure.run(
        [sys.executable, "-c", "import time; held = bytearray(60_000_000); time.sleep(0.5)"],
        cwd=tmp_path,
        environment=dict(os.environ),
        log=tmp_path / "log",
    )
    assert len(ballast) and 55 < cost.peak_mb < 200


def test_a_measured_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such luck"):
        measure.run(
            [sys.executable, "-c", "raise SystemExit('no such luck')"],
            cwd=tmp_path,
            environment=dict(os.environ),
            log=tmp_path / "log",
        )


def test_the_page_names_the_kind_of_machine_and_neither_its_name_nor_its_paths() -> None:
    names = [
        *("iqa run", report.BASE, "compiled SQL, models", "dbt build", "headlines read from the release"),
        *("headlines in pandas", "headlines in polars", "iqa run, nothing changed"),
        *("iqa run, without the newest quarter", "iqa run, newest quarter on top"),
    ]
    cost = {"seconds": 2.0, "cpu_seconds": 3.0, "peak_mb": 400.0, "peak_all_mb": 700.0}
    result: dict[str, Any] = {
        **{"title": "Extracts", "date": "2026-11-22", "machine": report.machine(), "runs": 3},
        **{"rows": 12_345, "answers": 6_789, "costs": dict.fromkeys(names, cost)},
        "steps": {"Ingest": 1.0, "Build": 0.5},
    }
    text = report.page({"small": result})
    assert "12,345 rows accepted" in text and f"on {len(os.sched_getaffinity(0))} cores" in text
    assert socket.gethostname() not in text
    assert str(Path.home()) not in text and str(Path.cwd()) not in text
