"""The content hash of a table: the same for the same rows, whatever their order or the thread count.

Each row is written as one text (column by column in the order of names, values with their lengths), hashed
with sha256, and the hashes are added up in four lanes of 64 bits; the sums and the number of rows make the
table's hash. Adding needs no sorting, so memory stays flat. Tables of the restricted part alone, the
row-level facts above all, are hashed by DuckDB's own function instead: 3 million rows of 26 columns take
0.1 s, as text they take 7. What that costs: another version of DuckDB may hash the same rows to something
else. Sign-offs hang on the shareable marts.
The trap: adding up is proof against accidents, not against someone who crafts rows. Whether files were
tampered with is what their own sha256 in the release manifest tells.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from dagster_project.release.exports import literal, quoted

# What differs between two runs over the same inputs, code and as_of.
VOLATILE = frozenset({"release_id", "created_at", "refreshed_at", "refreshed"})
_LANES = (1, 17, 33, 49)


@dataclass(frozen=True)
class Content:
    """How many rows a relation holds, and the hash of them."""

    rows: int
    content_hash: str


def content_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, str]],
    condition: str = "true",
    *,
    by_engine: bool = False,
) -> Content:
    """Row count and content hash of the `columns` (name, type) of `relation` where `condition` holds.

    `relation` is SQL and trusted. Columns in `VOLATILE` are left out. `by_engine` takes DuckDB's own hash.
    """
    source = f"(select * from {relation} where {condition})"
    found = _hashed(connection, source, columns, (), by_engine=by_engine)
    # Without groups there is one row, also for no rows at all.
    return found[()]


def contents_by(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, str]],
    groups: Sequence[str],
) -> dict[tuple[object, ...], Content]:
    """The same for each combination of values of the columns `groups`."""
    return _hashed(connection, relation, columns, groups)


def _hashed(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, str]],
    groups: Sequence[str],
    *,
    by_engine: bool = False,
) -> dict[tuple[object, ...], Content]:
    hashed = sorted((name, kind) for name, kind in columns if name not in VOLATILE)
    keys = "".join(f"{name}, " for name in groups)
    if by_engine:
        values = ", ".join(quoted(name) for name, _ in hashed) or "0"
        # Two sums of differently mixed hashes: rows that meet in one by chance part in the other.
        row_hash, lanes = (
            f"hash({values})",
            ", ".join(f"coalesce(sum({lane}), 0)::varchar" for lane in ("row_hash", "hash(row_hash, 1)")),
        )
    else:
        # Texts first: within `coalesce` DuckDB would make each of them twice.
        texts = ", ".join(f"{_text(name, kind)} as text_{n}" for n, (name, kind) in enumerate(hashed))
        relation = f"(select {keys}{texts or 'null'} from {relation} as source)"
        # One call for the row: a chain of `||` would copy the growing text once for every column. `concat`
        # passes over the NULL that follows the dash.
        pieces = ", ".join(f"coalesce(length(text_{n}) || ':', '-'), text_{n}" for n in range(len(hashed)))
        row_hash = f"sha256(concat({pieces or literal('')}))"
        lanes = ", ".join(
            f"coalesce(sum(('0x' || substr(row_hash, {start}, 16))::ubigint), 0)::varchar" for start in _LANES
        )
    header = ",".join(f"{name} {kind}" for name, kind in hashed)
    rows = connection.execute(
        f"with hashed as (select {keys}{row_hash} as row_hash from {relation} as source) "
        f"select {keys}count(*), {lanes} from hashed" + (f" group by {keys[:-2]}" if groups else "")
    ).fetchall()
    return {
        tuple(row[: len(groups)]): Content(
            rows=int(row[len(groups)]),
            content_hash=hashlib.sha256(
                "\n".join([header, *map(str, row[len(groups) :])]).encode()
            ).hexdigest(),
        )
        for row in rows
    }


def _text(name: str, kind: str) -> str:
    column = quoted(name)
    # -0.0 equals 0.0 but prints otherwise; which of the two a sum yields may depend on its order.
    return f"({column} + 0.0)::varchar" if kind.upper() in ("DOUBLE", "FLOAT") else f"{column}::varchar"
