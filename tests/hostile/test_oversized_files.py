"""Small files that hold too much: each is refused by its limit; memory and time stay bounded."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tests.hostile.conftest import GIGABYTE, Attack
from tests.support.extracts import csv_text, extract_row, write_base, write_extract

HEADERS = list(extract_row("iqa"))
NAME = "iqa_2024-07-26"


def packed_zeros(head: bytes, megabytes: int) -> bytes:
    """`head` and then so many megabytes of one letter, in about a thousandth of the room."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(head)
        for _ in range(megabytes):
            stream.write(b"a" * (1 << 20))
    return out.getvalue()


def header_line() -> bytes:
    return csv_text([HEADERS]).encode()


def gzip_bomb(path: Path) -> None:
    path.write_bytes(packed_zeros(header_line(), 300))


def line_without_end(path: Path) -> None:
    path.write_bytes(packed_zeros(b"", 200))


def value_without_end(path: Path) -> None:
    path.write_bytes(packed_zeros(header_line() + b'"' + b"x\n" * 3_000_000 + b'"', 0))


def ten_thousand_columns(path: Path) -> None:
    path.write_bytes(csv_text([[f"c{n}" for n in range(10_000)], range(10_000)]).encode())


def huge_cell(path: Path) -> None:
    path.write_bytes(csv_text([HEADERS, ["é" * 1_000_001, *HEADERS[1:]]]).encode())


def cells_in_far_corners(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Extract")
        sheet.write_row(0, 0, HEADERS)
        sheet.write(1_048_575, 300, "x")


def cells_in_far_columns(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Extract")
        sheet.write_row(0, 0, HEADERS)
        sheet.write(1, 16_383, "x")


def cells_without_places(path: Path) -> None:
    """As `cells_in_far_corners`, in XML that says where a row is and leaves its cells to be counted."""
    cells_in_far_corners(path)
    cells = "".join("<c t='str'><v>x</v></c>" for _ in range(60))
    rewritten(path, "xl/worksheets/sheet1.xml", f"<row r='1'>{cells}</row><row r='1048576'>{cells}</row>")


def bomb_on_a_hidden_sheet(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        hidden = workbook.add_worksheet("Bomb")
        hidden.write(0, 0, "x")
        hidden.write(1_048_575, 300, "x")
        shown = workbook.add_worksheet("Extract")
        shown.write_row(0, 0, HEADERS)
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()


def rewritten(path: Path, part: str, rows: str) -> None:
    """Replace the rows of a sheet by XML of one's own."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[part].decode()
    start, end = text.index("<sheetData"), text.index("</sheetData>")
    parts[part] = (text[:start] + "<sheetData>" + rows + text[end:]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def padded_workbook(path: Path, megabytes: int) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("Extract").write_row(0, 0, HEADERS)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/media/padding.xml", "w", force_zip64=True) as stream,
    ):
        for _ in range(megabytes):
            stream.write(b" " * (1 << 20))


def zip_bomb(path: Path) -> None:
    padded_workbook(path, 1100)


def zip_bomb_that_lies(path: Path) -> None:
    """The same, with a table of contents that says one byte."""
    padded_workbook(path, 1100)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"xl/media/padding.xml"))
    data[entry + 24 : entry + 28] = struct.pack("<L", 1)
    path.write_bytes(data)


def many_rows_in_little_room(path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), ["x"])
    with pq.ParquetWriter(path, pa.schema([("iqa_id", column.type)])) as out:
        for _ in range(3):
            out.write_table(pa.table({"iqa_id": column}))


BOMBS: dict[Callable[[Path], None], tuple[str, str]] = {
    gzip_bomb: ("csv.gz", "IQA_LIMIT_COMPRESSION_RATIO"),
    line_without_end: ("csv.gz", "IQA_LIMIT_LINE_CHARACTERS"),
    value_without_end: ("csv.gz", "IQA_LIMIT_VALUE_CHARACTERS"),
    ten_thousand_columns: ("csv", "IQA_LIMIT_COLUMNS"),
    huge_cell: ("csv", "IQA_LIMIT_VALUE_CHARACTERS"),
    cells_in_far_corners: ("xlsx", "IQA_LIMIT_WORKBOOK_CELLS"),
    cells_in_far_columns: ("xlsx", "IQA_LIMIT_COLUMNS"),
    cells_without_places: ("xlsx", "IQA_LIMIT_WORKBOOK_CELLS"),
    bomb_on_a_hidden_sheet: ("xlsx", "IQA_LIMIT_WORKBOOK_CELLS"),
    zip_bomb: ("xlsx", "IQA_LIMIT_WORKBOOK_BYTES"),
    zip_bomb_that_lies: ("xlsx", "IQA_LIMIT_WORKBOOK_BYTES"),
    many_rows_in_little_room: ("parquet", "IQA_LIMIT_ROWS"),
}


def test_a_small_file_that_holds_too_much_is_refused_by_the_name_of_its_limit(attack: Attack) -> None:
    write_base(attack.raw, "2024-07-19")
    for make, (ending, _) in BOMBS.items():
        make(attack.put("iqa", f"{make.__name__}_2024-07-26.{ending}", b""))

    answer = attack.read(IQA_LIMIT_ROWS="2000000")

    for make, (ending, limit) in BOMBS.items():
        rule, message = attack.verdict(f"iqa/{make.__name__}_2024-07-26.{ending}")
        assert rule == "over_size_limit", (make.__name__, message)
        assert limit in message, (make.__name__, message)
    assert answer["accepted"]["iqa"] == 1
    assert answer["as_of"] == "2024-07-19"
    assert answer["peak"] < 1.5 * GIGABYTE


def test_a_limit_is_a_setting(attack: Attack) -> None:
    write_extract(attack.raw, "iqa")
    attack.read(IQA_LIMIT_COLUMNS="5")
    rule, message = attack.verdict("iqa/iqa_2024-07-26.csv")
    assert rule == "over_size_limit"
    assert "18 columns, over the limit of 5 (IQA_LIMIT_COLUMNS)" in message
    with pytest.raises(AssertionError, match=r"IQA_LIMIT_COLUMNS is 'many': expected a whole number"):
        attack.read(IQA_LIMIT_COLUMNS="many")


def test_workbooks_that_contradict_themselves_are_refused(attack: Attack) -> None:
    twice = attack.put("iqa", "twice_2024-07-26.xlsx", b"")
    with xlsxwriter.Workbook(twice) as workbook:
        workbook.add_worksheet("Extract").write_row(0, 0, HEADERS)
    with zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("XL/worksheets/sheet1.xml", "<worksheet/>")
    lzma = attack.put("iqa", "lzma_2024-07-26.xlsx", b"")
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    laughs = attack.put("iqa", "laughs_2024-07-26.xlsx", b"")
    with xlsxwriter.Workbook(laughs) as workbook:
        workbook.add_worksheet("Extract").write_row(0, 0, HEADERS)
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with zipfile.ZipFile(laughs) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].replace(b"<sheetData>", b"<sheetData>&l9;")
    doctype = f'<!DOCTYPE worksheet [<!ENTITY l0 "laugh">{entities}]><worksheet'.encode()
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<worksheet", doctype, 1)
    with zipfile.ZipFile(laughs, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)

    answer = attack.read()

    for name in ("twice", "lzma", "laughs"):
        assert attack.verdict(f"iqa/{name}_2024-07-26.xlsx")[0] == "unreadable"
    assert answer["peak"] < GIGABYTE


@pytest.mark.slow
def test_duplicates_by_the_million_are_counted_in_bounded_memory(attack: Attack) -> None:
    row = extract_row("absences")
    line = ",".join(row.values()) + "\r\n"
    text = ",".join(row) + "\r\n" + line * 2_000_000 + line.replace("leave", "sick", 1)
    write_base(attack.raw)
    attack.put("absences", "absences_2024-07-26.csv", text.encode())
    answer = attack.read(seconds=300)
    assert answer["quarantine"] == [["absences", "duplicate_key", 2_000_001]]
    assert answer["peak"] < 3 * GIGABYTE
