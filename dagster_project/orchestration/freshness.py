"""How old marts and extracts may be before somebody should know.

Here: Dagster's freshness policies and the check of the newest extract, days from the seed `policies`.
Not here: the reporting date, which never comes from the clock. The one trap: Dagster's policies know when a
mart was last built, not how old the data in it is; a run every day over old extracts keeps them fresh. So the
newest extract is looked at too. Neither keeps a release from being made.
"""

import csv
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_project.extracts import IngestResult
from dagster_project.extracts.contracts import CONTRACTS_DIR
from dagster_project.extracts.delivery import discover
from dagster_project.orchestration.pipeline import Pipeline
from dagster_project.settings import SEEDS_DIR

NEWEST_EXTRACT = "newest_extract_is_recent"
# The table that lists every file that arrived.
FILES = dg.AssetKey(["raw", "files"])
_LONDON = ZoneInfo("Europe/London")


def freshness_days(seeds_dir: Path = SEEDS_DIR) -> dict[str, int]:
    """The policies about freshness, in days."""
    with (seeds_dir / "policies.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["policy_key"]: int(row["policy_value"])
            for row in csv.DictReader(file)
            if row["policy_key"].startswith("freshness_")
        }


def mart_freshness(days: Mapping[str, int]) -> dg.FreshnessPolicy:
    """For what a run builds: a warning when it is due, a failure when it is overdue."""
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(days=days["freshness_marts_warn_days"]),
        fail_window=timedelta(days=days["freshness_marts_fail_days"]),
    )


def today() -> date:
    """The day in London."""
    return datetime.now(UTC).astimezone(_LONDON).date()


def newest_extract(intake: IngestResult | None, raw_dir: Path) -> date | None:
    """The date of the newest extract that was loaded; before an ingest, as the names of the files say."""
    if intake is not None:
        dates = [outcome.extract_date for outcome in intake.with_status("loaded")]
    else:
        datasets = {path.stem for path in CONTRACTS_DIR.glob("*.yml")}
        found = discover(raw_dir, datasets)
        dates = [delivered.extract_date for delivered in found if delivered.refusal is None]
    return max((found for found in dates if found is not None), default=None)


def judged(newest: date | None, on: date, allowed: int) -> dg.AssetCheckResult:
    """The verdict on the age of the newest extract."""
    if newest is None:
        passed, said, age = False, "There are no extracts.", None
    else:
        age = (on - newest).days
        passed = age <= allowed
        said = (
            f"The newest extract is of {newest.isoformat()}, {age} days ago; expected at most {allowed}."
            + ("" if passed else " Ask for the next delivery, or say with the figures how old they are.")
        )
    return dg.AssetCheckResult(
        asset_key=FILES,
        check_name=NEWEST_EXTRACT,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={
            "found": said,
            "days_allowed": allowed,
            **({} if age is None or newest is None else {"days": age, "newest_extract": newest.isoformat()}),
        },
    )


def newest_extract_check(days: Mapping[str, int]) -> dg.AssetChecksDefinition:
    """A check that warns; figures of old extracts are right, only old."""
    allowed = days["freshness_extracts_warn_days"]

    @dg.asset_check(
        asset=FILES,
        name=NEWEST_EXTRACT,
        description=f"The newest extract is at most {allowed} days old today.",
    )
    def newest_extract_is_recent(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
        newest = newest_extract(pipeline.intake, pipeline.settings.raw_dir)
        return judged(newest, today(), allowed)

    return newest_extract_is_recent
