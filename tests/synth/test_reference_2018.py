"""The 2018 reference set, read straight from the sample's files: its figures are golden."""

from pathlib import Path

import polars as pl
import pytest

from dagster_project.settings import PROJECT_ROOT
from tests.synth.extracts import current

SOURCE = PROJECT_ROOT / "dagster_project" / "synth" / "reference_2018.csv"
E1B = [[3560, 180, 369], [30, 260, 260], [14, 24, 571]]


@pytest.fixture(scope="module")
def pairs(sample: Path) -> pl.DataFrame:
    reassessments = current(sample, "reassessments").filter(pl.col("inspection_code") == "REF2018")
    rated = reassessments.rename({"overall_rating": "inspector"})
    return rated.join(current(sample, "iqa"), on="iqa_id")


@pytest.fixture(scope="module")
def answer_pairs(sample: Path, pairs: pl.DataFrame) -> pl.DataFrame:
    inspector = current(sample, "reassessment_answers").rename({"answer": "inspector_answer"})
    manager = current(sample, "iqa_answers")
    joined = inspector.join(
        pairs.select("reassessment_id", "iqa_id", "overall_rating", "inspector"), on="reassessment_id"
    )
    return joined.join(manager, on=["iqa_id", "question_code"])


def test_444_files_are_examined_and_439_compared_with_53_lenient_and_6_harsh(pairs: pl.DataFrame) -> None:
    assert len(pairs) == 444
    compared = pairs.filter(pl.col("inspector").is_not_null())
    counts = {row[:2]: row[2] for row in compared.group_by("overall_rating", "inspector").len().iter_rows()}
    assert counts == {("Y", "Y"): 323, ("Y", "N"): 53, ("N", "Y"): 6, ("N", "N"): 57}


def test_each_file_has_the_ratings_and_the_unit_of_the_reference_table(pairs: pl.DataFrame) -> None:
    facts = pl.read_csv(SOURCE, infer_schema=False)
    codes = {"met": "Y", "not_met": "N", None: None}
    expected = {
        row["iqa_id"]: (row["unit"], codes[row["manager_overall"]], codes[row["inspector_overall"]])
        for row in facts.iter_rows(named=True)
    }
    found = {
        row["iqa_id"]: (row["area_code"], row["overall_rating"], row["inspector"])
        for row in pairs.iter_rows(named=True)
    }
    assert found == expected


def test_answers_form_the_table_of_the_worked_example_cell_by_cell(answer_pairs: pl.DataFrame) -> None:
    table = [
        [
            len(answer_pairs.filter((pl.col("answer") == mark) & (pl.col("inspector_answer") == view)))
            for view in "MPN"
        ]
        for mark in "MPN"
    ]
    assert table == E1B


def test_each_compared_file_has_exactly_twelve_applicable_answers(
    sample: Path, answer_pairs: pl.DataFrame
) -> None:
    assert set(answer_pairs.group_by("iqa_id").len()["len"]) == {12}
    assert answer_pairs["iqa_id"].n_unique() == 439
    applicable = current(sample, "iqa_answers").filter(
        pl.col("iqa_id").str.starts_with("REF18") & (pl.col("answer") != "NA")
    )
    assert set(applicable.group_by("iqa_id").len()["len"]) == {12}


def test_lenient_answers_sit_mostly_in_leniently_rated_files(answer_pairs: pl.DataFrame) -> None:
    rank = {"M": 2, "P": 1, "N": 0}
    lenient = answer_pairs.with_columns(
        is_lenient=pl.col("answer").replace_strict(rank) > pl.col("inspector_answer").replace_strict(rank)
    )
    rates = lenient.group_by("overall_rating", "inspector").agg(pl.col("is_lenient").mean())
    by_kind = {row[:2]: row[2] for row in rates.iter_rows()}
    assert by_kind["Y", "N"] > 3 * by_kind["Y", "Y"]


def test_agrees_says_whether_the_marks_are_equal(answer_pairs: pl.DataFrame) -> None:
    equal = answer_pairs["answer"] == answer_pairs["inspector_answer"]
    assert (equal == (answer_pairs["agrees"] == "true")).all()


def test_files_are_assessed_in_2017_and_inspected_in_its_last_two_months(pairs: pl.DataFrame) -> None:
    assert pairs["assessed_on"].str.slice(0, 4).unique().to_list() == ["2017"]
    assert set(pairs["reassessed_on"].str.slice(0, 7)) == {"2017-11", "2017-12"}
    assert (pairs["closed_on"] <= pairs["reassessed_on"]).all()


def test_everybody_of_the_reference_set_has_a_posting_that_ended_by_march_2018(
    sample: Path, pairs: pl.DataFrame
) -> None:
    ends = dict(current(sample, "postings").select("staff_id", "end_date").iter_rows())
    people = set(pairs["subject_id"]) | set(pairs["assessor_id"])
    assert {ends[person] for person in people} == {"2018-03-31"}
