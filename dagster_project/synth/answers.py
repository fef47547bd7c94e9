"""Answers to the questions of any set of assessments: what was true, and what the manager recorded.

Texts do not belong here, nor does who was assessed. The one trap: marks are ranks on the instrument's own
scale (0 = not met up to `top`), with NOT_APPLICABLE and MISSING below zero, so a rank means nothing without
its `top`.
"""

import numpy as np
import polars as pl

from dagster_project.synth import catalogue
from dagster_project.synth.chance import Chance, Floats, Ints

NOT_APPLICABLE = -1
MISSING = -2
MET_OVERALL_FROM = 0.65  # share of the maximum mark from which an assessment is rated met overall
_QUESTION_SPAN = 64

# By category: how often the standard is truly met, and how often a failing is let pass.
_TRULY_MET = np.array([0.79, 0.75, 0.72, 0.71, 0.80, 0.84])
_LET_PASS = np.array([0.34, 0.30, 0.56, 0.50, 0.36, 0.40])
_CROWN_COURT_ONLY = ("CP05", "CP06", "DI04")
_OFTEN_NOT_APPLICABLE = {"VW04": 0.22, "VW05": 0.22, "CP08": 0.18, "DI05": 0.12, "AD04": 0.2, "AD05": 0.2}
_USUAL_NOT_APPLICABLE = {"international": 0.28, "advocacy": 0.06}
_COMMON_NOT_APPLICABLE = 0.025


def answer_key(iqa: Ints, question: Ints) -> Ints:
    """One number per assessment and question."""
    return np.asarray(iqa * _QUESTION_SPAN + question, dtype=np.int64)


def answers_for(chance: Chance, iqas: pl.DataFrame) -> pl.DataFrame:
    """Every question put in each assessment, in the order of the assessments and of the questions.

    One row per answer: iqa, question, category, top, truth, given, key. Needs the columns iqa, area, unit,
    subject, assessor, quarter and instrument.
    """
    frames = []
    for place, question_set in enumerate(catalogue.question_sets()):
        ours = iqas.filter(pl.col("instrument") == place)
        if len(ours):
            frames.append(_one_set(chance, ours, question_set))
    return pl.concat(frames).sort("iqa", "question") if frames else _no_answers()


def _no_answers() -> pl.DataFrame:
    names = ["iqa", "question", "category", "top", "truth", "given", "key"]
    return pl.DataFrame(schema=dict.fromkeys(names, pl.Int64))


def _one_set(chance: Chance, iqas: pl.DataFrame, question_set: catalogue.QuestionSet) -> pl.DataFrame:
    put = question_set.questions
    row = np.repeat(np.arange(len(iqas)), len(put))
    question = np.tile(put, len(iqas))
    category = catalogue.questions()["category"].to_numpy()[question]
    unit = iqas["unit"].to_numpy()[row]
    collected = np.ones(len(row), dtype=bool)
    for scope_unit, scope_category in sorted(catalogue.not_collected()):
        collected &= ~((unit == scope_unit) & (category == scope_category))
    row, question, category, unit = row[collected], question[collected], category[collected], unit[collected]
    number = iqas["iqa"].to_numpy()
    key = answer_key(number[row], question)
    top = question_set.top_mark
    truth = _truth(chance, iqas, row, question, category, key, top)
    given = _given(chance, iqas, row, category, key, truth, top)
    not_applicable = chance.happens("answer.na", key, _na_rate(question, category, unit))
    truth = np.where(not_applicable, NOT_APPLICABLE, truth)
    # Not applicable also hides failings: a few answers that should have been marked are not.
    may_be_na = catalogue.questions()["is_na_allowed"].to_numpy()[question]
    hides = may_be_na & chance.happens("answer.hides", key, np.where(truth == 0, 0.03, 0.004))
    given = np.where(not_applicable | hides, NOT_APPLICABLE, given)
    given = np.where(chance.happens("answer.missing", key, 0.003), MISSING, given)
    return pl.DataFrame(
        {
            "iqa": number[row],
            "question": question,
            "category": category.astype(np.int64),
            "top": np.full(len(row), top, dtype=np.int64),
            "truth": truth.astype(np.int64),
            "given": given.astype(np.int64),
            "key": key,
        }
    )


def _truth(
    chance: Chance, iqas: pl.DataFrame, row: Ints, question: Ints, category: Ints, key: Ints, top: int
) -> Ints:
    area, subject = iqas["area"].to_numpy(), iqas["subject"].to_numpy()
    file = 0.02 * chance.normal("truth.area", area) + 0.05 * chance.normal("truth.person", subject)
    file = file + 0.08 * chance.normal("truth.file", iqas["iqa"].to_numpy())
    file = file + 0.0015 * iqas["quarter"].to_numpy()
    met: Floats = _TRULY_MET[category] + file[row] + 0.05 * chance.normal("truth.question", question)
    draw = chance.uniform("truth.answer", key)
    truth = np.where(draw < np.clip(met, 0.05, 0.98), top, 0)
    if top == 2:
        half = chance.happens("truth.partly", key, 0.5)
        truth = np.where((truth == 0) & half, 1, truth)
    return truth


def _given(
    chance: Chance, iqas: pl.DataFrame, row: Ints, category: Ints, key: Ints, truth: Ints, top: int
) -> Ints:
    area, assessor = iqas["area"].to_numpy(), iqas["assessor"].to_numpy()
    soft = 0.07 * chance.normal("lenient.area", area) + 0.10 * chance.normal("lenient.assessor", assessor)
    rate: Floats = np.clip(_LET_PASS[category] + soft[row], 0.04, 0.92)
    lenient = chance.happens("answer.lenient", key, rate) & (truth < top)
    harsh = chance.happens("answer.harsh", key, 0.012) & (truth > 0)
    step = np.where(chance.happens("answer.two_steps", key, 0.3), 2, 1)
    return np.select([lenient, harsh], [np.minimum(truth + step, top), truth - 1], truth)


def _na_rate(question: Ints, category: Ints, unit: Ints) -> Floats:
    codes = catalogue.questions()["question_code"].to_list()
    usual = np.array(
        [_USUAL_NOT_APPLICABLE.get(name, _COMMON_NOT_APPLICABLE) for name in catalogue.CATEGORIES]
    )
    rate = usual[category]
    for code, own in _OFTEN_NOT_APPLICABLE.items():
        rate = np.where(question == codes.index(code), own, rate)
    crown_court_only = np.isin(question, [codes.index(code) for code in _CROWN_COURT_ONLY])
    rate = np.where(crown_court_only & (unit == catalogue.UNITS.index("MC")), 1.0, rate)
    may_be_na = catalogue.questions()["is_na_allowed"].to_numpy()[question]
    return np.where(may_be_na, rate, 0.0)


def overall(answers: pl.DataFrame) -> pl.DataFrame:
    """One row per assessment: iqa, rated_met and truly_met (share of the maximum over applicable answers)."""
    marked = answers.with_columns(
        given=pl.when(pl.col("given") >= 0).then(pl.col("given") / pl.col("top")),
        truth=pl.when(pl.col("truth") >= 0).then(pl.col("truth") / pl.col("top")),
    )
    score = marked.group_by("iqa", maintain_order=True).agg(pl.col("given").mean(), pl.col("truth").mean())
    return score.select(
        "iqa",
        rated_met=pl.col("given") >= MET_OVERALL_FROM,
        truly_met=pl.col("truth") >= MET_OVERALL_FROM,
    )


def mark_codes(rank: pl.Expr, top: pl.Expr) -> pl.Expr:
    """The code an extract writes for a rank; empty for a missing answer."""
    return (
        pl.when(rank == NOT_APPLICABLE)
        .then(pl.lit("NA"))
        .when(rank == MISSING)
        .then(None)
        .when(rank == top)
        .then(pl.when(top == 1).then(pl.lit("Y")).otherwise(pl.lit("M")))
        .when(rank == 0)
        .then(pl.lit("N"))
        .otherwise(pl.lit("P"))
    )
