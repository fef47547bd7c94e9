"""Whether settled counts moved by more than the policy allows since the last release.

Here: one check of the candidate against the release that readers have. Not here: why a count moved
(`revisions`, `iqa diff`), nor whether the move is right, which a person says by a waiver. What it catches: a
file that was taken out of the raw folder, an extract cut short, a mapping that sends an Area elsewhere.

The trap: history that arrives for the first time is no change. A count that was not there, or 0, is not
compared; neither is anything when the candidate's reporting date lies before the last release's.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.release.exports import literal, quoted
from dagster_project.release.tables import ReleasedTable
from dagster_project.warehouse.policies import policy_numbers

CHANGE_IS_BOUNDED = Check(
    id="assure:change_is_bounded",
    kind=Kind.RECONCILIATION,
    subject="marts",
    severity=Severity.ERROR,
    owner="Operational Assurance",
    reason="A settled quarter that moves by much since the last release is a lost or doubled file until "
    "somebody explains it.",
)
_POLICIES = ("change_share_max", "change_count_min", "change_settled_days")
# Counts that move only with what was delivered, one row an Area, type and quarter.
_MEASURES = (
    ("compliance", "iqas_assessed", "policy = 'half'"),
    ("dip_sampling", "dips_valid", "true"),
    ("assessment_quality", "iqas_assessed", "true"),
)
_KEY = ("area_code", "assessment_type", "period_start")
_PLACED = {*_KEY, "level", "unit_type", "period_type", "period_end", "as_of"}


@dataclass(frozen=True)
class _Bounds:
    share_max: float
    count_min: float
    settled_days: float


def check_change(
    connection: duckdb.DuckDBPyConnection, tables: list[ReleasedTable], last_release: Path | None
) -> Check:
    """The completed check: schema `marts` of the current database against the folder of the last release.

    A count of an Area's quarter that was over at the last release may fall, and one settled for longer than
    policy `change_settled_days` may grow, by `change_share_max` of what it was or by fewer than
    `change_count_min`.

    Raises IqaError when a policy row is missing.
    """
    if last_release is None:
        return CHANGE_IS_BOUNDED.passed("there is no release before this one")
    bounds = _Bounds(*policy_numbers(connection, _POLICIES).values())
    found: list[dict[str, object]] = []
    columns = {table.name: {column.name for column in table.columns} for table in tables}
    compared = 0
    for mart, count, where in _MEASURES:
        file = last_release / "restricted" / "parquet" / f"{mart}.parquet"
        here = columns.get(mart, set())
        # A mart of an older release may have other columns: what can't be compared is not.
        if not (
            {count} | _PLACED <= here and file.exists() and {count} | _PLACED <= _columns(connection, file)
        ):
            continue
        compared += 1
        found += _moved(connection, mart, count, where, file, bounds)
    if not found:
        return CHANGE_IS_BOUNDED.passed(f"{compared} counts compared with {last_release.name}")
    worst = max(found, key=lambda row: abs(_number(row["now"]) - _number(row["was"])))
    return CHANGE_IS_BOUNDED.failed(
        f"{len(found)} settled counts moved by more than {bounds.share_max:.0%} since {last_release.name}, "
        f"most {worst['mart']}.{worst['column']} of {worst['area_code']} in the quarter from "
        f"{worst['period_start']}: {worst['was']} became {worst['now']}. If that is right, "
        "waive this check; if not, look for a file that is missing, cut short or delivered twice",
        len(found),
        found,
    )


def _moved(
    connection: duckdb.DuckDBPyConnection, mart: str, count: str, where: str, file: Path, bounds: _Bounds
) -> list[dict[str, object]]:
    rows = "level = 'area' and unit_type = 'ALL' and period_type = 'quarter'"
    key = ", ".join(_KEY)
    relation = connection.execute(
        f"""
        with was as (
            select {key}, period_end, as_of, {count} as was
            from read_parquet({literal(file)}) where {rows} and {where} and {count} > 0
        ),
        held as (
            select {key}, {count} as now from marts.{quoted(mart)} where {rows} and {where}
        ),
        reported as (select max(as_of) as as_of from marts.{quoted(mart)}),
        moved as (
            select was.*, coalesce(held.now, 0) as now
            from was
            cross join reported
            left join held using ({key})
            where was.period_end < was.as_of and reported.as_of >= was.as_of
        )
        select area_code, assessment_type, period_start::varchar as period_start, was, now
        from moved
        where
            abs(now - was) >= $count_min
            and abs(now - was) > $share_max * was
            and (now < was or date_diff('day', period_end, as_of) > $settled_days)
        order by abs(now - was) desc, {key}
        """,
        {"count_min": bounds.count_min, "share_max": bounds.share_max, "settled_days": bounds.settled_days},
    )
    names = [column[0] for column in relation.description]
    return [
        {"mart": mart, "column": count, **dict(zip(names, row, strict=True))} for row in relation.fetchall()
    ]


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> set[str]:
    return {row[0] for row in connection.execute(f"describe from read_parquet({literal(file)})").fetchall()}


def _number(value: object) -> float:
    return float(str(value))
