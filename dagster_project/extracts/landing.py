"""Landing: each distinct file becomes one immutable Parquet file of text, named by the sha256 of its bytes.

Belongs here: reading CSV, XLSX and Parquet into text, and refusing what cannot be read. Does not: what the
text means. Every column lands as `c000`, `c001` ... in the order of the file, with `_row` (the row's number),
`_fault` (`ragged_row` or `nul_character`, else null) and `_raw` (a faulty row as it was). Headers, encoding
and sheet are in the seal.

`_row` is the number that a spreadsheet shows for the row: in CSV the header is 1 and a value that holds line
breaks does not start a new row; in XLSX it is the sheet's own number; a Parquet file has no header row, so
its first row is 1. Rows without any value are no rows, but keep their number.

The trap: CSV has a quick reader and a patient one. The quick one is tried on files that a first look finds
clean, and gives up at the first ragged row; both give the same rows and the same numbers.
"""

import codecs
import csv
import errno
import glob
import gzip
import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers import expat

from dagster_project.extracts.delivery import Delivered
from dagster_project.extracts.errors import ExtractError, Refusal
from dagster_project.extracts.limits import Limits
from dagster_project.extracts.sealed import aside, drop, seal, sealed_sha256, unsealed

if TYPE_CHECKING:
    import pyarrow

# Raise by one when a change here could read a file differently: landed files are then made again.
READER_VERSION = 1
CHANGED = "it changed while it was read. Run again when it is complete."
_CHUNK = 1 << 22
# The text that is parsed in one go.
_BLOCK = 1 << 24
_BATCH_ROWS = 50_000
# Text below this size may be packed as tightly as it likes.
_RATIO_FROM = 256 * 1024**2
_MAIN_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_EXCEL_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}


@dataclass
class _Content:
    """What a reader found: headers at once, batches of rows as they are asked for."""

    headers: list[str]
    batches: Iterator["pyarrow.Table"]
    encoding: str = ""
    sheet: str = ""
    notes: list[str] = field(default_factory=list)


def landed_path(landing_dir: Path, delivered: Delivered, sha256: str) -> Path:
    """Where the text of a file is kept."""
    return landing_dir / str(delivered.dataset) / f"{sha256}.{delivered.file_format}.parquet"


def state_of(path: Path) -> tuple[int, int, int, int]:
    """What changes when a file is written to or replaced: its size, times and number on the disk."""
    found = path.stat()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def forget(landed: Path) -> str | None:
    """Drop what was kept of a file, so that it is read and typed again; returns the sha256 of its text.

    The file itself is in the raw folder still, and the same bytes land under the same name.
    """
    kept = sealed_sha256(landed)
    drop(landed)
    for typed in landed.parent.glob(f"{glob.escape(landed.name.removesuffix('.parquet'))}.typed-*"):
        typed.unlink(missing_ok=True)
    return kept


def land(
    delivered: Delivered,
    sha256: str,
    landing_dir: Path,
    limits: Limits,
    hashed: tuple[int, int, int, int] | None = None,
) -> dict[str, Any]:
    """Read one file into the landing area unless it is there already; returns the facts of the seal.

    `hashed` is the state of the file when `sha256` was taken of it: what is read under that name must be what
    was hashed, since a landed file is believed for ever. Raises Refusal if the file cannot be used.
    """
    target = landed_path(landing_dir, delivered, sha256)
    facts = unsealed(target, READER_VERSION)
    if facts is not None:
        return facts
    written = aside(target)
    try:
        before = hashed or state_of(delivered.path)
        limits.check("file_bytes", before[0], "bytes")
        facts = _write(delivered, written, limits)
        after = state_of(delivered.path)
    except Refusal:
        written.unlink(missing_ok=True)
        raise
    except Exception as error:  # whatever a reader raises is about this file, and must not stop the others
        written.unlink(missing_ok=True)
        if _is_about_the_disk(error):
            # Refused, the file would be missing from figures although nothing is wrong with it.
            raise ExtractError(
                f"The disk is full or can't be written to: {_one_line(error)}. Expected room for a copy of "
                f"each extract in {landing_dir}. Free disk space or name a work file on another disk."
            ) from error
        raise Refusal(
            "unreadable",
            f"it cannot be read as {delivered.file_format}: {_one_line(error)}. Export it again.",
        ) from error
    if before != after:
        written.unlink(missing_ok=True)
        raise Refusal("unreadable", CHANGED)
    return seal(target, facts)


def _is_about_the_disk(error: Exception) -> bool:
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return getattr(error, "errno", None) in codes or any(os.strerror(code) in str(error) for code in codes)


def _one_line(error: Exception) -> str:
    """The words of an error without their full stop, to go on with."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300].rstrip(" .")


def _write(delivered: Delivered, written: Path, limits: Limits) -> dict[str, Any]:
    import pyarrow as pa

    try:
        return _write_content(_read(delivered, limits), written, limits)
    except pa.ArrowInvalid:
        if not str(delivered.file_format).startswith("csv"):
            raise
    return _write_content(_read(delivered, limits, is_patient=True), written, limits)


def _write_content(content: _Content, written: Path, limits: Limits) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits.check("columns", len(content.headers), "columns")
    if not any(header.strip() for header in content.headers):
        raise Refusal("unreadable", "it has no header row. Export it again with its column names.")
    rows = 0
    with pq.ParquetWriter(
        written, _schema(len(content.headers)), compression="zstd", compression_level=1
    ) as out:
        waiting: list[pa.Table] = []
        for batch in content.batches:
            rows += batch.num_rows
            limits.check("rows", rows, "rows")
            _refuse_long_values(batch, limits)
            waiting.append(batch)
            if sum(table.num_rows for table in waiting) >= _BATCH_ROWS * 2:
                out.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            out.write_table(pa.concat_tables(waiting))
    return {
        "version": READER_VERSION,
        "headers": content.headers,
        "rows": rows,
        "encoding": content.encoding,
        "sheet": content.sheet,
        "notes": content.notes,
    }


def _refuse_long_values(batch: "pyarrow.Table", limits: Limits) -> None:
    import pyarrow.compute as pc

    for name in batch.column_names[3:]:
        # Bytes are quicker to count, and no value has more characters than bytes.
        if (pc.max(pc.binary_length(batch[name])).as_py() or 0) > limits.value_characters and (
            pc.max(pc.utf8_length(batch[name])).as_py() > limits.value_characters
        ):
            raise limits.long_value()


def _read(delivered: Delivered, limits: Limits, *, is_patient: bool = False) -> _Content:
    if delivered.file_format == "xlsx":
        return _read_workbook(delivered.path, limits)
    if delivered.file_format == "parquet":
        return _read_parquet(delivered.path, limits)
    compressed = delivered.file_format == "csv.gz"
    return _read_csv(delivered.path, limits, compressed=compressed, is_patient=is_patient)


def _schema(columns: int) -> "pyarrow.Schema":
    import pyarrow as pa

    return pa.schema(
        [
            ("_row", pa.int64()),
            ("_fault", pa.string()),
            ("_raw", pa.string()),
            *((column_name(position), pa.string()) for position in range(columns)),
        ]
    )


def column_name(position: int) -> str:
    """The name of the landed column at `position`, counted from 0."""
    return f"c{position:03d}"


# CSV ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FirstLook:
    """What a first pass over a file's bytes found. `text` are the bytes, unpacked, of a file of one block."""

    encoding: str
    has_nul: bool
    text: bytes | None


def _read_csv(path: Path, limits: Limits, *, compressed: bool, is_patient: bool) -> _Content:
    look = _look_at_text(path, limits, compressed=compressed)
    headers, header_record = _csv_headers(path, look, limits, compressed=compressed)
    notes = []
    if look.encoding == "cp1252":
        notes.append("read as Windows-1252 and converted to UTF-8")
    is_plain = len(headers) > 1 and not look.has_nul and not is_patient
    if is_plain:
        batches = _quick_batches(path, look, len(headers), header_record, compressed=compressed)
    else:
        batches = _patient_batches(path, look, len(headers), header_record, limits, compressed=compressed)
    encoding = {"cp1252": "Windows-1252"}.get(look.encoding, "UTF-8")
    return _Content(headers, batches, encoding=encoding, notes=notes)


def _bytes(path: Path, *, compressed: bool) -> IO[bytes]:
    return gzip.open(path, "rb") if compressed else path.open("rb")  # type: ignore[return-value]


def _text(path: Path, look: _FirstLook, *, compressed: bool) -> IO[str]:
    stream = _bytes(path, compressed=compressed) if look.text is None else io.BytesIO(look.text)
    return io.TextIOWrapper(stream, encoding=look.encoding, newline="")


def _lines(text: IO[str], limits: Limits) -> Iterator[str]:
    """The lines of a text; one that never ends is refused before it is all in memory."""
    while line := text.readline(limits.line_characters + 1):
        if len(line) > limits.line_characters:
            raise limits.long_line()
        yield line


def _look_at_text(path: Path, limits: Limits, *, compressed: bool) -> _FirstLook:
    """Find the encoding, NUL characters and an odd number of quotes, in one pass over the bytes."""
    is_utf8 = is_cp1252 = True
    has_nul = False
    quotes = size = 0
    kept: list[bytes] = []
    packed = path.stat().st_size
    utf8 = codecs.getincrementaldecoder("utf-8")()
    with _bytes(path, compressed=compressed) as stream:
        first = True
        while True:
            chunk = stream.read(_CHUNK)
            if first and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise Refusal("unreadable", "it is in UTF-16. Save it as CSV UTF-8.")
            first = False
            size += len(chunk)
            limits.check("text_bytes", size, "bytes of text")
            if size <= _BLOCK:
                kept.append(chunk)
            else:
                kept.clear()
            if compressed and size > _RATIO_FROM:
                limits.check("compression_ratio", size // packed, "bytes of text for each byte of the file")
            has_nul = has_nul or b"\0" in chunk
            quotes += chunk.count(b'"')
            if is_utf8:
                try:
                    utf8.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            if is_cp1252 and any(byte in chunk for byte in b"\x81\x8d\x8f\x90\x9d"):
                is_cp1252 = False
            if not chunk:
                break
    if not size:
        raise Refusal("unreadable", "it is empty. Export it again.")
    if not is_utf8 and not is_cp1252:
        raise Refusal("unreadable", "it is neither UTF-8 nor Windows-1252. Save it as CSV UTF-8.")
    text = b"".join(kept) if size <= _BLOCK else None
    look = _FirstLook("utf-8-sig" if is_utf8 else "cp1252", has_nul, text)
    if quotes % 2:
        _refuse_open_quote(path, look, limits, compressed=compressed)
    return look


def _refuse_open_quote(path: Path, look: _FirstLook, limits: Limits, *, compressed: bool) -> None:
    """Refuse a file whose last record opens a quote that never closes: it would swallow rows."""
    with _text(path, look, compressed=compressed) as text:
        reader = _csv_reader(_lines(text, limits), limits, strict=True)
        line = 1
        while True:
            line = reader.line_num + 1
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    raise Refusal(
                        "unreadable",
                        f"the record that starts on line {line} opens a quote that never closes. "
                        "Double the quotes within values, and export it again.",
                    ) from None
                if _is_over_field_limit(error):
                    raise limits.long_value() from None


def _csv_headers(path: Path, look: _FirstLook, limits: Limits, *, compressed: bool) -> tuple[list[str], int]:
    with _text(path, look, compressed=compressed) as lines:
        for number, record in enumerate(_records(lines, limits), start=1):
            if any(value.strip() for value in record):
                return record, number
    raise Refusal("unreadable", "it has no header row. Export it again with its column names.")


def _csv_reader(lines: Iterator[str], limits: Limits, *, strict: bool = False) -> Any:
    # The module's own limit is one for the whole process: it keeps a value without an end out of memory, and
    # `_records` checks ours.
    csv.field_size_limit(max(limits.value_characters, 1 << 17))
    return csv.reader(lines, strict=strict)


def _records(text: IO[str], limits: Limits) -> Iterator[list[str]]:
    try:
        for record in _csv_reader(_lines(text, limits), limits):
            if any(len(value) > limits.value_characters for value in record):
                raise limits.long_value()
            yield record
    except csv.Error as error:
        if _is_over_field_limit(error):
            raise limits.long_value() from None
        raise


def _is_over_field_limit(error: csv.Error) -> bool:
    return "field limit" in str(error)


def _quick_reader(path: Path, look: _FirstLook, columns: int, compressed: bool) -> Any:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    if look.text is None:
        stream: Any = pa.PythonFile(_bytes(path, compressed=compressed), mode="r")
    else:
        stream = pa.BufferReader(look.text)
    if look.encoding == "cp1252":
        stream = pa.transcoding_input_stream(stream, "cp1252", "utf-8")
    names = [column_name(position) for position in range(columns)]
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(column_names=names, block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            strings_can_be_null=False,
        ),
    )


def _quick_batches(
    path: Path, look: _FirstLook, columns: int, header_record: int, *, compressed: bool
) -> Iterator["pyarrow.Table"]:
    import pyarrow as pa

    number = 0
    for batch in _quick_reader(path, look, columns, compressed):
        table = pa.Table.from_batches([batch])
        numbers = pa.arange(number + 1, number + table.num_rows + 1)
        number += table.num_rows
        yield _with_values(numbers, list(table.columns), header_record)


def _with_values(numbers: "pyarrow.Array", columns: list[Any], header_record: int = 0) -> "pyarrow.Table":
    """A batch of sound rows: those after the header that hold at least one value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.nulls(len(numbers), pa.string())
    table = pa.table([numbers, nothing, nothing, *columns], schema=_schema(len(columns)))
    after_header = table.slice(max(header_record + 1 - numbers[0].as_py(), 0)) if len(table) else table
    blank = pc.fill_null(pc.equal(after_header[3], ""), True)
    if not pc.any(blank).as_py():
        return after_header
    for name in after_header.column_names[4:]:
        blank = pc.and_(blank, pc.fill_null(pc.equal(after_header[name], ""), True))
    return after_header.filter(pc.invert(blank))


def _patient_batches(
    path: Path, look: _FirstLook, columns: int, header_record: int, limits: Limits, *, compressed: bool
) -> Iterator["pyarrow.Table"]:
    import pyarrow as pa

    schema = _schema(columns)
    rows: list[tuple[Any, ...]] = []

    def batch() -> pa.Table:
        values = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        return pa.table(
            [pa.array(list(column), pa.string() if i else pa.int64()) for i, column in enumerate(values)],
            schema=schema,
        )

    with _text(path, look, compressed=compressed) as lines:
        for number, record in enumerate(_records(lines, limits), start=1):
            if number <= header_record or not any(record):
                continue
            fault = raw = None
            if any("\0" in value for value in record):
                fault = "nul_character"
            elif len(record) != columns:
                fault = "ragged_row"
            if fault:
                raw = ",".join(record)[:1000]
            padded = [*record[:columns], *([""] * (columns - len(record)))]
            rows.append((number, fault, raw, *padded))
            if len(rows) >= _BATCH_ROWS:
                yield batch()
                rows.clear()
    yield batch()


# XLSX --------------------------------------------------------------------------------------------


def _read_workbook(path: Path, limits: Limits) -> _Content:
    import fastexcel
    import pyarrow as pa
    import pyarrow.compute as pc

    with zipfile.ZipFile(path) as archive:
        _refuse_large_archive(path, archive, limits)
    workbook = fastexcel.read_excel(path)
    for name in workbook.sheet_names:
        _refuse_large_sheet(path, name, limits)
        sheet = workbook.load_sheet(name, header_row=None, dtypes="string", eager=False)
        if sheet.visible == "visible":
            break
    else:
        raise Refusal("unreadable", "it has no visible sheet. Show the sheet that holds the data.")
    cells, errors = sheet.to_arrow_with_errors()
    columns = _with_excel_errors(cells.columns, errors.errors if errors else [])
    header = next(
        (row for row in range(cells.num_rows) if any(column[row].as_py() for column in columns)), None
    )
    if header is None:
        raise Refusal("unreadable", f"its sheet {name!r} is empty. Export it again.")
    headers = [column[header].as_py() or "" for column in columns]
    # A date without a time of day comes as midnight of that day.
    below = [
        pc.replace_substring_regex(column[header + 1 :], r"^(\d{4}-\d{2}-\d{2}) 00:00:00$", r"\1")
        for column in columns
    ]
    start = _first_row(path, name) + header + 1
    batch = _mark_nul(_with_values(pa.arange(start, start + len(below[0])), below))
    return _Content(headers, iter([batch]), sheet=name)


def _with_excel_errors(columns: list[Any], errors: list[Any]) -> list[Any]:
    """Show error cells as the sheet does: left empty, they would pass for values that were never given."""
    import pyarrow as pa

    shown: dict[int, dict[int, str]] = {}
    for error in errors:
        row, position = error.offset_position
        found = re.search(r"Error\((\w+)\)", error.detail)
        name = _EXCEL_ERRORS.get(found.group(1) if found else "", "#ERROR!")
        shown.setdefault(position, {})[row] = name
    return [
        pa.array([shown[position].get(row, value) for row, value in enumerate(column.to_pylist())])
        if position in shown
        else column
        for position, column in enumerate(columns)
    ]


def _refuse_large_archive(path: Path, archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse a workbook that unpacks to too much; its own word for that is not taken."""
    entries = archive.infolist()
    limits.check("workbook_bytes", sum(entry.file_size for entry in entries), "bytes when unpacked")
    if len({entry.filename.lower() for entry in entries}) < len(entries):
        raise Refusal("unreadable", "two of its parts have one name. Save it again from a spreadsheet.")
    size = 0
    with path.open("rb") as stream:
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise Refusal("unreadable", "it is encrypted or packed in an unusual way. Save it again.")
            stream.seek(entry.header_offset + 26)
            skipped = int.from_bytes(stream.read(2), "little") + int.from_bytes(stream.read(2), "little")
            stream.seek(skipped, io.SEEK_CUR)
            inflater = zlib.decompressobj(-15)
            left = entry.compress_size
            while left > 0 and (packed := stream.read(min(left, 1 << 16))):
                left -= len(packed)
                is_packed = entry.compress_type == zipfile.ZIP_DEFLATED
                # 64 KB unpack to 67 MB at most.
                size += len(inflater.decompress(packed)) if is_packed else len(packed)
                limits.check("workbook_bytes", size, "bytes when unpacked")


def _refuse_large_sheet(path: Path, sheet_name: str, limits: Limits) -> None:
    """Refuse a sheet whose cells span too much: two cells in far corners take memory for all between them."""
    top = left = 1 << 62
    row = column = bottom = right = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal top, left, row, column, bottom, right
        kind = tag.rpartition(":")[2]
        if kind == "row":
            row, column = int(attributes.get("r") or row + 1), 0
        elif kind == "c":
            row, column = _cell_place(attributes["r"]) if "r" in attributes else (row, column + 1)
            top, bottom = min(top, row), max(bottom, row)
            left, right = min(left, column), max(right, column)
            if right - left >= limits.columns:
                limits.check("columns", right - left + 1, "columns")
            if (right - left + 1) * (bottom - top + 1) > limits.workbook_cells:
                limits.check("workbook_cells", (right - left + 1) * (bottom - top + 1), "cells in its span")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with zipfile.ZipFile(path) as archive, _sheet_part(archive, sheet_name) as stream:
        parser.ParseFile(stream)


def _cell_place(reference: str) -> tuple[int, int]:
    """`AB12` -> (12, 28)."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return int(reference[len(letters) :]), column


def _sheet_part(archive: zipfile.ZipFile, sheet_name: str) -> IO[bytes]:
    """The part of the archive that holds a sheet."""
    names = {name.lower().lstrip("/"): name for name in archive.namelist()}

    def part(name: str) -> IO[bytes]:
        return archive.open(names[name.lower().lstrip("/")])

    with part("xl/workbook.xml") as stream:
        relation = next(
            value
            for sheet in ElementTree.parse(stream).iter(f"{_MAIN_NAMESPACE}sheet")
            if sheet.get("name") == sheet_name
            for key, value in sheet.items()
            if key.endswith("}id")
        )
    with part("xl/_rels/workbook.xml.rels") as stream:
        target = next(
            entry.get("Target", "")
            for entry in ElementTree.parse(stream).getroot()
            if entry.get("Id") == relation
        )
    return part(target if target.startswith("/") else f"xl/{target}")


def _first_row(path: Path, sheet_name: str) -> int:
    """The number of the first row that holds a value; the reader leaves empty rows at the top out."""
    with zipfile.ZipFile(path) as archive, _sheet_part(archive, sheet_name) as stream:
        number = 0
        for event, element in ElementTree.iterparse(stream, events=("start", "end")):
            if event == "start" and element.tag == f"{_MAIN_NAMESPACE}row":
                number = int(element.get("r") or number + 1)
            elif event == "end" and element.tag in (f"{_MAIN_NAMESPACE}v", f"{_MAIN_NAMESPACE}t"):
                return number
    return 1


# Parquet -----------------------------------------------------------------------------------------


def _read_parquet(path: Path, limits: Limits) -> _Content:
    import pyarrow.parquet as pq

    source = pq.ParquetFile(path)
    # What the footer says is enough to refuse a file before anything in it is unpacked.
    limits.check("columns", source.metadata.num_columns, "columns")
    limits.check("rows", source.metadata.num_rows, "rows")
    groups = range(source.metadata.num_row_groups)
    unpacked = sum(source.metadata.row_group(group).total_byte_size for group in groups)
    limits.check("text_bytes", unpacked, "bytes when unpacked")
    return _Content([str(name) for name in source.schema_arrow.names], _parquet_batches(source))


def _parquet_batches(source: Any) -> Iterator["pyarrow.Table"]:
    import pyarrow as pa

    number = 0
    for batch in source.iter_batches(batch_size=_BATCH_ROWS):
        numbers = pa.arange(number + 1, number + batch.num_rows + 1)
        number += batch.num_rows
        yield _mark_nul(_with_values(numbers, [_as_text(column) for column in batch.columns]))


def _as_text(column: Any) -> Any:
    """One Parquet column as text: whole numbers without a fraction, midnights as dates, London time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        safe = pc.and_(pc.is_finite(column), pc.less(pc.abs(column), 2.0**53))
        whole = pc.fill_null(pc.and_(safe, pc.equal(pc.floor(column), column)), False)
        integers = pc.if_else(whole, column, 0.0).cast(pa.int64()).cast(pa.string())
        return pc.if_else(pc.is_null(column), None, pc.if_else(whole, integers, column.cast(pa.string())))
    if pa.types.is_timestamp(kind):
        if kind.tz:
            column = pc.local_timestamp(column.cast(pa.timestamp("us", tz="Europe/London")))
        text = column.cast(pa.timestamp("us")).cast(pa.string())
        return pc.replace_substring_regex(text, r"[ T]00:00:00(\.0+)?$", "")
    text = column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(text, r"\.0+$", "")
    return text


def _mark_nul(table: "pyarrow.Table") -> "pyarrow.Table":
    """Mark the rows of which a value holds a NUL character."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: Any = False
    for name in table.column_names[3:]:
        found = pc.or_(found, pc.fill_null(pc.match_substring(table[name], "\0"), False))
    if not pc.any(found).as_py():
        return table
    fault = pc.if_else(found, "nul_character", pa.scalar(None, pa.string()))
    return table.set_column(1, "_fault", fault.cast(pa.string()))
