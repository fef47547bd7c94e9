"""An extract can be read again: what was kept of it is dropped, and nothing else is."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import IqaError
from dagster_project.extracts.landing import READER_VERSION
from dagster_project.extracts.sealed import aside, seal
from tests.extracts.conftest import Warehouse
from tests.support.extracts import write_base, write_extract


@pytest.fixture
def warehouse(new_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    made = new_warehouse("one")
    write_base(made.raw_dir, iqas=2)
    made.load()
    return made


def landed(warehouse: Warehouse, dataset: str) -> Path:
    (path,) = (
        path
        for path in (warehouse.settings.landing_dir / dataset).glob("*.parquet")
        if ".typed-" not in path.name
    )
    return path


def misread(path: Path) -> None:
    """Put in place what a defect of the reader would have left: sound, sealed and wrong."""
    table = pq.read_table(path)
    for name in table.column_names[3:]:
        column = pc.replace_substring(table[name], "URN", "XXX")
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, aside(path))
    facts = json.loads(path.with_name(path.name + ".json").read_text())
    facts.pop("sha256")
    assert facts["version"] == READER_VERSION
    seal(path, facts)
    for typed in path.parent.glob("*.typed-*"):
        typed.unlink()


def test_a_misread_extract_is_put_right_by_reading_it_again(warehouse: Warehouse) -> None:
    misread(landed(warehouse, "iqa"))
    warehouse.load()
    assert warehouse.rows("select min(urn) from raw.iqa") == [("XXX1",)]
    result = warehouse.load(reread=["iqa/iqa_2024-07-26.csv"])
    assert warehouse.rows("select min(urn) from raw.iqa") == [("URN1",)]
    assert [reread.sentence() for reread in result.reread] == [
        "read again iqa/iqa_2024-07-26.csv: the copy made of it differs from the one that was kept"
    ]


def test_only_the_named_extract_is_read_again(warehouse: Warehouse) -> None:
    before = {dataset: landed(warehouse, dataset).stat().st_mtime_ns for dataset in ("iqa", "postings")}
    result = warehouse.load(reread=["iqa/iqa_2024-07-26.csv"])
    after = {dataset: landed(warehouse, dataset).stat().st_mtime_ns for dataset in before}
    assert after["postings"] == before["postings"]
    assert after["iqa"] > before["iqa"]
    assert [reread.changed for reread in result.reread] == [False]


@pytest.mark.parametrize("kind", ["below the raw folder", "absolute", "only the name"])
def test_a_file_may_be_named_in_any_way_that_is_clear(warehouse: Warehouse, kind: str) -> None:
    path = warehouse.raw_dir / "iqa" / "iqa_2024-07-26.csv"
    name = {"below the raw folder": "iqa/iqa_2024-07-26.csv", "absolute": str(path)}.get(kind, path.name)
    assert [reread.source_file for reread in warehouse.load(reread=[name]).reread] == [
        "iqa/iqa_2024-07-26.csv"
    ]


def test_a_file_that_is_not_there_is_an_error_that_names_what_may_be_meant(warehouse: Warehouse) -> None:
    with pytest.raises(IqaError) as caught:
        warehouse.load(reread=["iqa/iqa_2024-07-62.csv"])
    assert "iqa/iqa_2024-07-26.csv" in caught.value.next_step
    assert warehouse.rows("select count(*) from raw.iqa") == [(2,)]


def test_a_name_that_fits_two_files_is_not_guessed(warehouse: Warehouse) -> None:
    for dataset in ("absences", "actions"):
        write_extract(warehouse.raw_dir, dataset, name="export_2024-07-26.csv")
    with pytest.raises(IqaError, match=r"could be any of absences/export.*, actions/export"):
        warehouse.load(reread=["export_2024-07-26.csv"])


def test_an_extract_that_this_run_leaves_out_cannot_be_read_again(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "iqa", "2024-08-30")
    with pytest.raises(IqaError, match="is not read by this run"):
        warehouse.load(as_of=date(2024, 7, 31), reread=["iqa/iqa_2024-08-30.csv"])
