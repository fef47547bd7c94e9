"""Which runs tell people, what they are told, and that the run itself is none the wiser."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from dagster_project import cli
from dagster_project.extracts import IngestResult
from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.gate.decision import decide
from dagster_project.gate.suites import read_suites
from dagster_project.orchestration.definitions import CHECK_JOB, RUN_JOB, build_definitions
from dagster_project.orchestration.endings import Ending
from dagster_project.orchestration.notices import notice_of
from dagster_project.orchestration.pipeline import SUITES_DIR
from dagster_project.settings import Settings
from dagster_project.warehouse.dbt_runner import load_manifest
from tests.alerts.servers import Hook, webhook_server

_CHECK = Check(
    id="expect:leniency.rate_within_0_1",
    kind=Kind.EXPECTATION,
    subject="leniency",
    severity=Severity.ERROR,
    owner="Performance analysis",
    reason="A rate is at most 1.",
)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with webhook_server(Hook()) as hook:
        monkeypatch.setenv("IQA_ALERT_WEBHOOK_URL", hook.address)
        yield hook


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings under which a run fails at once: there is no raw folder."""
    for name, place in (("RAW_DIR", "raw"), ("MARTS_DIR", "marts"), ("WAREHOUSE", "work/iqa.duckdb")):
        monkeypatch.setenv(f"IQA_{name}", str(tmp_path / place))
    return tmp_path


def pipeline(**parts: object) -> SimpleNamespace:
    intake = IngestResult(as_of=date(2024, 10, 28), files=(), quarantine=(), warnings=(), failed_checks=())
    return SimpleNamespace(**{"intake": intake, "decision": None, "release": None, **parts})


def text_of(posted: tuple[str, bytes]) -> str:
    return str(json.loads(posted[1])["text"])


def test_a_refusal_names_checks_owners_and_reasons_and_no_value_of_the_data() -> None:
    failed = _CHECK.failed("found rate 1.7 for SYN-S000001", 3, [{"staff_id": "SYN-S000001"}])
    notice = notice_of(pipeline(decision=decide([_CHECK], [failed])), Ending(1))  # type: ignore[arg-type]
    assert notice.kind == "refused"
    assert "expect:leniency.rate_within_0_1 (leniency) failed, 3 rows" in notice.text()
    assert "A rate is at most 1. Owner: Performance analysis." in notice.text()
    assert "the last release stays in place" in notice.text()
    assert "SYN-S000001" not in notice.text() and "1.7" not in notice.text()


def test_a_check_that_crashed_is_not_called_bad_data() -> None:
    crashed = decide([_CHECK], [_CHECK.crashed("no such column")])
    notice = notice_of(pipeline(decision=crashed), Ending(2))  # type: ignore[arg-type]
    assert notice.kind == "failed"
    assert notice.title == "IQA figures: a check could not be made"


def test_an_unforeseen_error_is_told_by_its_type_only() -> None:
    notice = notice_of(pipeline(), Ending(2, ValueError("SYN-S000001 is odd")))  # type: ignore[arg-type]
    assert "ValueError" in notice.text() and "SYN-S000001" not in notice.text()


def test_a_release_is_told_without_any_figure() -> None:
    passed = decide([_CHECK], [_CHECK.passed()])
    release = SimpleNamespace(release_id="20241101T060000Z-abc123")
    notice = notice_of(pipeline(decision=passed, release=release), Ending(0))  # type: ignore[arg-type]
    assert notice.is_about_success
    assert "20241101T060000Z-abc123" in notice.text() and "%" not in notice.text()


def test_a_failed_run_of_the_command_line_is_told_once_and_a_check_is_not(
    nowhere: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["check"]) == 2
    assert hook.posted == []
    assert cli.call(["run"]) == 2
    (posted,) = hook.posted
    assert "does not exist" in text_of(posted)
    assert "Alert sent by webhook to 127.0.0.1." in capsys.readouterr().out


def test_an_alert_that_cannot_be_sent_changes_no_exit_code_and_no_document(
    nowhere: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.status = 500
    assert cli.call(["run", "--format", "json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["exit_code"] == 2
    assert "could not be sent: the server answered 500" in shown.err
    assert "s3cret" not in shown.out + shown.err


def test_a_failed_run_of_dagster_is_told_once_and_a_check_is_not(nowhere: Path, hook: Hook) -> None:
    found = build_definitions(load_manifest(Settings()).document, read_suites(SUITES_DIR))
    for job in (CHECK_JOB, RUN_JOB):
        result = found.resolve_job_def(job).execute_in_process(raise_on_error=False)
        assert not result.success
    (posted,) = hook.posted
    assert "does not exist" in text_of(posted)
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    assert isinstance(failed, dg.DagsterEvent)
    description = failed.step_failure_data.user_failure_data.description  # type: ignore[union-attr]
    assert [part in str(description) for part in ("where:", "expected:", "what next:")] == [True] * 3


def test_doctor_says_what_is_set_and_sends_a_test_message(
    nowhere: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.call(["doctor", "--send-alert", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    told = [(finding["status"], finding["message"]) for finding in found if finding["subject"] == "alerts"]
    assert [status for status, _ in told] == ["ok", "ok"]
    assert "webhook, about runs that failed or were refused" in told[0][1]
    assert "a test message" in text_of(hook.posted[0])
