"""What a release holds, and what never gets into one."""

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from made_candidate import attached, made_manifest, make_candidate, release_made

from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.gate.decision import decide
from dagster_project.release.errors import ReleaseError
from dagster_project.release.history import check_release_files
from dagster_project.release.identity import new_release_id
from dagster_project.release.locks import writer_lock
from dagster_project.release.writer import ReleaseInfo
from dagster_project.settings import Settings

Publish = Callable[..., ReleaseInfo]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_release_has_the_promised_files_and_no_others(publish: Publish) -> None:
    release = publish().path
    found = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    shared = {"compliance", "leniency", "release_info"}
    assert found == {
        *(f"parquet/{mart}.parquet" for mart in shared),
        *(f"csv/{mart}.csv" for mart in shared),
        *(f"restricted/parquet/{mart}.parquet" for mart in {*shared, "fct_iqa"}),
        "iqa_marts.duckdb",
        "manifest.json",
        "data_dictionary.csv",
    }


def test_a_column_that_is_not_marked_public_leaves_in_no_file(publish: Publish) -> None:
    release = publish().path
    for file in release.rglob("*.parquet"):
        names = {row[0] for row in duckdb.sql(f"describe from '{file}'").fetchall()}
        assert not names & {"secret", "urn", "number"}, file
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as connection:
        assert connection.sql("from duckdb_columns() where column_name in ('secret', 'urn')").fetchall() == []
    assert "secret" not in (release / "data_dictionary.csv").read_text()


def test_the_quoted_word_false_does_not_publish_a_column(publish: Publish) -> None:
    manifest = made_manifest()
    manifest["nodes"]["model.iqa.compliance"]["columns"]["secret"]["config"]["meta"]["public"] = "false"  # type: ignore[index]
    release = publish(manifest=manifest).path
    assert "secret" not in read_csv(release / "csv" / "compliance.csv")[0]


def test_assessor_rows_are_only_in_the_restricted_folder(publish: Publish) -> None:
    release = publish().path
    shared = duckdb.sql(f"select dimension from '{release}/parquet/leniency.parquet'").fetchall()
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as connection:
        in_database = connection.sql("select dimension from leniency").fetchall()
    restricted = duckdb.sql(f"from '{release}/restricted/parquet/leniency.parquet'").fetchall()
    # A row whose dimension is unknown might be an assessor's, so it is held back too.
    assert shared == in_database == [("overall",)]
    assert len(restricted) == 3
    assert "stf_" not in (release / "csv" / "leniency.csv").read_text()


def test_only_the_owner_can_open_the_restricted_folder_and_nobody_can_write_to_the_rest(
    publish: Publish,
) -> None:
    release = publish().path
    for folder in (release / "restricted", release / "restricted" / "parquet"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in release.rglob("*"):
        if file.is_file():
            mode = stat.S_IMODE(file.stat().st_mode)
            assert mode == 0o600 if "restricted" in file.parts else not mode & 0o222, file


def test_a_spreadsheet_runs_no_cell_and_keeps_negative_numbers(publish: Publish) -> None:
    rows = {row["area_code"]: row for row in read_csv(publish().path / "csv" / "compliance.csv")}
    assert rows["EM"]["note"] == "'=1+1"
    assert rows["NE"]["note"] == "'-2"
    assert rows["SW"]["note"] == 'Café, "bar"'
    assert float(rows["EM"]["gap"]) == -0.25
    assert rows["SW"]["gap"] == ""


def test_the_parquet_files_keep_text_as_it_is(publish: Publish) -> None:
    file = publish().path / "parquet" / "compliance.parquet"
    assert duckdb.sql(f"select note from '{file}' where area_code = 'EM'").fetchall() == [("=1+1",)]
    codecs = duckdb.sql(f"select distinct compression from parquet_metadata('{file}')").fetchall()
    assert codecs == [("ZSTD",)]


def test_the_database_is_described_and_readable_by_older_clients(publish: Publish) -> None:
    release = publish().path
    assert not (release / "iqa_marts.duckdb.wal").exists()
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as connection:
        comment = connection.sql(
            "select comment from duckdb_columns() where table_name = 'compliance' and column_name = 'gap'"
        ).fetchall()
        tables = connection.sql("select table_name, comment from duckdb_tables() order by all").fetchall()
        version = connection.sql(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'iqa_marts'"
        ).fetchall()
    assert comment == [("The gap.",)]
    assert tables[0] == ("compliance", "What compliance holds. One row per key.")
    assert version[0][0].startswith("v1.2.0")


def test_the_dictionary_describes_every_released_column(publish: Publish) -> None:
    release = publish().path
    described = {(row["table"], row["column"]) for row in read_csv(release / "data_dictionary.csv")}
    released = {
        (file.stem, row[0])
        for file in (release / "restricted" / "parquet").iterdir()
        for row in duckdb.sql(f"describe from '{file}'").fetchall()
    }
    assert described == released


def test_the_manifest_names_inputs_rows_hashes_and_checks(publish: Publish) -> None:
    info = publish()
    manifest = json.loads((info.path / "manifest.json").read_text())
    assert manifest["release_id"] == info.release_id
    assert manifest["as_of"] == "2024-10-28"
    assert manifest["status"] == "P"
    assert manifest["is_demo_key"] is True
    assert manifest["inputs"][0]["file_sha256"] == "ab12"
    assert manifest["marts"]["leniency"]["shareable"]["rows"] == 1
    assert manifest["marts"]["leniency"]["restricted"]["rows"] == 3
    assert manifest["marts"]["fct_iqa"]["shareable"] is None
    assert manifest["checks"][0]["verdict"] == "passed"
    assert manifest["libraries"]["duckdb"]
    assert manifest["content_hash"] == info.content_hash


def test_what_a_check_quotes_stays_out_of_the_manifest(publish: Publish) -> None:
    check = Check("dbt:late", Kind.DBT_TEST, "compliance", Severity.WARN, "Analysis", "Not late.")
    failed = check.failed("found S10003", rows_failed=1, examples=[{"staff_id": "S10003", "comment": "weak"}])
    release = publish(decision=decide([check], [failed])).path
    text = (release / "manifest.json").read_text()
    assert '"failed"' in text
    assert "S10003" not in text
    assert "weak" not in text


def test_the_same_rows_in_another_order_have_the_same_hashes(publish: Publish) -> None:
    first, second = publish(), publish(backwards=True)
    assert first.release_id < second.release_id
    assert first.contents == second.contents
    assert first.content_hash == second.content_hash


def test_one_changed_value_changes_the_hash_of_its_mart_alone(publish: Publish) -> None:
    first, second = publish(), publish(iqas=41)
    assert first.contents["fct_iqa"] != second.contents["fct_iqa"]
    assert first.contents["compliance"] == second.contents["compliance"]
    assert first.content_hash != second.content_hash


def test_files_that_a_report_adds_are_sealed_with_the_release(publish: Publish) -> None:
    def add_report(folder: Path) -> None:
        (folder / "report").mkdir()
        (folder / "report" / "board.html").write_text("<p>pack</p>")

    release = publish(add_files=add_report).path
    assert "report/board.html" in json.loads((release / "manifest.json").read_text())["files"]
    assert check_release_files(release) == []


def test_suppressed_tables_come_from_their_own_schema_and_none_may_be_missing(settings: Settings) -> None:
    settings.warehouse.parent.mkdir()
    release_id = new_release_id(settings.marts_dir, "a")
    make_candidate(settings.warehouse, release_id)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema published")
        connection.execute(
            "create table published.compliance as "
            "select * replace (if(iqas_assessed < 5, null, iqas_assessed) as iqas_assessed) "
            "from marts.compliance"
        )
        connection.execute("create table published.leniency as from marts.leniency")
    with writer_lock(settings.marts_dir) as lock:
        with (
            attached(settings.warehouse) as candidate,
            pytest.raises(ReleaseError, match=r"release_info"),
        ):
            release_made(candidate, settings.marts_dir, lock, shareable="warehouse.published")
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute("create table published.release_info as from marts.release_info")
        with attached(settings.warehouse) as candidate:
            release = release_made(candidate, settings.marts_dir, lock, shareable="warehouse.published").path
    shared = duckdb.sql(f"select iqas_assessed from '{release}/parquet/compliance.parquet'").fetchall()
    whole = duckdb.sql(
        f"select iqas_assessed from '{release}/restricted/parquet/compliance.parquet'"
    ).fetchall()
    assert shared == [(12,), (None,), (None,)]
    assert whole == [(12,), (3,), (0,)]


def test_a_shut_gate_releases_nothing(publish: Publish, settings: Settings) -> None:
    check = Check("dbt:key", Kind.DBT_TEST, "compliance", Severity.ERROR, "Analysis", "One row a key.")
    with pytest.raises(ReleaseError, match="The gate is shut"):
        publish(decision=decide([check], []))
    assert not (settings.marts_dir / "current").exists()


def test_a_shareable_table_without_public_columns_is_a_mistake_that_is_named(publish: Publish) -> None:
    manifest = made_manifest()
    manifest["nodes"]["model.iqa.unmarked"]["config"]["meta"]["shareable"] = True  # type: ignore[index]
    with pytest.raises(ReleaseError, match="none of its columns is public") as refusal:
        publish(manifest=manifest)
    assert refusal.value.where == "model unmarked"


@pytest.mark.parametrize("column", ["staff_id", "urn", "comment"])
def test_a_model_that_publishes_people_cases_or_free_text_is_refused(publish: Publish, column: str) -> None:
    manifest = made_manifest()
    columns = manifest["nodes"]["model.iqa.fct_iqa"]["columns"]  # type: ignore[index]
    columns[column] = {"name": column, "config": {"meta": {"public": True}}}
    with pytest.raises(ReleaseError, match=column):
        publish(manifest=manifest)


def test_staff_ids_under_a_harmless_name_are_refused(settings: Settings) -> None:
    settings.warehouse.parent.mkdir()
    make_candidate(settings.warehouse, new_release_id(settings.marts_dir, "a"))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update marts.compliance set note = 'S10003' where area_code = 'EM'")
    with (
        writer_lock(settings.marts_dir) as lock,
        attached(settings.warehouse) as candidate,
        pytest.raises(ReleaseError, match=r"note \(1 rows\)"),
    ):
        release_made(candidate, settings.marts_dir, lock)


def test_marts_that_were_built_for_another_release_are_refused(settings: Settings) -> None:
    settings.warehouse.parent.mkdir()
    make_candidate(settings.warehouse, new_release_id(settings.marts_dir, "a"))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update marts.release_info set release_id = '20200101T000000Z-000000'")
    with (
        writer_lock(settings.marts_dir) as lock,
        attached(settings.warehouse) as candidate,
        pytest.raises(ReleaseError, match="The marts were built for 20200101T000000Z-000000"),
    ):
        release_made(candidate, settings.marts_dir, lock)
