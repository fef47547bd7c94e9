"""The last look before anything leaves: no staff id and no case reference among the values to be released.

It compares the values of the text columns with what the extracts hold; recovering suppressed counts is the
business of `disclosure/`. The trap: a column can be marked public by mistake under a harmless name, so names
alone prove nothing.
"""

from collections.abc import Sequence

import duckdb

from dagster_project.release.errors import ReleaseError
from dagster_project.release.exports import Source, literal, quoted
from dagster_project.release.pseudonyms import STAFF_COLUMNS

# Shorter ids meet codes by chance: staff number 12 and Area code "12" are not a leak.
ID_LENGTH_MIN = 5


def refuse_leaks(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], catalog: str = "warehouse"
) -> None:
    """Raise ReleaseError if a text column of `sources` holds a staff id or a URN of the extracts."""
    connection.execute(
        "create or replace temp table private_values as select distinct value "
        f"from ({_private(connection, catalog)}) as held where length(value) >= {ID_LENGTH_MIN}"
    )
    try:
        for source in sources:
            _look(connection, source)
    finally:
        connection.execute("drop table private_values")


def _look(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    texts = [name for name, kind in source.types if kind.upper() == "VARCHAR"]
    if not texts:
        return
    # A column at a time: DuckDB then reads little more than the ends of each, which takes a sixth of the time
    # of one pass over all columns.
    hits = " union all ".join(
        f"select {literal(name)} as name, count(*) as hits from {source.relation} as source "
        f"semi join private_values on source.{quoted(name)} = private_values.value where {source.condition}"
        for name in texts
    )
    found = connection.execute(f"select name, hits from ({hits}) as looked where hits > 0 order by name")
    leaks = [f"{name} ({number} rows)" for name, number in found.fetchall()]
    if leaks:
        raise ReleaseError(
            f"Staff ids or case references stand in columns marked public: {', '.join(leaks)}.",
            where=f"table {source.table.name}",
            expected="pseudonyms (staff_key) and no case references",
            next_step="Publish the pseudonym instead, or take the mark `public` from the column.",
        )


def _private(connection: duckdb.DuckDBPyConnection, catalog: str) -> str:
    found = connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = $catalog "
        "and schema_name = 'raw' and table_name <> 'staff_pseudonyms' and list_contains($names, column_name) "
        "order by table_name, column_name",
        {"catalog": catalog, "names": [*STAFF_COLUMNS, "urn"]},
    ).fetchall()
    union = " union all ".join(
        f"select {quoted(column)}::varchar as value from {quoted(catalog)}.raw.{quoted(table)}"
        for table, column in found
    )
    return union or "select null::varchar as value where false"
