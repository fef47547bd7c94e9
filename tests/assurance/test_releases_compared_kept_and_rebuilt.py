"""Differences between releases, which of them may go, and making one again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.assurance.comparing import compare
from dagster_project.assurance.retention import removable, remove
from dagster_project.errors import IqaError
from dagster_project.orchestration.rebuild import Rebuilt, rebuild
from dagster_project.release.history import current_release
from dagster_project.release.identity import release_ids
from tests.assurance.conftest import SECOND, iqa_rows, make_flow
from tests.assurance.test_sign_offs import SIGN, deliver
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow

Iqa = Callable[..., int]


def run_again(flow: SmallFlow) -> str:
    assert flow.run().exit_code == 0
    return current_release(flow.settings.marts_dir).name


def test_a_difference_names_the_counts_that_moved_the_largest_first_and_then_new_ones(
    flow: SmallFlow, iqa: Iqa
) -> None:
    first = current_release(flow.settings.marts_dir).name
    deliver(flow, *iqa_rows("WES", 1, first=4), *iqa_rows("NE", 2, first=3))
    second = run_again(flow)
    found = compare(flow.settings.marts_dir, first, second, limit=3)
    assert [(row.key["area_code"], row.old, row.new) for row in found.figures] == [
        ("NE", 2, 4),
        ("WES", 3, 4),
        ("LN", None, 1),
    ]
    assert compare(flow.settings.marts_dir, first, second, limit=2).figures == found.figures[:2]
    assert found.figures_total == 3
    assert [(mart.mart, mart.rows_added, mart.figures_moved) for mart in found.marts] == [
        ("compliance", 1, 3)
    ]
    assert any("extracts added: iqa/iqa_2024-10-28.csv" in reason for reason in found.reasons)
    assert iqa("diff", first, second) == 0
    assert iqa("diff", first, "20200101T000000Z-aaaaaa") == 2


def test_a_figure_that_undid_a_sign_off_is_said_to_in_the_difference(flow: SmallFlow, iqa: Iqa) -> None:
    first = current_release(flow.settings.marts_dir).name
    assert iqa(*SIGN) == 0
    deliver(flow, *iqa_rows("NE", 1, first=3))
    found = compare(flow.settings.marts_dir, first, run_again(flow), limit=9)
    causes = {row.key["area_code"]: row.cause for row in found.figures}
    assert causes["NE"] == "sign_off_undone"


def test_a_figure_of_an_inspection_that_was_revised_is_said_to_be_in_the_difference(tmp_path: Path) -> None:
    """Its mart has no level and no period in its key; `revisions` has a level."""
    flow = make_flow(tmp_path)
    first = current_release(flow.settings.marts_dir).name
    flow.change_model("leniency", "53 as n_lenient", "52 as n_lenient")
    key = "comparison=manager_v_inspector;sample=REF2018"
    for name, value in {
        "mart": "leniency",
        "column_name": "n_lenient",
        "figure_key": key,
        "level": "national",
        "area_code": "ALL",
        "assessment_type": "casework",
        "basis": "freeze",
        "cause": "correction",
    }.items():
        flow.change_model("revisions", f"cast(null as varchar) as {name}", f"'{value}' as {name}")
    flow.change_model("revisions", " where false", "")
    found = compare(flow.settings.marts_dir, first, run_again(flow), limit=9)
    assert [(row.column, row.old, row.new, row.cause) for row in found.figures if row.mart == "leniency"] == [
        ("n_lenient", 53, 52, "correction")
    ]


def test_two_runs_over_the_same_inputs_do_not_differ(flow: SmallFlow) -> None:
    first = current_release(flow.settings.marts_dir).name
    found = compare(flow.settings.marts_dir, first, run_again(flow), limit=9)
    assert found.is_same_content and found.figures == () and found.reasons == ()


def test_the_current_and_the_signed_releases_are_never_removed(flow: SmallFlow, iqa: Iqa) -> None:
    signed = current_release(flow.settings.marts_dir).name
    assert iqa(*SIGN, "--area", "NE") == 0
    middle, newest = run_again(flow), run_again(flow)
    assert removable(flow.settings.marts_dir, 1) == [middle]
    assert iqa("rollback", middle) == 0
    assert removable(flow.settings.marts_dir, 1) == []
    assert iqa("rollback", newest) == 0
    assert iqa("releases", "--keep", "1") == 0
    assert release_ids(flow.settings.marts_dir) == [signed, middle, newest]
    # A person was shown another list than what is removable by now.
    assert remove(flow.settings.marts_dir, 1, [signed]) == []
    assert iqa("releases", "--keep", "1", "--yes") == 0
    assert release_ids(flow.settings.marts_dir) == [signed, newest]
    assert iqa("releases", "--keep", "0") == 2


def rebuilt(flow: SmallFlow, release_id: str) -> Rebuilt:
    return rebuild(
        flow.settings,
        release_id,
        dbt_dir=flow.dbt_dir,
        suites_dir=flow.suites_dir,
        policy_file=flow.policy_file,
    )


def test_a_release_is_made_again_from_what_was_landed_when_its_files_are_gone(
    flow: SmallFlow, iqa: Iqa
) -> None:
    assert iqa(*SIGN, "--area", "WES") == 0
    wanted = run_again(flow)
    # Since then: sign-offs, a delivery, and the first files deleted and replaced.
    assert iqa(*SIGN) == 0
    deliver(flow, *iqa_rows("WES", 5, first=4))
    newest = run_again(flow)
    shutil.rmtree(flow.settings.raw_dir / "iqa")
    write_extract(flow.settings.raw_dir, "iqa", SECOND, iqa_rows("WES", 1))
    before = {
        path: path.read_bytes() for path in (flow.settings.marts_dir / "releases").rglob("manifest.json")
    }
    made = rebuilt(flow, wanted)
    assert made.differing == ()
    assert (
        json.loads((made.path / "manifest.json").read_text())["content_hash"]
        == json.loads((flow.settings.marts_dir / "releases" / wanted / "manifest.json").read_text())[
            "content_hash"
        ]
    )
    assert current_release(flow.settings.marts_dir).name == newest
    assert before == {path: path.read_bytes() for path in before}


def test_an_input_that_is_nowhere_is_named(flow: SmallFlow) -> None:
    wanted = current_release(flow.settings.marts_dir).name
    shutil.rmtree(flow.settings.landing_dir)
    write_extract(flow.settings.raw_dir, "iqa", "2024-07-26", iqa_rows("WES", 1))
    with pytest.raises(IqaError, match=r"nowhere to be found: iqa/iqa_2024-07-26\.csv"):
        rebuilt(flow, wanted)
