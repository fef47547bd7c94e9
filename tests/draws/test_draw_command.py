"""`iqa draw` end to end: extracts, a built warehouse, and the files that people are handed.

The reporting date is 26 July 2024, the freeze of 2024-25 Q1. Wessex has 30 casework assessments in that
quarter by two assessors; S3 and S4 may dip sample, and S4 is one of the assessors.
"""

import csv
import json
import shutil
import stat
import zipfile
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import pytest

from dagster_project.cli import call
from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

MODELS = ["+int_dips_classified", "+int_leniency_shrunk"]
STAFF = [
    {"staff_id": "S1"},
    {"staff_id": "S2", "grade": "DCP"},
    {"staff_id": "S3", "grade": "SDCP"},
    {"staff_id": "S4", "grade": "DCCP", "unit_type": "CC"},
    {"staff_id": "S5", "grade": "SDCP", "end_date": "2024-06-30"},
]


def iqa(number):
    day = f"2024-05-{number:02}" if number <= 30 else "2024-06-03"
    row = {
        "assessor_id": "S4" if number % 3 == 0 else "S2",
        "urn": "=1+1" if number % 2 else f"URN{number}",
        **dict.fromkeys(("opened_on", "assessed_on", "conversation_on", "closed_on"), day),
    }
    if number == 31:
        row |= {"status": "withdrawn"}
    if number > 31:
        # No assessment of another Area is dip sampled.
        row |= {"area_code": "Cymru-Wales", "assessor_id": "S2"}
    if number > 34:
        day = {35: "2024-07-10", 36: "2024-02-12"}[number]
        row |= dict.fromkeys(("opened_on", "assessed_on", "conversation_on", "closed_on"), day)
    return row


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("draws")
    raw = folder / "raw"
    write_extract(raw, "postings", rows=STAFF)
    write_extract(raw, "iqa", rows=[iqa(number) for number in range(1, 37)])
    # I1 is validly dipped, I2 has a dip without a comment, I31 is withdrawn.
    dips = [{"iqa_id": "I1"}, {"iqa_id": "I2", "comment": ""}, {"iqa_id": "I31"}]
    write_extract(raw, "dip_samples", rows=dips)
    build_marts(folder, raw, select=MODELS).close()
    return folder / "warehouse" / "iqa.duckdb"


@pytest.fixture
def draw(built, tmp_path, capsys):
    """Run `iqa draw ...` on a copy of the warehouse; returns exit code, JSON document and folder."""
    warehouse = tmp_path / "work" / "iqa.duckdb"
    warehouse.parent.mkdir()
    shutil.copyfile(built, warehouse)

    def run(*arguments):
        places = ["--warehouse", str(warehouse), "--format", "json"]
        if arguments[0] != "list":
            places += ["--marts", str(tmp_path / "marts")]
        code = call(["draw", *arguments, *places])
        return code, json.loads(capsys.readouterr().out), warehouse.parent / "draws"

    return run


def rows_of(document):
    with Path(document["files"][0]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_dip_draw_takes_what_wessex_lacks_and_says_who_reads_it_and_why(draw):
    code, document, _ = draw("dip", "--area", "Wessex")
    assert code == 0
    (stratum,) = document["strata"]
    assert stratum["iqas_assessed"] == 30
    assert (stratum["dips_required"], stratum["dips_valid"], stratum["drawn"]) == (3, 1, 2)
    excluded = {row["reason"]: row["assessments"] for row in document["excluded"]}
    assert excluded == {"withdrawn": 1, "dipped": 1}
    rows = rows_of(document)
    assert len(rows) == 2
    assert all(row["quarter"] == "2024-25 Q1" for row in rows)
    # S2 has a valid dip, so S4 is reached first; and S4 does not read it.
    assert [row["assessor_id"] for row in rows] == ["S4", "S2"]
    assert rows[0]["sampler_id"] == "S3"
    # S5 left before the reporting date.
    assert {row["sampler_id"] for row in rows} <= {"S3", "S4"}
    assert all("30 assessed, 3 to be dipped, 1 dipped, so 2 to draw" in row["reason"] for row in rows)


def test_a_shortfall_ends_with_1_and_says_where(draw):
    code, document, _ = draw("dip", "--area", "CYM")
    assert code == 1
    assert document["shortfall"] == 1
    assert document["excluded"][0]["reason"] == "no_sampler"
    assert any(remark.startswith("Shortfall: 1 ") for remark in document["remarks"])


def test_samplers_can_be_named_for_an_area_whose_managers_are_in_no_extract(draw):
    code, document, _ = draw("dip", "--area", "CYM", "--sampler", "S3")
    assert code == 0
    assert [row["sampler_id"] for row in rows_of(document)] == ["S3"]


def test_the_seed_repeats_a_draw_to_the_byte(draw, tmp_path):
    _, first, _ = draw("dip", "--area", "WES")
    seed = str(first["seed"])
    _, second, _ = draw("dip", "--area", "WES", "--seed", seed, "--out", str(tmp_path / "again"))
    assert second["draw_id"] == first["draw_id"]
    assert any(remark.startswith(f"This repeats draw {first['draw_id']}") for remark in second["remarks"])
    for one, other in zip(first["files"], second["files"], strict=True):
        assert one != other and Path(one).read_bytes() == Path(other).read_bytes()


def test_without_a_seed_nobody_can_draw_until_the_draw_pleases(draw):
    assert draw("dip")[1]["draw_id"] == draw("dip")[1]["draw_id"]


def test_another_seed_shows_that_the_quarter_was_drawn_before(draw):
    _, first, _ = draw("dip", "--area", "WES", "--seed", "1")
    _, second, _ = draw("dip", "--area", "WES", "--seed", "2")
    assert second["draw_id"] != first["draw_id"]
    assert any(f"Drawn before: {first['draw_id']}" in r and "with seed 1" in r for r in second["remarks"])


def test_every_draw_is_in_the_register_with_its_seed_frame_and_run(draw):
    _, drawn, folder = draw("dip", "--area", "WES", "--seed", "5", "--weight-uncertain")
    _, listed, _ = draw("list")
    (entry,) = listed["draws"]
    assert entry["draw_id"] == drawn["draw_id"]
    assert (entry["seed"], entry["seed_origin"], entry["frame_hash"]) == (5, "given", drawn["frame_hash"])
    assert entry["as_of"] == "2024-07-26" and entry["release_id"] == drawn["release_id"]
    assert entry["parameters"]["weights"] is not None
    # The register names assessments; what is printed does not.
    assert "chosen" not in entry
    assert "I4" not in json.dumps(listed)
    assert "chosen" in (folder / "draws.jsonl").read_text()


def test_a_register_changed_by_hand_stops_the_next_draw_before_anything_is_handed_out(draw):
    _, first, folder = draw("dip", "--area", "WES", "--seed", "5")
    register = folder / "draws.jsonl"
    register.write_text(register.read_text().replace('"seed": 5', '"seed": 6'))
    code, document, _ = draw("dip", "--area", "WES", "--seed", "9")
    assert code == 2
    assert "The log is broken" in document["error"]["what"]
    assert {path.name for path in folder.glob("*.csv")} == {first["files"][0].rsplit("/", 1)[1]}


def test_the_files_are_their_owners_only_and_nothing_in_them_runs_as_a_formula(draw):
    _, document, folder = draw("dip", "--area", "WES", "--seed", "3", "--include-open")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in [*folder.glob("*.csv"), *folder.glob("*.xlsx"), *folder.glob("*.jsonl")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    with zipfile.ZipFile(document["files"][1]) as workbook:
        sheets = [name for name in workbook.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in workbook.read(name) for name in sheets)
    urns = {row["urn"] for number in range(4) for row in rows_of(draw("dip", "--seed", str(number))[1])}
    assert "'=1+1" in urns and "=1+1" not in urns


def test_the_workbook_is_accessible_and_holds_frame_strata_exclusions_and_seed(draw):
    _, document, _ = draw("dip", "--area", "WES", "--seed", "11")
    workbook = fastexcel.read_excel(document["files"][1])
    assert workbook.sheet_names == ["Cover", "Contents", "Drawn", "Strata", "Excluded", "Frame", "Notes"]
    frame = workbook.load_sheet("Frame").to_polars()
    assert len(frame) == 31
    outcomes = dict(frame["Outcome"].value_counts().iter_rows())
    assert outcomes == {"drawn": 2, "not_drawn": 27, "dipped": 1, "withdrawn": 1}
    notes = dict(workbook.load_sheet("Notes").to_polars().rows())
    assert notes["Seed"] == "11" and notes["Hash of the frame"] == document["frame_hash"]
    drawn = workbook.load_sheet("Drawn").to_polars()
    assert drawn["IQA ID"].to_list() == [row["iqa_id"] for row in rows_of(document)]
    assert drawn["Assessed on"].dtype.is_temporal() and drawn["Assessed on"][0] >= datetime(2024, 5, 1)
    with zipfile.ZipFile(document["files"][1]) as archive:
        for number in range(2, 8):
            sheet = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            names = {element.tag.rsplit("}", 1)[1] for element in sheet.iter()}
            assert "tableParts" in names
            assert not names & {"mergeCells", "pane"}
            table = ElementTree.fromstring(archive.read(f"xl/tables/table{number - 1}.xml"))
            assert table.attrib["ref"].startswith("A1:")
            cells = [element for element in sheet.iter() if element.tag.endswith("}c")]
            assert all(len(cell) for cell in cells), "an empty cell says nothing to a screen reader"


def test_neither_terminal_nor_json_names_a_case_or_a_person(draw, built, tmp_path, capsys):
    _, document, _ = draw("dip", "--area", "WES")
    row = rows_of(document)[0]
    assert row["iqa_id"] not in json.dumps(document)
    copy = tmp_path / "other" / "iqa.duckdb"
    copy.parent.mkdir()
    shutil.copyfile(built, copy)
    assert call(["draw", "dip", "--area", "WES", "--warehouse", str(copy)]) == 0
    printed = capsys.readouterr().out
    assert "2 drawn, seed" in printed
    assert not any(word in printed.split() for word in (row["iqa_id"], row["sampler_id"], row["urn"]))


def test_the_inspection_draw_says_what_it_could_not_find(draw):
    code, document, _ = draw("inspection", "--area", "WES", "--area", "Cymru-Wales")
    assert code == 1
    found = {(row["area_code"], row["unit_type"]): row for row in document["strata"]}
    assert found[("WES", "MC")]["planned"] == 10 and found[("WES", "MC")]["drawn"] == 1
    assert found[("WES", "CC")]["shortfall"] == 5 and found[("CYM", "MC")]["shortfall"] == 10
    reasons = {row["reason"] for row in document["excluded"]}
    assert reasons == {"withdrawn", "not_dipped"}
    assert [row["iqa_id"] for row in rows_of(document)] == ["I1"]


def test_the_inspection_design_is_fourteen_areas_by_ten_and_five(draw):
    _, document, _ = draw("inspection")
    assert len({row["area_code"] for row in document["strata"]}) == 14
    assert "CPSD" not in {row["area_code"] for row in document["strata"]}
    assert sum(row["planned"] for row in document["strata"]) == 210


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["dip", "--area", "Atlantis"], "There is no Area 'Atlantis'."),
        (["dip", "--quarter", "2031-32 Q1"], "There is no quarter '2031-32 Q1'."),
        (["dip", "--quarter", "2023-24 Q1"], "There is nothing to draw from."),
        (["dip", "--sampler", "S3"], "Samplers are named for more than one Area."),
        (["dip", "--area", "WES", "--sampler", "S99"], "Nobody has the staff id S99."),
    ],
)
def test_a_wrong_option_is_named_with_what_to_do(draw, arguments, what):
    code, document, folder = draw(*arguments)
    assert code == 2
    assert document["error"]["what"] == what
    assert document["error"]["what_next"]
    assert not folder.exists()


def test_without_a_warehouse_the_command_says_to_run_first(tmp_path, capsys):
    assert call(["draw", "dip", "--warehouse", str(tmp_path / "none.duckdb")]) == 2
    assert "iqa run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("quarter", "remark"),
    [
        ("2024-25 Q1", "Dips of 2024-25 Q1 count if they are done by 26 July 2024."),
        ("2024-07-01", "2024-25 Q2 is not over: its requirement still grows."),
        ("2023-24 q4", "one done now is late and counts towards nothing."),
    ],
)
def test_what_a_dip_done_now_would_count_towards_is_said(draw, quarter, remark):
    assert any(remark in said for said in draw("dip", "--quarter", quarter)[1]["remarks"])
