"""Reads a folder of extracts the plain way, so that tests do not lean on the project's own ingest."""

from pathlib import Path

import polars as pl

KEYS = {
    "postings": ["posting_id"],
    "absences": ["absence_id"],
    "iqa": ["iqa_id"],
    "iqa_answers": ["iqa_id", "question_code"],
    "actions": ["action_id"],
    "dip_samples": ["dip_sample_id"],
    "dip_sample_answers": ["dip_sample_id", "question_code"],
    "reassessments": ["reassessment_id"],
    "reassessment_answers": ["reassessment_id", "question_code"],
    "feedback_quality": ["reassessment_id", "side", "feedback_question"],
    "evidence_requests": ["request_id"],
    "governance_items": ["item_id"],
    "control_totals": ["area_code", "unit_type", "assessment_type", "quarter_start", "measure"],
}


def read_file(path: Path) -> pl.DataFrame:
    """One extract with every column as text."""
    if path.suffix == ".parquet":
        rows = pl.read_parquet(path)
    elif path.suffix == ".xlsx":
        rows = pl.read_excel(path)
    else:
        rows = pl.read_csv(path, infer_schema=False)
    return rows.with_columns(pl.all().cast(pl.String))


def extract_date(path: Path) -> str:
    """The date in an extract's name."""
    return path.name.split(".")[0].rsplit("_", 1)[1]


def all_versions(folder: Path, dataset: str) -> pl.DataFrame:
    """Every row of a dataset with the extract date it came with, oldest first."""
    files = sorted((folder / dataset).iterdir(), key=extract_date)
    return pl.concat(
        [read_file(path).with_columns(extract_date=pl.lit(extract_date(path))) for path in files],
        how="diagonal",
    )


def current(folder: Path, dataset: str) -> pl.DataFrame:
    """The newest version of every key."""
    return all_versions(folder, dataset).unique(KEYS[dataset], keep="last", maintain_order=True)
