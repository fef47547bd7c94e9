"""The assessments of each quarter: who was assessed, by whom, on which days; and which were dip sampled.

Answers and texts do not belong here. The one trap: a day here is the day a thing happened; the day the
warehouse could know of it is `known`, which is later for the assessments held back for the late extract.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from dagster_project.synth import catalogue
from dagster_project.synth.almanac import NEVER, Quarter, day_number, next_working_day
from dagster_project.synth.catalogue import ADVOCACY, CASEWORK
from dagster_project.synth.chance import Chance, Ints
from dagster_project.synth.staff import ADVOCATE, PROSECUTOR, Staff, days_available

# From here the application asks for comments and for the mark on a dip sample.
RULES_FROM = day_number(date(2022, 10, 3))
SURGE_DAYS = 15  # working days: the last three weeks of a quarter
SURGE_SHARE = 0.40
LATE_AREA = "SW"
CORRECTED_AREAS = ("LN", "WM")


@dataclass(frozen=True)
class Plan:
    """Days of the deliveries, and the quarters that the late and the correction extract touch."""

    quarters: list[Quarter]
    last_day: int
    late_quarter: int
    late_day: int
    correction_quarter: int
    correction_day: int


def assess_quarter(
    chance: Chance, staff: Staff, plan: Plan, quarter: Quarter, first_number: int
) -> pl.DataFrame:
    """The assessments of one quarter up to the last extract, numbered from `first_number`.

    One row per assessment: iqa, case, quarter, type, area, unit, subject, assessor, instrument (its position
    in the question sets), selection, campaign, and the days opened, assessed, conversation, closed, feedback,
    withdrawn, known (NEVER where it has not happened).
    """
    available = days_available(staff, quarter, plan.last_day)
    available = available.filter((pl.col("last") - pl.col("first") >= 5) & (pl.col("available") > 0))
    rounds = [
        _choose(chance, available.filter(pl.col("kind") == PROSECUTOR), quarter, CASEWORK, 0),
        _choose(chance, available.filter(pl.col("kind") == PROSECUTOR), quarter, CASEWORK, 1),
        _choose(chance, available.filter(pl.col("kind") == ADVOCATE), quarter, ADVOCACY, 0),
        _choose(chance, available.filter(pl.col("role") == "mixed"), quarter, ADVOCACY, 1),
    ]
    chosen = pl.concat(rounds)
    chosen = chosen.with_columns(assessed=pl.Series(_assessed_on(chance, chosen, quarter)))
    chosen = chosen.filter(pl.col("assessed") <= plan.last_day).sort("assessed", "type", "posting", "second")
    number = first_number + np.arange(len(chosen), dtype=np.int64)
    dated = _dated(chance, staff, plan, quarter, chosen.with_columns(iqa=pl.Series(number)))
    # One in a thousand is entered twice: the same case, people and day under a number of its own.
    again = dated.filter(pl.Series(chance.happens("iqa.twice", number, 0.001)))
    twins = again.with_columns(
        iqa=pl.Series(first_number + len(dated) + np.arange(len(again), dtype=np.int64))
    )
    return pl.concat([dated, twins])


def _choose(chance: Chance, people: pl.DataFrame, quarter: Quarter, kind: int, second: int) -> pl.DataFrame:
    """Who gets an assessment: nearly all who are there for half the quarter, fewer of the others."""
    who = people["staff"].to_numpy()
    area = people["area"].to_numpy()
    share = people["available"].to_numpy() / quarter.days
    if second:
        rate = np.full(len(who), 0.08)
    elif kind == ADVOCACY:
        rate = 0.47 * np.minimum(1.0, 1.3 * share)
    else:
        habit = 0.92 + 0.035 * chance.normal("area.effort", area)
        habit += 0.02 * chance.normal("area.quarter.effort", area * 1000 + quarter.number)
        habit = np.where(chance.happens("staff.overlooked", who, 0.04), 0.45, np.clip(habit, 0.75, 0.99))
        rate = np.select([share >= 0.5, share >= 0.15], [habit, 0.5 * habit], 0.08)
    done = chance.happens(
        f"iqa.done.{kind}.{second}", people["posting"].to_numpy() * 1000 + quarter.number, rate
    )
    columns = [pl.lit(kind).cast(pl.Int64).alias("type"), pl.lit(second).cast(pl.Int64).alias("second")]
    return people.filter(pl.Series(done)).with_columns(columns)


def _assessed_on(chance: Chance, chosen: pl.DataFrame, quarter: Quarter) -> Ints:
    """A working day while in post; two in five fall in the quarter's last three weeks."""
    key = (
        (chosen["posting"].to_numpy() * 1000 + quarter.number) * 4
        + 2 * chosen["type"].to_numpy()
        + chosen["second"].to_numpy()
    )
    days = quarter.working_days
    low = np.searchsorted(days, chosen["first"].to_numpy(), side="left")
    high = np.searchsorted(days, chosen["last"].to_numpy(), side="right")
    low = np.minimum(low, len(days) - 1)
    high = np.maximum(high, low + 1)
    surge_from = len(days) - SURGE_DAYS
    surges = chance.happens("iqa.surge", key, SURGE_SHARE)
    late_low = np.where(surges, np.maximum(low, surge_from), low)
    early_high = np.where(surges, high, np.minimum(high, surge_from))
    fits = late_low < early_high
    low, high = np.where(fits, late_low, low), np.where(fits, early_high, high)
    return days[low + chance.pick("iqa.day", key, high - low)]


def _dated(chance: Chance, staff: Staff, plan: Plan, quarter: Quarter, chosen: pl.DataFrame) -> pl.DataFrame:
    number = chosen["iqa"].to_numpy()
    assessed = chosen["assessed"].to_numpy()
    kind = chosen["type"].to_numpy()
    first_day = plan.quarters[0].start
    opened = np.maximum(assessed - chance.pick("iqa.opened", number, 11), first_day)
    # Most conversations follow within ten days; one in twenty drags on and closes late.
    slow = chance.happens("iqa.slow", number, 0.05)
    talked = next_working_day(assessed + chance.pick("iqa.conversation", number, 10) + np.where(slow, 20, 0))
    no_talk = chance.happens("iqa.no_conversation", number, 0.04)
    wait = chance.pick("iqa.closed", number, 10) + np.where(
        slow, 15 + chance.pick("iqa.slow.days", number, 50), 0
    )
    closed = next_working_day(np.where(no_talk, assessed, talked) + wait)
    closed = np.where(chance.happens("iqa.never_closed", number, 0.01), NEVER, closed)
    responds = chance.happens("iqa.feedback", number, 0.42) & (closed < NEVER)
    feedback = np.where(responds, closed + chance.pick("iqa.feedback.days", number, 11), NEVER)
    withdrawn = chance.happens("iqa.withdrawn", number, 0.008)
    withdrawn_on = np.where(withdrawn, assessed + 3 + chance.pick("iqa.withdrawn.days", number, 20), NEVER)
    area = chosen["area"].to_numpy()
    seat = chosen["manager_seat"].to_numpy()
    seat = np.where(
        chance.happens("iqa.other_assessor", number, 0.06), _any_assessor(chance, staff, number, area), seat
    )
    held = np.full(len(number), False)
    if quarter.number == plan.late_quarter:
        held = (area == catalogue.AREAS.index(LATE_AREA)) & chance.happens("iqa.held_back", number, 0.5)
    selection = chance.uniform("iqa.selection", number)
    themed = selection < 0.05
    # A mover is now and then still assessed under the Area left behind.
    away = chance.happens("iqa.other_area", number, 0.002) & (area < catalogue.CPSD)
    dated = chosen.select("iqa", "type", "area", "unit", "assessed", case="iqa", subject="staff")
    dated = dated.with_columns(
        area=pl.Series(np.where(away, (area + 1) % catalogue.CPSD, area)),
        quarter=pl.lit(quarter.number).cast(pl.Int64),
        assessor=pl.Series(staff.holder(seat, assessed)),
        instrument=pl.Series(_instrument(chance, number, kind, assessed)),
        selection=pl.Series(np.select([themed, selection < 0.22], ["themed", "random"], "manager")),
        themed=pl.Series(themed),
        opened=pl.Series(opened),
        conversation=pl.Series(np.where(no_talk, NEVER, talked)),
        closed=pl.Series(closed),
        feedback=pl.Series(feedback),
        withdrawn=pl.Series(withdrawn_on),
        held=pl.Series(held),
        known=pl.Series(np.where(held, np.maximum(assessed, plan.late_day), assessed)),
    )
    return _mistaken(chance, plan, quarter, dated)


def _any_assessor(chance: Chance, staff: Staff, number: Ints, area: Ints) -> Ints:
    draw = chance.uniform("iqa.assessor", number)
    seats = np.zeros(len(number), dtype=np.int64)
    for place, own in enumerate(staff.assessors_of_area):
        here = area == place
        seats[here] = own[(draw[here] * len(own)).astype(np.int64)]
    return seats


def _instrument(chance: Chance, number: Ints, kind: Ints, assessed: Ints) -> Ints:
    """The instrument in force; in the first week of a new one with the same scale a few use the old one."""
    found = np.zeros(len(number), dtype=np.int64)
    lags = chance.happens("iqa.old_instrument", number, 0.04)
    before: catalogue.QuestionSet | None = None
    for place, question_set in enumerate(catalogue.question_sets()):
        is_like_before = (
            before is not None
            and before.assessment_type == question_set.assessment_type
            and before.top_mark == question_set.top_mark
        )
        start = question_set.effective_from + np.where(lags & is_like_before, 7, 0)
        found = np.where((kind == question_set.assessment_type) & (assessed >= start), place, found)
        before = question_set
    return found


def _mistaken(chance: Chance, plan: Plan, quarter: Quarter, dated: pl.DataFrame) -> pl.DataFrame:
    """Closing dates first sent wrong and put right by the correction extract, and withdrawals made there."""
    number = dated["iqa"].to_numpy()
    area = dated["area"].to_numpy()
    closed = dated["closed"].to_numpy()
    withdrawn = dated["withdrawn"].to_numpy()
    first_closed = closed
    if quarter.number == plan.correction_quarter:
        early = dated["assessed"].to_numpy() <= plan.quarters[quarter.number - 1].freeze
        ours = np.isin(area, [catalogue.AREAS.index(code) for code in CORRECTED_AREAS]) & ~early
        quiet = (
            (dated["feedback"].to_numpy() == NEVER) & (withdrawn == NEVER) & (closed + 9 <= quarter.freeze)
        )
        wrong = ours & quiet & chance.happens("iqa.closed_wrong", number, 0.15)
        first_closed = np.where(wrong, closed + 9, closed)
        taken_back = ours & ~wrong & (withdrawn == NEVER) & chance.happens("iqa.taken_back", number, 0.02)
        withdrawn = np.where(taken_back, plan.correction_day, withdrawn)
    return dated.with_columns(first_closed=pl.Series(first_closed), withdrawn=pl.Series(withdrawn))


def sample_dips(
    chance: Chance, staff: Staff, plan: Plan, iqas: pl.DataFrame, is_topped_up: bool
) -> pl.DataFrame:
    """The dip samples of all quarters: about one IQA in ten, some Areas short, some late, some repeated.

    One row per dip: dip, iqa, area, sampler, sampled, fed_back, is_marked, has_comment, known, is_valid.
    """
    pool = iqas.filter(pl.col("withdrawn") == NEVER).select(
        "iqa", "type", "area", "unit", "quarter", "assessed", "closed", "assessor", "known"
    )
    number = pool["iqa"].to_numpy()
    area, quarter = pool["area"].to_numpy(), pool["quarter"].to_numpy()
    cell = (area * 1000 + quarter) * 2 + pool["type"].to_numpy()
    # Samplers go for magistrates' and Crown Court files, and a third of the Areas for a favourite assessor.
    lean = np.where(pool["unit"].to_numpy() <= 1, 0.45, 0.0)
    lean += np.where((area % 3 == 0) & (pool["assessor"].to_numpy() % 3 == 0), 0.25, 0.0)
    effort = 1.08 + 0.16 * chance.normal("dip.effort", cell)
    effort = np.where(
        np.isin(area, [catalogue.AREAS.index(code) for code in ("SE", "TC", "EOE")]), effort - 0.25, effort
    )
    pool = pool.with_columns(
        wish=pl.Series(chance.uniform("dip.choice", number) - lean), effort=pl.Series(np.maximum(effort, 0.0))
    )
    cell_columns = ["area", "quarter", "type"]
    pool = pool.with_columns(
        place=pl.col("wish").rank("ordinal").over(cell_columns), size=pl.len().over(cell_columns)
    )
    wanted = ((pl.col("size") + 9) // 10 * pl.col("effort") + 0.5).floor()
    chosen = pool.filter(pl.col("place") <= wanted).with_columns(extra=pl.lit(False))
    if is_topped_up:
        chosen = pl.concat([chosen, _top_up(chance, plan, pool, chosen)])
    twice = chosen.filter(pl.Series(chance.happens("dip.repeat", chosen["iqa"].to_numpy(), 0.04)))
    chosen = pl.concat(
        [
            chosen.with_columns(turn=pl.lit(0).cast(pl.Int64)),
            twice.with_columns(turn=pl.lit(1).cast(pl.Int64)),
        ]
    )
    return _dated_dips(chance, staff, plan, chosen)


def _top_up(chance: Chance, plan: Plan, pool: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Extra dips, so that each geographical Area can offer the inspection 10 MC and 5 CC files."""
    recent = (
        (pl.col("type") == CASEWORK)
        & (pl.col("area") < catalogue.CPSD)
        & (pl.col("quarter") >= len(plan.quarters) - 9)
        & (pl.col("quarter") <= len(plan.quarters) - 3)
        & (pl.col("closed") <= plan.quarters[-3].end)
    )
    frames = []
    for unit, quota in ((0, 12), (1, 7)):
        have = (
            chosen.filter(recent & (pl.col("unit") == unit))
            .group_by("area")
            .agg(have=pl.len().cast(pl.Int64))
        )
        spare = pool.filter(recent & (pl.col("unit") == unit)).join(
            chosen.select("iqa"), on="iqa", how="anti"
        )
        spare = spare.with_columns(wish=-pl.col("quarter") + pl.col("wish"))
        spare = spare.join(have, on="area", how="left", maintain_order="left")
        spare = spare.with_columns(place=pl.col("wish").rank("ordinal").over("area"))
        frames.append(spare.filter(pl.col("place") <= quota - pl.col("have").fill_null(0)).drop("have"))
    return pl.concat(frames).with_columns(extra=pl.lit(True)).select(chosen.columns)


def _dated_dips(chance: Chance, staff: Staff, plan: Plan, chosen: pl.DataFrame) -> pl.DataFrame:
    key = chosen["iqa"].to_numpy() * 2 + chosen["turn"].to_numpy()
    assessed, area = chosen["assessed"].to_numpy(), chosen["area"].to_numpy()
    extra = chosen["extra"].to_numpy()
    freeze = np.array([quarter.freeze for quarter in plan.quarters])[chosen["quarter"].to_numpy()]
    late = chance.happens("dip.late", key, 0.06) & ~extra
    prompt = np.minimum(assessed + 3 + chance.pick("dip.lag", key, 30), freeze)
    sampled = np.where(late, freeze + 1 + chance.pick("dip.late.days", key, 40), np.maximum(prompt, assessed))
    sampled = next_working_day(sampled)
    is_asked = sampled >= RULES_FROM
    draw = chance.uniform("dip.sampler", key)
    seat = np.zeros(len(key), dtype=np.int64)
    for place, own in enumerate(staff.samplers_of_area):
        here = area == place
        seat[here] = own[(draw[here] * len(own)).astype(np.int64)]
    fed_back = np.where(
        chance.happens("dip.fed_back", key, 0.55),
        sampled + 1 + chance.pick("dip.fed_back.days", key, 14),
        NEVER,
    )
    dips = chosen.with_columns(
        key=pl.Series(key),
        sampler=pl.Series(staff.holder(seat, sampled)),
        sampled=pl.Series(sampled),
        fed_back=pl.Series(fed_back),
        is_marked=pl.Series(extra | chance.happens("dip.marked", key, 0.95)),
        says_marked=pl.Series(is_asked | chance.happens("dip.says_marked", key, 0.5)),
        has_comment=pl.Series(extra | chance.happens("dip.comment", key, 0.95)),
        dip_known=pl.max_horizontal(pl.Series(sampled), pl.col("known")),
        is_timely=pl.Series(sampled <= freeze),
    )
    dips = dips.filter(pl.col("dip_known") <= plan.last_day).sort("sampled", "key")
    dips = dips.with_row_index("dip", offset=1).with_columns(pl.col("dip").cast(pl.Int64))
    return dips.select(
        "dip", "iqa", "type", "area", "quarter", "assessor", "sampler", "sampled", "fed_back", "is_marked",
        "says_marked", "has_comment", "is_timely", known=pl.col("dip_known"),
    )  # fmt: skip


def choose_inspection_files(
    chance: Chance, plan: Plan, iqas: pl.DataFrame, dips: pl.DataFrame
) -> pl.DataFrame:
    """The 2024 design: 10 MC and 5 CC dip-sampled casework files per Area, recent ones, random within.

    One row per file: iqa and the day of the re-assessment.
    """
    valid = dips.filter(
        pl.col("is_marked") & pl.col("has_comment") & (pl.col("sampled") <= plan.quarters[-3].end + 14)
    )
    listed = iqas.filter(
        (pl.col("type") == CASEWORK)
        & (pl.col("area") < catalogue.CPSD)
        & (pl.col("unit") <= 1)
        & (pl.col("withdrawn") == NEVER)
        & (pl.col("closed") <= plan.quarters[-3].end)
        & (pl.col("quarter") >= len(plan.quarters) - 9)
    ).join(valid.select("iqa").unique(), on="iqa", how="semi", maintain_order="left")
    # "Carried out after 1 November 2022".
    listed = listed.filter(pl.col("assessed") > plan.quarters[-9].start + 31)
    listed = listed.with_columns(quota=pl.when(pl.col("unit") == 0).then(10).otherwise(5))
    listed = listed.with_columns(
        recency=pl.struct(-pl.col("assessed"), pl.col("iqa")).rank("ordinal").over("area", "unit")
    ).filter(pl.col("recency") <= 2 * pl.col("quota"))
    listed = listed.with_columns(luck=pl.Series(chance.uniform("inspection.luck", listed["iqa"].to_numpy())))
    files = listed.filter(pl.col("luck").rank("ordinal").over("area", "unit") <= pl.col("quota")).sort("iqa")
    quarter = plan.quarters[-2]
    working = np.concatenate([quarter.working_days, plan.quarters[-1].working_days[:15]])
    day = working[chance.pick("inspection.day", files["iqa"].to_numpy(), len(working))]
    return files.select("iqa", "area", "unit").with_columns(reassessed=pl.Series(day))
