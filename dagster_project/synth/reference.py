"""The 2018 reference set as extracts: 444 assessments whose figures are known to the last digit.

The facts are `reference_2018.csv` (overall ratings) and the two tables below; the national set does not
belong here. The one trap: nothing here depends on the seed, and nothing may, because its figures are
golden: 53 of 439 ratings lenient, and the answer table of METRICS.md E1b cell by cell.
"""

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.synth import catalogue
from dagster_project.synth.almanac import as_date, next_working_day

SOURCE = Path(__file__).with_name("reference_2018.csv")
EXTRACT_DATE = "2018-01-31"
APPLICABLE = 12
_MARKS = ("M", "P", "N")
_FIRST_ASSESSED = 17_170  # 4 January 2017
_FIRST_REASSESSED = 17_471  # 1 November 2017

# Answers by kind of assessment (rating of manager, of inspector) and by manager's × inspector's mark:
# MM MP MN PM PP PN NM NP NN. Columns add up to E1b; most lenient answers sit in leniently rated files.
_CELLS = {
    ("met", "met"): (3290, 110, 89, 14, 166, 90, 2, 8, 107),
    ("met", "not_met"): (190, 60, 240, 0, 26, 100, 0, 0, 20),
    ("not_met", "met"): (20, 0, 0, 14, 8, 0, 12, 10, 8),
    ("not_met", "not_met"): (60, 10, 40, 2, 60, 70, 0, 6, 436),
}


def reference_extracts() -> dict[str, pl.DataFrame]:
    """One table per dataset, in the columns of the contract."""
    facts = pl.read_csv(SOURCE, infer_schema=False).with_row_index("place")
    facts = facts.with_columns(
        unit_place=pl.col("unit").rank("dense") - 1, within=pl.int_range(pl.len()).over("unit")
    )
    answers = _answers(facts)
    return {
        "postings": _postings(facts),
        "iqa": _iqas(facts),
        "iqa_answers": answers.select("iqa_id", "question_code", "answer").with_columns(
            comment=pl.lit(None, dtype=pl.String),
            is_issue=pl.lit(None, dtype=pl.Boolean),
            is_good_practice=pl.lit(None, dtype=pl.Boolean),
        ),
        "reassessments": _reassessments(facts),
        "reassessment_answers": _reassessment_answers(answers),
    }


def _unit_type() -> pl.Expr:
    return pl.when(pl.col("unit") == "CPSD").then(pl.lit("CPSD")).otherwise(pl.lit("MC"))


def _staff_id(role: str, number: pl.Expr) -> pl.Expr:
    return pl.format("REF18-{}-{}-{}", pl.col("unit"), pl.lit(role), number)


def _postings(facts: pl.DataFrame) -> pl.DataFrame:
    units = facts.select("unit").unique(maintain_order=True)
    roles = pl.DataFrame(
        [("S", number, "SCP") for number in range(1, 11)] + [("A", number, "DCP") for number in range(1, 4)],
        schema=["role", "number", "grade"],
        orient="row",
    )
    people = units.join(roles, how="cross", maintain_order="left_right")
    name = pl.format("REF18-{}-{}-{}", "unit", "role", "number")
    manager = pl.when(pl.col("role") == "S").then(
        pl.format("REF18-{}-A-{}", pl.col("unit"), pl.col("number") % 3 + 1)
    )
    return people.select(
        posting_id=pl.format("{}-P", name),
        staff_id=name,
        grade="grade",
        area_code="unit",
        unit_type=_unit_type(),
        role_type=pl.lit("non_advocacy"),
        fte=pl.lit(1.0),
        start_date=pl.date(2016, 1, 4),
        end_date=pl.date(2018, 3, 31),
        line_manager_id=manager,
    )


def _iqas(facts: pl.DataFrame) -> pl.DataFrame:
    place = facts["place"].to_numpy().astype(np.int64)
    # 444 days of assessment spread over January to September 2017, by a step that visits every slot.
    assessed = next_working_day(_FIRST_ASSESSED + (place * 7) % 260)
    talked, closed = next_working_day(assessed + 3 + place % 4), next_working_day(assessed + 10 + place % 5)
    days = {
        "opened_on": assessed - place % 3,
        "assessed_on": assessed,
        "conversation_on": talked,
        "closed_on": closed,
    }
    dated = facts.with_columns(
        pl.Series(name, value).cast(pl.Int32).cast(pl.Date) for name, value in days.items()
    )
    none = pl.lit(None, dtype=pl.String)
    return dated.select(
        "iqa_id",
        assessment_type=pl.lit("casework"),
        instrument_version=pl.lit("CW-2015"),
        urn=pl.format("SYN18/{}/17", pl.col("iqa_id").str.slice(6)),
        area_code="unit",
        unit_type=_unit_type(),
        subject_id=_staff_id("S", pl.col("within") % 10 + 1),
        assessor_id=_staff_id("A", pl.col("within") % 3 + 1),
        selection_method=pl.lit("random"),
        theme_campaign=none,
        opened_on="opened_on",
        assessed_on="assessed_on",
        conversation_on="conversation_on",
        closed_on="closed_on",
        feedback_on=pl.lit(None, dtype=pl.Date),
        feedback_comment=none,
        overall_rating=_rating("manager_overall"),
        status=pl.lit("closed"),
    )


def _rating(column: str) -> pl.Expr:
    return pl.col(column).replace_strict({"met": "Y", "not_met": "N", "": None}, default=None)


def _questions_of(unit: str) -> list[str]:
    """The questions of CW-2015 put in a unit; those open to an applicable answer come first."""
    table = catalogue.questions()
    sets = {question_set.instrument: question_set for question_set in catalogue.question_sets()}
    own = table[sets["CW-2015"].questions.tolist()]
    if unit == "CPSD":
        return own.filter(pl.col("question_category") != "case_progression")["question_code"].to_list()
    # Crown Court questions do not apply to magistrates' court files.
    return own.sort(pl.col("applies_to") == "CC", maintain_order=True)["question_code"].to_list()


def _answers(facts: pl.DataFrame) -> pl.DataFrame:
    """One row per assessment and question with both marks; the inspector's is null where not compared."""
    codes = dict(catalogue.questions().select("question_code", "question_category").iter_rows())
    rows: list[tuple[str, str, str, str, str | None]] = []
    for ratings, cells in _CELLS.items():
        own = facts.filter(
            (pl.col("manager_overall") == ratings[0])
            & (pl.col("inspector_overall").fill_null("") == ratings[1])
        )
        pairs = [
            (_MARKS[cell // 3], _MARKS[cell % 3]) for cell, count in enumerate(cells) for _ in range(count)
        ]
        # Dealt like cards, so that files of one kind have much the same marks.
        hands = [pairs[place :: len(own)] for place in range(len(own))]
        for place, (iqa_id, unit) in enumerate(own.select("iqa_id", "unit").iter_rows()):
            rows += _one_file(iqa_id, unit, place, hands[place], codes)
    left_out = facts.filter(pl.col("comparable") == "0")
    for place, (iqa_id, unit) in enumerate(left_out.select("iqa_id", "unit").iter_rows()):
        rows += _one_file(iqa_id, unit, place, [("M", None)] * APPLICABLE, codes)
    names = ["iqa_id", "question_code", "question_category", "answer", "inspector"]
    return pl.DataFrame(rows, schema=names, orient="row").sort("iqa_id", "question_code")


def _one_file(
    iqa_id: str,
    unit: str,
    place: int,
    hand: list[tuple[str, str]] | list[tuple[str, None]],
    codes: dict[str, str],
) -> list[tuple[str, str, str, str, str | None]]:
    """Twelve applicable answers on questions that rotate from file to file; the others are not applicable.

    The first question admits no "not applicable", so it is always among the twelve.
    """
    first, *others = _questions_of(unit)
    open_to_all = len(others) if unit == "CPSD" else len(others) - 2
    turn = (place * 5) % open_to_all
    turned = others[:open_to_all][turn:] + others[:open_to_all][:turn]
    asked = [first, *turned[: APPLICABLE - 1]]
    shift = place % APPLICABLE
    marks = dict(zip(asked, hand[shift:] + hand[:shift], strict=True))
    return [(iqa_id, code, codes[code], *marks.get(code, ("NA", None))) for code in [first, *others]]


def _reassessments(facts: pl.DataFrame) -> pl.DataFrame:
    place = facts["place"].to_numpy().astype(np.int64)
    days = next_working_day(_FIRST_REASSESSED + (place * 11) % 56)
    return facts.select(
        reassessment_id=pl.format("{}-R", "iqa_id"),
        inspection_code=pl.lit("REF2018"),
        iqa_id="iqa_id",
        inspector_id=pl.format("REF18-INS-{}", pl.col("place") % 9 + 1),
        reassessed_on=pl.Series([as_date(day) for day in days]),
        overall_rating=_rating("inspector_overall"),
        purpose=pl.lit("inspection"),
    )


def _reassessment_answers(answers: pl.DataFrame) -> pl.DataFrame:
    compared = answers.filter(pl.col("inspector").is_not_null())
    agrees = pl.col("answer") == pl.col("inspector")
    rank = {"M": 2, "P": 1, "N": 0}
    lenient = pl.col("answer").replace_strict(rank) > pl.col("inspector").replace_strict(rank)
    return compared.select(
        reassessment_id=pl.format("{}-R", "iqa_id"),
        question_code="question_code",
        agrees=agrees,
        answer="inspector",
        difference_categories=pl.when(~agrees).then("question_category"),
        reason_code=pl.when(~agrees).then(pl.when(lenient).then(pl.lit("R2")).otherwise(pl.lit("R3"))),
        reason_text=pl.lit(None, dtype=pl.String),
    )
