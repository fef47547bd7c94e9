"""Extracts for tests: files of valid rows, of which a test changes what it is about.

Belongs here: default rows per dataset, writers for each kind of file. Does not: expectations. The defaults
belong together: three people with postings (S1 a senior crown prosecutor, S2 a district crown prosecutor,
S3 a senior district crown prosecutor, all in Wessex MC); S2 assesses S1 and S3 dip samples. The trap:
row N of a file gets ids ending in N, so two files with the same row numbers hold versions of the same rows.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

DEFAULT_EXTRACT_DATE = "2024-07-26"
STAFF = (
    {"posting_id": "P1", "staff_id": "S1", "grade": "SCP"},
    {"posting_id": "P2", "staff_id": "S2", "grade": "DCP"},
    {"posting_id": "P3", "staff_id": "S3", "grade": "SDCP"},
)
_DEFAULTS: dict[str, dict[str, Any]] = {
    "postings": {
        "posting_id": "P{n}",
        "staff_id": "S{n}",
        "grade": "SCP",
        "area_code": "WES",
        "unit_type": "MC",
        "role_type": "non_advocacy",
        "fte": "1",
        "start_date": "2020-01-01",
        "end_date": "",
        "line_manager_id": "",
    },
    "absences": {
        "absence_id": "AB{n}",
        "staff_id": "S1",
        "absence_type": "leave",
        "start_date": "2024-05-01",
        "end_date": "2024-05-10",
    },
    "iqa": {
        "iqa_id": "I{n}",
        "assessment_type": "casework",
        "instrument_version": "CW-2023",
        "urn": "URN{n}",
        "area_code": "WES",
        "unit_type": "MC",
        "subject_id": "S1",
        "assessor_id": "S2",
        "selection_method": "manager",
        "theme_campaign": "",
        "opened_on": "2024-05-01",
        "assessed_on": "2024-05-02",
        "conversation_on": "2024-05-03",
        "closed_on": "2024-05-07",
        "feedback_on": "",
        "feedback_comment": "",
        "overall_rating": "Y",
        "status": "closed",
    },
    "iqa_answers": {
        "iqa_id": "I1",
        "question_code": "CR{n:02d}",
        "answer": "Y",
        "comment": "",
        "is_issue": "false",
        "is_good_practice": "false",
    },
    "actions": {
        "action_id": "AC{n}",
        "iqa_id": "I1",
        "question_code": "CR01",
        "action_level": "individual",
        "description": "Set out the trial strategy",
        "owner_id": "S1",
        "raised_on": "2024-05-07",
        "due_on": "2024-06-07",
        "completed_on": "",
        "verified_by_id": "",
    },
    "dip_samples": {
        "dip_sample_id": "D{n}",
        "iqa_id": "I1",
        "sampler_id": "S3",
        "sampled_on": "2024-06-03",
        "is_marked": "true",
        "overall_rating": "Y",
        "comment": "A fair assessment",
        "opinion": "agree",
        "feedback_given_on": "",
        "action_for_assessor": "",
    },
    "dip_sample_answers": {"dip_sample_id": "D1", "question_code": "CR{n:02d}", "answer": "Y", "comment": ""},
    "reassessments": {
        "reassessment_id": "R{n}",
        "inspection_code": "REF2024",
        "iqa_id": "I1",
        "inspector_id": "X1",
        "reassessed_on": "2024-07-15",
        "overall_rating": "Y",
        "purpose": "inspection",
    },
    "reassessment_answers": {
        "reassessment_id": "R1",
        "question_code": "CR{n:02d}",
        "agrees": "true",
        "answer": "",
        "difference_categories": "",
        "reason_code": "",
        "reason_text": "",
    },
    "feedback_quality": {
        "reassessment_id": "R1",
        "side": "dcp_comment",
        "feedback_question": "FQ{n}",
        "score": "1",
    },
    "evidence_requests": {
        "request_id": "ER{n}",
        "iqa_id": "I1",
        "side": "dcp_to_prosecutor",
        "requested_on": "2024-07-01",
        "due_on": "2024-07-15",
        "received_on": "",
        "document_type": "",
        "is_accepted": "",
    },
    "governance_items": {
        "item_id": "G{n}",
        "body": "CQB",
        "area_code": "WES",
        "held_on": "2024-06-20",
        "theme_code": "",
        "decision": "Discussed",
    },
    "control_totals": {
        "area_code": "WES",
        "unit_type": "ALL",
        "assessment_type": "casework",
        "quarter_start": "2024-04-01",
        "measure": "iqas_assessed",
        "value": "{n}",
        "supplied_by": "Operational Assurance",
        "supplied_on": "2024-07-20",
    },
}
DATASETS = tuple(_DEFAULTS)


def extract_row(dataset: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A valid row of a dataset, with `changes`; ids end in `number`."""
    row = {
        name: value.format(n=number) if "{n" in str(value) else value
        for name, value in _DEFAULTS[dataset].items()
    }
    return row | changes


def write_extract(
    raw_dir: Path,
    dataset: str,
    extract_date: str = DEFAULT_EXTRACT_DATE,
    rows: int | Iterable[Row] = 1,
    *,
    part: int | None = None,
    name: str | None = None,
    ending: str = "csv",
    drop: Iterable[str] = (),
    rename: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Path:
    """Write one extract and return its path.

    `rows` is a number of default rows, or what to change in each row. `drop` leaves columns out, `rename`
    gives columns other headers, `name` replaces the whole file name. Columns that only `rows` name are added.
    """
    changes = [{}] * rows if isinstance(rows, int) else list(rows)
    full = [extract_row(dataset, number, **change) for number, change in enumerate(changes, start=1)]
    dropped = set(drop)
    extra = [column for row in full for column in row if column not in _DEFAULTS[dataset]]
    columns = [c for c in dict.fromkeys([*_DEFAULTS[dataset], *extra]) if c not in dropped]
    headers = [(rename or {}).get(column, column) for column in columns]
    values = [[row.get(column, "") for column in columns] for row in full]
    suffix = f"_{part}" if part is not None else ""
    path = raw_dir / dataset / (name or f"{dataset}_{extract_date}{suffix}.{ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending in ("csv", "csv.gz"):
        data = csv_text([headers, *values]).encode(encoding)
        path.write_bytes(gzip.compress(data, mtime=0) if ending == "csv.gz" else data)
    elif ending == "xlsx":
        _write_workbook(path, headers, values)
    elif ending == "parquet":
        _write_parquet(path, headers, values)
    else:
        raise ValueError(f"unknown ending {ending!r}")
    return path


def csv_text(records: Iterable[Iterable[Any]]) -> str:
    """Records as CSV text with quotes where RFC 4180 needs them."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(records)
    return out.getvalue()


def write_base(raw_dir: Path, extract_date: str = DEFAULT_EXTRACT_DATE, iqas: int = 1) -> None:
    """Write the postings of S1, S2 and S3, and `iqas` assessments of S1 by S2."""
    write_extract(raw_dir, "postings", extract_date, STAFF)
    write_extract(raw_dir, "iqa", extract_date, iqas)


def write_complete(raw_dir: Path, extract_date: str = DEFAULT_EXTRACT_DATE) -> None:
    """Write one valid extract of every dataset."""
    write_base(raw_dir, extract_date)
    for dataset in DATASETS:
        if dataset not in ("postings", "iqa"):
            write_extract(raw_dir, dataset, extract_date)


def _write_workbook(path: Path, headers: list[str], values: list[list[Any]]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as workbook:
        sheet = workbook.add_worksheet("Extract")
        sheet.write_row(0, 0, headers)
        for number, row in enumerate(values, start=1):
            sheet.write_row(number, 0, row)


def _write_parquet(path: Path, headers: list[str], values: list[list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*values, strict=True)) if values else [[] for _ in headers]
    pq.write_table(pa.table([pa.array(list(column)) for column in columns], names=headers), path)
