"""What the generator knows of the project's seeds: Areas, units, instruments, questions, themes.

Invented sizes and rates of the synthetic organisation live here too, beside the codes they belong to; draws
do not. The one trap: Areas, units, categories and questions are handled by their position in these lists, so
an order change changes every draw.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from dagster_project.settings import SEEDS_DIR
from dagster_project.synth.almanac import day_number
from dagster_project.synth.chance import Ints

# Shares of the national prosecutor count: the largest Areas are two to three times the smallest.
AREA_SHARES = {
    "CYM": 4.8, "EM": 6.0, "EOE": 5.4, "LN": 10.2, "LS": 10.6, "MER": 6.0, "NE": 5.0, "NW": 11.0,
    "SE": 5.6, "SW": 4.6, "TC": 4.8, "WES": 4.5, "WM": 10.8, "YH": 7.7, "CPSD": 5.0,
}  # fmt: skip
AREAS = list(AREA_SHARES)
CPSD = AREAS.index("CPSD")
UNITS = ["MC", "CC", "RASSO", "CCU", "CPSD"]
UNIT_SHARES = {"MC": 0.46, "CC": 0.35, "RASSO": 0.12, "CCU": 0.07}
CATEGORIES = [
    "charging_and_review",
    "case_progression",
    "victims_and_witnesses",
    "disclosure",
    "international",
    "advocacy",
]
TYPES = ["casework", "advocacy"]
CASEWORK, ADVOCACY = 0, 1

# National head counts at scale 1 (DOMAIN.md section 5).
PROSECUTORS, ADVOCATES, DCPS, SDCPS, DCCPS = 2300, 600, 400, 75, 30


@dataclass(frozen=True)
class QuestionSet:
    """The questions of one instrument as positions in `questions()`."""

    instrument: str
    assessment_type: int
    top_mark: int
    effective_from: int
    questions: Ints


@cache
def questions() -> pl.DataFrame:
    """The seed `questions` in order, with the position of each question's category."""
    seed = pl.read_csv(SEEDS_DIR / "questions.csv").sort("question_order")
    category = pl.Series("category", [CATEGORIES.index(name) for name in seed["question_category"]])
    return seed.with_columns(category)


@cache
def question_sets() -> list[QuestionSet]:
    """Every instrument of the seeds with its questions, by type and then by start."""
    instruments = pl.read_csv(SEEDS_DIR / "instruments.csv", try_parse_dates=True)
    members = pl.read_csv(SEEDS_DIR / "instrument_questions.csv")
    place = {code: position for position, code in enumerate(questions()["question_code"])}
    found = []
    for row in instruments.sort("assessment_type", "effective_from", descending=[True, False]).to_dicts():
        own = members.filter(pl.col("instrument_version") == row["instrument_version"])["question_code"]
        found.append(
            QuestionSet(
                instrument=row["instrument_version"],
                assessment_type=TYPES.index(row["assessment_type"]),
                top_mark=2 if row["answer_scale"] == "MPN" else 1,
                effective_from=day_number(row["effective_from"]),
                questions=np.array(sorted(place[code] for code in own), dtype=np.int64),
            )
        )
    return found


@cache
def not_collected() -> set[tuple[int, int]]:
    """Pairs of unit and category for which no question is put."""
    seed = pl.read_csv(SEEDS_DIR / "unit_question_scope.csv").filter(~pl.col("is_collected"))
    return {
        (UNITS.index(unit), CATEGORIES.index(category))
        for unit, category in seed.select("unit_type", "question_category").iter_rows()
    }


@cache
def area_names() -> list[str]:
    """The official names of the Areas, which some exports write instead of the codes."""
    seed = pl.read_csv(SEEDS_DIR / "areas.csv").select("area_code", "area_name")
    names = dict(seed.iter_rows())
    return [names[code] for code in AREAS]


@cache
def themes() -> pl.DataFrame:
    """The seed `theme_patterns`: code, category, example sentence."""
    return pl.read_csv(SEEDS_DIR / "theme_patterns.csv").select(
        "theme_code", "theme_category", "example", "pattern"
    )


def area_shares() -> np.ndarray:
    """Shares of the Areas in the national count, summing to one."""
    weights = np.array(list(AREA_SHARES.values()))
    return weights / weights.sum()
