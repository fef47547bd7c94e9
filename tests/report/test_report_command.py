"""`iqa report`: where the pack of a release is, and making it again elsewhere."""

import json
import shutil
from pathlib import Path

import pytest

from dagster_project.cli import call
from tests.report.conftest import Made
from tests.report.made_release import RELEASE_ID


@pytest.fixture
def marts(made: Made, tmp_path: Path) -> Path:
    """A folder of releases with one release, which has its report."""
    folder = tmp_path / "marts"
    release = folder / "releases" / RELEASE_ID
    shutil.copytree(made.release, release)
    shutil.copytree(made.report, release / "report")
    (folder / "current").symlink_to(f"releases/{RELEASE_ID}")
    return folder


def test_it_says_where_the_pack_of_the_current_release_is(
    marts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["report", "--marts", str(marts)]) == 0
    said = capsys.readouterr().out
    assert str(marts / "releases" / RELEASE_ID / "report" / "index.html") in said
    assert "iqa_tables.xlsx" in said


def test_it_makes_the_same_pack_again_in_another_folder(
    marts: Path, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["report", "--marts", str(marts), "--release", RELEASE_ID, "--out", str(tmp_path / "out")]
    assert call([*arguments, "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["release_id"] == RELEASE_ID
    for name in said["files"]:
        assert (tmp_path / "out" / name).read_bytes() == (made.report / name).read_bytes()


def test_it_overwrites_nothing(marts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    assert call(["report", "--marts", str(marts), "--out", str(tmp_path / "out")]) == 2
    assert "what next: Name another folder with --out" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_release_without_a_report_is_left_as_it_is(marts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = marts / "releases" / RELEASE_ID
    shutil.rmtree(release / "report")
    assert call(["report", "--marts", str(marts)]) == 2
    assert "--out DIR" in capsys.readouterr().err
    assert not (release / "report").exists()


def test_an_unknown_release_is_refused_with_a_near_one(
    marts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["report", "--marts", str(marts), "--release", RELEASE_ID[:-1] + "4"]) == 2
    assert RELEASE_ID in capsys.readouterr().err
