"""Listing releases, moving back, and noticing damage."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dagster_project.release.errors import ReleaseError
from dagster_project.release.history import (
    VERIFIED,
    check_release_files,
    current_release,
    move_pointer,
    releases,
    rollback,
)
from dagster_project.release.identity import is_release_id, new_release_id
from dagster_project.release.locks import writer_lock
from dagster_project.release.writer import ReleaseInfo
from dagster_project.settings import Settings

Publish = Callable[..., ReleaseInfo]


def test_an_id_is_later_than_every_release_whatever_the_clock_says(tmp_path: Path) -> None:
    noon = datetime(2024, 10, 28, 12, tzinfo=UTC)
    ids: list[str] = []
    for now in (noon, noon, noon.replace(hour=9), noon):
        release_id = new_release_id(tmp_path, "same content", now)
        (tmp_path / "releases" / release_id).mkdir(parents=True)
        ids.append(release_id)
    assert ids == sorted(set(ids))
    assert ids[0].startswith("20241028T120000Z-")
    assert all(map(is_release_id, ids))


@pytest.mark.parametrize("text", ["", "..", "20241028T101500Z-XYZXYZ", "20241399T101500Z-abcdef", "../x"])
def test_a_text_that_is_no_release_id_is_recognised(text: str) -> None:
    assert not is_release_id(text)


def test_releases_are_listed_newest_first_with_their_pointers(publish: Publish, settings: Settings) -> None:
    first, second = publish().release_id, publish().release_id
    move_pointer(settings.marts_dir, VERIFIED, first)
    rows = releases(settings.marts_dir)
    assert [(row.release_id, row.is_current, row.is_verified) for row in rows] == [
        (second, True, False),
        (first, False, True),
    ]
    assert rows[0].as_of == "2024-10-28"


def test_rollback_moves_current_back_and_the_next_run_moves_it_on(
    publish: Publish, settings: Settings
) -> None:
    first, second = publish().release_id, publish().release_id
    rollback(settings.marts_dir, first)
    assert current_release(settings.marts_dir).name == first
    third = publish().release_id
    assert third > second
    assert current_release(settings.marts_dir).name == third


def test_rollback_to_an_unknown_release_suggests_the_one_that_was_meant(
    publish: Publish, settings: Settings
) -> None:
    known = publish().release_id
    with pytest.raises(ReleaseError, match=f"Did you mean {known}") as refusal:
        rollback(settings.marts_dir, known[:-1] + "x")
    assert refusal.value.exit_code == 2


def test_rollback_never_leaves_the_folder_of_releases(publish: Publish, settings: Settings) -> None:
    publish()
    with pytest.raises(ReleaseError, match="There is no release"):
        rollback(settings.marts_dir, "../..")


def test_rollback_waits_for_nobody_while_a_run_is_writing(publish: Publish, settings: Settings) -> None:
    known = publish().release_id
    with writer_lock(settings.marts_dir), pytest.raises(ReleaseError, match="Another run is writing"):
        rollback(settings.marts_dir, known)


def test_there_is_nothing_to_read_before_the_first_release(settings: Settings) -> None:
    assert releases(settings.marts_dir) == []
    with pytest.raises(ReleaseError, match="There is no current release"):
        current_release(settings.marts_dir)


def change(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"12", b"13") + b" ")


def change_manifest(path: Path) -> None:
    path.chmod(0o644)
    document = json.loads(path.read_text())
    document["as_of"] = "2024-10-29"
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "damage", "problem"),
    [
        ("csv/compliance.csv", change, "csv/compliance.csv was changed"),
        ("parquet/leniency.parquet", Path.unlink, "parquet/leniency.parquet is missing"),
        ("csv/extra.csv", Path.touch, "csv/extra.csv doesn't belong to it"),
        ("manifest.json", change_manifest, "The manifest was changed"),
        ("manifest.json", Path.unlink, "The manifest can't be read"),
        ("restricted", lambda path: path.chmod(0o755), "restricted/ is open to other users"),
    ],
)
def test_a_damaged_release_is_recognised_and_not_pointed_at(
    publish: Publish, settings: Settings, name: str, damage: Callable[[Path], None], problem: str
) -> None:
    damaged, intact = publish(), publish()
    assert check_release_files(damaged.path) == []
    damage(damaged.path / name)
    assert any(problem in found for found in check_release_files(damaged.path))
    with pytest.raises(ReleaseError, match="is damaged"):
        rollback(settings.marts_dir, damaged.release_id)
    assert current_release(settings.marts_dir) == intact.path


def test_a_report_made_later_is_no_damage(publish: Publish) -> None:
    release = publish().path
    (release / "report").mkdir()
    (release / "report" / "board.html").write_text("later")
    assert check_release_files(release) == []
