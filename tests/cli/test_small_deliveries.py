"""Deliveries that hold little, and nothing wrong: the main job is done on them like on any other."""

import shutil
from pathlib import Path

import pytest

from dagster_project.cli import call
from dagster_project.settings import PROJECT_ROOT
from tests.support.extracts import write_base

pytestmark = pytest.mark.slow


def run_on(raw_dir: Path, home: Path) -> int:
    """What `iqa run` ends with on these extracts."""
    places = {"--raw": raw_dir, "--marts": home / "marts", "--warehouse": home / "warehouse" / "iqa.duckdb"}
    return call(["run", *(str(part) for pair in places.items() for part in pair)])


def test_the_2018_reference_set_alone_prints_its_two_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_dir = tmp_path / "raw"
    for source in (PROJECT_ROOT / "data" / "raw").glob("*/*_2018-01-31.*"):
        (raw_dir / source.parent.name).mkdir(parents=True)
        shutil.copy(source, raw_dir / source.parent.name)
    assert run_on(raw_dir, tmp_path) == 0
    printed = capsys.readouterr().out
    assert "12.1%" in printed
    assert "14.3%" in printed


def test_assessments_without_answers_dips_or_inspections_are_released(tmp_path: Path) -> None:
    write_base(tmp_path / "raw")
    assert run_on(tmp_path / "raw", tmp_path) == 0
    assert (tmp_path / "marts" / "current" / "parquet" / "themes.parquet").exists()
