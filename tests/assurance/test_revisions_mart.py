"""What changed after a quarter was frozen, from extracts to the mart `revisions`.

2023-24 Q4 was frozen on 29 April 2024. One delivery came before that and one long after.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

BEFORE, AFTER = "2024-04-15", "2024-06-20"
QUARTER = "2024-01-01"
MARTS = ("revisions", "control_charts", "assessment_quality", "leniency", "dip_representativeness")
KEY = ("level", "area_code", "unit_type", "period_type", "period_start", "assessment_type")


def posting(staff: str, area: str, **changes: str) -> dict[str, str]:
    return {
        "posting_id": f"p-{staff}",
        "staff_id": staff,
        "area_code": area,
        "start_date": "2023-12-01",
        "line_manager_id": "M1",
    } | changes


def iqa(iqa_id: str, area: str, subject: str, **changes: str) -> dict[str, str]:
    day = "2024-02-12"
    return {
        "iqa_id": iqa_id,
        "urn": iqa_id,
        "area_code": area,
        "subject_id": subject,
        "assessor_id": "M1",
        "opened_on": day,
        "assessed_on": day,
        "conversation_on": day,
        "closed_on": day,
    } | changes


def answer(iqa_id: str, question: str, **changes: str) -> dict[str, str]:
    return {"iqa_id": iqa_id, "question_code": question} | changes


def action(action_id: str, iqa_id: str, **changes: str) -> dict[str, str]:
    known = {"action_id": action_id, "iqa_id": iqa_id, "raised_on": "2024-02-13", "due_on": "2024-03-13"}
    return known | changes


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("revisions")
    raw = folder / "raw"
    people = [
        posting("M1", "NE", grade="DCP", line_manager_id=""),
        posting("S3", "NE", grade="SDCP", line_manager_id=""),
        posting("M2", "NE", grade="SDCP", line_manager_id=""),
        *[posting(f"W{n}", "WES") for n in range(3)],
        # Two postings of one person begin before the quarter: the later one counts, frozen or not.
        posting("O1", "SW", start_date="2023-10-01"),
        posting("O1", "WM", posting_id="p-O1-again", start_date="2023-11-01"),
        posting("MOVE", "CYM"),
        posting("EXTRA", "LN"),
    ]
    write_extract(raw, "postings", BEFORE, people)
    write_extract(
        raw,
        "iqa",
        BEFORE,
        [
            iqa("w-0", "WES", "W0"),
            iqa("w-1", "WES", "W1"),
            iqa("gone", "EM", "S3"),
            iqa("corrected", "MER", "S3", unit_type="MC"),
            iqa("open", "YH", "S3", conversation_on="", closed_on="", status="open"),
            iqa("dipped", "LS", "S3"),
            # The cut-off for closing was 14 April.
            iqa("reclosed", "NW", "S3", closed_on="2024-04-15"),
            iqa("reclosed-in-time", "TC", "S3", closed_on="2024-03-01"),
            iqa("answered", "SE", "S3"),
            iqa("unanswered", "NE", "S3"),
            iqa("acted-on", "SW", "S3"),
            iqa("followed-up", "WM", "S3"),
        ],
    )
    # `followed-up`: raised, then done; another one raised once the quarter was over.
    actions = [action("rescheduled", "acted-on"), action("done", "followed-up")]
    write_extract(raw, "actions", BEFORE, actions)
    actions = [
        action("rescheduled", "acted-on", due_on="2024-04-01"),
        action("done", "followed-up", completed_on="2024-03-20", verified_by_id="S3"),
        action("later", "followed-up", raised_on="2024-04-03"),
    ]
    write_extract(raw, "actions", AFTER, actions)
    write_extract(
        raw,
        "iqa_answers",
        BEFORE,
        [
            answer("answered", "CR01"),
            answer("answered", "CR02"),
            answer("unanswered", "CR01"),
            answer("dipped", "CR01"),
            answer("reclosed", "CR01"),
        ],
    )
    write_extract(
        raw,
        "dip_samples",
        BEFORE,
        [
            {"dip_sample_id": "d1", "iqa_id": "w-0", "sampled_on": "2024-03-04"},
            {"dip_sample_id": "d3", "iqa_id": "answered", "sampled_on": "2024-03-04"},
        ],
    )
    write_extract(raw, "dip_sample_answers", BEFORE, [{"dip_sample_id": "d3", "question_code": "CR01"}])
    write_extract(
        raw, "absences", BEFORE, [{"staff_id": "W0", "start_date": "2024-01-02", "end_date": "2024-01-20"}]
    )
    write_extract(
        raw,
        "iqa",
        AFTER,
        [
            iqa("w-2", "WES", "W2"),
            iqa("gone", "EM", "S3", status="withdrawn"),
            iqa("corrected", "MER", "S3", unit_type="RASSO"),
            iqa("open", "YH", "S3", closed_on="2024-06-01"),
            iqa("reclosed", "NW", "S3", closed_on="2024-04-12"),
            iqa("reclosed-in-time", "TC", "S3", closed_on="2024-03-04"),
        ],
    )
    write_extract(
        raw,
        "iqa_answers",
        AFTER,
        [
            answer("answered", "CR01", answer="N", is_issue="true"),
            answer("unanswered", "CR02"),
            answer("w-2", "CR01"),
        ],
    )
    write_extract(
        raw,
        "dip_samples",
        AFTER,
        [{"dip_sample_id": "d2", "iqa_id": "dipped", "sampler_id": "M2", "sampled_on": "2024-03-04"}],
    )
    write_extract(raw, "dip_sample_answers", AFTER, [{"dip_sample_id": "d2", "question_code": "CR01"}])
    write_extract(raw, "postings", AFTER, [posting("MOVE", "EOE", posting_id="p-MOVE")])
    connection = build_marts(folder, raw, [f"+{mart}" for mart in MARTS], with_tests=True)
    yield connection
    connection.close()


def revised(marts: duckdb.DuckDBPyConnection, **key: str) -> dict[str, tuple[Any, Any, str]]:
    key = {"period_type": "quarter", "period_start": QUARTER} | key
    condition = " and ".join(f"cast({name} as varchar) = '{value}'" for name, value in key.items())
    found = marts.sql(
        "select column_name, old_value, new_value, cause from marts.revisions "
        f"where coalesce(policy, 'half') = 'half' and mart = 'compliance' and {condition}"
    ).fetchall()
    return {name: (old, new, cause) for name, old, new, cause in found}


def test_a_late_assessment_is_listed_with_the_count_before_and_after(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = revised(marts, level="area", area_code="WES")
    assert found["iqas_assessed"] == (2, 3, "late_extract")
    assert found["prosecutors_covered"] == (2, 3, "late_extract")
    assert found["coverage_rate"] == (pytest.approx(2 / 3), 1, "late_extract")
    assert "prosecutors_required" not in found


def test_a_withdrawn_assessment_leaves_its_old_count_on_record(marts: duckdb.DuckDBPyConnection) -> None:
    assert revised(marts, level="area", area_code="EM")["iqas_assessed"] == (1, None, "withdrawn")


def test_an_assessment_that_moved_between_units_revises_both_and_not_their_sum(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert revised(marts, level="unit", area_code="MER", unit_type="MC")["iqas_assessed"] == (
        1,
        None,
        "correction",
    )
    assert revised(marts, level="unit", area_code="MER", unit_type="RASSO")["iqas_assessed"] == (
        None,
        1,
        "correction",
    )
    # The Area's row is marked as revised too, and says that its count is the same.
    assert revised(marts, level="area", area_code="MER") == {"iqas_assessed": (1, 1, "correction")}


def test_a_corrected_posting_moves_the_requirement_between_areas(marts: duckdb.DuckDBPyConnection) -> None:
    assert revised(marts, level="area", area_code="CYM")["prosecutors_required"][:2] == (1, None)
    assert revised(marts, level="area", area_code="EOE")["prosecutors_required"][:2] == (None, 1)


def test_a_late_dip_sample_revises_the_dip_figures(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.sql(
        "select column_name, old_value, new_value from marts.revisions where mart = 'dip_sampling' "
        f"and level = 'area' and area_code = 'LS' and period_type = 'quarter' and period_start = '{QUARTER}'"
    ).fetchall()
    assert ("dips_valid", 0, 1) in found
    assert ("fulfilment_rate", 0, 1) in found


def test_closing_an_assessment_and_overlapping_postings_revise_nothing(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for area in ("YH", "SW", "WM", "LN", "SE", "NE"):
        assert revised(marts, level="area", area_code=area) == {}


def status(marts: duckdb.DuckDBPyConnection, mart: str, area: str, condition: str = "true") -> set[str]:
    """The statuses of an Area's rows of the quarter, or of a chart's months in it."""
    found = marts.sql(
        f"select distinct figure_status from marts.{mart} where level = 'area' and area_code = '{area}' "
        f"and assessment_type = 'casework' and {condition} and (period_type = 'quarter' and "
        f"period_start = '{QUARTER}' or period_type = 'month' and period_start = '2024-02-01')"
    ).fetchall()
    return {row[0] for row in found}


def test_a_closing_date_corrected_across_the_cut_off_is_a_revision(marts: duckdb.DuckDBPyConnection) -> None:
    assert revised(marts, level="area", area_code="NW") == {"late_closed_share_num": (1, 0, "correction")}
    assert status(marts, "compliance", "NW") == {"R"}
    assert status(marts, "dip_sampling", "NW") == {"P"}
    assert status(marts, "control_charts", "NW", "metric = 'iqas_assessed'") == {"P"}


def test_a_closing_date_corrected_in_time_moves_times_and_no_count(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert revised(marts, level="area", area_code="TC") == {}
    causes = marts.sql("select cause from intermediate.int_revision_causes where area_code = 'TC'").fetchall()
    assert causes == [("answers",)]
    assert status(marts, "assessment_quality", "TC") == {"R"}


@pytest.mark.parametrize("area", ["SE", "NE"])
def test_a_corrected_or_added_answer_revises_what_is_made_of_answers(
    marts: duckdb.DuckDBPyConnection, area: str
) -> None:
    assert status(marts, "assessment_quality", area) == {"R"}
    assert status(marts, "control_charts", area, "metric = 'met_rate'") == {"R"}
    assert status(marts, "dip_representativeness", area, "characteristic = 'score'") <= {"R"}
    assert status(marts, "compliance", area) == {"P"}
    assert status(marts, "control_charts", area, "metric = 'iqas_assessed'") == {"P"}


def test_an_answer_revises_leniency_and_the_challenges_that_hang_on_it(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert status(marts, "leniency", "SE") == {"R"}
    found = marts.sql(
        "select column_name, old_value, new_value, cause, changed_datasets, rows_behind "
        "from marts.revisions where mart = 'dip_sampling' and level = 'area' and area_code = 'SE' "
        "and period_type = 'quarter'"
    ).fetchall()
    assert found == [("challenge_num", 0, 1, "correction", "answers", 1)]


def test_closing_and_the_answers_of_late_assessments_and_dips_correct_no_answer(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    causes = marts.sql(
        "select distinct area_code, cause from intermediate.int_revision_causes "
        "where area_code in ('YH', 'WES', 'LS') order by all"
    ).fetchall()
    assert causes == [("LS", "dip samples"), ("WES", "assessments")]
    assert status(marts, "assessment_quality", "YH") == {"P"}


def test_a_corrected_action_revises_what_counts_actions_alone(marts: duckdb.DuckDBPyConnection) -> None:
    assert status(marts, "assessment_quality", "SW") == {"R"}
    assert status(marts, "compliance", "SW") == {"P"}
    assert status(marts, "control_charts", "SW") == {"P"}
    assert status(marts, "dip_representativeness", "SW") == {"P"}


def test_an_action_that_was_done_or_raised_after_the_quarter_revises_nothing(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert status(marts, "assessment_quality", "WM") == {"P"}


EVIDENCE = {"request_id": "E1", "iqa_id": "w-0", "side": "dcp_to_prosecutor", "requested_on": "2024-02-20"}
RECEIVED = EVIDENCE | {"received_on": "2024-02-28", "is_accepted": "true"}
REASSESSED = {"reassessment_id": "R1", "iqa_id": "w-0", "reassessed_on": "2024-03-20"}
SCORE = {"reassessment_id": "R1", "side": "dcp_comment", "feedback_question": "FQ1", "score": "1"}
CHALLENGED = {
    "dip_sample_id": "D1",
    "iqa_id": "w-0",
    "sampled_on": "2024-03-04",
    "overall_rating": "N",
    "opinion": "challenge",
    "action_for_assessor": "Look again",
}
SECOND = AFTER.replace("-20", "-28")
LATER = action("A", "w-0", raised_on="2024-04-03", due_on="2024-06-01")
# What was delivered when, and the causes and kinds of revision that this is.
FOLLOW_UPS: dict[str, tuple[list[tuple[str, str, dict[str, str]]], list[tuple[str, str]]]] = {
    "an acceptance taken back": (
        [
            ("evidence_requests", BEFORE, RECEIVED),
            ("evidence_requests", AFTER, RECEIVED | {"is_accepted": "false"}),
        ],
        [("evidence requests", "correction")],
    ),
    "evidence received, on another day than was said first": (
        [
            ("evidence_requests", BEFORE, EVIDENCE),
            ("evidence_requests", AFTER, RECEIVED | {"received_on": "2024-05-28"}),
            ("evidence_requests", SECOND, RECEIVED | {"received_on": "2024-05-29"}),
        ],
        [],
    ),
    "a score of feedback": (
        [
            ("reassessments", BEFORE, REASSESSED),
            ("feedback_quality", BEFORE, SCORE),
            ("feedback_quality", AFTER, SCORE | {"score": "2"}),
        ],
        [("feedback", "correction")],
    ),
    "another purpose of a re-assessment with scores": (
        [
            ("reassessments", BEFORE, REASSESSED),
            ("feedback_quality", BEFORE, SCORE),
            ("reassessments", AFTER, REASSESSED | {"purpose": "calibration"}),
        ],
        [("feedback", "correction")],
    ),
    "another purpose of a re-assessment without": (
        [
            ("reassessments", BEFORE, REASSESSED),
            ("reassessments", AFTER, REASSESSED | {"purpose": "calibration"}),
        ],
        [],
    ),
    "a late re-assessment that pushes one with scores out": (
        [
            ("reassessments", BEFORE, REASSESSED),
            ("feedback_quality", BEFORE, SCORE),
            ("reassessments", AFTER, REASSESSED | {"reassessment_id": "R2", "reassessed_on": "2024-03-21"}),
        ],
        [("feedback", "late_extract")],
    ),
    "a late action": (
        [("actions", BEFORE, action("known", "w-1")), ("actions", AFTER, action("late", "w-0"))],
        [("actions", "late_extract")],
    ),
    "an action that was first known after the freeze and corrected then": (
        [("actions", AFTER, LATER), ("actions", SECOND, LATER | {"due_on": "2024-07-01"})],
        [("actions", "correction")],
    ),
    "an action that was done after the freeze, on another day than was said first": (
        [
            ("actions", BEFORE, action("A", "w-0")),
            ("actions", AFTER, action("A", "w-0", completed_on="2024-05-10")),
            ("actions", SECOND, action("A", "w-0", completed_on="2024-05-20")),
        ],
        [("actions", "correction")],
    ),
    "an action verified by somebody else": (
        [
            ("actions", BEFORE, action("A", "w-0", completed_on="2024-03-11", verified_by_id="W1")),
            ("actions", AFTER, action("A", "w-0", completed_on="2024-03-11", verified_by_id="M1")),
        ],
        [],
    ),
    "an action on all of it narrowed to one question": (
        [
            ("actions", BEFORE, action("A", "w-0", question_code="")),
            ("actions", AFTER, action("A", "w-0", question_code="CR01")),
        ],
        [("actions", "correction")],
    ),
    "an action moved to another assessment": (
        [("actions", BEFORE, action("moved", "w-0")), ("actions", AFTER, action("moved", "w-1"))],
        [("actions", "correction")],
    ),
    "the action that a dip sampler asked for": (
        [
            ("dip_samples", BEFORE, CHALLENGED),
            ("dip_samples", AFTER, CHALLENGED | {"action_for_assessor": ""}),
        ],
        [("actions", "correction")],
    ),
    "the same action of a dip sampler in other words": (
        [
            ("dip_samples", BEFORE, CHALLENGED),
            ("dip_samples", AFTER, CHALLENGED | {"action_for_assessor": "Check"}),
        ],
        [],
    ),
}


@pytest.mark.parametrize("what", FOLLOW_UPS)
def test_what_follows_an_assessment_is_revised_by_what_replaces_it(tmp_path: Path, what: str) -> None:
    deliveries, expected = FOLLOW_UPS[what]
    raw = tmp_path / "raw"
    people = [
        posting("M1", "NE", grade="DCP", line_manager_id=""),
        posting("S3", "NE", grade="SDCP", line_manager_id=""),
        posting("W0", "WES"),
        posting("W1", "EM"),
    ]
    write_extract(raw, "postings", BEFORE, people)
    write_extract(raw, "iqa", BEFORE, [iqa("w-0", "WES", "W0"), iqa("w-1", "EM", "W1")])
    for dataset, day, row in deliveries:
        write_extract(raw, dataset, day, [row])
    with build_marts(tmp_path, raw, "+int_revision_causes") as connection:
        assert connection.sql("select * from raw.quarantine").fetchall() == []
        found = connection.sql(
            "select cause, change_kinds, area_code from intermediate.int_revision_causes order by all"
        ).fetchall()
    areas = ["EM", "WES"] if "moved" in what else ["WES"]
    assert found == [(*cause, area) for cause in expected for area in areas]


def test_the_first_extract_that_moved_a_figure_is_named(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.sql(
        "select distinct cast(first_extract_date as varchar), cast(frozen_on as varchar), rows_behind "
        "from marts.revisions where level = 'area' and area_code = 'WES' and period_type = 'quarter'"
    ).fetchall()
    assert found == [(AFTER, "2024-04-29", 1)]


def test_rows_marked_as_revised_are_those_that_revisions_lists(marts: duckdb.DuckDBPyConnection) -> None:
    keys = ", ".join(KEY)
    marked = f"select distinct {keys} from marts.compliance where figure_status = 'R'"
    listed = (
        f"select distinct {keys} from marts.revisions "
        # A challenge hangs on answers, which move no other count; the release marks its row.
        f"where ({keys}) in (select ({keys}) from marts.compliance) and column_name <> 'challenge_num'"
    )
    assert marts.sql(f"({marked}) except ({listed})").fetchall() == []
    assert marts.sql(f"({listed}) except ({marked})").fetchall() == []


def test_a_delivery_that_only_repeats_what_was_known_completes_a_quarter(tmp_path: Path) -> None:
    """A posting known in the quarter comes again after it, and corrected after the freeze."""
    raw = tmp_path / "raw"
    known = [posting("W1", "WES"), posting("W2", "WES")]
    write_extract(raw, "postings", "2024-02-20", known)
    write_extract(raw, "postings", BEFORE, known[::-1])
    write_extract(raw, "postings", AFTER, [posting("W1", "CYM")])
    with build_marts(tmp_path, raw, "+int_revision_causes") as connection:
        found = connection.sql(f"""
            select area_code, cause from intermediate.int_revision_causes
            where quarter_start = '{QUARTER}' order by area_code
        """).fetchall()
    assert found == [("CYM", "postings"), ("WES", "postings")]


def test_a_dataset_that_comes_after_the_freeze_is_late_unless_it_never_came_before(tmp_path: Path) -> None:
    """Assessments were there at the freeze, their answers not; dip samples begin after it."""
    raw = tmp_path / "raw"
    people = [
        posting("W1", "WES"),
        posting("W2", "NE"),
        posting("M1", "NE"),
        posting("M2", "NE", grade="SDCP"),
    ]
    write_extract(raw, "postings", BEFORE, people)
    write_extract(raw, "iqa", BEFORE, [iqa("w-1", "WES", "W1"), iqa("n-1", "NE", "W2")])
    write_extract(raw, "iqa_answers", "2024-02-20", [answer("n-1", "CR01")])
    write_extract(raw, "iqa_answers", AFTER, [answer("w-1", "CR01")])
    dip = {"dip_sample_id": "d1", "iqa_id": "n-1", "sampler_id": "M2", "sampled_on": "2024-03-04"}
    write_extract(raw, "dip_samples", AFTER, [dip])
    with build_marts(tmp_path, raw, "+int_revision_causes") as connection:
        assert connection.sql("select * from raw.quarantine").fetchall() == []
        found = connection.sql(f"""
            select area_code, cause, change_kinds from intermediate.int_revision_causes
            where quarter_start = '{QUARTER}'
        """).fetchall()
    assert found == [("WES", "answers", "late_extract")]


@pytest.mark.parametrize("rows", [0, 1], ids=["an empty file", "a file of which every row is refused"])
def test_a_file_without_an_accepted_row_does_not_make_the_first_load_late(tmp_path: Path, rows: int) -> None:
    raw = tmp_path / "raw"
    people = [posting("W1", "WES"), posting("M1", "NE")]
    write_extract(raw, "postings", BEFORE, people)
    write_extract(raw, "iqa", BEFORE, [iqa("nowhere", "XX", "W1")] * rows)
    write_extract(raw, "iqa", AFTER, [iqa("w-1", "WES", "W1")])
    with build_marts(tmp_path, raw, "+int_revision_causes") as connection:
        assert connection.sql("select iqa_id from raw.iqa").fetchall() == [("w-1",)]
        assert connection.sql("select * from intermediate.int_revision_causes").fetchall() == []
