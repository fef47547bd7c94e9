"""Writes extracts so that the same content is the same bytes.

What the rows say does not belong here. The one trap: gzip and xlsx files carry times unless told otherwise;
here they carry none.
"""

import gzip
import io
from datetime import datetime
from pathlib import Path

import polars as pl
import xlsxwriter

ENDINGS = {
    "iqa": "csv.gz",
    "iqa_answers": "csv.gz",
    "actions": "csv.gz",
    "absences": "csv.gz",
    "dip_sample_answers": "csv.gz",
    "reassessment_answers": "csv.gz",
    "feedback_quality": "parquet",
    "evidence_requests": "parquet",
    "governance_items": "xlsx",
    "control_totals": "xlsx",
}
_XLSX_CREATED = datetime(2000, 1, 1)
_GZIP_LEVEL = 6


def write_extract(out: Path, dataset: str, extract_date: str, rows: pl.DataFrame) -> Path | None:
    """Write one extract and return its path; an empty extract is not written."""
    if rows.is_empty():
        return None
    folder = out / dataset
    folder.mkdir(parents=True, exist_ok=True)
    ending = ENDINGS.get(dataset, "csv")
    path = folder / f"{dataset}_{extract_date}.{ending}"
    if ending == "xlsx":
        _write_xlsx(path, rows)
    elif ending == "parquet":
        rows.write_parquet(path, compression="zstd", statistics=False)
    else:
        text = io.BytesIO()
        rows.write_csv(text)
        content = text.getvalue()
        if ending == "csv.gz":
            content = gzip.compress(content, compresslevel=_GZIP_LEVEL, mtime=0)
        path.write_bytes(content)
    return path


def _write_xlsx(path: Path, rows: pl.DataFrame) -> None:
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", "strings_to_urls": False})
    book.set_properties({"created": _XLSX_CREATED})
    sheet = book.add_worksheet("extract")
    sheet.write_row(0, 0, rows.columns)
    for number, row in enumerate(rows.iter_rows(), start=1):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, value)
    book.close()


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns as the text a CSV would hold."""
    return rows.with_columns(pl.all().cast(pl.String))
