"""A small warehouse with one metric mart, made by hand, and the policy that belongs to it.

Here: the mart `counts` (units in Areas in a nation, over quarters and a year) from a mapping of unit counts.
Not here: assertions. The trap: totals are worked out from the units, so a test changes units, never totals.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import yaml

from dagster_project.disclosure.policy import Policy, read_policy
from dagster_project.release.tables import ReleasedColumn, ReleasedTable

Q1, Q2, Q3, Q4 = (date(2023, 4, 1), date(2023, 7, 1), date(2023, 10, 1), date(2024, 1, 1))
YEAR = (Q1, Q2, Q3, Q4)
KEY = ("level", "area_code", "unit_type", "period_type", "period_start")
COLUMNS = {
    "release_id": "varchar",
    "as_of": "date",
    **dict.fromkeys(KEY[:-1], "varchar"),
    "period_start": "date",
    "period_end": "date",
    "reliability": "varchar",
    "is_suppressed": "boolean",
    "suppressed_columns": "varchar",
    "null_reason": "varchar",
    "done": "bigint",
    "due": "bigint",
    "done_rate": "double",
    "note": "varchar",
}
POLICY = {
    "standard_columns": [
        "release_id",
        "as_of",
        *KEY,
        "period_end",
        "reliability",
        "is_suppressed",
        "suppressed_columns",
        "null_reason",
    ],
    "reference_tables": ["dim_area"],
    "structural_reasons": ["no_requirement"],
    "areas_of_the_nation": "select area_code from {marts}.dim_area where not is_test",
    "lines": {
        "geography": [
            {
                "id": "areas make the nation",
                "parent": "level = 'national'",
                "child": "level = 'area' and area_code in (select area_code from areas_of_the_nation)",
                "over": ["level", "area_code", "unit_type"],
            },
            {
                "id": "units make the area",
                "parent": "level = 'area'",
                "child": "level = 'unit'",
                "over": ["level", "unit_type"],
            },
        ],
        "time": [
            {
                "id": "quarters make the year",
                "parent": "period_type = 'year'",
                "child": "period_type = 'quarter'",
                "over": ["period_type", "period_start"],
                "within": "child.period_start between parent.period_start and parent.period_end",
            }
        ],
    },
    "marts": {
        "counts": {
            "headline": ["due"],
            "shown": ["note"],
            "lines": ["geography"],
            "windows": ["time"],
            "counts": ["done", "due"],
            "at_most": [["done", "due"]],
            "derived": [{"columns": ["done_rate"], "from": ["done", "due"]}],
            "uniform": [{"num": "done", "den": "due", "where": "done = 0"}],
        }
    },
}

# (area, unit) -> done in each quarter; due is twice that and ten.
Units = Mapping[tuple[str, str], tuple[int, ...]]
SAFE: Units = {
    ("EM", "MC"): (20, 21, 22, 23),
    ("EM", "CC"): (12, 13, 14, 15),
    ("NE", "MC"): (30, 31, 32, 33),
    ("NE", "CC"): (9, 8, 7, 6),
}


def released_tables() -> list[ReleasedTable]:
    """The tables as dbt's manifest would describe them."""
    return [_table("counts", KEY, COLUMNS), _table("dim_area", ("area_code",), _AREA_COLUMNS)]


_AREA_COLUMNS = {"area_code": "varchar", "is_test": "boolean"}


def _table(name: str, grain: tuple[str, ...], columns: Mapping[str, str]) -> ReleasedTable:
    return ReleasedTable(
        name=name,
        description=name,
        owner="Testers",
        grain=grain,
        metrics=(),
        is_shareable=True,
        restricted_when=None,
        columns=tuple(ReleasedColumn(column, kind, column, "count", "") for column, kind in columns.items()),
    )


def make_policy(folder: Path, **changes: object) -> Policy:
    """The policy, with changes to the mart's entry, read from a file as the project's is."""
    document = {**POLICY, "marts": {"counts": {**POLICY["marts"]["counts"], **changes}}}  # type: ignore[index]
    path = folder / "disclosure.yml"
    path.write_text(yaml.safe_dump(document))
    return read_policy(path)


@contextmanager
def warehouse(units: Units, due: Units | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a warehouse of these units attached."""
    connection = duckdb.connect(":memory:")
    connection.execute("attach ':memory:' as warehouse")
    for schema in ("marts", "seeds"):
        connection.execute(f"create schema warehouse.{schema}")
    connection.execute(
        "create table warehouse.seeds.policies as select * from (values "
        "('suppress_count_max', 4.0), ('suppress_secondary_width_min', 3.0), ('uniform_group_below', 10.0)"
        ") as made(policy_key, policy_value)"
    )
    connection.execute(
        "create table warehouse.marts.dim_area as select distinct area_code, area_code = 'REF' as is_test "
        "from (select unnest($areas) as area_code)",
        {"areas": sorted({area for area, _ in units})},
    )
    fill(connection, units, due)
    try:
        yield connection
    finally:
        connection.close()


def fill(
    connection: duckdb.DuckDBPyConnection, units: Units, due: Units | None = None, as_of: str = "2024-07-26"
) -> None:
    """Make the mart `counts` of these units, all of whose quarters are over at the default `as_of`."""
    rows = [
        (area, unit, start, count, due[area, unit][place] if due else 2 * count + 10)
        for (area, unit), counts in units.items()
        for place, (start, count) in enumerate(zip(YEAR, counts, strict=False))
    ]
    connection.execute("create or replace temp table units (area text, unit text, q date, done int, due int)")
    connection.executemany("insert into units values (?, ?, ?, ?, ?)", rows)
    connection.execute(
        f"""
        create or replace table warehouse.marts.counts as
        with levels as (
            select 'national' as level, 'ALL' as area_code, 'ALL' as unit_type, *
            from units
            where area <> 'REF'
            union all
            select 'area', area, 'ALL', * from units
            union all
            select 'unit', area, unit, * from units
        ),
        periods as (
            select
                level, area_code, unit_type, 'quarter' as period_type, q as period_start,
                cast(q + interval 3 month - interval 1 day as date) as period_end, done, due
            from levels
            union all
            select
                level, area_code, unit_type, 'year', date '2023-04-01', date '2024-03-31', done, due
            from levels
        )
        select
            'r1' as release_id, date '{as_of}' as as_of, level, area_code, unit_type, period_type,
            period_start, period_end,
            'ok' as reliability, false as is_suppressed, cast(null as varchar) as suppressed_columns,
            cast(null as varchar) as null_reason, cast(sum(done) as bigint) as done,
            cast(sum(due) as bigint) as due, sum(done) / nullif(sum(due), 0)::double as done_rate, 'x' as note
        from periods
        group by all
        """
    )
