"""Signing off, and everything that must undo it or keep it from happening."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from dagster_project.assurance import waivers
from dagster_project.release.history import current_release, pointed_at
from tests.assurance.conftest import SECOND, iqa_rows
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow

Iqa = Callable[..., int]
QUARTER = "2024-25 Q1"
SIGN = ("verify", "--yes", "--by", "Operational Assurance", "--note", "Totals checked")


def table(flow: SmallFlow, name: str, columns: str) -> list[tuple[Any, ...]]:
    path = current_release(flow.settings.marts_dir) / "restricted" / "parquet" / f"{name}.parquet"
    return duckdb.sql(f"select {columns} from read_parquet('{path}') order by all").fetchall()


def statuses(flow: SmallFlow) -> dict[str, str]:
    return dict(table(flow, "compliance", "area_code, figure_status"))


def log_lines(flow: SmallFlow) -> list[str]:
    path = flow.settings.marts_dir / "assurance" / "sign_offs.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def deliver(flow: SmallFlow, *rows: dict[str, str], totals: str | None = None) -> None:
    write_extract(flow.settings.raw_dir, "iqa", SECOND, [*iqa_rows("LN", 1), *rows])
    if totals is not None:
        write_extract(flow.settings.raw_dir, "control_totals", SECOND, [{"value": totals}])


def test_nothing_is_signed_without_being_asked_for(flow: SmallFlow, iqa: Iqa) -> None:
    assert iqa("verify") == 0
    assert iqa("verify", "--list") == 0
    assert log_lines(flow) == []


def test_a_signed_figure_is_verified_in_the_next_run_and_stays_so_when_others_move(
    flow: SmallFlow, iqa: Iqa
) -> None:
    assert iqa(*SIGN, "--area", "WES", "--quarter", QUARTER) == 0
    deliver(flow)
    assert flow.run().exit_code == 0
    assert statuses(flow) == {"WES": "V", "NE": "P", "LN": "P"}
    assert pointed_at(flow.settings.marts_dir, "verified") is None


def test_a_changed_count_undoes_the_sign_off_and_says_so(flow: SmallFlow, iqa: Iqa) -> None:
    signed = current_release(flow.settings.marts_dir).name
    assert iqa(*SIGN, "--quarter", "*") == 0
    assert pointed_at(flow.settings.marts_dir, "verified") == signed
    deliver(flow, *iqa_rows("NE", 1, first=3))
    outcome = flow.run()
    assert statuses(flow)["NE"] == "P" and statuses(flow)["WES"] == "V"
    moved = "area_code, column_name, old_value, new_value, cause, signed_release_id, basis"
    assert table(flow, "revisions", moved) == [
        ("NE", "iqas_assessed", 2, 3, "sign_off_undone", signed, "sign_off")
    ]
    assured = next(step for step in outcome.pipeline.steps if step.name == "Assure")
    assert any("compliance, 2024-25 Q1, NE" in line and signed in line for line in assured.details)
    # The release that was signed is still the verified one: its own counts have not changed.
    assert pointed_at(flow.settings.marts_dir, "verified") == signed
    assert iqa(*SIGN) == 0
    assert flow.run().exit_code == 0
    assert set(statuses(flow).values()) == {"V"}
    assert pointed_at(flow.settings.marts_dir, "verified") == current_release(flow.settings.marts_dir).name
    assert table(flow, "revisions", "area_code") == []


def test_a_total_that_disagrees_keeps_a_figure_provisional(flow: SmallFlow, iqa: Iqa) -> None:
    deliver(flow, totals="4")
    assert flow.run().exit_code == 0
    assert iqa(*SIGN) == 1
    assert all(json.loads(line)["area"] != "WES" for line in log_lines(flow) if '"compliance"' in line)
    assert flow.run().exit_code == 0
    assert statuses(flow) == {"WES": "P", "NE": "V", "LN": "V"}
    assert pointed_at(flow.settings.marts_dir, "verified") is None


def test_a_quarter_that_is_not_over_can_not_be_signed(flow: SmallFlow, iqa: Iqa) -> None:
    write_extract(flow.settings.raw_dir, "iqa", SECOND, iqa_rows("LN", 1, day="2024-10-10"))
    assert flow.run().exit_code == 0
    assert iqa(*SIGN, "--area", "LN") == 0
    assert log_lines(flow) == []


def test_a_refusal_takes_the_sign_off_and_the_pointer_back_and_needs_a_reason(
    flow: SmallFlow, iqa: Iqa
) -> None:
    assert iqa(*SIGN) == 0
    assert pointed_at(flow.settings.marts_dir, "verified") is not None
    assert iqa("verify", "--refuse", "--yes", "--by", "OA", "--area", "NE") == 2
    assert iqa("verify", "--refuse", "--yes", "--by", "OA", "--area", "NE", "--note", "Counted twice") == 0
    assert pointed_at(flow.settings.marts_dir, "verified") is None
    assert flow.run().exit_code == 0
    assert statuses(flow) == {"WES": "V", "NE": "P"}


def test_a_scope_that_does_not_exist_is_refused_by_name(iqa: Iqa, capsys: pytest.CaptureFixture[str]) -> None:
    assert iqa(*SIGN, "--area", "Atlantis") == 2
    assert "No scope matches" in capsys.readouterr().err


def test_an_edited_log_stops_the_run_and_the_verification(flow: SmallFlow, iqa: Iqa) -> None:
    assert iqa(*SIGN) == 0
    path = flow.settings.marts_dir / "assurance" / "sign_offs.jsonl"
    path.write_text(path.read_text().replace("Operational Assurance", "Somebody Else", 1))
    assert iqa("verify", "--list") == 2
    assert iqa("releases", "--keep", "1") == 2
    with pytest.raises(Exception, match="The log is broken"):
        flow.run()


def test_a_damaged_release_can_not_be_signed(flow: SmallFlow, iqa: Iqa) -> None:
    path = current_release(flow.settings.marts_dir) / "restricted" / "parquet" / "compliance.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    assert iqa(*SIGN) == 2
    assert log_lines(flow) == []


def test_a_waived_check_lets_the_release_through_until_its_waiver_ends(flow: SmallFlow, iqa: Iqa) -> None:
    flow.change_suite(
        "compliance",
        {
            "id": "no_area_has_three",
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "iqas_assessed", "max_value": 2},
            "reason": "A failing check for the sake of it.",
        },
    )
    assert flow.run().exit_code == 1
    check, marts_dir = "expect:compliance.no_area_has_three", flow.settings.marts_dir
    waivers.record(marts_dir, check, until=date(2024, 7, 26), reason="Known", by="OA")
    outcome = flow.run()
    assert outcome.exit_code == 0, outcome.error
    manifest = json.loads((current_release(marts_dir) / "manifest.json").read_text())
    assert {row["id"]: row["verdict"] for row in manifest["checks"]}[check] == "waived"
    # The waiver ended with the last day of the first delivery.
    deliver(flow)
    later = flow.run()
    assert later.exit_code == 1
    gate = next(step for step in later.pipeline.steps if step.name == "Gate")
    assert any("ended on 2024-07-26" in line for line in gate.details)


def test_a_waived_dbt_test_does_not_keep_its_mart_from_being_built(flow: SmallFlow, iqa: Iqa) -> None:
    write_extract(
        flow.settings.raw_dir, "control_totals", SECOND, [{"value": "3", "measure": "iqas_assessed"}]
    )
    waivers.record(
        flow.settings.marts_dir, "dbt:compliance_key", until=date(2030, 1, 1), reason="Known", by="OA"
    )
    assert flow.run().exit_code == 0


def test_waiving_a_check_that_does_not_exist_is_refused(flow: SmallFlow, iqa: Iqa) -> None:
    assert iqa("waive", "dbt:no_such_test", "--until", "2030-01-01", "--reason", "r", "--by", "b") == 2
    assert not (flow.settings.marts_dir / "assurance" / "waivers.jsonl").exists()
