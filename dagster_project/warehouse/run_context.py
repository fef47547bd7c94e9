"""The one row that tells the models which run they are part of: `raw.run_context`.

What belongs here: writing that row. dbt gets no variables that change between runs, because each change would
cost a parse; models read this table instead. The one trap: `release_id` and `created_at` differ between two
runs over the same inputs, so content hashes leave columns that come from them out.
"""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb


@dataclass(frozen=True)
class RunContext:
    """What a run is called, and on what terms its figures stand. `created_at` is UTC without an offset."""

    as_of: date
    release_id: str
    code_version: str
    created_at: datetime
    is_demo_key: bool
    pseudonym_key_id: str


def write_run_context(connection: duckdb.DuckDBPyConnection, context: RunContext) -> None:
    """Replace `raw.run_context` in the database `connection` is in."""
    connection.execute("create schema if not exists raw")
    connection.execute(
        """
        create or replace table raw.run_context (
            as_of date not null,
            release_id varchar not null,
            code_version varchar not null,
            created_at timestamp not null,
            is_demo_key boolean not null,
            pseudonym_key_id varchar not null
        )
        """
    )
    connection.execute(
        "insert into raw.run_context values (?, ?, ?, ?, ?, ?)",
        [
            context.as_of,
            context.release_id,
            context.code_version,
            context.created_at,
            context.is_demo_key,
            context.pseudonym_key_id,
        ],
    )
