"""What changed after an inspection was frozen marks what was published of it, from extracts to the marts.

REF2024 ended in 2024-25 Q3, which was frozen on 29 January 2025. REF2018 is older than the first delivery, so
it was frozen with that. One delivery came before the freeze and one long after.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.leniency.builder import Cases
from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

BEFORE, AFTER = "2025-01-20", "2025-03-20"
MARTS = ("leniency", "dip_catch", "inspector_agreement", "question_quality")
ROW = "comparison, sample, assessment_type, basis, dimension, dimension_value"
COUNTS = """
    n_examined, n_compared, n_lenient, n_harsh, n_agree, n_na_mismatch, n_unknown_direction, n_clusters,
    rated_score_num, reference_score_num, score_den, lenient_given_fail_den, n_both_na, lenient_steps,
    n_two_steps, n_valued, na_leniency_num, na_leniency_den, n_only_reference_na, critical_leniency_num,
    critical_leniency_den, lenient_rate, harsh_rate, rated_score, reference_score, gap_points, gap_relative
"""
WAS = f"select {ROW}, {COUNTS} from intermediate.frozen_leniency"
IS = f"select {ROW}, {COUNTS} from marts.leniency where comparison <> 'manager_v_dip_sampler'"


def delivered(raw: Path, on: str = BEFORE) -> None:
    """REF2024: I1 casework, I2, I3 advocacy; REF2018: I4 casework. R1 to R4 re-assess them, R5 checks R1."""
    cases = Cases()
    mark = {"CR01": "Y", "CR02": "N", "CR03": "Y"}
    cases.add(
        manager="Y",
        inspector="N",
        sampler="Y",
        manager_answers=mark,
        inspector_answers={"CR01": "N", "CR03": True},
        sampler_answers={"CR01": "Y"},
    )
    cases.add(instrument="AD-2023", manager="Y", inspector="N")
    cases.add(instrument="AD-2023", manager="Y", inspector="", sampler="Y")
    cases.add(
        instrument="CW-2015",
        inspection="REF2018",
        manager="Y",
        inspector="N",
        manager_answers={"CR01": "M", "CR02": "P"},
        inspector_answers={"CR01": "P", "CR02": True},
    )
    cases.inspect("I1", "REF2024", "Y", {"CR03": True}, on="2024-07-16", purpose="quality_assurance")
    cases.rows["reassessments"][-1]["inspector_id"] = "X2"
    cases.write(raw, on)


def again(raw: Path, dataset: str, on: str, **changes: Any) -> None:
    """One row once more, as it was first delivered but for `changes`."""
    known = (
        {"opened_on": "", "closed_on": "2024-05-02", "conversation_on": "2024-05-02"}
        if dataset == "iqa"
        else {}
    )
    write_extract(raw, dataset, on, [known | changes])


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """REF2024: an inspector's rating; advocacy a late dip and a late assessment. REF2018: an answer."""
    folder = tmp_path_factory.mktemp("inspections")
    raw = folder / "raw"
    delivered(raw)
    again(raw, "reassessments", AFTER, reassessment_id="R00001", iqa_id="I1", overall_rating="Y")
    again(raw, "dip_samples", AFTER, dip_sample_id="late", iqa_id="I2", sampled_on="2024-06-03")
    again(raw, "iqa_answers", AFTER, iqa_id="I4", question_code="CR01", answer="N")
    again(raw, "iqa", AFTER, iqa_id="I9", assessment_type="advocacy", instrument_version="AD-2023")
    connection = build_marts(folder, raw, [f"+{mart}" for mart in (*MARTS, "revisions")])
    yield connection
    connection.close()


def statuses(marts: duckdb.DuckDBPyConnection, mart: str, condition: str) -> set[str]:
    found = marts.sql(f"select distinct figure_status from marts.{mart} where {condition}").fetchall()
    assert found, f"no row of {mart} where {condition}"
    return {row[0] for row in found}


@pytest.mark.parametrize("mart", MARTS)
def test_a_corrected_rating_of_an_inspector_revises_the_inspection(
    marts: duckdb.DuckDBPyConnection, mart: str
) -> None:
    inspected = (
        "comparison <> 'manager_v_dip_sampler'" if mart in ("leniency", "question_quality") else "true"
    )
    assert statuses(marts, mart, f"sample = 'REF2024' and assessment_type = 'casework' and {inspected}") == {
        "R"
    }


def test_the_total_of_both_types_is_revised_with_one_of_them(marts: duckdb.DuckDBPyConnection) -> None:
    assert statuses(marts, "leniency", "sample = 'REF2024' and assessment_type = 'ALL'") == {"R"}


def test_a_late_dip_sample_revises_only_what_compares_dip_samplers(marts: duckdb.DuckDBPyConnection) -> None:
    advocacy = "sample = 'REF2024' and assessment_type = 'advocacy'"
    not_weighted = f"{advocacy} and dimension <> 'overall'"
    assert statuses(marts, "leniency", f"{not_weighted} and comparison = 'manager_v_inspector'") == {"P"}
    assert statuses(marts, "leniency", f"{not_weighted} and comparison = 'dip_sampler_v_inspector'") == {"R"}
    assert statuses(marts, "dip_catch", advocacy) == {"R"}


def test_a_corrected_answer_of_a_manager_revises_the_inspection_too(marts: duckdb.DuckDBPyConnection) -> None:
    assert statuses(marts, "leniency", "sample = 'REF2018'") == {"R"}
    assert statuses(marts, "question_quality", "sample = 'REF2018'") == {"R"}


def test_a_late_assessment_nobody_inspected_revises_the_weighted_rate_and_nothing_else(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    managers = "sample = 'REF2024' and assessment_type = 'advocacy' and comparison = 'manager_v_inspector'"
    assert statuses(marts, "leniency", f"{managers} and dimension = 'overall'") == {"R"}
    assert statuses(marts, "leniency", f"{managers} and dimension <> 'overall'") == {"P"}


def test_revisions_say_what_the_figures_of_an_inspection_were(marts: duckdb.DuckDBPyConnection) -> None:
    """The inspector of I1 rated N, as the manager did not, and now Y; the dip sampler rated Y all along."""
    rows = marts.sql("""
        select column_name, old_value, new_value, difference, cause, changed_datasets, rows_behind,
            first_extract_date::varchar, frozen_on::varchar, level, period_start
        from marts.revisions
        where mart = 'leniency' and assessment_type = 'casework' and figure_key =
            'comparison=manager_v_inspector;sample=REF2024;basis=iqa;dimension=overall;dimension_value=ALL'
    """).fetchall()
    why = ("correction", "re-assessments", 1, AFTER, "2025-01-29", "national", None)
    moved = {
        "n_lenient": (1, 0, -1),
        "lenient_steps": (1, 0, -1),
        "lenient_given_fail_den": (1, 0, -1),
        "n_agree": (0, 1, 1),
        "lenient_rate": (1, 0, -1),
        "reference_score_num": (0, 1, 1),
        "reference_score": (0, 1, 1),
        "gap_points": (1, 0, -1),
    }
    # A relative gap to a score of nothing was no figure.
    expected = {(name, *values, *why) for name, values in moved.items()}
    assert set(rows) == expected | {("gap_relative", None, 0, None, *why)}


def test_what_is_listed_of_an_inspection_is_marked_and_what_is_marked_is_listed(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    listed = """
        select distinct assessment_type, split_part(figure_key, ';', 1) as comparison,
            split_part(figure_key, ';', 2) as sample
        from marts.revisions
        where mart = 'leniency'
    """
    marked = """
        select distinct assessment_type, 'comparison=' || comparison, 'sample=' || sample
        from marts.leniency
        where figure_status = 'R' and sample in ('REF2018', 'REF2024')
    """
    assert set(marts.sql(listed).fetchall()) == set(marts.sql(marked).fetchall()) != set()
    assert (
        marts.sql(
            "select 1 from marts.revisions where mart = 'leniency' and cause = 'change_elsewhere'"
        ).fetchall()
        == []
    )


MANAGERS, SAMPLERS, CAUGHT, INSPECTORS = (
    "manager_v_inspector",
    "dip_sampler_v_inspector",
    "dip_catch",
    "inspector_v_inspector",
)
# What is delivered after the freeze; the type that it revises, the causes and how; and what reads it.
MOVES: dict[str, tuple[str, dict[str, str], tuple[str, str, str], set[str]]] = {
    "late re-assessment": (
        "reassessments",
        {"reassessment_id": "late", "iqa_id": "I2", "inspection_code": "REF2024"},
        ("advocacy", "re-assessments", "late_extract"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "late calibration": (
        "reassessments",
        {"reassessment_id": "late", "iqa_id": "I2", "inspection_code": "REF2024", "purpose": "calibration"},
        ("advocacy", "re-assessments", "late_extract"),
        {INSPECTORS},
    ),
    "rating filled in": (
        "reassessments",
        {"reassessment_id": "R00003", "iqa_id": "I3", "overall_rating": "N"},
        ("advocacy", "re-assessments", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "inspector's mark": (
        "reassessment_answers",
        {"reassessment_id": "R00001", "question_code": "CR01", "agrees": "true", "answer": "Y"},
        ("casework", "re-assessments", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "manager's rating": (
        "iqa",
        {"iqa_id": "I1", "overall_rating": "N"},
        ("casework", "assessments", "correction"),
        {MANAGERS, CAUGHT},
    ),
    "day of the assessment": (
        "iqa",
        {"iqa_id": "I1", "assessed_on": "2024-05-01", "opened_on": ""},
        ("casework", "assessments", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT},
    ),
    "withdrawn": (
        "iqa",
        {"iqa_id": "I1", "status": "withdrawn"},
        ("casework", "assessments", "withdrawn"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "manager's mark": (
        "iqa_answers",
        {"iqa_id": "I1", "question_code": "CR01", "answer": "NA"},
        ("casework", "answers", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT},
    ),
    "manager's mark that the inspector took over": (
        "iqa_answers",
        {"iqa_id": "I1", "question_code": "CR03", "answer": "N"},
        ("casework", "answers", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "purpose": (
        "reassessments",
        {"reassessment_id": "R00001", "iqa_id": "I1", "overall_rating": "N", "purpose": "calibration"},
        ("casework", "re-assessments", "correction"),
        {MANAGERS, SAMPLERS, CAUGHT, INSPECTORS},
    ),
    "dip sampler's rating": (
        "dip_samples",
        {"dip_sample_id": "D1", "iqa_id": "I1", "comment": "Seen", "opinion": "", "overall_rating": "N"},
        ("casework", "dip samples", "correction"),
        {SAMPLERS, CAUGHT},
    ),
    "dip sampler's comment": (
        "dip_samples",
        {"dip_sample_id": "D1", "iqa_id": "I1", "comment": "The strategy was missing", "opinion": ""},
        ("casework", "dip samples", "correction"),
        {CAUGHT},
    ),
    "assessment nobody inspected": (
        "iqa",
        {"iqa_id": "I9"},
        ("casework", "frame", "late_extract"),
        {MANAGERS, SAMPLERS},
    ),
}
RESTS = [
    ("reassessments", {"reassessment_id": "R00001", "iqa_id": "I1", "overall_rating": "N"}),
    ("iqa", {"iqa_id": "I1", "feedback_on": "2024-06-10"}),
    ("iqa_answers", {"iqa_id": "I1", "question_code": "CR01", "comment": "Put better"}),
    # The inspector took up CR01 and CR03 alone.
    ("iqa_answers", {"iqa_id": "I1", "question_code": "CR02", "answer": "Y"}),
    (
        "iqa",
        {
            "iqa_id": "I9",
            "assessed_on": "2024-06-01",
            "conversation_on": "",
            "closed_on": "",
            "status": "open",
        },
    ),
]


# What a row of `leniency` said when its inspection was frozen and says no more, though nothing marks it.
UNMARKED = f"""
    with moved as (
        ({WAS} except {IS})
        union all
        ({IS} except {WAS})
    )
    select distinct {ROW}
    from moved
    anti join intermediate.int_inspection_status as status
        on moved.comparison = status.comparison and moved.sample = status.sample
        and moved.assessment_type = status.sample_type and not status.is_frame_only
"""


def revised(folder: Path) -> dict[str, set[tuple[str, str, str]]]:
    """Type, causes and kinds of what is revised, without totals, by what was compared."""
    with build_marts(
        folder, folder / "raw", ["+int_inspection_status", "+leniency", "+frozen_leniency"]
    ) as connection:
        rows = connection.sql("""
            select comparison, sample_type, revision_causes, concat_ws(
                ';',
                case when has_late_extract then 'late_extract' end,
                case when has_correction then 'correction' end,
                case when has_withdrawn then 'withdrawn' end
            )
            from intermediate.int_inspection_status
            where sample_type <> 'ALL'
        """).fetchall()
        assert connection.sql("select * from raw.quarantine").fetchall() == []
        assert connection.sql(UNMARKED).fetchall() == []
    found: dict[str, set[tuple[str, str, str]]] = {}
    for comparison, *change in rows:
        found.setdefault(comparison, set()).add(tuple(change))
    return found


@pytest.mark.parametrize("what", MOVES)
def test_what_an_inspection_compares_revises_it_and_says_why(tmp_path: Path, what: str) -> None:
    dataset, row, change, comparisons = MOVES[what]
    delivered(tmp_path / "raw")
    again(tmp_path / "raw", dataset, AFTER, **row)
    assert revised(tmp_path) == {comparison: {change} for comparison in comparisons}


def test_what_no_inspection_compares_revises_none(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    delivered(raw)
    for day, (dataset, row) in enumerate(RESTS, start=10):
        again(raw, dataset, f"2025-03-{day}", **row)
    # Before the freeze a correction is no revision.
    corrected = {"reassessment_id": "R00002", "iqa_id": "I2", "overall_rating": "Y"}
    again(raw, "reassessments", "2025-01-24", **corrected)
    assert revised(tmp_path) == {}


def test_an_inspection_that_is_first_delivered_after_the_freeze_is_no_revision(tmp_path: Path) -> None:
    """Another inspection was known before it, and what it compares was corrected before it came."""
    raw = tmp_path / "raw"
    delivered(raw)
    for path in (raw / "reassessments").iterdir():
        first = [
            line for line in path.read_text().splitlines() if "R00004" in line or "reassessment_id" in line
        ]
        path.write_text("\n".join(first) + "\n")
    for path in (raw / "reassessment_answers").iterdir():
        path.unlink()
    again(raw, "iqa", "2025-02-15", iqa_id="I1", overall_rating="N")
    again(raw, "reassessments", AFTER, reassessment_id="R1", iqa_id="I1", overall_rating="N")
    again(raw, "reassessment_answers", AFTER, reassessment_id="R1", question_code="CR01", agrees="true")
    assert revised(tmp_path) == {}


@pytest.mark.parametrize(
    "what", ["inspector's mark", "manager's rating", "manager's mark", "dip sampler's rating"]
)
def test_a_correction_is_one_though_its_dataset_brought_nothing_since_the_fieldwork(
    tmp_path: Path, what: str
) -> None:
    """The only delivery came after the last day of fieldwork, and before the end of its quarter."""
    dataset, row, change, comparisons = MOVES[what]
    delivered(tmp_path / "raw", "2024-11-05")
    again(tmp_path / "raw", dataset, AFTER, **row)
    assert revised(tmp_path) == {comparison: {change} for comparison in comparisons}


def test_what_an_inspection_was_is_what_an_earlier_run_said_of_it(tmp_path: Path) -> None:
    """Everything that can move comes after the freeze; what the inspection was is as it is without it."""
    raw = tmp_path / "raw"
    delivered(raw)
    with build_marts(tmp_path / "before", raw, "+leniency", as_of="2025-01-31") as before:
        said = before.sql(f"{IS} order by all").fetchall()
    for day, (dataset, row, _, _) in enumerate(MOVES.values(), start=1):
        again(raw, dataset, f"2025-04-{day:02}", **row)
    with build_marts(tmp_path / "after", raw, ["+leniency", "+frozen_leniency"]) as after:
        was = after.sql(f"{WAS} order by all").fetchall()
        now = after.sql(f"{IS} order by all").fetchall()
    assert was == said
    assert now != said
