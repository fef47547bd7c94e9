"""Two builds of one table, cell by cell.

Here: pairing rows by the grain and saying which cells differ. Not here: where the tables come from. The one
trap: a NULL in a key pairs with a NULL, and a row that only one side has counts as a difference.
"""

from dataclasses import dataclass

import duckdb

# Doubles may differ by this share of their size, or of 1 where they are smaller.
TOLERANCE = 1e-9
_FLOATING = ("DOUBLE", "FLOAT")


@dataclass(frozen=True)
class Comparison:
    """What comparing one table came to. `differing` counts cells; `examples` shows the first of them."""

    table: str
    rows: int
    cells: int
    missing_rows: int
    extra_rows: int
    missing_columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    differing: int
    examples: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Same rows, same columns, same cells."""
        return not (
            self.missing_rows
            or self.extra_rows
            or self.missing_columns
            or self.extra_columns
            or self.differing
        )

    def line(self) -> str:
        """For the report of the test."""
        what = f"{self.table}: {self.rows:,} rows, {self.cells:,} cells"
        if self.is_equal:
            return f"{what}, equal"
        return "\n    ".join(
            [
                f"{what}, {self.differing:,} cells differ, {self.missing_rows:,} rows missing, "
                f"{self.extra_rows:,} rows too many, columns missing {list(self.missing_columns)}, "
                f"too many {list(self.extra_columns)}",
                *self.examples,
            ]
        )


def compare_table(
    connection: duckdb.DuckDBPyConnection, table: str, expected: str, found: str, grain: list[str]
) -> Comparison:
    """Compare the relations `expected` and `found` (SQL), whose rows the columns `grain` tell apart."""
    types = _types(connection, expected)
    found_types = _types(connection, found)
    shared = [column for column in types if column in found_types]
    values = [column for column in shared if column not in grain]
    same_key = " and ".join(f'expected."{key}" is not distinct from found."{key}"' for key in grain)
    joined = f"""
        from (select *, true as is_there from {expected}) as expected
        full join (select *, true as is_there from {found}) as found on {same_key}
    """
    differs = {column: _differs(column, types[column]) for column in values}
    both = "expected.is_there and found.is_there"
    counts = connection.execute(
        f"select count(*) filter ({both}), count(*) filter (found.is_there is null), "
        "count(*) filter (expected.is_there is null)"
        + "".join(f", count(*) filter ({both} and {test})" for test in differs.values())
        + joined
    ).fetchone()
    assert counts is not None
    rows, missing, extra, *by_column = counts
    # A row that is there twice pairs with the one it copies.
    extra += max(0, rows - (_count(connection, expected) - missing))
    examples: list[str] = []
    for column, count in zip(differs, by_column, strict=True):
        if count:
            keys = ", ".join(f'expected."{key}"' for key in grain)
            first = connection.execute(
                f'select {keys}, expected."{column}", found."{column}" {joined} '
                f"where {both} and {differs[column]} order by all limit 1"
            ).fetchone()
            assert first is not None
            *key, wanted, got = first
            examples.append(
                f"{column} ({count:,} cells), first at {[str(part) for part in key]}: {wanted!r}, not {got!r}"
            )
    return Comparison(
        table=table,
        rows=rows,
        cells=rows * len(shared),
        missing_rows=missing,
        extra_rows=extra,
        missing_columns=tuple(column for column in types if column not in found_types),
        extra_columns=tuple(column for column in found_types if column not in types),
        differing=sum(by_column),
        examples=tuple(examples),
    )


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"select count(*) from {relation}").fetchone()
    assert found is not None
    return int(found[0])


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {name: type_ for name, type_, *_ in described}


def _differs(column: str, type_: str) -> str:
    wanted, got = f'expected."{column}"', f'cast(found."{column}" as {type_})'
    if type_ in _FLOATING:
        return (
            f"(({wanted} is null) <> ({got} is null) "
            f"or abs({wanted} - {got}) > {TOLERANCE} * greatest(1, abs({wanted})) "
            f"or isnan({wanted}) <> isnan({got}))"
        )
    return f"{wanted} is distinct from {got}"
