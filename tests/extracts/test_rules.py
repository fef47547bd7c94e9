"""What each rule of EXTRACTS does to a row: quarantined with its rule and value, or kept with a warning."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.extracts import IngestResult, typed
from tests.extracts.conftest import Warehouse
from tests.support.extracts import DATASETS, STAFF, write_base, write_complete, write_extract

# dataset, what is wrong, rule id, column, offending value
FAULTS: list[tuple[str, dict[str, Any], str, str, str | None]] = [
    ("postings", {"posting_id": " "}, "empty_primary_key", "posting_id", None),
    ("postings", {"staff_id": ""}, "required_value_empty", "staff_id", None),
    ("postings", {"grade": "QC"}, "unknown_code", "grade", "QC"),
    ("postings", {"area_code": "Atlantis"}, "unknown_area", "area_code", "Atlantis"),
    ("postings", {"unit_type": "ALL"}, "unknown_code", "unit_type", "ALL"),
    ("postings", {"fte": "0"}, "out_of_range", "fte", "0"),
    ("postings", {"fte": "1.01"}, "out_of_range", "fte", "1.01"),
    ("postings", {"fte": "nan"}, "wrong_type", "fte", "nan"),
    ("postings", {"start_date": "2024-13-01"}, "wrong_type", "start_date", "2024-13-01"),
    ("absences", {"start_date": "2014-09-30"}, "implausible_date", "start_date", "2014-09-30"),
    ("iqa", {"instrument_version": "CW-1999"}, "unknown_instrument", "instrument_version", "CW-1999"),
    ("iqa", {"instrument_version": "AD-2023"}, "instrument_type", "instrument_version", "AD-2023"),
    ("iqa", {"assessed_on": "05/13/2024"}, "wrong_type", "assessed_on", "05/13/2024"),
    ("iqa", {"assessed_on": "2024-5-2"}, "wrong_type", "assessed_on", "2024-5-2"),
    ("iqa", {"opened_on": "2024-05-03"}, "stage_order", "assessed_on", "2024-05-02"),
    ("iqa", {"conversation_on": "2024-05-01"}, "stage_order", "assessed_on", "2024-05-02"),
    ("iqa", {"conversation_on": "", "closed_on": "2024-05-01"}, "stage_order", "assessed_on", "2024-05-02"),
    ("iqa", {"feedback_on": "2024-05-06"}, "stage_order", "assessed_on", "2024-05-02"),
    ("iqa", {"closed_on": "2024-07-27"}, "implausible_date", "closed_on", "2024-07-27"),
    ("iqa", {"assessor_id": "S1"}, "assessor_is_subject", "assessor_id", "S1"),
    ("iqa", {"subject_id": "S9"}, "orphan", "subject_id", "S9"),
    ("iqa", {"assessor_id": "S9"}, "orphan", "assessor_id", "S9"),
    ("iqa", {"overall_rating": "M"}, "answer_outside_scale", "overall_rating", "M"),
    ("iqa", {"status": "done"}, "unknown_code", "status", "done"),
    ("iqa_answers", {"iqa_id": "I9"}, "orphan", "iqa_id", "I9"),
    ("iqa_answers", {"answer": "P"}, "answer_outside_scale", "answer", "P"),
    ("iqa_answers", {"answer": "Perhaps"}, "answer_outside_scale", "answer", "Perhaps"),
    ("iqa_answers", {"question_code": "AD01"}, "question_not_in_instrument", "question_code", "AD01"),
    ("iqa_answers", {"question_code": "ZZ99"}, "question_not_in_instrument", "question_code", "ZZ99"),
    ("iqa_answers", {"is_issue": "maybe"}, "wrong_type", "is_issue", "maybe"),
    ("actions", {"question_code": "AD01"}, "question_not_in_instrument", "question_code", "AD01"),
    ("actions", {"raised_on": ""}, "required_value_empty", "raised_on", None),
    ("actions", {"action_level": "planet"}, "unknown_code", "action_level", "planet"),
    ("dip_samples", {"sampler_id": "S2"}, "sampler_is_assessor", "sampler_id", "S2"),
    ("dip_samples", {"sampler_id": "S9"}, "orphan", "sampler_id", "S9"),
    ("dip_samples", {"sampled_on": "2024-05-01"}, "dip_before_assessment", "sampled_on", "2024-05-01"),
    ("dip_samples", {"is_marked": ""}, "required_value_empty", "is_marked", None),
    ("dip_samples", {"overall_rating": "P"}, "answer_outside_scale", "overall_rating", "P"),
    ("dip_sample_answers", {"dip_sample_id": "D9"}, "orphan", "dip_sample_id", "D9"),
    ("dip_sample_answers", {"answer": "M"}, "answer_outside_scale", "answer", "M"),
    ("dip_sample_answers", {"question_code": "AD01"}, "question_not_in_instrument", "question_code", "AD01"),
    ("reassessments", {"inspection_code": "REF1900"}, "unknown_inspection", "inspection_code", "REF1900"),
    (
        "reassessments",
        {"reassessed_on": "2024-05-01"},
        "reassessment_before_assessment",
        "reassessed_on",
        "2024-05-01",
    ),
    ("reassessments", {"purpose": "fun"}, "unknown_code", "purpose", "fun"),
    ("reassessment_answers", {"agrees": ""}, "required_value_empty", "agrees", None),
    ("reassessment_answers", {"answer": "N"}, "agrees_contradicts_answer", "agrees", "true"),
    (
        "reassessment_answers",
        {"agrees": "no", "answer": "Yes"},
        "agrees_contradicts_answer",
        "agrees",
        "false",
    ),
    ("reassessment_answers", {"reason_code": "R99"}, "unknown_code", "reason_code", "R99"),
    (
        "reassessment_answers",
        {"difference_categories": "disclosure; gardening"},
        "unknown_code",
        "difference_categories",
        "disclosure; gardening",
    ),
    ("feedback_quality", {"score": "3"}, "out_of_range", "score", "3"),
    ("feedback_quality", {"score": "1.5"}, "wrong_type", "score", "1.5"),
    ("evidence_requests", {"side": "inside"}, "unknown_code", "side", "inside"),
    ("governance_items", {"theme_code": "XX-T99"}, "unknown_theme", "theme_code", "XX-T99"),
    ("governance_items", {"held_on": "2024-07-27"}, "implausible_date", "held_on", "2024-07-27"),
    ("control_totals", {"value": "many"}, "wrong_type", "value", "many"),
    ("control_totals", {"measure": "vibes"}, "unknown_code", "measure", "vibes"),
]


MANAGER_ANSWERS = 9


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, IngestResult]]:
    """One delivery in which each dataset holds a valid row, then one row per entry of FAULTS."""
    root = tmp_path_factory.mktemp("faulty")
    with duckdb.connect(str(root / "w.duckdb")) as connection:
        warehouse = Warehouse(root, connection)
        for dataset in DATASETS:
            rows = [wrong for name, wrong, *_ in FAULTS if name == dataset]
            good = list(STAFF) if dataset == "postings" else [{}]
            write_extract(warehouse.raw_dir, dataset, rows=[*good, *rows])
        # Answers of the manager for the inspector's answers to contradict; the first repeats the one above.
        write_extract(warehouse.raw_dir, "iqa_answers", rows=MANAGER_ANSWERS, part=1)
        yield warehouse, warehouse.load()


def _row_number(fault: tuple[Any, ...]) -> int:
    """The row that a fault has in its file: header and valid rows come first."""
    own = [entry for entry in FAULTS if entry[0] == fault[0]]
    return 2 + (len(STAFF) if fault[0] == "postings" else 1) + own.index(fault)


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{f[0]}-{f[2]}-{f[4]}" for f in FAULTS])
def test_a_row_that_breaks_a_rule_is_quarantined_with_its_place_and_value(
    faulty: tuple[Warehouse, IngestResult], fault: tuple[str, dict[str, Any], str, str, str | None]
) -> None:
    dataset, _, rule, column, value = fault
    warehouse, result = faulty
    found = warehouse.rows(
        "select rule_id, column_name, offending_value, source_file, expected <> '' from raw.quarantine "
        f"where dataset = '{dataset}' and source_row = {_row_number(fault)}"
    )
    assert found == [(rule, column, value, f"{dataset}/{dataset}_2024-07-26.csv", True)]
    assert (dataset, rule) in {(count.dataset, count.rule_id) for count in result.quarantine}


def test_only_the_faulty_rows_are_quarantined(faulty: tuple[Warehouse, IngestResult]) -> None:
    _, result = faulty
    assert result.rows("quarantined") == len(FAULTS)
    assert result.rows("accepted") == len(DATASETS) + len(STAFF) - 1 + MANAGER_ANSWERS - 1


def test_every_rule_that_quarantines_or_warns_is_in_the_catalogue(
    faulty: tuple[Warehouse, IngestResult],
) -> None:
    warehouse, _ = faulty
    missing = warehouse.rows(
        "select dataset, rule_id from raw.quarantine "
        "except select dataset, rule_id from raw.rule_catalogue where severity = 'quarantine'"
    )
    assert missing == []
    assert warehouse.rows(
        "select count(*) from raw.rule_catalogue where owner = '' or description = '' or expected = ''"
    ) == [(0,)]


def test_a_complete_delivery_of_valid_rows_is_accepted_to_the_last_row(warehouse: Warehouse) -> None:
    write_complete(warehouse.raw_dir)
    result = warehouse.load()
    assert result.rows("read") == result.rows("accepted") == len(DATASETS) + 2
    assert result.quarantine == result.warnings == result.failed_checks == result.refusals == ()
    assert all(warehouse.rows(f"select count(*) from raw.{dataset}")[0][0] for dataset in DATASETS)


def test_a_dip_sample_without_comment_is_a_valid_row_with_a_warning(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "dip_samples", rows=[{"comment": ""}])
    result = warehouse.load()
    assert warehouse.rows("select dip_sample_id, is_marked, comment from raw.dip_samples") == [
        ("D1", True, None)
    ]
    assert [count.rule_id for count in result.warnings] == ["required_comment_missing"]


def test_a_dip_sample_from_before_october_2022_need_not_say_whether_it_was_marked(
    warehouse: Warehouse,
) -> None:
    write_base(warehouse.raw_dir)
    early = {"instrument_version": "CW-2021", "opened_on": "", "assessed_on": "2022-09-01"}
    write_extract(warehouse.raw_dir, "iqa", rows=[early])
    write_extract(
        warehouse.raw_dir,
        "dip_samples",
        rows=[
            {"is_marked": "", "sampled_on": "2022-10-02"},
            {"is_marked": "", "sampled_on": "2022-10-03"},
        ],
    )
    warehouse.load()
    assert warehouse.quarantined() == [("dip_samples", "D2", "required_value_empty")]


def test_children_of_a_quarantined_parent_are_orphans_all_the_way_down(warehouse: Warehouse) -> None:
    write_complete(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa", rows=[{"area_code": "Nowhere"}])
    warehouse.load()
    rules = {dataset: rule for dataset, _, rule in warehouse.quarantined()}
    assert rules == {
        "iqa": "unknown_area",
        "iqa_answers": "orphan",
        "actions": "orphan",
        "dip_samples": "orphan",
        "dip_sample_answers": "orphan",
        "reassessments": "orphan",
        "reassessment_answers": "orphan",
        "feedback_quality": "orphan",
        "evidence_requests": "orphan",
    }


def test_children_come_back_with_their_parent(warehouse: Warehouse) -> None:
    write_complete(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa", rows=[{"area_code": "Nowhere"}])
    warehouse.load()
    write_extract(warehouse.raw_dir, "iqa", "2024-08-02")
    warehouse.load()
    assert warehouse.quarantined() == [("iqa", "I1", "unknown_area")]
    assert warehouse.rows("select iqa_id, question_code from raw.iqa_answers") == [("I1", "CR01")]


def test_a_row_with_several_faults_is_one_line_that_names_them_all(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa", rows=[{"status": "done", "unit_type": "XX", "subject_id": "S9"}])
    result = warehouse.load()
    assert warehouse.rows("select rule_id, column_name, other_faults from raw.quarantine") == [
        ("unknown_code", "unit_type", "unknown_code status; orphan subject_id")
    ]
    assert result.rows("quarantined") == 1


def test_a_quarantined_row_keeps_its_area_and_day_where_they_are_known(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa_answers", rows=[{"answer": "P"}])
    warehouse.load()
    found = warehouse.rows("select area_code, event_on::varchar, extract_date::varchar from raw.quarantine")
    assert found == [("WES", "2024-05-02", "2024-07-26")]


def test_codes_and_area_names_are_matched_whatever_their_case_width_and_spaces(warehouse: Warehouse) -> None:
    rows = [
        {**STAFF[0], "area_code": " wessex "},
        {**STAFF[1], "area_code": "ＷＥＳ", "grade": "dcp", "unit_type": "\u00a0mc"},
        {**STAFF[2], "area_code": "north london", "role_type": "Mixed"},
    ]
    write_extract(warehouse.raw_dir, "postings", rows=rows)
    warehouse.load()
    assert warehouse.rows(
        "select area_code, grade, unit_type, role_type from raw.postings order by posting_id"
    ) == [
        ("WES", "SCP", "MC", "non_advocacy"),
        ("WES", "DCP", "MC", "non_advocacy"),
        ("LN", "SDCP", "MC", "mixed"),
    ]


_EDGES = " \t\n\x0b\x0c\r\u00a0\u200b\ufeff" + "!~a\x7fé\u0301\u3000\u200d€🙂"


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.text(st.sampled_from(_EDGES), max_size=5)))
def test_white_space_is_the_same_where_values_are_trimmed_and_where_spellings_are(values: list[str]) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {typed._cleaned('value')} from (select unnest($1::varchar[]) as value)", [values]
        ).fetchall()
    assert found == [(value.strip(typed._WHITE) or None,) for value in values]


def test_ids_are_trimmed_and_nothing_else(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", rows=[{"posting_id": " p-00X ", "staff_id": "s1"}])
    warehouse.load()
    assert warehouse.rows("select posting_id, staff_id from raw.postings") == [("p-00X", "s1")]


@pytest.mark.parametrize("white", [" ", "\t", "\n", "\x0b", "\x0c", "\r", "\u00a0", "\u200b", "\ufeff"])
def test_white_space_around_a_value_plays_no_part_in_ids_dates_codes_and_comments(
    warehouse: Warehouse, white: str
) -> None:
    write_base(warehouse.raw_dir)
    rows = [
        {"comment": f"e\u0301{white}", "is_issue": f"{white}no{white}"},
        {"comment": f"{white}Set out.", "question_code": f"cr02{white}", "iqa_id": f"{white}I1"},
        {"comment": white, "answer": white, "is_issue": white},
    ]
    write_extract(warehouse.raw_dir, "iqa_answers", rows=rows)
    write_extract(warehouse.raw_dir, "absences", rows=[{"start_date": f"03/06/2024{white}{white}"}])
    warehouse.load()
    assert warehouse.quarantined() == []
    assert warehouse.rows(
        "select iqa_id, question_code, answer, comment, is_issue from raw.iqa_answers order by question_code"
    ) == [
        ("I1", "CR01", "Y", "e\u0301", False),
        ("I1", "CR02", "Y", "Set out.", False),
        ("I1", "CR03", None, None, None),
    ]
    assert warehouse.rows("select start_date::varchar from raw.absences") == [("2024-06-03",)]


def test_labels_of_answers_become_codes_of_the_instruments_own_scale(warehouse: Warehouse) -> None:
    write_extract(warehouse.raw_dir, "postings", rows=STAFF)
    old = {"instrument_version": "CW-2015", "opened_on": "", "assessed_on": "2018-05-02"}
    write_extract(
        warehouse.raw_dir, "iqa", rows=[{"overall_rating": "Met"}, {**old, "overall_rating": "met"}]
    )
    labels = ["Met", "NOT MET", "not applicable", "N/A", "na", "yes"]
    three = ["Met", "Fully met", "partially met", "Not met", "Not Applicable", ""]
    answers = [{"iqa_id": "I1", "answer": label} for label in labels]
    answers += [
        {"iqa_id": "I2", "question_code": f"CR{number:02d}", "answer": label}
        for number, label in enumerate(three, start=1)
    ]
    write_extract(warehouse.raw_dir, "iqa_answers", rows=answers)
    warehouse.load()
    found = warehouse.rows("select answer from raw.iqa_answers order by iqa_id, question_code")
    assert [answer for (answer,) in found] == [
        *("Y", "N", "NA", "NA", "NA", "Y"),
        *("M", "M", "P", "N", "NA", None),
    ]
    assert warehouse.rows("select overall_rating from raw.iqa") == [("Y",), ("Y",)]


@pytest.mark.parametrize("text", ["2024-04-03", "03/04/2024", " 2024-04-03 "])
def test_dates_are_iso_or_day_month_year(warehouse: Warehouse, text: str) -> None:
    write_extract(warehouse.raw_dir, "absences", rows=[{"start_date": text}])
    warehouse.load()
    assert warehouse.rows("select start_date::varchar from raw.absences") == [("2024-04-03",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TRUE", True), ("No", False), ("y", True), ("N", False), ("1", True), ("0", False), ("", None)],
)
def test_booleans_may_be_written_in_eight_ways(
    warehouse: Warehouse, text: str, expected: bool | None
) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa_answers", rows=[{"is_issue": text}])
    warehouse.load()
    assert warehouse.rows("select is_issue from raw.iqa_answers") == [(expected,)]


def test_difference_categories_are_kept_as_codes_in_one_order(warehouse: Warehouse) -> None:
    write_complete(warehouse.raw_dir)
    write_extract(
        warehouse.raw_dir,
        "reassessment_answers",
        rows=[{"agrees": "false", "difference_categories": "Disclosure;charging_and_review;"}],
    )
    warehouse.load()
    found = warehouse.rows("select difference_categories from raw.reassessment_answers")
    assert found == [("charging_and_review;disclosure",)]


def test_an_inspectors_answer_where_the_manager_gave_none_contradicts_nothing(warehouse: Warehouse) -> None:
    write_complete(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "iqa_answers", rows=[{"answer": ""}])
    write_extract(
        warehouse.raw_dir,
        "reassessment_answers",
        rows=[{"agrees": "false", "answer": "N"}, {"agrees": "true", "answer": "Y"}],
    )
    warehouse.load()
    assert warehouse.quarantined() == []


def test_a_posting_may_start_before_the_scheme_or_after_the_extract(warehouse: Warehouse) -> None:
    write_extract(
        warehouse.raw_dir, "postings", rows=[{"start_date": "1999-01-04"}, {"start_date": "2025-01-06"}]
    )
    warehouse.load()
    assert warehouse.quarantined() == []


# dataset, rows, warned rule and key
WARNINGS: list[tuple[str, list[dict[str, Any]], str, list[str]]] = [
    ("iqa", [{"conversation_on": ""}], "closed_without_conversation", ["I1"]),
    ("iqa", [{"area_code": "LN"}], "subject_posting_elsewhere", ["I1"]),
    ("iqa", [{"urn": "A"}, {"urn": "A"}, {"urn": "B"}], "possible_duplicate", ["I1", "I2"]),
    ("iqa", [{"subject_id": "S2", "assessor_id": "S1"}], "assessor_grade", ["I1"]),
    ("iqa", [{"instrument_version": "CW-2022"}], "instrument_dates", ["I1"]),
    (
        "iqa_answers",
        [{"answer": "N"}, {"answer": "NA"}, {"answer": ""}],
        "required_comment_missing",
        ["I1|CR01"],
    ),
    ("dip_samples", [{"sampler_id": "S1"}], "sampler_grade", ["D1"]),
    ("actions", [{"owner_id": "S9"}, {"verified_by_id": "S8"}], "unknown_staff_id", ["AC1", "AC2"]),
    ("absences", [{"staff_id": "S9"}], "unknown_staff_id", ["AB1"]),
    (
        "postings",
        [
            *STAFF,
            {"staff_id": "S1", "start_date": "2023-01-01"},
            {"staff_id": "S7", "end_date": "2021-01-01"},
        ],
        "overlapping_postings",
        ["P1", "P4"],
    ),
]


@pytest.mark.parametrize(("dataset", "rows", "rule", "keys"), WARNINGS)
def test_a_warning_keeps_the_row_and_counts_it(
    warehouse: Warehouse, dataset: str, rows: list[dict[str, Any]], rule: str, keys: list[str]
) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, dataset, rows=rows)
    result = warehouse.load()
    assert warehouse.quarantined() == []
    assert warehouse.rows(f"select count(*) from raw.{dataset}") == [(len(rows),)]
    found = warehouse.rows("select rule_id, primary_key from raw.warnings order by primary_key")
    assert found == [(rule, key) for key in keys]
    assert [(count.rule_id, count.rows) for count in result.warnings] == [(rule, len(keys))]


def test_a_duplicate_of_which_one_is_withdrawn_is_put_right_and_no_longer_warned_of(
    warehouse: Warehouse,
) -> None:
    write_base(warehouse.raw_dir)
    twice = [{"urn": "A"}, {"urn": "A"}]
    write_extract(warehouse.raw_dir, "iqa", "2024-08-02", twice)
    assert [(count.rule_id, count.rows) for count in warehouse.load().warnings] == [("possible_duplicate", 2)]
    write_extract(warehouse.raw_dir, "iqa", "2024-08-09", [{"urn": "A"}, {"urn": "A", "status": "withdrawn"}])
    assert warehouse.load().warnings == ()
    assert warehouse.rows("select iqa_id, status from raw.iqa order by iqa_id") == [
        ("I1", "closed"),
        ("I2", "withdrawn"),
    ]


def test_more_than_five_rows_and_five_percent_quarantined_fails_the_check(warehouse: Warehouse) -> None:
    bad = {"status": "done"}
    write_extract(warehouse.raw_dir, "postings", rows=STAFF)
    write_extract(warehouse.raw_dir, "iqa", rows=[bad] * 5 + [{}])
    assert warehouse.load().failed_checks == ()
    write_extract(warehouse.raw_dir, "iqa", rows=[bad] * 6 + [{}] * 114)
    assert warehouse.load().failed_checks == ()
    write_extract(warehouse.raw_dir, "iqa", rows=[bad] * 6 + [{}] * 113)
    (check,) = warehouse.load().failed_checks
    assert (check.check_id, check.dataset) == ("quarantine_share", "iqa")
    assert "6 of 119 rows" in check.message
