"""Which version stands, what counts as a repeat, and that no row vanishes, whatever is delivered when."""

import datetime
import itertools
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.extracts import ExtractError, ingestion
from tests.extracts.conftest import Warehouse
from tests.support.extracts import DATASETS, STAFF, extract_row, write_base, write_complete, write_extract

FIRST, SECOND, THIRD = "2024-07-05", "2024-07-12", "2024-07-19"


def counts(warehouse: Warehouse) -> dict[str, tuple[int, ...]]:
    """Per file: read, accepted, quarantined, superseded, repeated."""
    rows = warehouse.rows(
        "select source_file, rows_read, rows_accepted, rows_quarantined, rows_superseded, rows_repeated "
        "from raw.files where dataset = 'postings'"
    )
    return {Path(name).stem: tuple(numbers) for name, *numbers in rows}


def standing(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select posting_id, grade, extract_date::varchar, first_extract_date::varchar, version_number "
        "from raw.postings order by posting_id"
    )


def test_a_later_extract_supersedes_the_earlier_one(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "SCP"}])
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    warehouse.load()
    assert standing(warehouse) == [("P1", "SCP", SECOND, FIRST, 2)]
    assert counts(warehouse) == {
        f"postings_{FIRST}": (1, 0, 0, 1, 0),
        f"postings_{SECOND}": (1, 1, 0, 0, 0),
    }
    assert warehouse.rows(
        "select grade, version_number, known_from::varchar, known_to::varchar "
        "from raw.postings_versions order by version_number"
    ) == [("CP", 1, FIRST, SECOND), ("SCP", 2, SECOND, None)]


def test_the_same_row_in_a_later_cumulative_extract_is_a_repeat(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, 1)
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": " scp "}, {}])
    warehouse.load()
    assert standing(warehouse) == [("P1", "SCP", FIRST, FIRST, 1), ("P2", "SCP", SECOND, SECOND, 1)]
    assert counts(warehouse)[f"postings_{SECOND}"] == (2, 1, 0, 0, 1)


# The values of the default row in the spellings that another export may give them.
_OTHER_SPELLINGS: dict[str, dict[str, str]] = {
    "postings": {"area_code": "wessex", "unit_type": " mc", "fte": "1.0", "start_date": "01/01/2020"},
    "absences": {"staff_id": " S1 ", "end_date": "10/05/2024"},
    "iqa": {"overall_rating": "Yes", "assessment_type": "Casework", "status": "CLOSED\u00a0"},
    "iqa_answers": {"question_code": "cr01", "answer": " yes ", "is_issue": "No", "is_good_practice": "0"},
    "actions": {"action_level": "Individual", "due_on": "07/06/2024"},
    "dip_samples": {"overall_rating": "YES", "is_marked": "Y", "opinion": "Agree"},
    "dip_sample_answers": {"answer": "Met"},
    "reassessments": {"overall_rating": "\uff39", "purpose": "Inspection"},  # a wide Y, which NFKC folds
    "reassessment_answers": {
        "agrees": "no",
        "answer": "No",
        "difference_categories": "International;Disclosure",
    },
    "feedback_quality": {"score": "1.0", "feedback_question": "fq1"},
    "evidence_requests": {"side": "DCP_TO_PROSECUTOR"},
    "governance_items": {"body": "cqb", "area_code": "wessex"},
    "control_totals": {"value": "1.00", "measure": "IQAS_ASSESSED"},
}
_DISAGREES = {"agrees": "false", "answer": "N", "difference_categories": "disclosure;international"}
_DEFAULT_ROWS = {"postings": STAFF, "reassessment_answers": [_DISAGREES]}


@pytest.mark.parametrize("is_one_file", [False, True], ids=["in a later file", "in the same file"])
def test_the_same_values_in_other_spellings_are_a_repeat(warehouse: Warehouse, is_one_file: bool) -> None:
    for dataset in DATASETS:
        first = _DEFAULT_ROWS.get(dataset, [{}])
        again = extract_row(dataset) | first[0] | _OTHER_SPELLINGS[dataset]
        write_extract(warehouse.raw_dir, dataset, rows=[*first, again] if is_one_file else first)
        if not is_one_file:
            write_extract(warehouse.raw_dir, dataset, "2024-08-02", [again])
    warehouse.load()
    assert warehouse.rows("select dataset, rule_id, offending_value from raw.quarantine") == []
    assert warehouse.rows("select dataset, sum(rows_repeated) from raw.files group by 1 order by 1") == [
        (dataset, 1) for dataset in sorted(DATASETS)
    ]


def test_a_label_of_another_value_is_a_correction_and_twice_in_one_file_a_duplicate(
    warehouse: Warehouse,
) -> None:
    write_base(warehouse.raw_dir, FIRST)
    write_extract(
        warehouse.raw_dir, "iqa_answers", FIRST, [{"answer": "Y"}, {"answer": "N/A"}, {"answer": "Y"}]
    )
    changed = [{"answer": "No"}, {"answer": "Not applicable"}, {"answer": ""}]
    write_extract(warehouse.raw_dir, "iqa_answers", SECOND, changed)
    twice = [{"question_code": "CR05", "answer": "Yes"}, {"question_code": "CR05", "answer": "No"}]
    write_extract(warehouse.raw_dir, "iqa_answers", THIRD, twice)
    warehouse.load()
    assert warehouse.rows(
        "select question_code, answer, version_number from raw.iqa_answers order by question_code"
    ) == [("CR01", "N", 2), ("CR02", "NA", 1), ("CR03", None, 2)]
    assert [rule for _, _, rule in warehouse.quarantined()] == ["duplicate_key"] * 2


def test_a_correction_that_is_taken_back_is_a_third_version(warehouse: Warehouse) -> None:
    for day, grade, extra in ((FIRST, "CP", 0), (SECOND, "SCP", 0), (THIRD, "CP", 1)):
        write_extract(warehouse.raw_dir, "postings", day, [{"grade": grade}] + [{}] * extra)
    warehouse.load()
    assert standing(warehouse)[0] == ("P1", "CP", THIRD, FIRST, 3)


def test_the_same_bytes_again_under_another_name_and_date_change_nothing(warehouse: Warehouse) -> None:
    first = write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "SCP"}])
    shutil.copy(first, first.with_name(f"again_{THIRD}.csv"))
    result = warehouse.load()
    assert standing(warehouse) == [("P1", "SCP", SECOND, FIRST, 2)]
    (repeat,) = result.with_status("repeat")
    assert (repeat.rows_read, repeat.rows_repeated) == (1, 1)
    assert result.as_of == datetime.date.fromisoformat(SECOND)


def test_the_same_bytes_for_another_dataset_are_not_a_repeat(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    path = write_extract(warehouse.raw_dir, "dip_sample_answers", rows=[{"iqa_id": "I1"}])
    target = warehouse.raw_dir / "iqa_answers" / path.name
    target.parent.mkdir()
    shutil.copy(path, target)
    assert warehouse.load().with_status("repeat") == ()


def test_on_one_date_the_higher_part_wins_then_the_later_name(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "AP"}] * 1, name=f"z_{FIRST}.csv")
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "SCP"}], part=10)
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}], part=9)
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "DCP"}], name=f"a_{FIRST}_10.csv")
    warehouse.load()
    assert standing(warehouse) == [("P1", "SCP", FIRST, FIRST, 4)]


def test_a_key_twice_in_one_file_quarantines_both_unless_the_rows_are_the_same(warehouse: Warehouse) -> None:
    same = {"posting_id": "P1"}
    write_extract(warehouse.raw_dir, "postings", FIRST, [same, {"posting_id": "P2"}, {"posting_id": "P2"}])
    twice = [{"posting_id": "P9", "staff_id": "S9"}] * 2
    write_extract(warehouse.raw_dir, "postings", SECOND, twice)
    warehouse.load()
    assert [row[0] for row in standing(warehouse)] == ["P1", "P9"]
    assert warehouse.rows("select source_row, rule_id, primary_key from raw.quarantine order by 1") == [
        (3, "duplicate_key", "P2"),
        (4, "duplicate_key", "P2"),
    ]
    assert counts(warehouse)[f"postings_{SECOND}"] == (2, 1, 0, 0, 1)


def test_duplicate_keys_are_judged_among_rows_that_are_otherwise_sound(warehouse: Warehouse) -> None:
    rows = [{"posting_id": "P1", "grade": "CP"}, {"posting_id": "P1", "grade": "Wizard"}]
    write_extract(warehouse.raw_dir, "postings", FIRST, rows)
    warehouse.load()
    assert [row[:2] for row in standing(warehouse)] == [("P1", "CP")]
    assert warehouse.quarantined() == [("postings", "P1", "unknown_code")]


def test_a_duplicate_key_leaves_the_good_earlier_version_standing(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    rows = [{"posting_id": "P1", "grade": "SCP"}, {"posting_id": "P1", "grade": "DCP"}]
    write_extract(warehouse.raw_dir, "postings", SECOND, rows)
    warehouse.load()
    assert standing(warehouse) == [("P1", "CP", FIRST, FIRST, 1)]


def test_a_quarantined_newer_version_leaves_the_good_older_one_standing(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "Wizard"}])
    warehouse.load()
    assert standing(warehouse) == [("P1", "CP", FIRST, FIRST, 1)]
    assert counts(warehouse)[f"postings_{SECOND}"] == (1, 0, 1, 0, 0)


def test_a_correction_of_the_instrument_judges_the_answers_anew(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir, FIRST)
    write_extract(warehouse.raw_dir, "iqa_answers", FIRST, [{"answer": "Met"}, {"answer": "P"}])
    warehouse.load()
    assert warehouse.rows("select question_code, answer from raw.iqa_answers") == [("CR01", "Y")]
    write_extract(warehouse.raw_dir, "iqa", SECOND, [{"instrument_version": "CW-2015"}])
    warehouse.load()
    assert warehouse.rows("select question_code, answer from raw.iqa_answers order by 1") == [
        ("CR01", "M"),
        ("CR02", "P"),
    ]


def test_files_after_the_reporting_date_are_left_out_and_said_so(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "SCP"}])
    result = warehouse.load(as_of=datetime.date.fromisoformat(FIRST))
    assert result.as_of == datetime.date.fromisoformat(FIRST)
    assert standing(warehouse) == [("P1", "CP", FIRST, FIRST, 1)]
    (later,) = result.with_status("after_as_of")
    assert later.source_file in "\n".join(result.summary_lines())
    assert warehouse.load().as_of == datetime.date.fromisoformat(SECOND)


def test_the_reporting_date_is_that_of_the_newest_file_that_loads(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST)
    (warehouse.raw_dir / "postings" / "broken_2030-01-01.csv").write_bytes(b"")
    assert warehouse.load().as_of == datetime.date.fromisoformat(FIRST)


def test_a_file_that_is_taken_away_is_forgotten(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", FIRST, [{"grade": "CP"}])
    second = write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "SCP"}])
    warehouse.load()
    second.unlink()
    warehouse.load()
    assert standing(warehouse) == [("P1", "CP", FIRST, FIRST, 1)]


def test_a_crash_in_mid_ingest_leaves_the_last_tables_and_the_next_run_works(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_base(warehouse.raw_dir, FIRST)
    warehouse.load()
    write_extract(warehouse.raw_dir, "postings", SECOND, [{"grade": "CP"}])
    with monkeypatch.context() as patch:
        patch.setattr(ingestion, "_write_warnings", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            warehouse.load()
    assert warehouse.rows("select grade from raw.postings where posting_id = 'P1'") == [("SCP",)]
    assert warehouse.rows("select count(*) from raw.files") == [(2,)]
    warehouse.load()
    assert warehouse.rows("select grade from raw.postings where posting_id = 'P1'") == [("CP",)]


def test_rows_that_do_not_add_up_stop_the_ingest(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_base(warehouse.raw_dir)
    original = ingestion.land

    def one_more(*arguments: Any) -> dict[str, Any]:
        facts = original(*arguments)
        return facts | {"rows": facts["rows"] + 1}

    monkeypatch.setattr(ingestion, "land", one_more)
    with pytest.raises(ExtractError, match="do not add up"):
        warehouse.load()


def test_the_warehouse_may_be_attached_beside_another_database(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    warehouse.connection.close()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse.settings.warehouse}' as warehouse")
        ingestion.ingest(warehouse.settings, connection)
        assert connection.execute("select current_database()").fetchone() == ("memory",)
        assert connection.execute("select count(*) from warehouse.raw.iqa").fetchone() == (1,)


def _everything(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    relations = [f"raw.{dataset}_versions" for dataset in DATASETS]
    relations += ["raw.quarantine", "raw.warnings", "raw.files"]
    return {relation: sorted(warehouse.rows(f"select * from {relation}"), key=repr) for relation in relations}


def _messy_delivery(raw_dir: Path, order: list[int]) -> None:
    """Corrections, repeats, duplicates and faults over three dates, written in the given order."""

    def complete() -> None:
        write_complete(raw_dir, FIRST)

    def corrections() -> None:
        write_extract(raw_dir, "iqa", SECOND, [{"overall_rating": "N"}, {}, {"iqa_id": "I2", "urn": "X"}])
        write_extract(raw_dir, "iqa_answers", SECOND, [{"answer": "N"}, {"answer": "P"}, {}])

    def late() -> None:
        write_extract(raw_dir, "iqa", THIRD, [{"area_code": "Nowhere"}, {}, {}])
        write_extract(raw_dir, "iqa_answers", THIRD, 8, part=2)
        write_extract(raw_dir, "iqa_answers", THIRD, [{"answer": "No"}] * 8, part=1)

    steps = [complete, corrections, late]
    for number in order:
        steps[number]()


def test_the_order_in_which_files_arrive_and_the_number_of_threads_change_nothing(
    new_warehouse: Callable[[str], Warehouse],
) -> None:
    found = []
    for name, order, threads in (("one", [0, 1, 2], 1), ("two", [2, 1, 0], 2), ("three", [1, 2, 0], 4)):
        warehouse = new_warehouse(name)
        warehouse.connection.execute(f"set threads = {threads}")
        _messy_delivery(warehouse.raw_dir, order)
        if name == "two":  # loaded piece by piece rather than at once
            warehouse.load(as_of=datetime.date.fromisoformat(SECOND))
        for path in sorted(warehouse.raw_dir.rglob("*.csv"), key=lambda _: random.Random(name).random()):
            os.utime(path)
        warehouse.load()
        found.append(_everything(warehouse))
    assert found[0] == found[1] == found[2]


def test_the_names_of_files_change_nothing_but_the_lineage(
    new_warehouse: Callable[[str], Warehouse],
) -> None:
    found = []
    for name in ("one", "two"):
        warehouse = new_warehouse(name)
        _messy_delivery(warehouse.raw_dir, [0, 1, 2])
        if name == "two":
            for number, path in enumerate(sorted(warehouse.raw_dir.rglob("*.csv"))):
                path.rename(path.with_name(f"{'zaq'[number % 3]} {path.name}"))
        warehouse.load()
        rows = {
            relation: warehouse.rows(f"select * exclude (source_file) from {relation}")
            for relation in (*(f"raw.{dataset}_versions" for dataset in DATASETS), "raw.quarantine")
        }
        found.append({relation: sorted(values, key=repr) for relation, values in rows.items()})
    assert found[0] == found[1]


_NUMBERS = itertools.count()
grades = st.sampled_from(["CP", "SCP", " scp", "Wizard", ""])
rows = st.lists(st.tuples(st.integers(1, 3), grades), max_size=4)
deliveries = st.lists(st.tuples(st.sampled_from([FIRST, SECOND, THIRD]), rows), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered=deliveries)
def test_every_row_read_is_accepted_quarantined_superseded_or_repeated(
    new_warehouse: Callable[[str], Warehouse], delivered: list[tuple[str, list[tuple[int, str]]]]
) -> None:
    warehouse = new_warehouse(f"delivery-{next(_NUMBERS)}")
    expected: dict[str, str] = {}
    in_order = sorted(
        [(day, part, rows) for part, (day, rows) in enumerate(delivered)], key=lambda file: file[:2]
    )
    seen = set()
    for day, part, rows in in_order:
        changes = [{"posting_id": f"P{key}", "staff_id": "S1", "grade": grade} for key, grade in rows]
        path = write_extract(warehouse.raw_dir, "postings", day, changes, part=part)
        if path.read_bytes() in seen:
            continue
        seen.add(path.read_bytes())
        sound = [(f"P{key}", grade.strip().upper()) for key, grade in rows if grade not in ("Wizard", "")]
        for key in {key for key, _ in sound}:
            found = {grade for name, grade in sound if name == key}
            if len(found) == 1:
                expected[key] = found.pop()
    result = warehouse.load()
    assert all(file.is_balanced for file in result.files)
    assert result.rows("read") == sum(len(rows) for _, rows in delivered)
    assert dict(warehouse.rows("select posting_id, grade from raw.postings")) == expected
    assert result.rows("accepted") == len(expected)
    assert warehouse.rows("select count(*) from raw.quarantine") == [(result.rows("quarantined"),)]
