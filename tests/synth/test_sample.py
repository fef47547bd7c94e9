"""The checked-in sample looks like the organisation it stands for, and shows what the product has to show."""

from pathlib import Path

import polars as pl
import pytest

from dagster_project.synth import texts
from dagster_project.synth.catalogue import CATEGORIES, themes
from tests.synth.extracts import all_versions, current

FREEZE = {"2023-10-01": "2024-01-29", "2024-01-01": "2024-04-29"}


@pytest.fixture(scope="module")
def iqas(sample: Path) -> pl.DataFrame:
    return current(sample, "iqa").filter(pl.col("iqa_id").str.starts_with("SYN-Q"))


@pytest.fixture(scope="module")
def answers(sample: Path, iqas: pl.DataFrame) -> pl.DataFrame:
    questions = pl.read_csv("dbt/seeds/questions.csv").select("question_code", "question_category")
    rows = current(sample, "iqa_answers").join(iqas, on="iqa_id")
    return rows.join(questions, on="question_code")


def test_the_sample_is_small(sample: Path) -> None:
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 12_000_000


def test_all_fifteen_areas_take_part_and_the_largest_is_two_to_three_times_the_smallest(
    iqas: pl.DataFrame,
) -> None:
    sizes = iqas.group_by("area_code").len().sort("len")
    assert len(sizes) == 15
    assert 2 <= sizes["len"][-1] / sizes["len"][0] <= 3


def test_marks_have_the_shape_that_volumes_are_planned_on(answers: pl.DataFrame) -> None:
    marks = dict(answers.group_by("answer").len().iter_rows())
    assert 0.08 <= marks["NA"] / len(answers) <= 0.12
    assert 0.78 <= marks["Y"] / (marks["Y"] + marks["N"]) <= 0.90
    told = (
        answers.with_columns(told=pl.col("comment").is_not_null())
        .group_by("answer")
        .agg(pl.col("told").mean())
    )
    rates = dict(told.iter_rows())
    assert rates["Y"] < 0.45 < 0.85 < rates["N"] < 0.97


def test_two_in_five_assessments_fall_in_the_last_three_weeks_of_a_quarter(iqas: pl.DataFrame) -> None:
    days = iqas.filter(pl.col("assessed_on") < "2024-10-01").select(pl.col("assessed_on").str.to_date())
    last = pl.col("assessed_on").dt.truncate("1q").dt.offset_by("1q").dt.offset_by("-21d")
    share = days.select((pl.col("assessed_on") >= last).mean()).item()
    assert 0.35 <= share <= 0.47


def test_the_inspection_has_ten_mc_and_five_cc_files_in_each_of_fourteen_areas(
    sample: Path, iqas: pl.DataFrame
) -> None:
    files = current(sample, "reassessments").filter(
        (pl.col("inspection_code") == "REF2024") & (pl.col("purpose") == "inspection")
    )
    files = files.join(iqas, on="iqa_id")
    counts = files.group_by("area_code", "unit_type").len()
    assert len(counts) == 28
    assert set(counts.filter(pl.col("unit_type") == "MC")["len"]) == {10}
    assert set(counts.filter(pl.col("unit_type") == "CC")["len"]) == {5}
    assert files["assessed_on"].min() > "2022-11-01"
    dipped = current(sample, "dip_samples").filter(
        (pl.col("is_marked") == "true") & pl.col("comment").is_not_null()
    )
    assert files.join(dipped, on="iqa_id", how="anti").is_empty()


def test_inspectors_find_more_leniency_for_victims_and_disclosure_than_elsewhere(
    sample: Path, answers: pl.DataFrame
) -> None:
    views = current(sample, "reassessments").filter(
        (pl.col("inspection_code") == "REF2024") & (pl.col("purpose") == "inspection")
    )
    key = ["iqa_id", "question_code"]
    pairs = (
        current(sample, "reassessment_answers")
        .join(views.select("reassessment_id", "iqa_id"), on="reassessment_id")
        .join(answers.select(*key, "question_category", given="answer"), on=key)
        .filter(pl.col("given").is_in(["Y", "N"]))
    )
    lenient = (pl.col("given") == "Y") & (pl.col("agrees") == "false")
    rates = dict(pairs.group_by("question_category").agg(lenient.mean()).iter_rows())
    assert min(rates["victims_and_witnesses"], rates["disclosure"]) > max(
        rates["charging_and_review"], rates["case_progression"]
    )


def test_the_late_extract_brings_one_areas_rows_of_a_quarter_already_frozen(sample: Path) -> None:
    rows = all_versions(sample, "iqa")
    rows = rows.filter(pl.col("iqa_id").str.starts_with("SYN-Q"))
    first = rows.unique("iqa_id", keep="first", maintain_order=True)
    late = first.filter(pl.col("extract_date") == "2024-02-19")
    assert len(late) >= 5
    assert set(late["area_code"]) == {"SW"}
    assert late["assessed_on"].min() >= "2023-10-01"
    assert late["assessed_on"].max() <= "2023-12-31"
    assert late["extract_date"].min() > FREEZE["2023-10-01"]


def test_the_correction_extract_changes_answers_and_dates_of_a_quarter_already_frozen(sample: Path) -> None:
    key = ["iqa_id", "question_code"]
    versions = all_versions(sample, "iqa_answers")
    corrected = versions.filter(pl.col("extract_date") == "2024-05-20")
    before = versions.filter(pl.col("extract_date") <= FREEZE["2024-01-01"]).unique(key, keep="last")
    pairs = corrected.join(before, on=key, suffix="_before")
    assert len(pairs) == len(corrected) >= 20
    assert (pairs["answer"] != pairs["answer_before"]).all()
    iqas = all_versions(sample, "iqa").filter(pl.col("extract_date") == "2024-05-20")
    assert "withdrawn" in set(iqas["status"])
    assert "closed" in set(iqas["status"])


def test_corrections_are_one_or_two_rows_in_a_hundred(sample: Path) -> None:
    versions = all_versions(sample, "iqa_answers")
    again = len(versions) - versions.select("iqa_id", "question_code").n_unique()
    assert 0.005 <= again / len(versions) <= 0.02


def test_dip_samples_come_short_late_unmarked_uncommented_and_twice(sample: Path, iqas: pl.DataFrame) -> None:
    dips = current(sample, "dip_samples").filter(pl.col("dip_sample_id").str.starts_with("SYN-D"))
    assert set(dips["is_marked"]) == {"true", "false"}
    assert 0 < dips["comment"].null_count() < 0.1 * len(dips)
    assert 0 < len(dips) - dips["iqa_id"].n_unique() < 0.08 * len(dips)
    assert set(dips["opinion"].drop_nulls()) == {"agree", "challenge", "unclear"}
    share = len(dips) / len(iqas)
    assert 0.09 <= share <= 0.14


def test_people_join_leave_and_move_between_areas(sample: Path) -> None:
    postings = current(sample, "postings").filter(pl.col("posting_id").str.starts_with("SYN-P"))
    joined = postings.filter(pl.col("start_date") > "2022-10-01")
    left = postings.filter(pl.col("end_date").is_not_null())
    moved = postings.group_by("staff_id").agg(pl.col("area_code").n_unique()).filter(pl.col("area_code") > 1)
    assert min(len(joined), len(left), len(moved)) >= 10


def test_faults_are_far_too_few_to_fail_a_file(sample: Path) -> None:
    for dataset in ("iqa", "iqa_answers", "postings", "actions", "dip_samples", "reassessments"):
        rows = all_versions(sample, dataset)
        key = rows.columns[0]
        assert len(rows.filter(pl.col(key).str.starts_with("SYN-FAULT"))) <= 5


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_failing_sentence_carries_its_theme_and_no_neutral_sentence_carries_any(category: str) -> None:
    own = themes().filter(pl.col("theme_category") == category)
    sentences = texts.failing_sentences()[CATEGORIES.index(category)]
    for row, sentence in zip(own.iter_rows(named=True), sentences, strict=True):
        pattern = f"(?i){row['pattern']}"
        assert pl.Series([sentence + "."]).str.contains(pattern).item()
    neutral = pl.Series(texts.satisfied_sentences())
    for pattern in own["pattern"]:
        assert neutral.filter(neutral.str.contains(f"(?i){pattern}")).to_list() == []


def test_nothing_in_the_sample_looks_like_a_real_case_or_person(sample: Path) -> None:
    iqas = current(sample, "iqa")
    assert iqas["urn"].str.starts_with("SYN").all()
    assert iqas["subject_id"].str.contains(r"^(SYN-|REF18-)").all()
    assert current(sample, "postings")["staff_id"].str.contains(r"^(SYN-|REF18-)").all()
