"""The supplier's error workbook, read back cell by cell, and the lists of missing evidence."""

import csv
import stat
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import fastexcel
import pytest

from dagster_project.cli import call
from dagster_project.explain.holder import opened
from dagster_project.extracts import ingest
from dagster_project.handback.errors import write_error_workbooks
from dagster_project.handback.evidence import missing_evidence, write_evidence
from dagster_project.settings import Settings
from tests.support.extracts import STAFF, write_extract
from tests.support.pipeline import build_marts

AS_OF = date(2024, 7, 26)


def table(path: Path, sheet: str) -> list[dict[str, Any]]:
    return fastexcel.read_excel(path).load_sheet(sheet).to_polars().to_dicts()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def delivered(tmp_path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Settings]]:
    raw = tmp_path / "raw"
    write_extract(raw, "postings", rows=STAFF)
    write_extract(
        raw,
        "iqa",
        rows=[{}, {"area_code": "=HYPERLINK(1)"}, {"assessed_on": "32/05/2024"}, {"subject_id": "NOBODY"}],
    )
    write_extract(raw, "actions", "2024-06-28", [{"action_level": "planet", "iqa_id": "I1"}])
    (raw / "iqa" / "undated.csv").write_text("iqa_id\n")
    (raw / "absences").mkdir()
    (raw / "absences" / "absences_2024-07-26.csv").write_text("absence_id\nA1\n")
    settings = Settings(
        raw_dir=raw, marts_dir=tmp_path / "marts", warehouse=tmp_path / "warehouse" / "iqa.duckdb"
    )
    settings.warehouse.parent.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        ingest(settings, connection)
        yield connection, settings


def test_each_delivery_has_one_workbook_with_every_refused_row(delivered: Any) -> None:
    connection, settings = delivered
    written = write_error_workbooks(connection, settings, AS_OF)

    assert [path.name for path in written] == [
        "errors_2024-06-28.xlsx",
        "errors_2024-07-26.xlsx",
        "errors_no_date.xlsx",
    ]
    assert {mode(path) for path in written} == {0o600}
    rows = {(row["File"], row["Row"]): row for row in table(written[1], "Refused_rows")}
    quarantined = connection.execute(
        "select source_file, source_row, rule_id, column_name, offending_value, expected "
        "from raw.quarantine where extract_date = '2024-07-26'"
    ).fetchall()
    assert len(rows) == len(quarantined) == 3
    for source_file, source_row, rule, column, value, expected in quarantined:
        row = rows[source_file, source_row]
        assert (row["Rule"], row["Column"], row["Expected"]) == (rule, column, expected)
        assert row["Value sent"] == (value if value is not None else "(empty)")
        assert row["What to do"]


def test_counts_by_rule_and_the_summary_add_up_to_the_rows(delivered: Any) -> None:
    connection, settings = delivered
    path = write_error_workbooks(connection, settings, AS_OF)[1]

    by_rule = table(path, "Counts_by_rule")
    summary = {row["Count"]: row["Number"] for row in table(path, "Summary")}
    assert sum(row["Rows refused"] for row in by_rule) == 3 == summary["Rows refused (quarantined)"]
    assert all(row["What the rule says"] for row in by_rule)
    assert summary["Files refused as a whole"] == 1
    assert summary["Rows read"] == summary["Rows accepted"] + 3


def test_refused_files_are_named_with_their_reason(delivered: Any) -> None:
    connection, settings = delivered
    written = write_error_workbooks(connection, settings, AS_OF)

    assert [row["File"] for row in table(written[1], "Refused_files")] == ["absences/absences_2024-07-26.csv"]
    undated = table(written[2], "Refused_files")
    assert [row["File"] for row in undated] == ["iqa/undated.csv"]
    assert undated[0]["Reason"] and undated[0]["What to do"]


def test_a_value_that_looks_like_a_formula_stays_text(delivered: Any) -> None:
    connection, settings = delivered
    path = write_error_workbooks(connection, settings, AS_OF)[1]

    assert "=HYPERLINK(1)" in [row["Value sent"] for row in table(path, "Refused_rows")]
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
    assert not [sheet for sheet in sheets if "<f>" in sheet or "<hyperlink" in sheet]


def test_the_workbook_is_accessible(delivered: Any) -> None:
    connection, settings = delivered
    path = write_error_workbooks(connection, settings, AS_OF)[1]

    names = fastexcel.read_excel(path).sheet_names
    assert names == ["Cover", "Contents", "Summary", "Counts_by_rule", "Refused_rows", "Refused_files"]
    assert [row["Sheet"] for row in table(path, "Contents")] == names[2:]
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}
    sheets = [text for name, text in parts.items() if name.startswith("xl/worksheets/")]
    assert not [text for text in sheets if "<mergeCell" in text or "<pane" in text]
    tables = [text for name, text in parts.items() if name.startswith("xl/tables/")]
    assert len(tables) == 5
    assert all('ref="A1:' in text for text in tables)
    assert "<dc:title>What was refused: extract of 26 July 2024</dc:title>" in parts["docProps/core.xml"]


def test_the_same_delivery_gives_the_same_bytes(delivered: Any) -> None:
    connection, settings = delivered
    first = [path.read_bytes() for path in write_error_workbooks(connection, settings, AS_OF)]

    assert [path.read_bytes() for path in write_error_workbooks(connection, settings, AS_OF)] == first


def test_a_long_list_is_cut_and_says_so(delivered: Any) -> None:
    connection, settings = delivered
    path = write_error_workbooks(connection, settings, AS_OF, rows_max=2)[1]

    assert len(table(path, "Refused_rows")) == 2
    cover = fastexcel.read_excel(path).load_sheet("Cover", header_row=None).to_polars().to_series(0).to_list()
    assert "The sheet Refused_rows lists the first 2 of 3 rows; Counts_by_rule is complete." in cover


def test_a_workbook_goes_when_its_faults_are_mended(delivered: Any) -> None:
    connection, settings = delivered
    before = write_error_workbooks(connection, settings, AS_OF)
    connection.execute("delete from raw.quarantine where extract_date = '2024-06-28'")
    write_error_workbooks(connection, settings, AS_OF)

    assert [path.exists() for path in before] == [False, True, True]


@pytest.fixture(scope="module")
def commented(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("evidence")
    raw = folder / "raw"
    write_extract(raw, "postings", rows=STAFF)
    write_extract(
        raw,
        "iqa",
        rows=[
            {},
            {"urn": "=URN2"},
            {"area_code": "NE"},
            {"status": "withdrawn"},
            {"assessed_on": "2022-09-01", "opened_on": "2022-09-01", "conversation_on": "2022-09-02",
             "closed_on": "2022-09-03", "instrument_version": "CW-2021"},
        ],
    )  # fmt: skip
    write_extract(raw, "iqa_answers", rows=[{"comment": "Weighed well."}, {"iqa_id": "I2", "comment": "  "}])
    write_extract(raw, "reassessments", rows=[{"iqa_id": "I2"}, {"iqa_id": "I1"}])
    build_marts(folder, raw, ["+assessment_quality", "+leniency"]).close()
    return Settings(warehouse=folder / "warehouse" / "iqa.duckdb")


def test_evidence_lists_the_assessments_of_a_quarter_without_a_comment_by_area(
    commented: Settings, tmp_path: Path
) -> None:
    with opened(commented) as connection:
        evidence = missing_evidence(connection, quarter="2024-25 Q1")
    written = write_evidence(evidence, tmp_path / "out")

    assert (evidence.iqas, evidence.total, sorted(evidence.missing)) == (3, 2, ["NE", "WES"])
    assert {mode(path) for path in written} == {0o600}
    own = tmp_path / "out" / "missing_evidence_2024-25_Q1_WES.xlsx"
    assert [row["Assessment id"] for row in table(own, "Assessments")] == ["I2"]
    with own.with_suffix(".csv").open() as stream:
        assert [row["URN"] for row in csv.DictReader(stream)] == ["'=URN2"]


def test_evidence_of_an_inspection_is_its_sample_only(commented: Settings) -> None:
    with opened(commented) as connection:
        evidence = missing_evidence(connection, inspection="ref2024")

    assert (evidence.sample, evidence.iqas, evidence.total) == ("REF2024", 2, 1)


def test_nothing_is_missing_from_before_comments_were_collected(commented: Settings) -> None:
    with opened(commented) as connection:
        evidence = missing_evidence(connection, quarter="2022-23 Q2")

    assert (evidence.iqas, evidence.not_collected, evidence.total) == (1, 1, 0)


def test_the_command_prints_counts_and_no_case_reference(
    commented: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["evidence", "--quarter", "2024-25 Q1", "--warehouse", str(commented.warehouse),
                 "--out", str(tmp_path / "out")])  # fmt: skip
    printed = capsys.readouterr().out

    assert code == 0
    assert "2 of 3 assessments have no recorded comment" in printed
    assert "URN" not in printed


def test_an_unknown_quarter_is_refused_with_the_nearest(
    commented: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["evidence", "--quarter", "2024-25 Q9", "--warehouse", str(commented.warehouse)])

    assert code == 2
    assert "Did you mean 2024-25 Q" in capsys.readouterr().err
