"""Extracts in, schema `raw` out: delivery, landing, typing, rules, versions, accounting.

Belongs here: everything up to one standing, typed row per primary key. Does not: metrics, releases. The
way in is `ingest`. The trap: importing this package loads DuckDB, so the command line imports it late.
"""

from dagster_project.extracts.errors import ExtractError
from dagster_project.extracts.ingestion import ingest
from dagster_project.extracts.result import FailedCheck, FileOutcome, IngestResult, RuleCount

__all__ = ["ExtractError", "FailedCheck", "FileOutcome", "IngestResult", "RuleCount", "ingest"]
