"""Attempts to break a release: kills, full and read-only disks, two writers, readers in the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from made_candidate import attached, make_candidate, release_made

from dagster_project.release import writer
from dagster_project.release.errors import ReleaseError
from dagster_project.release.history import check_release_files, current_release, releases
from dagster_project.release.identity import new_release_id
from dagster_project.release.locks import writer_lock
from dagster_project.release.writer import ReleaseInfo
from dagster_project.settings import Settings

Publish = Callable[..., ReleaseInfo]

STEPS = (
    "staged",
    "parquet",
    "csv",
    "database",
    "restricted",
    "manifest",
    "flushed",
    "renamed",
    "published",
)

KILLED_AT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from made_candidate import attached, make_candidate, release_made
from dagster_project.release.identity import new_release_id
from dagster_project.release.locks import writer_lock
from dagster_project.settings import Settings

folder, fatal = Path(sys.argv[2]), sys.argv[3]
settings = Settings(marts_dir=folder / "marts", warehouse=folder / "killed.duckdb", threads=1)

def at_step(step):
    if step == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

with writer_lock(settings.marts_dir, settings.warehouse) as lock:
    make_candidate(settings.warehouse, new_release_id(settings.marts_dir, "killed"))
    with attached(settings.warehouse) as connection:
        release_made(connection, settings.marts_dir, lock, at_step=at_step)
"""


def whole(marts_dir: Path) -> str:
    """The id of the current release, whose every file was verified."""
    folder = current_release(marts_dir)
    assert check_release_files(folder) == []
    return folder.name


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_leaves_a_whole_release_and_the_next_run_works(
    publish: Publish, settings: Settings, step: str
) -> None:
    before = publish().release_id
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(Path(__file__).parent), str(settings.marts_dir.parent), step],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    after_kill = whole(settings.marts_dir)
    assert (after_kill == before) == (step != "published")

    next_id = publish().release_id
    assert whole(settings.marts_dir) == next_id
    assert next_id > after_kill
    assert not list((settings.marts_dir / "releases").glob(".staging-*"))
    assert all(row.problem is None for row in releases(settings.marts_dir))


def test_a_pointer_that_a_crash_left_half_made_is_removed(publish: Publish, settings: Settings) -> None:
    publish()
    (settings.marts_dir / ".current-0badcafe").symlink_to("releases/nowhere")
    (settings.marts_dir / ".notes-of-mine").write_text("kept")
    publish()
    assert not (settings.marts_dir / ".current-0badcafe").is_symlink()
    assert (settings.marts_dir / ".notes-of-mine").exists()


def test_folders_that_are_not_ours_are_left_alone(publish: Publish, settings: Settings) -> None:
    publish()
    mine = settings.marts_dir / "releases" / ".staging-of-mine"
    mine.mkdir()
    publish()
    assert mine.is_dir()


@contextmanager
def as_another_user(folder: Path) -> Iterator[None]:
    """Take the right to write to `folder` away, also from root."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65534)
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(mode)


def opened_to_all(path: Path) -> None:
    """Let other users pass through the parents of `path`, which pytest makes private."""
    for parent in path.parents:
        if parent.stat().st_uid == os.geteuid() and parent.stat().st_mode & 0o011 != 0o011:
            parent.chmod(parent.stat().st_mode | 0o011)


def test_a_read_only_folder_is_a_clear_error_and_the_last_release_stays(
    publish: Publish, settings: Settings
) -> None:
    before = publish().release_id
    candidate = settings.warehouse.with_name("second.duckdb")
    make_candidate(candidate, new_release_id(settings.marts_dir, "b"))
    opened_to_all(settings.marts_dir / "releases")
    with writer_lock(settings.marts_dir) as lock, duckdb.connect() as connection:
        connection.execute(f"attach '{candidate}' as warehouse (read_only)")
        with (
            as_another_user(settings.marts_dir / "releases"),
            pytest.raises(ReleaseError, match="Permission denied") as refusal,
        ):
            release_made(connection, settings.marts_dir, lock)
    assert refusal.value.exit_code == 2
    assert whole(settings.marts_dir) == before


def test_a_lock_in_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    marts_dir = tmp_path / "marts"
    marts_dir.mkdir()
    opened_to_all(marts_dir)
    with (
        as_another_user(marts_dir),
        pytest.raises(ReleaseError, match="lock file can't be opened"),
        writer_lock(marts_dir),
    ):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB; skipped where this user may not mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root; the simulated full disk covers the rest")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_is_a_clear_error_and_the_last_release_stays(
    settings: Settings, small_disk: Path
) -> None:
    settings = Settings(marts_dir=small_disk / "marts", warehouse=settings.warehouse, threads=1)
    settings.warehouse.parent.mkdir()

    def publish_rows(iqas: int) -> ReleaseInfo:
        settings.warehouse.unlink(missing_ok=True)
        with writer_lock(settings.marts_dir) as lock:
            make_candidate(settings.warehouse, new_release_id(settings.marts_dir, "a"), iqas=iqas)
            with attached(settings.warehouse) as connection:
                return release_made(connection, settings.marts_dir, lock)

    before = publish_rows(40).release_id
    with pytest.raises(ReleaseError, match="disk is full") as refusal:
        publish_rows(100_000)
    assert "Free disk space" in str(refusal.value)
    assert whole(settings.marts_dir) == before
    assert whole(settings.marts_dir) < publish_rows(41).release_id


@pytest.mark.parametrize("function", ["write_text", "flush_tree", "point"])
def test_a_disk_that_fills_up_late_is_a_clear_error_too(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    before = publish().release_id

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(writer, function, full)
        with pytest.raises(ReleaseError, match="the disk is full"):
            publish()
    assert whole(settings.marts_dir) == before
    assert not list((settings.marts_dir / "releases").glob(".staging-*"))
    assert publish().release_id == whole(settings.marts_dir)


def test_a_second_writer_is_told_who_holds_the_lock(settings: Settings) -> None:
    with (
        writer_lock(settings.marts_dir, settings.warehouse),
        pytest.raises(ReleaseError, match=rf"process {os.getpid()} on .*, since 20") as refusal,
        writer_lock(settings.marts_dir, settings.warehouse),
    ):
        pass
    assert refusal.value.exit_code == 2


def test_one_warehouse_has_one_writer_even_for_two_folders_of_releases(settings: Settings) -> None:
    other = settings.marts_dir.with_name("other")
    with (
        writer_lock(settings.marts_dir, settings.warehouse),
        pytest.raises(ReleaseError, match="Another run is writing"),
        writer_lock(other, settings.warehouse),
    ):
        pass
    with writer_lock(other, settings.warehouse):
        pass


def test_a_lock_for_another_folder_does_not_allow_writing(settings: Settings) -> None:
    with (
        writer_lock(settings.marts_dir.with_name("other")) as lock,
        duckdb.connect() as connection,
        pytest.raises(ReleaseError, match="for another folder"),
    ):
        release_made(connection, settings.marts_dir, lock)


@pytest.mark.parametrize("publications", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_readers_see_one_whole_release_through_many_publications(
    publish: Publish, settings: Settings, publications: int
) -> None:
    publish()
    seen: set[str] = set()
    problems: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                folder = current_release(settings.marts_dir)
                said = json.loads((folder / "manifest.json").read_text())["release_id"]
                with duckdb.connect(str(folder / "iqa_marts.duckdb"), read_only=True) as connection:
                    ids = connection.execute(
                        "select release_id from compliance union select release_id from leniency "
                        f"union select release_id from '{folder}/parquet/release_info.parquet'"
                    ).fetchall()
                if ids != [(said,)] or folder.name != said:
                    problems.append(f"{folder.name}: {ids}")
                seen.add(said)
            except Exception as error:
                problems.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        published = [publish(str(number)).release_id for number in range(publications)]
    finally:
        done.set()
        reader.join()
    assert problems == []
    assert len(seen) > 1
    assert published == sorted(set(published))


def test_a_reader_that_keeps_the_database_open_does_not_stop_a_run(
    publish: Publish, settings: Settings
) -> None:
    first = publish()
    script = (
        "import sys, duckdb; connection = duckdb.connect(sys.argv[1], read_only=True); "
        "print(connection.execute('select release_id from release_info').fetchone()[0], flush=True); "
        "sys.stdin.readline(); "
        "print(connection.execute('select release_id from leniency').fetchone()[0], flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(settings.marts_dir / "current" / "iqa_marts.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == first.release_id
        second = publish()
        assert current_release(settings.marts_dir).name == second.release_id
        rest, _ = reader.communicate("go\n")
    assert rest.strip() == first.release_id
