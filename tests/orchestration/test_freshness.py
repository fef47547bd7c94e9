"""How old is too old: marts by when they were built, extracts by their date; neither stops a release."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from dagster_project.gate.suites import read_suites
from dagster_project.orchestration.definitions import RELEASE, build_definitions
from dagster_project.orchestration.freshness import (
    FILES,
    NEWEST_EXTRACT,
    freshness_days,
    judged,
    newest_extract,
)
from dagster_project.orchestration.pipeline import SUITES_DIR
from dagster_project.settings import SEEDS_DIR, Settings
from dagster_project.warehouse.dbt_runner import load_manifest
from tests.support.extracts import write_extract


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    document = load_manifest(Settings()).document
    return build_definitions(document, read_suites(SUITES_DIR)).resolve_asset_graph()


def test_every_mart_and_the_release_become_overdue_after_the_days_of_the_policy(graph: AssetGraph) -> None:
    days = freshness_days()
    wanted = dg.FreshnessPolicy.time_window(
        warn_window=timedelta(days=days["freshness_marts_warn_days"]),
        fail_window=timedelta(days=days["freshness_marts_fail_days"]),
    )
    marts = [key for key in graph.materializable_asset_keys if key.path[0] == "marts"]
    assert marts
    assert {graph.get(key).freshness_policy for key in [*marts, RELEASE]} == {wanted}
    assert all(
        graph.get(key).freshness_policy is None
        for key in graph.materializable_asset_keys
        if key.path[0] in ("staging", "intermediate", "seeds")
    )


def test_the_check_of_the_newest_extract_warns_and_never_blocks(graph: AssetGraph) -> None:
    check = graph.get(dg.AssetCheckKey(FILES, NEWEST_EXTRACT))
    assert not check.blocking


def test_the_days_are_a_policy_that_an_edit_of_the_seed_changes(tmp_path: Path) -> None:
    shutil.copy(SEEDS_DIR / "policies.csv", tmp_path)
    text = (tmp_path / "policies.csv").read_text()
    (tmp_path / "policies.csv").write_text(
        text.replace("freshness_extracts_warn_days,40", "freshness_extracts_warn_days,7")
    )
    assert freshness_days(tmp_path)["freshness_extracts_warn_days"] == 7


@pytest.mark.parametrize(("days", "passed"), [(0, True), (40, True), (41, False)])
def test_an_extract_is_recent_up_to_and_with_the_last_day_of_the_policy(days: int, passed: bool) -> None:
    on = date(2024, 9, 30)
    verdict = judged(on - timedelta(days=days), on, 40)
    assert verdict.passed is passed
    assert verdict.severity is dg.AssetCheckSeverity.WARN
    assert f"{days} days ago; expected at most 40" in str(verdict.description)
    assert ("Ask for the next delivery" in str(verdict.description)) is not passed


def test_the_newest_extract_is_found_before_any_ingest_by_the_names_of_files(tmp_path: Path) -> None:
    write_extract(tmp_path, "iqa", "2024-07-26")
    write_extract(tmp_path, "postings", "2024-08-30")
    (tmp_path / "iqa" / "iqa_2031-01-01.docx").write_text("no extract")
    assert newest_extract(None, tmp_path) == date(2024, 8, 30)


def test_without_extracts_the_check_says_so() -> None:
    verdict = judged(None, date(2024, 9, 30), 40)
    assert not verdict.passed
    assert verdict.description == "There are no extracts."
