"""The comparison itself: what it has to notice, and what it has to let pass.

Here: two tables of a few rows. Not here: Spark. The one trap: a comparison that notices nothing looks like
success.
"""

import duckdb
import pytest

from tests.spark.comparing import Comparison, compare_table

EXPECTED = """
    select * from (values
        ('WES', 'MC', 3, 0.25::double, date '2024-04-01'),
        ('WES', null, 4, null, date '2024-04-01'),
        ('CYM', 'MC', 5, 1000.0, null)
    ) as rows(area_code, unit_type, n, rate, month)
"""


def compared(found: str) -> Comparison:
    with duckdb.connect() as connection:
        connection.execute(f"create table expected_rows as {EXPECTED}")
        connection.execute(f"create table found_rows as select * from ({EXPECTED})")
        connection.execute(found)
        return compare_table(
            connection, "compliance", "expected_rows", "found_rows", ["area_code", "unit_type"]
        )


@pytest.mark.parametrize(
    "unchanged",
    [
        "select 1",
        "update found_rows set rate = rate + 1e-10 where unit_type = 'MC'",
        "update found_rows set rate = rate + 1e-7 where area_code = 'CYM'",
        "create or replace table found_rows as select * from found_rows order by n desc",
    ],
)
def test_rounding_and_the_order_of_rows_are_no_difference(unchanged: str) -> None:
    comparison = compared(unchanged)
    assert comparison.is_equal
    assert (comparison.rows, comparison.cells) == (3, 15)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "update found_rows set n = n + 1 where area_code = 'CYM'",
            "n (1 cells), first at ['CYM', 'MC']: 5, not 6",
        ),
        ("update found_rows set rate = rate + 1e-8 where unit_type = 'MC' and n = 3", "rate (1 cells)"),
        (
            "update found_rows set rate = 0 where unit_type is null",
            "rate (1 cells), first at ['WES', 'None']",
        ),
        ("update found_rows set rate = 'nan' where n = 3", "rate (1 cells)"),
        ("update found_rows set month = month + 1 where n = 3", "month (1 cells)"),
        ("update found_rows set month = null where n = 3", "month (1 cells)"),
        ("delete from found_rows where n = 5", "1 rows missing"),
        ("insert into found_rows values ('CYM', 'RASSO', 1, 0, null)", "1 rows too many"),
        ("insert into found_rows select * from found_rows where n = 5", "1 rows too many"),
        ("alter table found_rows drop column rate", "columns missing ['rate']"),
        ("alter table found_rows add column later integer", "too many ['later']"),
    ],
)
def test_a_difference_is_found_and_named(change: str, said: str) -> None:
    comparison = compared(change)
    assert not comparison.is_equal
    assert said in comparison.line()
