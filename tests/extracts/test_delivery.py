"""What file names say, and what is refused by name."""

import os
from datetime import date
from pathlib import Path

import pytest

from dagster_project.extracts import ExtractError
from dagster_project.extracts.delivery import discover, read_name
from dagster_project.extracts.errors import Refusal
from tests.extracts.conftest import Warehouse
from tests.support.extracts import write_base, write_extract


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iqa_2024-07-26.csv", (date(2024, 7, 26), None)),
        ("2024-07-26.csv", (date(2024, 7, 26), None)),
        ("iqa export 20240726.csv", (date(2024, 7, 26), None)),
        ("iqa_2024-07-26_2.csv", (date(2024, 7, 26), 2)),
        ("iqa_2024-07-26_10.csv", (date(2024, 7, 26), 10)),
        ("iqa_2024-07-26_part3.csv", (date(2024, 7, 26), 3)),
        ("iqa_2024-04-01_2024-07-26.csv", (date(2024, 7, 26), None)),
        ("iqa_20240401_to_20240630_1.csv", (date(2024, 6, 30), 1)),
        ("case12345678_2024-07-26.csv", (date(2024, 7, 26), None)),
        ("iqa_2024-07-26_12345678.csv", (date(2024, 7, 26), 12345678)),
        ("iqa_2024-07-26_final.csv", (date(2024, 7, 26), None)),
    ],
)
def test_the_last_date_in_a_name_is_the_extract_date(name: str, expected: tuple[date, int | None]) -> None:
    assert read_name(name, "csv") == expected


@pytest.mark.parametrize(
    "name", ["iqa.csv", "iqa_2024-13-01.csv", "iqa_2024-01-01_2024-02-30.csv", "2024.csv"]
)
def test_a_name_without_a_date_of_the_calendar_is_refused(name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_name(name, "csv")
    assert refusal.value.rule_id == "no_date"


def test_strangers_are_refused_by_name_and_the_other_files_still_load(warehouse: Warehouse) -> None:
    raw = warehouse.raw_dir
    write_base(raw)
    good = raw / "iqa" / "iqa_2024-07-26.csv"
    for name in (
        "iqa.csv",
        "iqa_2024-07-26.txt",
        "~$iqa_2024-07-26.xlsx",
        ".~lock.iqa_2024-07-26.csv#",
        ".x",
    ):
        (raw / "iqa" / name).write_bytes(good.read_bytes())
    (raw / "iqa" / "older").mkdir()
    (raw / "iqa" / "link_2024-07-26.csv").symlink_to(good)
    (raw / "linked").symlink_to(raw / "iqa")
    (raw / "notes.txt").write_text("hello")
    (raw / "iqas").mkdir()
    (raw / "iqas" / "iqa_2024-07-26.csv").write_bytes(good.read_bytes())
    os.mkfifo(raw / "iqa" / "pipe_2024-07-26.csv")
    (raw / ".gitkeep").touch()

    result = warehouse.load()

    assert {refused.source_file: refused.rule_id for refused in result.refusals} == {
        "iqa/iqa.csv": "no_date",
        "iqa/iqa_2024-07-26.txt": "unknown_ending",
        "iqa/~$iqa_2024-07-26.xlsx": "lock_file",
        "iqa/.~lock.iqa_2024-07-26.csv#": "lock_file",
        "iqa/.x": "stranger",
        "iqa/older": "sub_folder",
        "iqa/link_2024-07-26.csv": "link",
        "iqa/pipe_2024-07-26.csv": "stranger",
        "linked": "link",
        "notes.txt": "unknown_folder",
        "iqas/iqa_2024-07-26.csv": "unknown_folder",
    }
    assert warehouse.rows("select iqa_id from raw.iqa") == [("I1",)]
    summary = "\n".join(result.summary_lines())
    assert all(refused.source_file in summary for refused in result.refusals)


def test_an_empty_raw_folder_loads_nothing_and_knows_no_reporting_date(warehouse: Warehouse) -> None:
    result = warehouse.load()
    assert result.as_of is None
    assert result.files == ()
    assert warehouse.rows("select count(*) from raw.iqa_answers") == [(0,)]


def test_a_missing_raw_folder_says_where_it_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="does not exist"):
        discover(tmp_path / "absent", ["iqa"])


def test_a_file_in_capitals_with_any_prefix_is_found(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", name="Export (final) 26 July_2024-07-26.CSV")
    assert warehouse.load().with_status("loaded")[0].file_format == "csv"
