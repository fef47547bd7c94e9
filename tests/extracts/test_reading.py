"""Kinds of file: CSV in any encoding, workbooks and Parquet give the same rows; bad files are refused."""

import csv
import datetime
import gzip
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.extracts import landing
from dagster_project.extracts.delivery import Delivered
from dagster_project.extracts.limits import Limits
from tests.extracts.conftest import Warehouse
from tests.support.extracts import csv_text, extract_row, write_base, write_extract

COMMENT = 'Café – "quoted", with a comma,\nand a second line'


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "xlsx", "parquet"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_every_kind_of_file_gives_the_same_rows(warehouse: Warehouse, ending: str, encoding: str) -> None:
    if encoding != "utf-8" and ending in ("xlsx", "parquet"):
        pytest.skip("workbooks and Parquet have one encoding")
    write_base(warehouse.raw_dir)
    rows = [{"comment": COMMENT}, {"answer": "No", "comment": ""}]
    write_extract(warehouse.raw_dir, "iqa_answers", rows=rows, ending=ending, encoding=encoding)
    result = warehouse.load()
    assert warehouse.rows(
        "select question_code, answer, comment, is_issue from raw.iqa_answers order by question_code"
    ) == [("CR01", "Y", COMMENT, False), ("CR02", "N", None, False)]
    (loaded,) = [file for file in result.files if file.dataset == "iqa_answers"]
    if ending.startswith("csv"):
        assert loaded.encoding == ("Windows-1252" if encoding == "cp1252" else "UTF-8")
        assert ("Windows-1252" in (loaded.message or "")) == (encoding == "cp1252")


def test_a_bad_row_in_the_middle_is_quarantined_and_the_others_keep_their_row_numbers(
    warehouse: Warehouse,
) -> None:
    write_base(warehouse.raw_dir)
    path = write_extract(warehouse.raw_dir, "iqa_answers", rows=5)
    lines = path.read_bytes().split(b"\r\n")
    lines[2] = b"I1,CR02,Y,one,too,many,values"
    lines[3] = b"I1,CR03,Y\x00,,,"
    lines[4] = b'I1,CR04,Y,"two\r\nlines",,'
    lines.insert(4, b"")
    path.write_bytes(b"\r\n".join(lines))
    result = warehouse.load()
    assert warehouse.rows("select source_row, rule_id, primary_key from raw.quarantine order by 1") == [
        (3, "ragged_row", "I1|CR02"),
        (4, "nul_character", "I1|CR03"),
    ]
    assert warehouse.rows("select source_row, question_code from raw.iqa_answers order by 1") == [
        (2, "CR01"),
        (6, "CR04"),
        (7, "CR05"),
    ]
    assert result.rows("quarantined") == 2


def test_headers_are_matched_whatever_their_case_spaces_order_and_underscores(warehouse: Warehouse) -> None:
    path = warehouse.raw_dir / "governance_items" / "g_2024-07-26.csv"
    path.parent.mkdir()
    path.write_text("Held On,AREA CODE,Item ID,b_o_d_y\n2024-06-20,WES,G1,CQB\n")
    warehouse.load()
    assert warehouse.rows("select item_id, body, held_on::varchar from raw.governance_items") == [
        ("G1", "CQB", "2024-06-20")
    ]


def test_drift_is_reported_and_ignored(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", rows=[{"shoe size": "9"}], drop=["fte", "end_date"])
    result = warehouse.load()
    (file,) = result.files
    assert file.extra_columns == ("shoe size",)
    assert file.absent_columns == ("fte", "end_date")
    assert warehouse.rows("select extra_columns, absent_columns from raw.files") == [
        ("shoe size", "fte;end_date")
    ]
    assert warehouse.rows("select fte, end_date from raw.postings") == [(None, None)]
    assert "shoe size" in "\n".join(result.summary_lines())


def test_a_missing_required_column_refuses_the_file_and_names_it(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa", "2024-08-01", drop=["assessed_on"])
    (refused,) = warehouse.load().refusals
    assert (refused.rule_id, refused.rows_read) == ("missing_column", 0)
    assert "assessed_on" in (refused.message or "")
    assert warehouse.rows("select count(*) from raw.iqa") == [(1,)]


@pytest.mark.parametrize(
    ("separator", "words"), [(";", 'semicolons (";")'), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
def test_a_file_separated_by_something_else_than_commas_is_told_so(
    warehouse: Warehouse, separator: str, words: str, quote: str
) -> None:
    path = write_extract(warehouse.raw_dir, "postings", "2024-08-01")
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text(
        "\n".join(separator.join(f"{quote}{value}{quote}" for value in line) for line in lines) + "\n"
    )
    (refused,) = warehouse.load().refusals
    assert (refused.rule_id, refused.rows_read) == ("missing_column", 0)
    assert words in (refused.message or "") and "with commas" in (refused.message or "")
    assert "map its header" not in (refused.message or "")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_note_for_excel_before_the_headers_is_named_as_one(warehouse: Warehouse, separator: str) -> None:
    path = write_extract(warehouse.raw_dir, "postings", "2024-08-01")
    path.write_text(f"sep={separator}\n" + path.read_text().replace(",", separator))
    (refused,) = warehouse.load().refusals
    assert (refused.rule_id, refused.rows_read) == ("missing_column", 0)
    assert "first line" in (refused.message or "") and "Take that line out" in (refused.message or "")


def test_two_headers_for_one_column_refuse_the_file(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", rows=[{"Staff ID": "S1"}])
    (refused,) = warehouse.load().refusals
    assert refused.rule_id == "two_headers"


def test_a_header_is_mapped_by_the_contract_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    from dagster_project.settings import EXPECTATIONS_DIR

    contracts = tmp_path / "contracts"
    contracts.mkdir()
    for path in (EXPECTATIONS_DIR / "extracts").glob("*.yml"):
        text = path.read_text()
        if path.name == "postings.yml":
            text = text.replace("columns: {}", "columns:\n  Employee Ref: staff_id")
        (contracts / path.name).write_text(text)
    write_extract(warehouse.raw_dir, "postings", rename={"staff_id": "employee_ref"})
    warehouse.load(contracts_dir=contracts)
    assert warehouse.rows("select staff_id from raw.postings") == [("S1",)]


BROKEN: dict[str, tuple[str, bytes]] = {
    "an empty file": ("iqa_2024-07-26.csv", b""),
    "a file of blank lines": ("iqa_2024-07-26.csv", b"\n\n"),
    "a quote that never closes": ("iqa_2024-07-26.csv", b'a,b\n1,"2\n3,4\n'),
    "neither of the two encodings": ("iqa_2024-07-26.csv", b"a,b\n\x81\xff,2\n"),
    "UTF-16": ("iqa_2024-07-26.csv", "a,b\n1,2\n".encode("utf-16")),
    "a cut gzip": ("iqa_2024-07-26.csv.gz", gzip.compress(b"a,b\n" * 999)[:30]),
    "no gzip": ("iqa_2024-07-26.csv.gz", b"a,b\n1,2\n"),
    "no workbook": ("iqa_2024-07-26.xlsx", b"PK\x03\x04 nonsense"),
    "no Parquet": ("iqa_2024-07-26.parquet", b"PAR1 nonsense PAR1"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_unreadable_file_is_refused_in_plain_words_and_the_others_load(
    warehouse: Warehouse, what: str
) -> None:
    name, data = BROKEN[what]
    write_base(warehouse.raw_dir, "2024-07-19")
    (warehouse.raw_dir / "iqa" / name).write_bytes(data)
    result = warehouse.load()
    (refused,) = result.refusals
    assert (refused.source_file, refused.rule_id) == (f"iqa/{name}", "unreadable")
    assert refused.message and "Traceback" not in refused.message
    assert refused.message.endswith(".") and ".." not in refused.message
    assert result.as_of == datetime.date(2024, 7, 19)
    assert warehouse.rows("select count(*) from raw.iqa") == [(1,)]


def test_a_file_over_a_size_limit_is_refused(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", rows=3)
    small = [
        Limits(file_bytes=100),
        Limits(text_bytes=100),
        Limits(columns=3),
        replace(Limits(), value_characters=5),
    ]
    for limits in small:
        (refused,) = warehouse.load(limits=limits).refusals
        assert refused.rule_id == "over_size_limit"
    assert warehouse.load().refusals == ()


def test_a_workbook_is_read_from_its_first_visible_sheet_below_its_first_filled_row(
    warehouse: Warehouse,
) -> None:
    path = warehouse.raw_dir / "absences" / "leave_2024-07-26.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("Notes").hide()
        sheet = workbook.add_worksheet("Leave")
        workbook.add_worksheet("Other").write(0, 0, "nothing here")
        sheet.activate()
        sheet.set_first_sheet()
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(3, 2, ["absence id", "staff id", "absence type", "start date", "end date"])
        sheet.write_row(4, 2, [1001, 7.0, "leave"])
        sheet.write_datetime(4, 5, datetime.datetime(2024, 5, 1), day)
        sheet.write(4, 6, "02/05/2024")
        sheet.write_row(6, 2, [1002, 7, "sick", "2024-05-03"])
        sheet.write_row(7, 2, [1003, 7])
        sheet.write_formula(7, 4, "=1/0", value="#DIV/0!")
        sheet.write_formula(7, 5, "=NA()", value="#N/A")
    warehouse.load()
    assert warehouse.rows(
        "select absence_id, staff_id, start_date::varchar, end_date::varchar, source_sheet, source_row "
        "from raw.absences order by absence_id"
    ) == [
        ("1001", "7", "2024-05-01", "2024-05-02", "Leave", 5),
        ("1002", "7", "2024-05-03", None, "Leave", 7),
    ]
    assert warehouse.rows("select source_row, rule_id, offending_value from raw.quarantine") == [
        (8, "wrong_type", "#N/A")
    ]


def test_parquet_of_any_column_types_reads_as_the_same_text_would(warehouse: Warehouse) -> None:
    path = warehouse.raw_dir / "postings" / "postings_2024-07-26.parquet"
    path.parent.mkdir()
    row = extract_row("postings")
    columns: dict[str, Any] = {name: [value, value] for name, value in row.items() if value}
    columns |= {
        "posting_id": pa.array([1.0, 2.0]),
        "staff_id": pa.array(["S1", "S2"]).dictionary_encode(),
        "fte": pa.array([0.5, None]),
        "start_date": pa.array([datetime.date(2020, 1, 1), datetime.date(2021, 2, 3)]),
        "end_date": pa.array([datetime.datetime(2024, 6, 30, 23), None], pa.timestamp("us", tz="UTC")),
        "tags": [["a"], ["b"]],
    }
    pq.write_table(pa.table(columns), path)
    warehouse.load()
    assert warehouse.rows(
        "select posting_id, staff_id, fte, start_date::varchar, end_date::varchar, source_row "
        "from raw.postings order by posting_id"
    ) == [("1", "S1", 0.5, "2020-01-01", "2024-07-01", 1), ("2", "S2", None, "2021-02-03", None, 2)]


def test_an_unchanged_file_is_not_read_again_and_a_damaged_copy_is_made_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_base(warehouse.raw_dir)
    reads: list[str] = []
    original = landing._read

    def counted(delivered: Delivered, limits: Limits, **options: Any) -> Any:
        reads.append(delivered.source_file)
        return original(delivered, limits, **options)

    monkeypatch.setattr(landing, "_read", counted)
    warehouse.load()
    assert len(reads) == 2
    warehouse.load()
    assert len(reads) == 2
    for copy in (warehouse.settings.landing_dir / "iqa").glob("*.parquet"):
        copy.write_bytes(copy.read_bytes()[:-20])
    warehouse.load()
    assert reads[2:] == ["iqa/iqa_2024-07-26.csv"]
    assert warehouse.rows("select count(*) from raw.iqa") == [(1,)]


values = st.lists(st.sampled_from(["a", "é", ",", '"', "\n", "\r\n", " ", "€"]), max_size=6).map("".join)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(values, values, values), max_size=6), newline=st.sampled_from(["\n", "\r\n"]))
def test_the_quick_and_the_patient_reader_agree(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], newline: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline).writerows([("one", "two", "three"), *rows])
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(out.getvalue().encode())
    look = landing._look_at_text(path, Limits(), compressed=False)
    found = []
    for batches in (
        landing._quick_batches(path, look, 3, 1, compressed=False),
        landing._patient_batches(path, look, 3, 1, Limits(), compressed=False),
    ):
        found.append([row for batch in batches for row in batch.to_pylist()])
    assert found[0] == found[1]
    expected = [(number, *row) for number, row in enumerate(rows, start=2) if any(row)]
    assert [(r["_row"], r["c000"], r["c001"], r["c002"]) for r in found[0]] == expected


def test_csv_text_quotes_what_needs_quotes() -> None:
    assert csv_text([["a", 'b"c', "d\ne"]]) == 'a,"b""c","d\ne"\r\n'
