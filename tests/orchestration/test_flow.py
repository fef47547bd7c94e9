"""The whole flow: what it releases, and that nothing else than an open gate ever moves `current`."""

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import IqaError
from dagster_project.orchestration.steps import StepReport
from dagster_project.release.history import current_release
from tests.orchestration.conftest import Ran
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow


def everything_under(folder: Path) -> dict[str, str]:
    """Every file and link of the releases with its content; the lock file is not content."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file()) and not path.name.endswith(".lock")
    }


def staged(flow: SmallFlow) -> list[str]:
    """The releases in the making."""
    return [path.name for path in flow.settings.marts_dir.glob("releases/.staging-*")]


def test_a_sound_candidate_is_released_with_every_check_on_record(ran: Ran) -> None:
    flow = ran.flow
    assert [report.name for report in ran.reports] == [
        "Ingest",
        "Build",
        "Assure",
        "Expect",
        "Protect",
        "Gate",
        "Release",
    ]
    release = current_release(flow.settings.marts_dir)
    manifest = json.loads((release / "manifest.json").read_text())
    verdicts = {check["id"]: check["verdict"] for check in manifest["checks"]}
    assert set(verdicts.values()) == {"passed"}
    assert {"ingest:rows_accounted", "integrity:models_built", "expect:leniency.n_lenient_is_a_count"} <= set(
        verdicts
    )
    assert any(name.startswith("dbt:unique_key_leniency") for name in verdicts)
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as connection:
        assert connection.execute("select n_compared from leniency").fetchall() == [(439,)]


def test_the_headlines_are_the_sentences_of_the_2018_figures(ran: Ran) -> None:
    texts = [headline.text for headline in ran.outcome.pipeline.headlines]
    assert texts[0] == (
        "REF2018 (casework): managers were overly lenient in 12.1% of assessments (53 of n = 439;"
        " 444 examined, 5 not comparable); managers 85.6%, inspectors 74.9%: 10.7 percentage points,"
        " 14.3% higher in relative terms. [synthetic data]"
    )
    assert texts[1].startswith(
        "Compliance, England and Wales, 2024-25 Q1 (Apr-Jun 2024): 87.5% of prosecutors covered (7 of 8"
    )
    assert texts[2].startswith(
        "Dip samples, England and Wales, 2024-25 Q1 (Apr-Jun 2024): 66.7% of the requirement fulfilled"
    )


def test_a_second_run_parses_nothing_again_and_has_the_same_content(flow: SmallFlow) -> None:
    first = flow.run()
    landed = {path: path.stat().st_mtime_ns for path in flow.settings.landing_dir.rglob("*.parquet")}
    second = flow.run()
    assert first.pipeline.manifest.was_parsed and not second.pipeline.manifest.was_parsed
    assert landed
    assert {path: path.stat().st_mtime_ns for path in landed} == landed
    assert first.pipeline.release is not None and second.pipeline.release is not None
    assert first.pipeline.release.release_id < second.pipeline.release.release_id
    assert first.pipeline.release.content_hash == second.pipeline.release.content_hash
    assert first.pipeline.release.contents == second.pipeline.release.contents


def test_an_extract_is_read_again_when_it_is_named(flow: SmallFlow) -> None:
    assert flow.run().exit_code == 0
    reports: list[StepReport] = []
    outcome = flow.run(on_step=reports.append, reread=["iqa/iqa_2024-07-26.csv"])
    assert outcome.exit_code == 0
    assert reports[0].details[0].startswith("read again iqa/iqa_2024-07-26.csv")
    mistaken = flow.run(reread=["iqa/none.csv"])
    assert mistaken.exit_code == 2
    assert "no extract iqa/none.csv" in str(mistaken.error)


def test_another_place_and_another_thread_count_give_the_same_content(flow: SmallFlow, ran: Ran) -> None:
    outcome = replace(flow, settings=replace(flow.settings, threads=1)).run()
    assert outcome.pipeline.release is not None and ran.outcome.pipeline.release is not None
    assert outcome.pipeline.release.content_hash == ran.outcome.pipeline.release.content_hash


def test_a_failed_dbt_test_ends_with_1_and_leaves_every_release_as_it_was(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    released.change_model(
        "leniency", "'manager_v_inspector' as comparison", "unnest(['a', 'a']) as comparison"
    )
    outcome = released.run()
    assert outcome.exit_code == 1
    assert outcome.pipeline.release is None and not outcome.pipeline.headlines
    assert everything_under(released.settings.marts_dir) == before
    decision = outcome.pipeline.decision
    assert decision is not None
    failed = [check for check in decision.blocking if check.verdict == "failed"]
    assert [check.subject for check in failed] == ["leniency"]
    assert failed[0].examples and failed[0].rows_failed == 1


def test_a_failed_dbt_test_of_a_model_that_a_mart_reads_ends_with_1_too(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    released.change_model(
        "leniency", "'manager_v_inspector' as comparison", "unnest(['a', 'a']) as comparison"
    )
    released.change_model("compliance", "as iqa", "as iqa where exists (select 1 from {{ ref('leniency') }})")
    outcome = released.run()
    assert outcome.exit_code == 1
    assert outcome.error is None
    assert everything_under(released.settings.marts_dir) == before


def test_a_failed_expectation_ends_with_1_and_leaves_every_release_as_it_was(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    released.change_model("leniency", "53 as n_lenient", "-53 as n_lenient")
    outcome = released.run()
    assert outcome.exit_code == 1
    assert everything_under(released.settings.marts_dir) == before
    decision = outcome.pipeline.decision
    assert decision is not None
    assert [check.id for check in decision.blocking if check.verdict != "not_run"] == [
        "expect:leniency.n_lenient_is_a_count"
    ]


def test_a_crashed_expectation_ends_with_2_and_leaves_every_release_as_it_was(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    released.change_suite(
        "leniency",
        {"id": "broken", "type": "expect_the_impossible", "kwargs": {}, "reason": "It cannot be run."},
    )
    outcome = released.run()
    assert outcome.exit_code == 2
    assert everything_under(released.settings.marts_dir) == before
    decision = outcome.pipeline.decision
    assert decision is not None
    assert [(check.id, str(check.verdict)) for check in decision.blocking if check.verdict != "not_run"] == [
        ("expect:leniency.broken", "crashed")
    ]


def test_a_model_that_cannot_be_built_ends_with_2_and_says_why(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    released.change_model("compliance", "count(*)", "sum(no_such_column)")
    outcome = released.run()
    assert outcome.exit_code == 2
    assert everything_under(released.settings.marts_dir) == before
    build = next(step for step in outcome.pipeline.steps if step.name == "Build")
    assert any("no_such_column" in line for line in build.details)


def test_too_large_a_share_of_quarantined_rows_ends_with_1(flow: SmallFlow) -> None:
    write_extract(flow.settings.raw_dir, "absences", "2024-07-26", [{"staff_id": ""} for _ in range(8)])
    outcome = flow.run()
    assert outcome.exit_code == 1
    decision = outcome.pipeline.decision
    assert decision is not None
    assert "ingest:quarantine_share" in [check.id for check in decision.blocking]
    # The gate shut on a release that was begun already: nothing is left of it.
    assert "Protect" in [step.name for step in outcome.pipeline.steps]
    assert everything_under(flow.settings.marts_dir) == {}
    assert staged(flow) == []


def test_a_refused_file_is_named_and_does_not_stop_the_others(flow: SmallFlow) -> None:
    (flow.settings.raw_dir / "iqa" / "iqa_undated.csv").write_text("iqa_id\n1\n")
    reports: list[StepReport] = []
    outcome = flow.run(on_step=reports.append)
    assert outcome.exit_code == 0
    assert any("refused iqa/iqa_undated.csv" in line for line in reports[0].details)
    decision = outcome.pipeline.decision
    assert decision is not None
    assert [check.id for check in decision.warnings] == ["ingest:files_refused"]


def test_a_folder_without_extracts_is_an_error_in_four_parts(flow: SmallFlow) -> None:
    for path in sorted(flow.settings.raw_dir.rglob("*.csv")):
        path.unlink()
    outcome = flow.run()
    assert outcome.exit_code == 2
    assert isinstance(outcome.error, IqaError)
    assert all(outcome.error.as_dict().values())
    assert not (flow.settings.marts_dir / "current").exists()


def test_a_check_without_release_releases_nothing(flow: SmallFlow) -> None:
    begun: list[str] = []
    outcome = flow.run(release=False, on_step=lambda report: begun.extend(staged(flow)))
    assert outcome.exit_code == 0
    assert outcome.pipeline.headlines
    assert begun == []
    assert not (flow.settings.marts_dir / "releases").exists()


def test_a_run_that_is_stopped_once_its_release_is_begun_leaves_nothing_of_it(released: SmallFlow) -> None:
    before = everything_under(released.settings.marts_dir)
    begun: list[str] = []

    def stop(report: StepReport) -> None:
        if report.name == "Protect":
            patience = time.monotonic() + 20
            while not begun and time.monotonic() < patience:
                begun.extend(staged(released))
            raise KeyboardInterrupt

    outcome = released.run(on_step=stop)
    assert outcome.exit_code == 2
    assert "KeyboardInterrupt" in str(outcome.error)
    assert len(begun) == 1
    assert staged(released) == []
    assert everything_under(released.settings.marts_dir) == before


def test_a_second_writer_is_turned_away_by_name_and_the_first_is_not_disturbed(flow: SmallFlow) -> None:
    met: list[IqaError] = []

    def try_to_write(step: str) -> None:
        if step == "Build":
            with pytest.raises(IqaError) as caught:
                flow.run()
            met.append(caught.value)

    assert flow.run(on_start=try_to_write).exit_code == 0
    assert f"process {os.getpid()}" in met[0].what


_READER = """
import sys, time, duckdb
marts, stop = sys.argv[1:]
import pathlib
seen = set()
while not pathlib.Path(stop).exists():
    with duckdb.connect(f"{marts}/current/iqa_marts.duckdb", read_only=True) as connection:
        rows = connection.execute("select iqas_assessed from compliance").fetchall()
        assert len(rows) == 1, rows
        seen.add(rows[0][0])
    time.sleep(0.01)
print(sorted(seen))
"""


def test_readers_are_served_while_a_run_goes_on(released: SmallFlow, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, str(released.settings.marts_dir), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert released.run().exit_code == 0
    finally:
        stop.touch()
        output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    assert output.strip() == "[3]"
