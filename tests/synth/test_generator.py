"""What `generate` promises: repeatable bytes, no fault but the planted ones, honest control totals."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dagster_project.settings import SEEDS_DIR
from dagster_project.synth import faults as planted
from dagster_project.synth.generate import digest, generate, generate_sample
from tests.synth.extracts import KEYS, all_versions, current, extract_date, read_file

EVENTS = {
    "absences": ["start_date"],
    "iqa": ["opened_on", "assessed_on", "conversation_on", "closed_on", "feedback_on"],
    "actions": ["raised_on", "completed_on"],
    "dip_samples": ["sampled_on", "feedback_given_on"],
    "reassessments": ["reassessed_on"],
    "evidence_requests": ["requested_on", "received_on"],
    "governance_items": ["held_on"],
    "control_totals": ["supplied_on"],
}
REFERENCES = [
    ("iqa", "subject_id", "postings", "staff_id"),
    ("iqa", "assessor_id", "postings", "staff_id"),
    ("iqa_answers", "iqa_id", "iqa", "iqa_id"),
    ("actions", "iqa_id", "iqa", "iqa_id"),
    ("dip_samples", "iqa_id", "iqa", "iqa_id"),
    ("dip_samples", "sampler_id", "postings", "staff_id"),
    ("dip_sample_answers", "dip_sample_id", "dip_samples", "dip_sample_id"),
    ("reassessments", "iqa_id", "iqa", "iqa_id"),
    ("reassessment_answers", "reassessment_id", "reassessments", "reassessment_id"),
    ("feedback_quality", "reassessment_id", "reassessments", "reassessment_id"),
    ("evidence_requests", "iqa_id", "iqa", "iqa_id"),
]


def _content(path: Path) -> bytes | list[tuple[str, ...]]:
    """What a file says, apart from how the library of the day packs it."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".csv":
        return path.read_bytes()
    return [tuple(read_file(path).columns), *read_file(path).rows()]


def test_the_checked_in_sample_is_what_its_documented_arguments_generate(
    sample: Path, tmp_path: Path
) -> None:
    generate_sample(tmp_path)
    written = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(sample): path for path in sample.rglob("*") if path.is_file()}
    assert sorted(written) == sorted(kept)
    assert [str(name) for name in written if _content(written[name]) != _content(kept[name])] == []


def test_the_same_arguments_write_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        generate(tmp_path / name, years=1, scale=0.02, seed=seed, faults=True)
    first = digest(tmp_path / "first")
    assert first == digest(tmp_path / "again")
    other = digest(tmp_path / "other")
    assert all(other[name] != first[name] for name in first if name.startswith("iqa/") and "2018" not in name)


def test_ten_years_reach_back_over_the_change_of_scale(tmp_path: Path) -> None:
    generate(tmp_path, years=10, scale=0.01, seed=1, faults=False)
    joined = current(tmp_path, "iqa_answers").join(current(tmp_path, "iqa"), on="iqa_id")
    marks = (
        joined.filter(pl.col("answer").is_not_null())
        .group_by("instrument_version")
        .agg(pl.col("answer").unique())
    )
    by_instrument = {row[0]: set(row[1]) for row in marks.iter_rows()}
    assert len(by_instrument) == 8
    for instrument, found in by_instrument.items():
        assert found == ({"M", "P", "N", "NA"} if instrument.endswith("2015") else {"Y", "N", "NA"})
    comments = joined.filter(pl.col("assessed_on") < "2022-10-03")["comment"]
    assert comments.null_count() == len(comments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"years": 0}, "years is 0"),
        ({"years": 11}, "years is 11"),
        ({"scale": 0}, "scale is 0"),
        ({"faults": 2}, "faults is 2"),
    ],
)
def test_an_impossible_argument_is_refused_by_name(
    tmp_path: Path, arguments: dict[str, int], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        generate(tmp_path, **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_planted_faults_are_extra_rows_and_change_no_good_one(tmp_path: Path) -> None:
    clean, faulty = tmp_path / "clean", tmp_path / "faulty"
    generate(clean, years=2, scale=0.05, seed=3, faults=False)
    summary = generate(faulty, years=2, scale=0.05, seed=3, faults=True)
    found: dict[str, int] = {}
    for dataset in KEYS:
        good, all_rows = all_versions(clean, dataset), all_versions(faulty, dataset)
        extra = all_rows.join(good, on=good.columns, how="anti", nulls_equal=True)
        assert len(all_rows) == len(good) + len(extra)
        if len(extra):
            found[dataset] = len(extra)
            assert extra["extract_date"].n_unique() == 1
    assert found == {dataset: count for dataset, count in summary.planted.items() if count}
    assert set(found) == {dataset for dataset, _, _ in planted.PLANTED}


def test_a_share_of_faults_plants_about_that_many_rows(tmp_path: Path) -> None:
    summary = generate(tmp_path, years=2, scale=0.05, seed=3, faults=0.05)
    share = summary.planted.total() / int(str(summary.truths["iqas"]))
    assert 0.04 < share < 0.08


@pytest.mark.parametrize(("dataset", "column", "target", "key"), REFERENCES)
def test_every_reference_has_its_target(
    flawless: Path, dataset: str, column: str, target: str, key: str
) -> None:
    missing = current(flawless, dataset).join(
        current(flawless, target), left_on=column, right_on=key, how="anti"
    )
    assert missing[column].to_list() == []


def test_children_never_arrive_before_their_parents(flawless: Path) -> None:
    for dataset, column, target, key in REFERENCES:
        born = all_versions(flawless, target).group_by(key).agg(parent_date=pl.col("extract_date").min())
        child = all_versions(flawless, dataset).join(born, left_on=column, right_on=key)
        assert child.filter(pl.col("extract_date") < pl.col("parent_date")).is_empty(), dataset


def test_no_event_is_later_than_its_extract_or_before_october_2014(flawless: Path) -> None:
    for dataset, columns in EVENTS.items():
        rows = all_versions(flawless, dataset)
        for column in columns:
            days = pl.col(column)
            bad = rows.filter((days > pl.col("extract_date")) | (days < "2014-10-01"))
            assert bad.is_empty(), (dataset, column)


def test_the_stages_of_an_assessment_come_in_order(flawless: Path) -> None:
    rows = all_versions(flawless, "iqa")
    stages = EVENTS["iqa"]
    for place, earlier in enumerate(stages):
        for later in stages[place + 1 :]:
            assert rows.filter(pl.col(earlier) > pl.col(later)).is_empty(), (earlier, later)


def test_nobody_assesses_or_samples_their_own_work_and_views_follow_the_assessment(flawless: Path) -> None:
    iqas = current(flawless, "iqa")
    assert iqas.filter(pl.col("subject_id") == pl.col("assessor_id")).is_empty()
    dips = current(flawless, "dip_samples").join(iqas, on="iqa_id")
    assert dips.filter(pl.col("sampler_id") == pl.col("assessor_id")).is_empty()
    assert dips.filter(pl.col("sampled_on") < pl.col("assessed_on")).is_empty()
    assert dips.filter(pl.col("is_marked").is_null()).is_empty()
    looked = current(flawless, "reassessments").join(iqas, on="iqa_id")
    assert looked.filter(pl.col("reassessed_on") < pl.col("assessed_on")).is_empty()


def test_every_answer_belongs_to_the_instrument_its_unit_and_its_scale(flawless: Path) -> None:
    instruments = pl.read_csv(SEEDS_DIR / "instruments.csv").select("instrument_version", "answer_scale")
    members = pl.read_csv(SEEDS_DIR / "instrument_questions.csv")
    scales = pl.read_csv(SEEDS_DIR / "scale_values.csv").select(
        answer_scale="scale_code", answer="value_code"
    )
    questions = pl.read_csv(SEEDS_DIR / "questions.csv")
    iqas = current(flawless, "iqa")
    answers = (
        all_versions(flawless, "iqa_answers")
        .join(iqas, on="iqa_id")
        .join(instruments, on="instrument_version")
    )
    assert answers.join(members, on=["instrument_version", "question_code"], how="anti").is_empty()
    given = answers.filter(pl.col("answer").is_not_null())
    assert given.join(scales, on=["answer_scale", "answer"], how="anti").is_empty()
    asked = given.join(questions, on="question_code")
    assert asked.filter((pl.col("answer") == "NA") & ~pl.col("is_na_allowed")).is_empty()
    progress = (pl.col("unit_type") == "CPSD") & (pl.col("question_category") == "case_progression")
    assert asked.filter(progress).is_empty()
    put = iqas.join(members, on="instrument_version").join(questions, on="question_code").filter(~progress)
    assert len(put) == len(current(flawless, "iqa_answers"))


def test_agrees_fits_the_inspectors_own_answer_whenever_there_is_one(flawless: Path) -> None:
    views = current(flawless, "reassessment_answers").rename({"answer": "own"})
    views = views.join(
        current(flawless, "reassessments").select("reassessment_id", "iqa_id"), on="reassessment_id"
    )
    pairs = views.join(current(flawless, "iqa_answers"), on=["iqa_id", "question_code"]).filter(
        pl.col("own").is_not_null()
    )
    assert len(pairs) > 1000
    assert ((pairs["own"] == pairs["answer"]) == (pairs["agrees"] == "true")).all()


def test_no_key_stands_twice_in_one_extract(flawless: Path) -> None:
    for dataset, key in KEYS.items():
        rows = all_versions(flawless, dataset)
        assert rows.select(*key, "extract_date").is_unique().all(), dataset


def test_a_later_version_of_a_row_always_says_something_new(flawless: Path) -> None:
    """Answers put right and facts that became known are sent again; nothing else is."""
    for dataset in KEYS:
        assert all_versions(flawless, dataset).drop("extract_date").is_unique().all(), dataset


def _freeze(quarter_end: date) -> str:
    holidays = pl.read_csv(SEEDS_DIR / "bank_holidays.csv")["holiday_on"].to_list()
    day, left = quarter_end, 20
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day.isoformat() not in holidays
    return day.isoformat()


def _quarter(column: str) -> pl.Expr:
    return pl.col(column).str.to_date().dt.truncate("1q").dt.to_string("%Y-%m-%d")


def _quarter_end(start: str) -> date:
    first = date.fromisoformat(start)
    return (first.replace(day=1) + timedelta(days=95)).replace(day=1) - timedelta(days=1)


@pytest.fixture(scope="module")
def counted(flawless: Path) -> pl.DataFrame:
    """Control totals beside what a plain count of the extracts gives."""
    iqas = current(flawless, "iqa").filter(
        ~pl.col("iqa_id").str.starts_with("REF") & (pl.col("status") != "withdrawn")
    )
    iqas = iqas.with_columns(quarter_start=_quarter("assessed_on"))
    freezes = {start: _freeze(_quarter_end(start)) for start in iqas["quarter_start"].unique()}
    dips = current(flawless, "dip_samples").join(iqas.select("iqa_id", "quarter_start"), on="iqa_id")
    dips = dips.filter(
        (pl.col("is_marked") == "true")
        & pl.col("comment").is_not_null()
        & (pl.col("sampled_on") <= pl.col("quarter_start").replace_strict(freezes))
    )
    people = _required(flawless, [start for start, freeze in freezes.items() if freeze <= "2024-10-28"])
    groups = ["area_code", "unit_type", "assessment_type", "quarter_start"]
    frames = []
    for measure, rows in (
        ("iqas_assessed", iqas),
        ("dips_valid", iqas.join(dips, on="iqa_id", how="semi")),
        ("prosecutors_required", people.with_columns(assessment_type=pl.lit("casework"))),
    ):
        units = rows.group_by(groups).len()
        areas = rows.group_by([name for name in groups if name != "unit_type"]).len()
        areas = areas.with_columns(unit_type=pl.lit("ALL")).select(units.columns)
        frames.append(pl.concat([units, areas]).with_columns(measure=pl.lit(measure)))
    totals = current(flawless, "control_totals")
    joined = totals.join(pl.concat(frames), on=[*groups, "measure"], how="left")
    return joined.with_columns(
        pl.col("value").cast(pl.Float64).cast(pl.Int64), pl.col("len").fill_null(0).cast(pl.Int64)
    )


def _required(folder: Path, quarter_starts: list[str]) -> pl.DataFrame:
    """Casework requirement under policy half, one day and one person at a time."""
    holidays = set(pl.read_csv(SEEDS_DIR / "bank_holidays.csv")["holiday_on"])
    absent: dict[str, set[int]] = {}
    for row in current(folder, "absences").iter_rows(named=True):
        first = date.fromisoformat(row["start_date"]).toordinal()
        last = date.fromisoformat(row["end_date"] or "2024-10-28").toordinal()
        days = range(first, last + 1)
        working = [
            day
            for day in days
            if date.fromordinal(day).weekday() < 5 and date.fromordinal(day).isoformat() not in holidays
        ]
        if len(working) > 10:
            absent.setdefault(row["staff_id"], set()).update(days)
    postings = current(folder, "postings").filter(
        pl.col("grade").is_in(["CP", "SCP"]) & pl.col("role_type").is_in(["non_advocacy", "mixed"])
    )
    rows = []
    for start in quarter_starts:
        first, last = date.fromisoformat(start).toordinal(), _quarter_end(start).toordinal()
        held: dict[str, list[tuple[int, int, str, str]]] = {}
        for row in postings.iter_rows(named=True):
            begin = max(first, date.fromisoformat(row["start_date"]).toordinal())
            end = min(last, date.fromisoformat(row["end_date"] or "2099-12-31").toordinal())
            free = set(range(begin, end + 1)) - absent.get(row["staff_id"], set())
            if free:
                held.setdefault(row["staff_id"], []).append(
                    (len(free), end, row["area_code"], row["unit_type"])
                )
        for own in held.values():
            if 2 * sum(days for days, *_ in own) >= last - first + 1:
                _, _, area, unit = max(own)
                rows.append((area, unit, start))
    return pl.DataFrame(rows, schema=["area_code", "unit_type", "quarter_start"], orient="row")


def test_control_totals_agree_with_a_plain_count_but_for_two_misstated_ones(counted: pl.DataFrame) -> None:
    wrong = counted.filter(pl.col("value") != pl.col("len")).with_columns(off=pl.col("value") - pl.col("len"))
    found = sorted(
        wrong.select("area_code", "unit_type", "assessment_type", "quarter_start", "measure", "off").rows()
    )
    assert found == [
        ("LN", "ALL", "casework", "2024-01-01", "iqas_assessed", 2),
        ("YH", "ALL", "casework", "2024-04-01", "dips_valid", -1),
    ]
    assert set(counted["measure"]) == {"iqas_assessed", "dips_valid", "prosecutors_required"}


def test_extracts_are_dated_on_the_freeze_day_of_each_quarter(flawless: Path) -> None:
    starts = [f"{year}-{month:02}-01" for year in (2022, 2023, 2024) for month in (1, 4, 7, 10)][3:11]
    freezes = [_freeze(_quarter_end(start)) for start in starts]
    assert sorted(extract_date(path) for path in (flawless / "absences").iterdir()) == freezes


def test_draws_do_not_depend_on_the_order_of_their_keys() -> None:
    from dagster_project.synth.chance import Chance

    chance, keys = Chance(1), np.arange(1000)
    assert (chance.uniform("any", keys)[::-1] == chance.uniform("any", keys[::-1])).all()
    assert abs(chance.uniform("any", keys).mean() - 0.5) < 0.03
    assert abs(chance.normal("any", keys).std() - 1.0) < 0.06
    assert not (chance.uniform("any", keys) == chance.uniform("other", keys)).any()
