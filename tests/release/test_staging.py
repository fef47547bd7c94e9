"""The restricted part of a release, written ahead of the gate: what becomes of it in the end."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from made_candidate import made_manifest, make_candidate, release_made

from dagster_project.release import staging
from dagster_project.release.errors import ReleaseError
from dagster_project.release.history import check_release_files, current_release
from dagster_project.release.identity import new_release_id
from dagster_project.release.locks import WriterLock, writer_lock
from dagster_project.release.staging import Staged, begin_release
from dagster_project.release.writer import ReleaseInfo
from dagster_project.settings import Settings

Publish = Callable[..., ReleaseInfo]


@contextmanager
def candidate(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, WriterLock]]:
    """A candidate for the next release, attached to be written to, under the writer's lock."""
    settings.warehouse.parent.mkdir(exist_ok=True)
    settings.warehouse.unlink(missing_ok=True)
    with writer_lock(settings.marts_dir) as lock, duckdb.connect() as connection:
        make_candidate(settings.warehouse, new_release_id(settings.marts_dir, "next"))
        connection.execute(f"attach '{settings.warehouse}' as warehouse")
        yield connection, lock


@contextmanager
def begun(
    settings: Settings, connection: duckdb.DuckDBPyConnection, lock: WriterLock
) -> Iterator[tuple[Staged, Callable[[], ReleaseInfo]]]:
    """A release that was begun, and how to finish it."""
    with begin_release(
        connection, made_manifest(), settings.marts_dir, lock, shareable=staging.MARTS
    ) as staged:
        yield (
            staged,
            lambda: release_made(connection, settings.marts_dir, lock, staged=staged),
        )


def left_in(settings: Settings) -> list[str]:
    """The names of all that is in the folder of releases."""
    return sorted(path.name for path in (settings.marts_dir / "releases").iterdir())


def test_a_release_that_was_begun_early_is_the_one_that_is_made_in_one_go(
    publish: Publish, settings: Settings
) -> None:
    at_once = publish()
    with candidate(settings) as (connection, lock), begun(settings, connection, lock) as (staged, finish):
        staged.restricted.result()
        # Disclosure control writes into the warehouse meanwhile.
        connection.execute("create schema warehouse.published")
        early = finish()
    assert early.contents == at_once.contents
    assert current_release(settings.marts_dir).name == early.release_id
    assert check_release_files(early.path) == []
    names = [
        sorted(path.relative_to(release.path) for path in release.path.rglob("*"))
        for release in (at_once, early)
    ]
    assert names[0] == names[1]
    same = Path("restricted") / "parquet" / "fct_iqa.parquet"
    rows = [
        duckdb.sql(f"select iqa_key, score from '{info.path / same}'").fetchall() for info in (at_once, early)
    ]
    assert rows[0] == rows[1]


def shared(release: ReleaseInfo) -> tuple[list[str], list[str], list[str]]:
    """The areas that a release gives, by each of its three kinds of files."""
    with duckdb.connect() as reader:
        reader.execute(f"attach '{release.path / 'iqa_marts.duckdb'}' as marts (read_only)")
        files = (
            "marts.compliance",
            f"'{release.path}/parquet/compliance.parquet'",
            f"'{release.path}/csv/compliance.csv'",
        )
        found = [
            [str(code) for (code,) in reader.execute(f"select area_code from {file}").fetchall()]
            for file in files
        ]
    return found[0], found[1], found[2]


def test_a_table_that_was_shared_early_is_released_as_it_is_in_the_end(settings: Settings) -> None:
    with candidate(settings) as (connection, lock), begun(settings, connection, lock) as (staged, finish):
        staged.share("compliance")
        staged.restricted.result()
        connection.execute(
            "create or replace table warehouse.marts.compliance as "
            "select * replace ('was changed' as note) from warehouse.marts.compliance "
            "where area_code <> 'NE'"
        )
        # Nobody says that it has changed.
        release = finish()
    assert shared(release) == (["EM", "SW"],) * 3
    assert check_release_files(release.path) == []
    held = (release.path / "csv" / "compliance.csv").read_text()
    assert "was changed" in held and "=1+1" not in held
    assert not [
        path.name
        for path in release.path.rglob("*")
        if path.is_file() and b"=1+1" in path.read_bytes() and "restricted" not in path.parts
    ]


def test_what_is_shared_again_and_again_is_written_as_it_is_in_the_end(
    publish: Publish, settings: Settings
) -> None:
    at_once = publish()
    with candidate(settings) as (connection, lock), begun(settings, connection, lock) as (staged, finish):
        # A mart does not change once a release is begun; here the restricted part reads the same table.
        staged.restricted.result()
        kept = connection.sql("from warehouse.marts.compliance").to_arrow_table()
        for number in range(20):
            connection.execute(f"update warehouse.marts.compliance set iqas_assessed = {number}")
            for name in ("compliance", "leniency"):
                staged.share(name)
        connection.execute("create or replace table warehouse.marts.compliance as from kept")
        assert kept.num_rows == 3
        staged.share("compliance")
        release = finish()
    assert release.contents == at_once.contents
    assert shared(release) == shared(at_once)


def test_the_database_of_a_release_has_the_types_of_the_tables(publish: Publish, settings: Settings) -> None:
    release = publish()
    described = "select column_name, column_type from (describe {}) order by column_name"
    with duckdb.connect() as reader:
        reader.execute(f"attach '{release.path / 'iqa_marts.duckdb'}' as released (read_only)")
        reader.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        for table in ("compliance", "leniency", "release_info"):
            made = dict(reader.execute(described.format(f"warehouse.marts.{table}")).fetchall())
            for place in (f"released.{table}", f"from '{release.path}/parquet/{table}.parquet'"):
                found = dict(reader.execute(described.format(place)).fetchall())
                assert found == {name: made[name] for name in found} and found


def test_a_table_that_was_shared_and_may_not_leave_is_refused(publish: Publish, settings: Settings) -> None:
    before = publish()
    with candidate(settings) as (connection, lock):
        connection.execute("update warehouse.marts.compliance set note = 'S10003' where area_code = 'NE'")
        with begun(settings, connection, lock) as (staged, finish):
            staged.share("compliance")
            with pytest.raises(ReleaseError, match=r"note \(1 rows\)"):
                finish()
    assert left_in(settings) == [before.release_id]


def test_what_was_begun_and_not_released_is_taken_away(publish: Publish, settings: Settings) -> None:
    before = publish()
    with candidate(settings) as (connection, lock), begun(settings, connection, lock) as (staged, _):
        staged.restricted.result()
        folder = staged.begun.result().folder
        assert (folder / "restricted" / "parquet" / "fct_iqa.parquet").exists()
        assert (folder / "restricted").stat().st_mode & 0o777 == 0o700
        assert current_release(settings.marts_dir).name == before.release_id
    assert left_in(settings) == [before.release_id]


def test_whoever_stops_a_run_does_not_wait_for_what_is_being_written(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish()
    writes = threading.Event()

    def for_ever(connection: duckdb.DuckDBPyConnection, *arguments: object) -> None:
        writes.set()
        # Statement after statement, so that the interruption falls between two of them now and then.
        for _ in range(1000):
            connection.execute("select 1").fetchall()
        connection.execute("select max(hash(made.range)) from range(1000000000000) as made").fetchall()

    monkeypatch.setattr(staging.exports, "write_parquet", for_ever)
    started = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        candidate(settings) as (connection, lock),
        begun(settings, connection, lock) as (staged, _),
    ):
        assert writes.wait(30)
        staged.share("compliance")
        raise KeyboardInterrupt
    assert time.monotonic() - started < 30
    assert left_in(settings) == [before.release_id]


def test_a_disk_that_is_full_early_is_said_to_be_full_where_the_release_is_written(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, candidate(settings) as (connection, lock):
        patched.setattr(staging.exports, "write_parquet", full)
        with begun(settings, connection, lock) as (staged, finish):
            assert staged.restricted.exception() is not None
            patched.undo()
            with pytest.raises(ReleaseError, match="the disk is full") as refusal:
                finish()
    assert refusal.value.exit_code == 2
    assert "Free disk space" in str(refusal.value)
    assert current_release(settings.marts_dir) == before.path
    assert left_in(settings) == [before.release_id]


def test_a_folder_that_could_not_be_begun_is_an_error_where_the_release_is_written(
    publish: Publish, settings: Settings
) -> None:
    before = publish()
    with candidate(settings) as (connection, lock):
        connection.execute("update warehouse.marts.release_info set release_id = 'another'")
        with (
            begun(settings, connection, lock) as (_, finish),
            pytest.raises(ReleaseError, match="The marts were built for another"),
        ):
            finish()
    assert left_in(settings) == [before.release_id]


def test_a_staff_id_in_the_restricted_part_alone_is_refused(publish: Publish, settings: Settings) -> None:
    before = publish()
    with candidate(settings) as (connection, lock):
        connection.execute("update warehouse.marts.fct_iqa set iqa_key = 'S10003' where score < 0.2")
        with (
            begun(settings, connection, lock) as (_, finish),
            pytest.raises(ReleaseError, match=r"iqa_key \(1 rows\)"),
        ):
            finish()
    assert left_in(settings) == [before.release_id]


def test_the_lock_of_another_folder_does_not_allow_to_begin(settings: Settings) -> None:
    with (
        candidate(settings) as (connection, _),
        writer_lock(settings.marts_dir.with_name("other")) as other,
        pytest.raises(ReleaseError, match="for another folder"),
        begun(settings, connection, other),
    ):
        pass
    assert not (settings.marts_dir / "releases").exists()


def test_what_a_crash_left_is_removed_before_the_next_release_begins(
    publish: Publish, settings: Settings
) -> None:
    before = publish()
    left = settings.marts_dir / "releases" / ".staging-20990101T000000Z-abcdef"
    left.mkdir()
    with candidate(settings) as (connection, lock), begun(settings, connection, lock) as (staged, _):
        staged.begun.result()
        assert not left.exists()
    assert left_in(settings) == [before.release_id]
