"""E4 and E5 explained: every row of a figure with the rule that put it in or out, by the command line.

Added are a withdrawn assessment, a dip sample after the freeze and one without a comment.
"""

import csv
import hashlib
import io
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.cli import call
from dagster_project.explain.holder import opened
from dagster_project.settings import Settings
from tests.marts.test_worked_examples_of_compliance_and_dips import (
    EXTRACT_DATE,
    QUARTER_1,
    QUARTER_2,
    dates,
    dip_cohort,
    near,
    posting,
    requirement_iqas,
    requirement_postings,
)
from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

WITHDRAWN = {"iqa_id": "GONE", "urn": "GONE", "subject_id": "P2", "area_code": "NE", "assessor_id": "M1"}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    raw = folder / "raw"
    managers = [posting(f"M{n}", f"M{n}", "NE", "2020-01-01", grade="DCP") for n in (1, 2, 3)]
    samplers = [posting("S3", "S3", "NE", "2020-01-01", grade="SDCP")]
    iqas, dips = dip_cohort("EM", 143, 14, "2024-05-02", "2024-06-03")
    late = {"dip_sample_id": "EM-LATE", "iqa_id": "EM-100", "sampled_on": "2024-09-02"}
    silent = {"dip_sample_id": "EM-SILENT", "iqa_id": "EM-101", "sampled_on": "2024-06-03", "comment": ""}
    write_extract(raw, "postings", EXTRACT_DATE, requirement_postings() + managers + samplers)
    absence = {"staff_id": "P4", "start_date": "2024-07-10", "end_date": "2024-09-09"}
    write_extract(raw, "absences", EXTRACT_DATE, [absence])
    gone = WITHDRAWN | dates("2024-09-11") | {"status": "withdrawn"}
    write_extract(raw, "iqa", EXTRACT_DATE, [*requirement_iqas(), *iqas, gone])
    write_extract(raw, "dip_samples", EXTRACT_DATE, [*dips, late, silent])
    build_marts(folder, raw, ["+compliance", "+dip_sampling"]).close()
    return folder / "warehouse" / "iqa.duckdb"


@pytest.fixture
def explain(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def run(*arguments: str, output: str = "json") -> Any:
        marts = warehouse.parent.parent / "marts"
        code = call(
            ["explain", "--warehouse", str(warehouse), "--marts", str(marts), "--format", output, *arguments]
        )
        captured = capsys.readouterr()
        return (code, json.loads(captured.out) if output == "json" else captured.out, captured.err)

    yield run


def rows_of(document: dict[str, Any], part: str) -> dict[str, str]:
    return {row["record"]: row["rule"] for row in document["rows"] if row["part"] == part}


def test_coverage_names_who_was_required_who_was_covered_and_who_was_neither(explain: Any) -> None:
    code, document, _ = explain(
        "compliance", "coverage_rate", "level=national", f"period_start={QUARTER_2}", "period_type=quarter",
        "type=casework",
    )  # fmt: skip

    assert code == 0
    assert document["verdict"] == "agrees"
    assert document["value"] == document["recomputed"] == near(0.75)
    covered = rows_of(document, "numerator, denominator")
    assert set(covered) == {f"{person} {QUARTER_2}" for person in ("P1", "P5", "P7")}
    assert rows_of(document, "denominator") == {
        f"P2 {QUARTER_2}": "Required: 47 of 92 days available; not assessed"
    }
    out = rows_of(document, "out")
    assert out[f"P3 {QUARTER_2}"] == "Not required: fewer than half the quarter's days available (31 of 92)"
    assert out[f"P4 {QUARTER_2}"].endswith("(30 of 92)")
    assert out["P6"] == "Grade SCP, role advocate: the casework rule asks for nothing"
    assert out["M1"] == "Grade DCP, role non_advocacy: the casework rule asks for nothing"


def test_volume_counts_every_assessment_of_its_own_area_and_shows_the_withdrawn_one(explain: Any) -> None:
    _, document, _ = explain("compliance", "volume_ratio", f"period_start={QUARTER_2}",
                             "period_type=quarter", "type=casework")  # fmt: skip

    assert document["recomputed"] == document["value"] == near(1.25)
    assert document["assumed"] == ["unit_type=ALL", "area_code=ALL", "policy=half"]
    assert rows_of(document, "out")["GONE"] == "Withdrawn: out of every metric"
    assessed = rows_of(document, "numerator")
    assert set(assessed) == {f"E5-{number}" for number in range(5)}


def test_every_row_leads_to_its_line_in_the_extract(explain: Any, warehouse: Path) -> None:
    _, document, _ = explain("compliance", "iqas_assessed", f"period_start={QUARTER_2}",
                             "period_type=quarter", "type=casework")  # fmt: skip

    raw = warehouse.parent.parent / "raw"
    for row in document["rows"]:
        lines = list(csv.reader(io.StringIO((raw / row["source_file"]).read_text())))
        assert row["record"] in lines[row["source_row"] - 1]


def test_a_movers_requirement_is_explained_in_the_area_that_does_not_hold_it(explain: Any) -> None:
    _, document, _ = explain("compliance", "prosecutors_required", "area=NW", f"period_start={QUARTER_2}",
                             "period_type=quarter", "type=casework")  # fmt: skip
    held = {row["record"] for row in document["rows"] if row["part"] == "counted"}
    _, other, _ = explain("compliance", "prosecutors_required", "area=NE", f"period_start={QUARTER_2}",
                          "period_type=quarter", "type=casework")  # fmt: skip

    mover = rows_of(other, "out").get("P5") or rows_of(document, "out").get("P5")
    assert mover is not None
    assert mover.startswith("The requirement is held in N")
    assert (f"P5 {QUARTER_2}" in held) == ("NW" in mover)


def test_dip_fulfilment_gives_the_freeze_and_the_missing_comment_as_reasons(explain: Any) -> None:
    _, document, _ = explain("dip_sampling", "fulfilment_rate", "area=EM", f"period_start={QUARTER_1}",
                             "period_type=quarter", "type=casework")  # fmt: skip
    assert document["value"] == document["recomputed"] == near(0.933333)
    assert "14 / 15" in document["sentence"]
    rules = {row["record"]: row["rule"] for row in document["rows"] if row["unit"] == "assessments"}
    assert "late: recorded after the freeze of 2024-07-26" in rules["EM-100"]
    assert "invalid: no comment" in rules["EM-101"]
    assert rules["EM-142"].endswith("no dip sample")

    _, late, _ = explain("dip_sampling", "dips_late", "area=EM", f"period_start={QUARTER_1}",
                         "period_type=quarter", "type=casework")  # fmt: skip
    assert (late["value"], late["recomputed"]) == (1, 1)
    assert set(rows_of(late, "counted")) == {"EM-LATE"}


def test_the_line_to_send_explains_the_same_figure(explain: Any) -> None:
    _, first, _ = explain("dip_sampling", "raw_rate", "area=EM", f"period_start={QUARTER_1}",
                          "period_type=quarter", "type=casework")  # fmt: skip

    program, command, *arguments = shlex.split(first["command"])
    _, again, _ = explain(*arguments)

    assert (program, command) == ("iqa", "explain")
    assert again["rows"] == first["rows"]
    assert again["assumed"] == []


def test_a_limit_cuts_the_rows_shown_and_never_the_counts(explain: Any) -> None:
    _, document, _ = explain("dip_sampling", "raw_rate", "area=EM", f"period_start={QUARTER_1}",
                             "period_type=quarter", "type=casework", "--limit", "3")  # fmt: skip

    assert len(document["rows"]) == 3
    assert document["total_rows"] == 143 == sum(count["rows"] for count in document["rows_by_rule"])


def test_a_withheld_figure_says_why_and_shows_its_rows_all_the_same(explain: Any) -> None:
    _, document, _ = explain("compliance", "coverage_rate", "level=national", "period_start=2024-10-01",
                             "period_type=quarter", "type=casework")  # fmt: skip

    assert document["value"] is None
    assert document["reason"] == "pending"
    assert document["rows"]


def test_csv_holds_every_row_and_text_the_sentence_and_the_line_to_send(explain: Any) -> None:
    key = ("area=EM", f"period_start={QUARTER_1}", "period_type=quarter", "type=casework")
    _, table, _ = explain("dip_sampling", "raw_rate", *key, output="csv")
    _, text, _ = explain("dip_sampling", "raw_rate", *key, output="text")

    assert len(list(csv.DictReader(io.StringIO(table)))) == 143
    assert "raw_rate = 0.097902. The rows give 14 / 143 = 0.097902: the same." in text
    assert "To send: iqa explain dip_sampling raw_rate level=area area_code=EM" in text
    assert "Restricted" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["complience", "coverage_rate"], "Did you mean compliance?"),
        (["compliance", "coverage"], "coverage_rate"),
        (["compliance", "coverage_rate", "aera=NE"], "Did you mean area?"),
        (["compliance", "coverage_rate", "area=XX"], "No row of compliance has area_code 'XX'"),
        (["compliance", "coverage_rate", "area"], "is not a key with a value"),
        (["compliance", "coverage_rate", "type=casework", "type=advocacy"], "given twice"),
        (["compliance", "coverage_rate", "area=NE"], "still open: period_type"),
    ],
)
def test_a_figure_that_cannot_be_meant_is_refused_with_what_could(
    explain: Any, arguments: list[str], said: str
) -> None:
    code, document, _ = explain(*arguments)

    assert code == 2
    assert said in json.dumps(document["error"])


def test_without_a_warehouse_it_says_that_a_release_does_not_hold_the_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["explain", "compliance", "coverage_rate", "--warehouse", str(tmp_path / "none.duckdb")])

    assert code == 2
    assert "There is no warehouse here" in capsys.readouterr().err


def test_a_file_that_is_no_finished_warehouse_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.duckdb"
    duckdb.connect(str(path)).close()

    assert call(["explain", "compliance", "coverage_rate", "--warehouse", str(path)]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_a_release_that_does_not_exist_is_refused(explain: Any) -> None:
    code, document, _ = explain("compliance", "coverage_rate", "--release", "20240101T000000Z-abcdef")

    assert code == 2
    assert "There is no release" in document["error"]["what"]


def test_figures_that_do_not_add_up_are_said_not_to(explain: Any, warehouse: Path, tmp_path: Path) -> None:
    changed = tmp_path / "warehouse" / "iqa.duckdb"
    changed.parent.mkdir()
    shutil.copyfile(warehouse, changed)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{changed}' as warehouse")
        connection.execute("update warehouse.marts.dip_sampling set dips_late = 9 where area_code = 'EM'")
    code, document, _ = explain("dip_sampling", "dips_late", "area=EM", f"period_start={QUARTER_1}",
                                "period_type=quarter", "type=casework",
                                "--warehouse", str(changed))  # fmt: skip

    assert code == 1
    assert document["verdict"] == "differs"
    assert "THEY DO NOT AGREE" in document["sentence"]


def retained(warehouse: Path, release_id: str, **changes: Any) -> Path:
    """A release's folder with a sealed manifest of what the warehouse was built from."""
    marts = warehouse.parent.parent / "marts"
    with opened(Settings(warehouse=warehouse)) as connection:
        files = connection.execute(
            "select dataset, source_file, file_sha256, status from raw.files"
        ).fetchall()
        as_of = connection.execute("select cast(as_of as varchar) from raw.run_context").fetchall()[0][0]
    names = ("dataset", "source_file", "file_sha256", "status")
    document = {
        "release_id": release_id,
        "as_of": as_of,
        "code": {"version": "test"},
        "inputs": [dict(zip(names, file, strict=True)) for file in files],
    } | changes
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    folder = marts / "releases" / release_id
    folder.mkdir(parents=True)
    document["manifest_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(document))
    return folder


def test_a_retained_release_of_the_same_extracts_is_explained(explain: Any, warehouse: Path) -> None:
    retained(warehouse, "20240101T000000Z-aaaaaa")
    code, document, _ = explain("dip_sampling", "raw_rate", "area=EM", f"period_start={QUARTER_1}",
                                "period_type=quarter", "type=casework",
                                "--release", "20240101T000000Z-aaaaaa")  # fmt: skip

    assert code == 0
    assert document["release_id"] == "20240101T000000Z-aaaaaa"
    assert document["command"].endswith("--release 20240101T000000Z-aaaaaa")


def test_a_release_of_other_extracts_is_refused_with_how_to_build_it(explain: Any, warehouse: Path) -> None:
    other = {
        "dataset": "iqa",
        "source_file": "iqa/iqa_2023-07-28.csv",
        "file_sha256": "0",
        "status": "loaded",
    }
    retained(warehouse, "20240102T000000Z-bbbbbb", as_of="2023-07-28", inputs=[other])
    code, document, _ = explain("dip_sampling", "raw_rate", "--release", "20240102T000000Z-bbbbbb")

    assert code == 2
    assert "it is as of 2024-10-28, the release as of 2023-07-28" in document["error"]["what"]
    assert "it lacks iqa/iqa_2023-07-28.csv" in document["error"]["what"]
    assert "iqa check --as-of 2023-07-28 --warehouse rebuilt/" in document["error"]["what_next"]
