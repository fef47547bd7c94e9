"""Counts that move by too much between two releases: which are caught, which are not, and what a run says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.assurance import waivers
from dagster_project.assurance.bounds import check_change
from dagster_project.gate.checks import Verdict
from dagster_project.release.history import current_release
from dagster_project.release.tables import ReleasedTable
from tests.assurance.conftest import SECOND, iqa_rows
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow

CHECK = "assure:change_is_bounded"
NAMES = (
    "iqas_assessed",
    "area_code",
    "assessment_type",
    "period_start",
    "level",
    "unit_type",
    "period_type",
    "period_end",
    "as_of",
)
Q1, Q2 = date(2024, 4, 1), date(2024, 7, 1)


@dataclass(frozen=True)
class _Column:
    name: str


@dataclass(frozen=True)
class _Table:
    name: str
    columns: Sequence[_Column]


def judged(
    folder: Path,
    was: dict[date, int],
    now: dict[date, int],
    *,
    was_as_of: date = date(2024, 10, 28),
    now_as_of: date = date(2025, 1, 28),
) -> tuple[Verdict, str]:
    """The verdict on one Area whose assessments a quarter were `was` and are `now`."""
    parquet = folder / "restricted" / "parquet"
    parquet.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute("create schema seeds; create schema marts")
        connection.execute(
            "create table seeds.policies as select * from (values ('change_share_max', 0.2), "
            "('change_count_min', 10), ('change_settled_days', 60)) as rows(policy_key, policy_value)"
        )
        for as_of, counts, place in (
            (was_as_of, was, "last"),
            (now_as_of, now, "marts.compliance"),
        ):
            connection.execute(f"create table {place} (period_start date, iqas_assessed integer, as_of date)")
            for start, count in counts.items():
                connection.execute(f"insert into {place} values (?, ?, ?)", [start, count, as_of])
            connection.execute(
                f"create or replace table {place} as select *, 'area' as level, 'WES' as area_code, "
                "'ALL' as unit_type, 'quarter' as period_type, 'casework' as assessment_type, "
                "'half' as policy, "
                f"(period_start + interval 3 month - interval 1 day)::date as period_end from {place}"
            )
        connection.execute(f"copy last to '{parquet / 'compliance.parquet'}'")
        table: list[ReleasedTable] = [_Table("compliance", [_Column(name) for name in NAMES])]  # type: ignore[list-item]
        check = check_change(connection, table, folder)
        return check.verdict, check.detail


def test_a_settled_quarter_that_falls_by_much_fails_and_is_named(tmp_path: Path) -> None:
    verdict, detail = judged(tmp_path, {Q1: 100}, {Q1: 79})
    assert verdict == "failed"
    assert "compliance.iqas_assessed of WES in the quarter from 2024-04-01: 100 became 79" in detail


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param({Q1: 100}, {Q1: 80}, id="a fall within the share"),
        pytest.param({Q1: 20}, {Q1: 11}, id="a fall of fewer than ten"),
        pytest.param({Q1: 100}, {Q1: 100, Q2: 90}, id="a new quarter"),
        pytest.param({Q2: 100}, {Q1: 90, Q2: 100}, id="history that arrives for the first time"),
        pytest.param({Q1: 0}, {Q1: 90}, id="an Area that delivers for the first time"),
        pytest.param({Q2: 100}, {Q2: 150}, id="late assessments of a quarter that has just ended"),
    ],
)
def test_what_happens_in_good_order_passes(
    tmp_path: Path, was: dict[date, int], now: dict[date, int]
) -> None:
    assert judged(tmp_path, was, now)[0] == "passed"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param({Q1: 100}, {Q1: 121}, id="a long settled quarter that grows"),
        pytest.param({Q1: 100, Q2: 100}, {Q1: 100}, id="a quarter that is gone"),
        pytest.param({Q2: 100}, {Q2: 60}, id="a quarter just over that falls"),
    ],
)
def test_what_looks_like_a_lost_or_doubled_file_fails(
    tmp_path: Path, was: dict[date, int], now: dict[date, int]
) -> None:
    assert judged(tmp_path, was, now)[0] == "failed"


def test_a_quarter_under_way_may_do_as_it_likes(tmp_path: Path) -> None:
    assert judged(tmp_path, {Q2: 100}, {Q2: 10}, was_as_of=date(2024, 8, 28))[0] == "passed"


def test_an_earlier_reporting_date_is_not_compared(tmp_path: Path) -> None:
    verdict, _ = judged(tmp_path, {Q1: 100}, {}, now_as_of=date(2024, 4, 28))
    assert verdict == "passed"


def test_a_file_that_is_taken_away_stops_the_release_until_somebody_explains_it(
    flow: SmallFlow, iqa: Callable[..., int]
) -> None:
    extra = write_extract(flow.settings.raw_dir, "iqa", SECOND, iqa_rows("WES", 30, first=10))
    assert flow.run().exit_code == 0
    release = current_release(flow.settings.marts_dir)
    extra.unlink()
    write_extract(flow.settings.raw_dir, "iqa", SECOND, iqa_rows("LN", 1))
    refused = flow.run()
    assert refused.exit_code == 1
    assert refused.pipeline.decision is not None
    assert [check.id for check in refused.pipeline.decision.blocking] == [CHECK]
    assert any("33 became 3" in line for step in refused.pipeline.steps for line in step.details)
    assert current_release(flow.settings.marts_dir) == release
    waivers.record(
        flow.settings.marts_dir, CHECK, until=date(2024, 12, 31), reason="Sent by mistake", by="OA"
    )
    assert flow.run().exit_code == 0


def test_what_a_release_alone_gives_away_cannot_be_waived(flow: SmallFlow, iqa: Callable[..., int]) -> None:
    check = "disclosure:small_cells_keep_their_range"
    assert iqa("waive", check, "--until", "2030-01-01", "--reason", "r", "--by", "b") == 2
    assert not (flow.settings.marts_dir / "assurance" / "waivers.jsonl").exists()


def test_what_an_earlier_release_has_shown_can_be_waived(flow: SmallFlow, iqa: Callable[..., int]) -> None:
    check = "disclosure:the_last_release_gives_nothing_away"
    assert iqa("waive", check, "--until", "2030-01-01", "--reason", "r", "--by", "b") == 0
    assert (flow.settings.marts_dir / "assurance" / "waivers.jsonl").exists()
