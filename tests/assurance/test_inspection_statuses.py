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


def delivered(raw: Path) -> None:
    """REF2024: I1 casework, I2, I3 advocacy; REF2018: I4 casework. R1 to R4 re-assess them, R5 checks R1."""
    cases = Cases()
    mark = {"CR01": "Y", "CR02": "N"}
    cases.add(
        manager="Y",
        inspector="N",
        sampler="Y",
        manager_answers=mark,
        inspector_answers={"CR01": "N"},
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
    cases.inspect("I1", "REF2024", "Y", {"CR01": "Y"}, on="2024-07-16", purpose="quality_assurance")
    cases.rows["reassessments"][-1]["inspector_id"] = "X2"
    cases.write(raw, BEFORE)


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
    """Casework of REF2024: an inspector's rating corrected. Advocacy: a late dip. REF2018: an answer."""
    folder = tmp_path_factory.mktemp("inspections")
    raw = folder / "raw"
    delivered(raw)
    again(raw, "reassessments", AFTER, reassessment_id="R00001", iqa_id="I1", overall_rating="Y")
    again(raw, "dip_samples", AFTER, dip_sample_id="late", iqa_id="I2", sampled_on="2024-06-03")
    again(raw, "iqa_answers", AFTER, iqa_id="I4", question_code="CR01", answer="P")
    connection = build_marts(folder, raw, [f"+{mart}" for mart in MARTS])
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
    assert statuses(marts, "leniency", f"{advocacy} and comparison = 'manager_v_inspector'") == {"P"}
    assert statuses(marts, "leniency", f"{advocacy} and comparison = 'dip_sampler_v_inspector'") == {"R"}
    assert statuses(marts, "dip_catch", advocacy) == {"R"}


def test_a_corrected_answer_of_a_manager_revises_the_inspection_too(marts: duckdb.DuckDBPyConnection) -> None:
    assert statuses(marts, "leniency", "sample = 'REF2018'") == {"R"}
    assert statuses(marts, "question_quality", "sample = 'REF2018'") == {"R"}


MOVES = {
    "late re-assessment": (
        "reassessments",
        {"reassessment_id": "late", "iqa_id": "I2", "inspection_code": "REF2024"},
        ("advocacy", "reassessments", "late_extract"),
    ),
    "rating filled in": (
        "reassessments",
        {"reassessment_id": "R00003", "iqa_id": "I3", "overall_rating": "N"},
        ("advocacy", "reassessments", "correction"),
    ),
    "inspector's answer": (
        "reassessment_answers",
        {"reassessment_id": "R00001", "question_code": "CR01", "agrees": "true", "answer": "Y"},
        ("casework", "reassessments", "correction"),
    ),
    "manager's rating": (
        "iqa",
        {"iqa_id": "I1", "overall_rating": "N"},
        ("casework", "assessments", "correction"),
    ),
    "withdrawn": (
        "iqa",
        {"iqa_id": "I1", "status": "withdrawn"},
        ("casework", "assessments", "withdrawn"),
    ),
    "purpose": (
        "reassessments",
        {"reassessment_id": "R00001", "iqa_id": "I1", "overall_rating": "N", "purpose": "calibration"},
        ("casework", "reassessments", "correction"),
    ),
}
RESTS = {
    "the same rows again": (
        "reassessments",
        {"reassessment_id": "R00001", "iqa_id": "I1", "overall_rating": "N"},
    ),
    "feedback given": ("iqa", {"iqa_id": "I1", "feedback_on": "2024-06-10"}),
    "comment edited": ("iqa_answers", {"iqa_id": "I1", "question_code": "CR01", "comment": "Put better"}),
    "assessment not inspected": ("iqa", {"iqa_id": "I9", "opened_on": ""}),
}


def revised(folder: Path, *deliveries: tuple[str, str, dict[str, str]]) -> set[tuple[str, str, str]]:
    """Type, causes and kinds of what is revised of managers against inspectors in REF2024, no totals."""
    raw = folder / "raw"
    delivered(raw)
    for dataset, on, row in deliveries:
        again(raw, dataset, on, **row)
    with build_marts(folder, raw, "+int_inspection_status") as connection:
        return set(
            connection.sql("""
                select sample_type, revision_causes, concat_ws(
                    ';',
                    case when has_late_extract then 'late_extract' end,
                    case when has_correction then 'correction' end,
                    case when has_withdrawn then 'withdrawn' end
                )
                from intermediate.int_inspection_status
                where comparison = 'manager_v_inspector' and sample = 'REF2024' and sample_type <> 'ALL'
            """).fetchall()
        )


@pytest.mark.parametrize("what", MOVES)
def test_what_an_inspection_compares_revises_it_and_says_why(tmp_path: Path, what: str) -> None:
    dataset, row, expected = MOVES[what]
    assert revised(tmp_path, (dataset, AFTER, row)) == {expected}


def test_what_no_inspection_compares_revises_none(tmp_path: Path) -> None:
    later = [(dataset, AFTER, row) for dataset, row in RESTS.values() if dataset != "iqa"]
    later += [
        ("iqa", f"2025-03-2{n}", row) for n, (dataset, row) in enumerate(RESTS.values()) if dataset == "iqa"
    ]
    # Before the freeze a correction is no revision.
    later.append(
        ("reassessments", "2025-01-24", {"reassessment_id": "R00002", "iqa_id": "I2", "overall_rating": "Y"})
    )
    assert revised(tmp_path, *later) == set()
