"""What an analyst with nothing but a metric's page and the restricted facts would do, and get the figure.

Each recipe here follows the sentence "Recompute it" of the page, in polars, on Parquet files: no SQL, no
macro and no function of this project. The one trap: a recipe that follows the models and not the page is no
test, so a page is corrected first and its recipe then follows it word for word.
"""

import math
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Row = dict[str, Any]
TOLERANCE = 1e-9


class Analyst:
    """The facts of one release and what "Read first" says of every metric."""

    def __init__(self, release: Path) -> None:
        self.folder = release / "restricted" / "parquet"

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"{name}.parquet")

    @cached_property
    def test_areas(self) -> list[str]:
        areas = self.table("dim_area").filter(pl.col("is_test"))["area_code"].to_list()
        return areas if self.table("fct_iqa").filter(~pl.col("is_test_area")).height else []

    def of(self, fact: str, row: Row, *, column: str = "quarter_start", type_: bool = True) -> pl.DataFrame:
        """Rows of a fact of the period, level and type of a mart's row."""
        rows = self.table(fact).filter(pl.col(column).is_between(row["period_start"], row["period_end"]))
        if type_:
            rows = rows.filter(pl.col("assessment_type") == row["assessment_type"])
        return self.at_level(rows, row)

    def at_level(self, rows: pl.DataFrame, row: Row) -> pl.DataFrame:
        if row["level"] == "national":
            return rows.filter(~pl.col("area_code").is_in(self.test_areas))
        rows = rows.filter(pl.col("area_code") == row["area_code"])
        return rows if row["level"] == "area" else rows.filter(pl.col("unit_type") == row["unit_type"])

    def requirements(self, row: Row) -> pl.DataFrame:
        kinds = ["quarter", "month", *(["financial_year"] if row["period_type"] == "financial_year" else [])]
        rows = self.table("fct_requirement").filter(
            pl.col("period_start") >= row["period_start"],
            pl.col("period_end") <= row["period_end"],
            pl.col("period_type").is_in(kinds),
            pl.col("policy") == row["policy"],
            pl.col("assessment_type") == row["assessment_type"],
        )
        return self.at_level(rows, row)

    def pairs(self, row: Row) -> pl.DataFrame:
        """Rows of fct_comparison with the row's comparison, sample, basis and type, cut by its dimension."""
        rows = self.table("fct_comparison").filter(
            pl.col("comparison") == row["comparison"],
            pl.col("sample") == row["sample"],
            pl.col("basis") == row.get("basis", "answer"),
        )
        if row["assessment_type"] != "ALL":
            rows = rows.filter(pl.col("assessment_type") == row["assessment_type"])
        if "question_code" in row:
            return rows.filter(pl.col("is_in_nation"), pl.col("question_code") == row["question_code"])
        if row["dimension"] != "area":
            rows = rows.filter(pl.col("is_in_nation"))
        column = {"area": "area_code", "assessor": "assessor_key"}.get(row["dimension"], row["dimension"])
        return rows if column == "overall" else rows.filter(pl.col(column) == row["dimension_value"])

    def triples(self, row: Row) -> pl.DataFrame:
        """Manager, dip sampler and inspector of one answer, with the sampler's view."""
        facts = self.table("fct_comparison").filter(pl.col("basis") == "answer", pl.col("is_in_nation"))
        if row["assessment_type"] != "ALL":
            facts = facts.filter(pl.col("assessment_type") == row["assessment_type"])
        inspected = facts.filter(
            pl.col("comparison") == "manager_v_inspector",
            pl.col("is_comparable"),
            pl.col("sample") == row["sample"],
        )
        sampled = facts.filter(
            pl.col("comparison") == "manager_v_dip_sampler", pl.col("reference_value").is_not_null()
        ).select("iqa_id", "question_code", pl.col("direction").alias("sampler"))
        joined = inspected.join(sampled, on=["iqa_id", "question_code"], how="inner")
        return joined if row["level"] == "national" else self.at_level(joined, row)

    @cached_property
    def as_of(self) -> Any:
        return self.table("release_info")["as_of"][0]


def share(rows: pl.DataFrame, condition: pl.Expr) -> float:
    return rows.filter(condition).height / rows.height


def lenient_share(rows: pl.DataFrame) -> float:
    return share(rows.filter(pl.col("is_comparable")), pl.col("direction") == "lenient")


def volume(facts: Analyst, row: Row) -> float:
    required = facts.requirements(row)
    return facts.of("fct_iqa", row).height / (required["requirement_num"] / required["requirement_den"]).sum()


def coverage(facts: Analyst, row: Row) -> float:
    return share(facts.requirements(row).filter(pl.col("is_required")), pl.col("is_covered"))


def wilson_low(facts: Analyst, row: Row) -> float:
    rows = facts.requirements(row).filter(pl.col("is_required"))
    n, p, z = rows.height, share(rows, pl.col("is_covered")), 1.959963984540054
    return (p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


def capped(facts: Analyst, row: Row) -> float:
    rows = facts.requirements(row)
    weights = rows["requirement_den"]
    return (rows["counted_num"] / weights).sum() / (rows["requirement_num"] / weights).sum()


def successive_misses(facts: Analyst, row: Row) -> float:
    last_month = row["period_end"].replace(day=1)
    months = last_month.year * 12 + last_month.month - 1 - 11
    first_day = last_month.replace(year=months // 12, month=months % 12 + 1)
    rows = facts.table("fct_requirement").filter(
        pl.col("is_required"),
        pl.col("policy") == row["policy"],
        pl.col("assessment_type") == row["assessment_type"],
        pl.col("period_type") == "quarter",
        pl.col("period_start").is_between(first_day, row["period_end"]),
    )
    people = [held.sort("period_start") for _, held in rows.group_by("staff_key")]
    required = [held for held in people if held.height >= 2]
    members = [held for held in required if facts.at_level(held.tail(1), row).height]
    missed = [
        held
        for held in members
        if any(
            not first and not second
            for first, second in zip(held["is_covered"], held["is_covered"][1:], strict=False)
        )
    ]
    return len(missed) / len(members)


def assessors_at_work(facts: Analyst, row: Row) -> float:
    rows = facts.requirements(row).filter(pl.col("is_required"))
    expected = set(rows["line_manager_key"].drop_nulls())
    active = set(
        facts.table("fct_iqa")
        .filter(
            pl.col("quarter_start").is_between(row["period_start"], row["period_end"]),
            pl.col("assessment_type") == row["assessment_type"],
        )["assessor_key"]
        .drop_nulls()
    )
    return len(expected & active) / len(expected)


def dips_by_area(facts: Analyst, row: Row) -> pl.DataFrame:
    """For each Area and quarter: assessments dipped, and the tenth of them that is required."""
    return (
        facts.of("fct_iqa", row)
        .group_by("area_code", "quarter_start")
        .agg(done=(pl.col("dips_valid") > 0).sum().cast(pl.Int64), iqas=pl.len().cast(pl.Int64))
        .with_columns(required=(pl.col("iqas") + 9) // 10)
    )


def fulfilment(facts: Analyst, row: Row) -> float:
    areas = dips_by_area(facts, row)
    done = areas["done"]
    if row["level"] == "national":
        done = areas.select(pl.min_horizontal("done", "required"))["done"]
    return done.sum() / areas["required"].sum()


def quality_gap(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    if row["basis"] == "answer":
        return (rows["rated_points"].sum() - rows["reference_points"].sum()) / rows["max_points"].sum()
    return (rows["is_rated_met"].sum() - rows["is_reference_met"].sum()) / rows.height


def relative_gap(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    if row["basis"] == "answer":
        return rows["rated_points"].sum() / rows["reference_points"].sum() - 1
    return rows["is_rated_met"].sum() / rows["is_reference_met"].sum() - 1


def net_leniency(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_comparable"))
    return share(rows, pl.col("direction") == "lenient") - share(rows, pl.col("direction") == "harsh")


def mcnemar(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    b = rows.filter(pl.col("is_rated_met") & ~pl.col("is_reference_met")).height
    c = rows.filter(~pl.col("is_rated_met") & pl.col("is_reference_met")).height
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    return min(1.0, 2 * tail)


def clustered_low(facts: Analyst, row: Row) -> float:
    """The lower limit of a clustered rate, as "Read first" has it."""
    clusters = (
        facts.pairs(row)
        .filter(pl.col("is_comparable"))
        .group_by("iqa_id")
        .agg(k=(pl.col("direction") == "lenient").sum().cast(pl.Int64), m=pl.len().cast(pl.Int64))
    )
    k, m = clusters["k"].to_list(), clusters["m"].to_list()
    total, count = sum(m), len(m)
    p = sum(k) / total
    variance = (
        count / (count - 1) * sum((hits - p * size) ** 2 for hits, size in zip(k, m, strict=True)) / total**2
    )
    n = total / max(1.0, variance / (p * (1 - p) / total))
    z = 1.959963984540054
    return (p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


def kappa(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    agreed = share(rows, pl.col("rated_rank") == pl.col("reference_rank"))
    chance = sum(
        share(rows, pl.col("rated_rank") == value) * share(rows, pl.col("reference_rank") == value)
        for value in range(3)
    )
    return (agreed - chance) / (1 - chance)


def gwet(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    agreed = share(rows, pl.col("rated_rank") == pl.col("reference_rank"))
    values = 3 if rows["scale_code"][0] == "MPN" else 2
    means = [
        (share(rows, pl.col("rated_rank") == value) + share(rows, pl.col("reference_rank") == value)) / 2
        for value in range(values)
    ]
    chance = sum(mean * (1 - mean) for mean in means) / (values - 1)
    return (agreed - chance) / (1 - chance)


def alpha(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    values = range(3)
    table = [[0] * 3 for _ in values]
    for rated, reference in rows.select("rated_rank", "reference_rank").iter_rows():
        table[rated][reference] += 1
        table[reference][rated] += 1
    margins = [sum(line) for line in table]
    n = sum(margins)

    def distance(c: int, k: int) -> float:
        low, high = min(c, k), max(c, k)
        return (sum(margins[low : high + 1]) - (margins[c] + margins[k]) / 2) ** 2

    observed = sum(table[c][k] * distance(c, k) for c in values for k in values)
    expected = sum(margins[c] * margins[k] * distance(c, k) for c in values for k in values)
    return 1 - (n - 1) * observed / expected


def shrunk(facts: Analyst, row: Row) -> float:
    members = {}
    for value in facts.table("leniency").filter(
        *(pl.col(name) == row[name] for name in ("comparison", "sample", "basis", "assessment_type")),
        pl.col("dimension") == row["dimension"],
    )["dimension_value"]:
        rows = facts.pairs({**row, "dimension_value": value}).filter(pl.col("is_comparable"))
        if rows.height:
            members[value] = (rows.height, rows.filter(pl.col("direction") == "lenient").height)
    sizes, hits = [n for n, _ in members.values()], [k for _, k in members.values()]
    total, count = sum(sizes), len(sizes)
    p = sum(hits) / total
    between = sum(n * (k / n - p) ** 2 for n, k in members.values()) / (count - 1)
    within = sum(k * (1 - k / n) for n, k in members.values()) / (total - count)
    n0 = (total - sum(n * n for n in sizes) / total) / (count - 1)
    rho = (between - within) / (between + (n0 - 1) * within)
    if rho <= 0:
        return p
    strength = max(1.0, (1 - rho) / rho)
    n, k = members[row["dimension_value"]]
    return (p * strength + k) / (strength + n)


def weighted(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_comparable"))
    strata = ["area_code", "unit_type"]
    rates = rows.group_by(strata).agg(rate=(pl.col("direction") == "lenient").mean())
    examined = facts.pairs(row)
    first, last = examined["assessed_on"].min(), examined["assessed_on"].max()
    frame = facts.table("fct_iqa").filter(
        pl.col("assessed_on").is_between(first, last),
        pl.col("assessment_type").is_in(examined["assessment_type"].unique().to_list()),
    )
    joined = rates.join(frame.group_by(strata).agg(size=pl.len()), on=strata)
    return (joined["rate"] * joined["size"]).sum() / joined["size"].sum()


def na_leniency(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row)
    below = rows.filter(pl.col("is_reference_applicable"), pl.col("rated_value").is_not_null()).height
    return rows.filter(pl.col("rated_value") == "NA", pl.col("is_reference_short")).height / below


def of_faults(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_comparable"), pl.col("is_reference_short"))
    return share(rows, pl.col("direction") == "lenient")


def agreed(facts: Analyst, row: Row) -> float:
    return share(facts.pairs(row).filter(pl.col("is_comparable")), pl.col("direction") == "agree")


def steps(facts: Analyst, row: Row) -> float:
    rows = facts.pairs(row).filter(pl.col("is_valued"))
    return rows.filter(pl.col("rank_difference") > 0)["rank_difference"].sum() / rows.height


def critical(facts: Analyst, row: Row) -> float:
    return lenient_share(facts.pairs(row).filter(pl.col("is_critical")))


def caught(facts: Analyst, row: Row) -> float:
    rows = facts.triples(row).filter(pl.col("direction") == "lenient")
    return share(rows, pl.col("sampler") == "lenient")


def false_alarm(facts: Analyst, row: Row) -> float:
    rows = facts.triples(row).filter(pl.col("direction") == "agree")
    return share(rows, pl.col("sampler") != "agree")


def rubber_stamp(facts: Analyst, row: Row) -> float:
    rows = facts.triples(row).filter(pl.col("direction").is_in(["lenient", "harsh"]))
    return share(rows, pl.col("sampler") == "agree")


def answers(facts: Analyst, row: Row) -> pl.DataFrame:
    return facts.of("fct_answer", row).filter(pl.col("has_comments_collected"))


def issues_with_action(facts: Analyst, row: Row) -> float:
    issues = facts.of("fct_answer", row).filter(pl.col("is_issue"), ~pl.col("is_met"))
    actions = facts.table("fct_action")
    on_question = actions.filter(pl.col("question_code").is_not_null()).select("iqa_id", "question_code")
    on_all = actions.filter(pl.col("question_code").is_null())["iqa_id"].to_list()
    met = issues.filter(pl.col("iqa_id").is_in(on_all)).select("iqa_id", "question_code")
    named = issues.join(on_question.unique(), on=["iqa_id", "question_code"], how="semi")
    return pl.concat([met, named.select("iqa_id", "question_code")]).unique().height / issues.height


def overdue(facts: Analyst, row: Row) -> float:
    rows = facts.of("fct_action", row).filter(pl.col("due_on") < facts.as_of)
    return float(rows.filter(pl.col("completed_on").is_null()).height)


def feedback_given(facts: Analyst, row: Row) -> pl.DataFrame:
    latest = pl.lit(facts.as_of) - pl.duration(days=7)
    return facts.of("fct_iqa", row).filter(pl.col("closed_on") <= latest)


def in_time(facts: Analyst, row: Row) -> float:
    rows = feedback_given(facts, row).filter(pl.col("feedback_on").is_not_null())
    return share(rows, (pl.col("feedback_on") - pl.col("closed_on")).dt.total_days() <= 7)


def median_closing(facts: Analyst, row: Row) -> float:
    rows = facts.of("fct_iqa", row).select(
        days=(pl.col("closed_on").fill_null(facts.as_of) - pl.col("assessed_on")).dt.total_days(),
        done=pl.col("closed_on").is_not_null(),
    )
    still_open = 1.0
    for day in sorted(set(rows.filter(pl.col("done"))["days"])):
        at_risk = rows.filter(pl.col("days") >= day).height
        still_open *= 1 - rows.filter(pl.col("days") == day, pl.col("done")).height / at_risk
        if still_open <= 0.5 + 1e-12:
            return float(day)
    raise AssertionError("the median is not reached")


def recent(facts: Analyst, row: Row) -> float:
    day = min(row["period_end"], facts.as_of)
    posted = facts.at_level(
        facts.table("dim_staff").filter(
            pl.col("posting_start_on") <= day,
            pl.col("posting_end_on").is_null() | (pl.col("posting_end_on") >= day),
        ),
        row,
    )
    last = (
        facts.table("fct_iqa")
        .filter(pl.col("assessment_type") == row["assessment_type"], pl.col("assessed_on") <= day)
        .group_by("subject_key")
        .agg(pl.col("assessed_on").max())
        .filter(pl.col("subject_key").is_in(posted["staff_key"].to_list()))
    )
    return share(last, (pl.lit(day) - pl.col("assessed_on")).dt.total_days() <= 92)


def theme_rate(facts: Analyst, row: Row) -> float:
    same = pl.col("question_category") == row["question_category"]
    hits = facts.of("fct_theme_hit", row).filter(same, pl.col("theme_code") == row["theme_code"])
    commented = answers(facts, row).filter(same, pl.col("has_comment"))
    return hits["iqa_id"].n_unique() / commented["iqa_id"].n_unique()


def below_met_with_theme(facts: Analyst, row: Row) -> float:
    same = pl.col("question_category") == row["question_category"]
    hits = facts.of("fct_theme_hit", row).filter(
        same, pl.col("theme_code") == row["theme_code"], ~pl.col("is_met")
    )
    return hits.height / answers(facts, row).filter(same, ~pl.col("is_met")).height


def good_practice(facts: Analyst, row: Row) -> float:
    rows = answers(facts, row)
    raised = facts.table("fct_theme_hit").filter(pl.col("is_good_practice"))["iqa_id"].unique().to_list()
    base = rows.filter(pl.col("is_good_practice") | pl.col("has_comment"))
    noted = base.filter(pl.col("is_good_practice") | pl.col("iqa_id").is_in(raised))["iqa_id"].unique()
    return noted.len() / base["iqa_id"].n_unique()


def comments(facts: Analyst, row: Row) -> float:
    return answers(facts, row).filter(pl.col("has_comment")).height


def contradictions(facts: Analyst, row: Row) -> float:
    rows = answers(facts, row).filter(pl.col("is_met"), pl.col("has_comment"))
    failing = facts.table("fct_theme_hit").filter(~pl.col("is_good_practice"))
    return rows.join(failing, on=["iqa_id", "question_code"], how="semi").height / rows.height


def representativeness(facts: Analyst, row: Row) -> float:
    rows = facts.of("fct_iqa", row).filter(pl.col("score").is_not_null())
    dipped = rows.filter(pl.col("dips_valid") > 0)["score"]
    others = rows.filter(pl.col("dips_valid") == 0)["score"]
    return (dipped.mean() - others.mean()) / math.sqrt((dipped.var() + others.var()) / 2)  # type: ignore[operator]


NATION = {"level": "national"}
OVERALL = {"comparison": "manager_v_inspector", "dimension": "overall", "assessment_type": "ALL"}
ANSWERS = OVERALL | {"basis": "answer", "sample": "REF2024"}
RATINGS = OVERALL | {"basis": "iqa", "sample": "REF2024"}
AREAS = RATINGS | {"dimension": "area"}
HALF = {"policy": "half", "assessment_type": "casework"}
# Here an assessment's only comment in the category stands beside a missing answer.
COMMENT_WITHOUT_ANSWER = {
    "area_code": "EM",
    "period_start": date(2024, 1, 1),
    "question_category": "international",
}
TRIPLES = {"basis": "answer", "sample": "REF2024", "assessment_type": "ALL"}

# metric, mart, column, which rows (any level and period if the filter names none), how.
RECIPES: list[tuple[str, str, str, Row, Callable[[Analyst, Row], float]]] = [
    ("C1", "compliance", "volume_ratio", HALF, volume),
    ("C2", "compliance", "coverage_rate", HALF, coverage),
    ("C2", "compliance", "coverage_low", HALF, wilson_low),
    ("C3", "compliance", "capped_rate", {"policy": "pro_rata", "assessment_type": "casework"}, capped),
    (
        "C4",
        "compliance",
        "capped_rate",
        {"policy": "half", "assessment_type": "advocacy", "period_type": "financial_year"},
        capped,
    ),
    ("C5", "compliance", "missed_twice_rate", HALF | {"period_type": "rolling_12m"}, successive_misses),
    ("C6", "compliance", "assessor_coverage_rate", HALF, assessors_at_work),
    ("C7", "compliance", "themed_share", HALF, lambda f, r: share(f.of("fct_iqa", r), pl.col("is_themed"))),
    (
        "C8",
        "compliance",
        "late_closed_share",
        HALF,
        lambda f, r: share(f.of("fct_iqa", r), pl.col("is_late_closed")),
    ),
    ("D1", "dip_sampling", "dips_required", {}, lambda f, r: float(dips_by_area(f, r)["required"].sum())),
    ("D2", "dip_sampling", "fulfilment_rate", {}, fulfilment),
    ("D4", "dip_sampling", "raw_rate", {}, lambda f, r: share(f.of("fct_iqa", r), pl.col("dips_valid") > 0)),
    (
        "D5",
        "dip_sampling",
        "valid_share",
        {},
        lambda f, r: share(
            f.of("fct_dip_sample", r).filter(pl.col("is_valid") | pl.col("is_invalid")), pl.col("is_valid")
        ),
    ),
    (
        "D6",
        "dip_sampling",
        "assessor_reach_rate",
        {},
        lambda f, r: (
            f.of("fct_iqa", r).filter(pl.col("dips_valid") > 0)["assessor_key"].n_unique()
            / f.of("fct_iqa", r)["assessor_key"].n_unique()
        ),
    ),
    (
        "D7",
        "dip_representativeness",
        "standardised_difference",
        {"characteristic": "score"} | NATION,
        representativeness,
    ),
    (
        "D8",
        "dip_sampling",
        "median_lag_days",
        {},
        lambda f, r: float(f.of("fct_dip_sample", r).filter(pl.col("is_valid"))["lag_days"].median()),  # type: ignore[arg-type]
    ),
    (
        "D9",
        "dip_sampling",
        "challenge_rate",
        {},
        lambda f, r: share(f.of("fct_dip_sample", r).filter(pl.col("is_valid")), pl.col("is_challenge")),
    ),
    (
        "D10",
        "dip_sampling",
        "zero_challenge_p",
        {},
        lambda f, r: (1 - 53 / 439) ** f.of("fct_dip_sample", r).filter(pl.col("is_valid")).height,
    ),
    ("L1", "leniency", "lenient_rate", RATINGS, lambda f, r: lenient_share(f.pairs(r))),
    ("L2", "leniency", "lenient_rate", ANSWERS, lambda f, r: lenient_share(f.pairs(r))),
    ("L2", "leniency", "lenient_low", ANSWERS, clustered_low),
    ("L4", "leniency", "net_leniency", ANSWERS, net_leniency),
    ("L4", "leniency", "p_value", RATINGS, mcnemar),
    ("L5", "leniency", "gap_points", ANSWERS, quality_gap),
    ("L5", "leniency", "gap_points", OVERALL | {"basis": "iqa", "sample": "REF2018"}, quality_gap),
    ("L6", "leniency", "gap_relative", ANSWERS, relative_gap),
    ("L6", "leniency", "gap_relative", RATINGS, relative_gap),
    ("L7", "leniency", "step_weighted_leniency", ANSWERS | {"sample": "REF2018"}, steps),
    ("L8", "leniency", "critical_leniency_rate", ANSWERS, critical),
    ("L9", "leniency", "na_leniency_rate", ANSWERS, na_leniency),
    ("L10", "leniency", "lenient_given_fail", ANSWERS, of_faults),
    ("L11", "leniency", "shrunk_rate", AREAS, shrunk),
    ("L11", "leniency", "shrunk_rate", ANSWERS | {"dimension": "area"}, shrunk),
    ("L12", "leniency", "weighted_rate", RATINGS, weighted),
    ("A1", "leniency", "agreement_rate", ANSWERS, agreed),
    ("A2", "leniency", "kappa", ANSWERS | {"sample": "REF2018"}, kappa),
    ("A3", "leniency", "ac1", ANSWERS | {"sample": "REF2018"}, gwet),
    ("A3", "leniency", "ac1", RATINGS, gwet),
    ("A4", "leniency", "alpha_ordinal", ANSWERS | {"sample": "REF2018"}, alpha),
    ("A5", "question_quality", "agreement_rate", {"sample": "REF2024"}, agreed),
    ("L9", "question_quality", "na_leniency_rate", {"sample": "REF2024"}, na_leniency),
    ("K1", "dip_catch", "catch_rate", TRIPLES, caught),
    ("K2", "dip_catch", "false_alarm_rate", TRIPLES, false_alarm),
    ("K4", "dip_catch", "rubber_stamp_rate", TRIPLES, rubber_stamp),
    (
        "Q1",
        "assessment_quality",
        "q1_rate",
        {},
        lambda f, r: share(answers(f, r).filter(~pl.col("is_met")), pl.col("has_comment")),
    ),
    (
        "Q2",
        "assessment_quality",
        "q2_rate",
        {},
        lambda f, r: share(answers(f, r).filter(pl.col("is_met")), pl.col("has_comment")),
    ),
    # The text of comments is in no release: how many there are is.
    ("Q3", "assessment_quality", "q3_den", {}, comments),
    ("Q5", "assessment_quality", "q5_den", {}, comments),
    ("Q7", "assessment_quality", "q7_rate", {}, contradictions),
    (
        "Q8",
        "assessment_quality",
        "q8_rate",
        {},
        lambda f, r: share(
            f.of("fct_iqa", r).filter((pl.col("status") == "closed") | pl.col("closed_on").is_not_null()),
            pl.col("conversation_on").is_not_null(),
        ),
    ),
    ("T1", "assessment_quality", "t1_rate", {"period_type": "quarter"}, recent),
    ("T2", "assessment_quality", "t2_median_days", {}, median_closing),
    (
        "T4",
        "assessment_quality",
        "t4_rate",
        {},
        lambda f, r: share(feedback_given(f, r), pl.col("feedback_on").is_not_null()),
    ),
    ("T5", "assessment_quality", "t5_of_responses_rate", {}, in_time),
    ("X1", "assessment_quality", "x1_rate", {}, issues_with_action),
    (
        "X2",
        "assessment_quality",
        "x2_rate",
        {},
        lambda f, r: share(
            f.of("fct_action", r).filter(pl.col("due_on") <= f.as_of),
            pl.col("completed_on") <= pl.col("due_on"),
        ),
    ),
    ("X3", "assessment_quality", "x3_num", {}, overdue),
    (
        "X4",
        "assessment_quality",
        "x4_rate",
        {},
        lambda f, r: share(
            f.of("fct_action", r).filter(pl.col("completed_on").is_not_null()),
            pl.col("verified_by_key").is_not_null(),
        ),
    ),
    (
        "X5",
        "assessment_quality",
        "x5_rate",
        {},
        lambda f, r: share(
            f.of("fct_dip_sample", r).filter(pl.col("is_recorded"), pl.col("is_challenge")),
            pl.col("has_action_for_assessor"),
        ),
    ),
    ("H1", "themes", "theme_rate", {}, theme_rate),
    ("H1", "themes", "theme_rate", COMMENT_WITHOUT_ANSWER, theme_rate),
    ("H2", "themes", "below_met_rate", NATION, below_met_with_theme),
    ("H5", "assessment_quality", "h5_rate", {}, good_practice),
]


@pytest.fixture(scope="module")
def facts(sample_release: Path) -> Analyst:
    return Analyst(sample_release)


@pytest.mark.parametrize(
    ("metric", "mart", "column", "where", "recipe"),
    RECIPES,
    ids=[f"{metric} {column} {number}" for number, (metric, _, column, _, _) in enumerate(RECIPES)],
)
def test_the_page_is_enough_to_recompute_the_figure(
    facts: Analyst, metric: str, mart: str, column: str, where: Row, recipe: Callable[[Analyst, Row], float]
) -> None:
    for row in chosen(facts.table(mart), column, where):
        figure = recipe(facts, row)
        assert figure == pytest.approx(float(row[column]), abs=TOLERANCE), (metric, row)


def chosen(table: pl.DataFrame, column: str, where: Row) -> list[Row]:
    """The newest row of each level and period type that has the figure."""
    rows = table.filter(
        pl.col(column).is_not_null(), *(pl.col(name) == value for name, value in where.items())
    )
    cuts = [name for name in ("level", "period_type") if name in table.columns]
    rows = rows.with_columns(pl.col(column).cast(pl.Float64).alias("figure"))
    # A figure strictly between its ends says more than 0 or 1.
    telling = rows.filter(pl.col("figure") > 0, pl.col("figure") != 1)
    rows = (telling if telling.height else rows).sort(
        "period_start",
        *(name for name in ("area_code", "unit_type") if name in table.columns),
        nulls_last=False,
    )
    assert rows.height, f"no row of the release has {column} where {where}"
    return rows.group_by(cuts, maintain_order=True).last().to_dicts()
