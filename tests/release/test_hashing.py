"""The content hash of a table, by text and by DuckDB's own row hash: what must not move it, and what must."""

import random
from typing import Any

import duckdb
import pytest

from dagster_project.release.hashing import Content, content_of

COLUMNS = [("iqa_id", "VARCHAR"), ("points", "INTEGER"), ("rate", "DOUBLE"), ("release_id", "VARCHAR")]
ROWS: list[tuple[Any, ...]] = [
    (f"IQA{number}", number % 3 or None, number / 7, "2024-07-26T01-00-00-abc") for number in range(5_000)
]


def hashed(rows: list[tuple[Any, ...]], by_engine: bool, threads: int = 2) -> Content:
    with duckdb.connect(config={"threads": threads}) as connection:
        declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        connection.execute(f"create table held ({declared})")
        connection.execute(
            "insert into held select unnest($1), unnest($2), unnest($3), unnest($4)",
            [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []],
        )
        return content_of(connection, "held", COLUMNS, by_engine=by_engine)


@pytest.fixture(params=[False, True], ids=["by text", "by engine"])
def by_engine(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_neither_order_nor_threads_nor_the_release_id_move_it(by_engine: bool) -> None:
    shuffled = random.Random(7).sample(ROWS, len(ROWS))
    renamed = [(*row[:-1], "another release") for row in shuffled]

    assert hashed(ROWS, by_engine) == hashed(renamed, by_engine, threads=1)
    assert hashed(ROWS, by_engine).rows == len(ROWS)


def test_zero_has_one_hash(by_engine: bool) -> None:
    row = ROWS[0]

    assert hashed([(*row[:2], 0.0, row[3])], by_engine) == hashed([(*row[:2], -0.0, row[3])], by_engine)


@pytest.mark.parametrize(
    "changed",
    [
        ROWS[:-1],
        [*ROWS, ROWS[-1]],
        [(*ROWS[0][:2], 1e-15, ROWS[0][3]), *ROWS[1:]],
        [("", *ROWS[0][1:]), *ROWS[1:]],
        [(None, *ROWS[0][1:]), *ROWS[1:]],
        # The same values in each column, in other rows.
        [(ROWS[1][0], *ROWS[0][1:]), (ROWS[0][0], *ROWS[1][1:]), *ROWS[2:]],
        [],
    ],
    ids=["a row less", "a row twice", "a digit", "empty text", "null", "swapped", "nothing"],
)
def test_any_change_moves_it(changed: list[tuple[Any, ...]], by_engine: bool) -> None:
    assert hashed(changed, by_engine).content_hash != hashed(ROWS, by_engine).content_hash
