"""The table files of a release: Parquet, CSV and a DuckDB database.

Writes the tables it is given and decides nothing about what may leave (`tables.py` does).
The trap: DuckDB's own newest storage format can't be read by older clients, so the database is written in
that of 1.2.0. `STORAGE_VERSION` may rise only when no supported DuckDB is older.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from dagster_project.release.dictionary import FORMULA_STARTS
from dagster_project.release.tables import ReleasedTable

STORAGE_VERSION = "v1.2.0"
DATABASE = "iqa_marts.duckdb"


@dataclass(frozen=True)
class Source:
    """Where the rows of a table come from: a relation (SQL, trusted), its columns' types, a row condition.

    `is_ordered` says that the relation already gives them in the order of the grain.
    """

    table: ReleasedTable
    relation: str
    types: tuple[tuple[str, str], ...]
    condition: str
    is_ordered: bool = False

    def rows(self, *, safe_text: bool = False) -> str:
        """The SELECT of the released columns, in the order of the grain.

        Row-level facts have no set order: sorting 30 million answers would cost more than writing them.
        """
        columns = ", ".join(
            _spreadsheet_safe(name) if safe_text and kind.upper() == "VARCHAR" else quoted(name)
            for name, kind in self.types
        )
        order = ", ".join(f"source.{quoted(name)}" for name in self.table.grain)
        sorts = order and self.table.is_shareable and not self.is_ordered
        ordered = f" order by {order}" if sorts else ""
        return f"select {columns} from {self.relation} as source where {self.condition}{ordered}"


def write_parquet(connection: duckdb.DuckDBPyConnection, source: Source, folder: Path) -> Source:
    """A Parquet file of a table, compressed with zstd; returns it as a source of the same rows."""
    target = folder / f"{source.table.name}.parquet"
    connection.execute(f"copy ({source.rows()}) to {literal(target)} (format parquet, compression zstd)")
    return replace(source, relation=f"read_parquet({literal(target)})", condition="true", is_ordered=True)


def write_csv(connection: duckdb.DuckDBPyConnection, source: Source, folder: Path) -> None:
    """A CSV file of a table: UTF-8, a header, and no text cell that a spreadsheet would run as a formula.

    Numbers stay as they are, so -0.1 is still a number.
    """
    target = folder / f"{source.table.name}.csv"
    connection.execute(f"copy ({source.rows(safe_text=True)}) to {literal(target)} (format csv, header true)")


def write_database(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], target: Path) -> None:
    """A DuckDB database of the tables, with comments, finished and without a write-ahead log beside it.

    Nothing that lists the tables of all databases (`duckdb_columns`) may run beside it: it would be a
    transaction of this one too, and keep it from being finished.
    """
    connection.execute(
        f"attach {literal(target)} as release_file (storage_version {literal(STORAGE_VERSION)})"
    )
    try:
        for source in sources:
            name = f"release_file.main.{quoted(source.table.name)}"
            connection.execute(f"create table {name} as {source.rows()}")
        # In one go: each comment on its own would be written and flushed on its own.
        connection.execute("; ".join(["begin", *_comments(sources), "commit"]))
        connection.execute("checkpoint release_file")
    finally:
        connection.execute("detach release_file")


def _comments(sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        name = f"release_file.main.{quoted(source.table.name)}"
        yield f"comment on table {name} is {literal(source.table.description)}"
        for column in source.table.columns:
            yield f"comment on column {name}.{quoted(column.name)} is {literal(column.description)}"


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """`value` as an SQL text."""
    return "'" + str(value).replace("'", "''") + "'"


def _spreadsheet_safe(name: str) -> str:
    column = quoted(name)
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    return f"case when left({column}, 1) in ({starts}) then chr(39) || {column} else {column} end as {column}"
