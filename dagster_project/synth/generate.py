"""Writes the synthetic extracts: the 2018 reference set, and a national set delivered quarter by quarter.

What happened is drawn in the other modules; here it becomes rows, each sent in the first delivery that could
know of it and again when something about it became known. The one trap: answers are drawn again from their
keys whenever they are needed and never kept, which is what keeps memory bounded; so nothing may depend on
the order in which they are drawn.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.synth import assurance, catalogue, texts
from dagster_project.synth import faults as planted
from dagster_project.synth.almanac import NEVER, as_date, next_working_day, quarters
from dagster_project.synth.answers import answers_for, mark_codes, overall
from dagster_project.synth.assessments import (
    CORRECTED_AREAS,
    RULES_FROM,
    Plan,
    assess_quarter,
    choose_inspection_files,
    sample_dips,
)
from dagster_project.synth.chance import Chance
from dagster_project.synth.files import write_extract
from dagster_project.synth.reference import EXTRACT_DATE, reference_extracts
from dagster_project.synth.staff import Staff, build_staff
from dagster_project.synth.totals import ALL_UNITS, totals_of

_CAMPAIGNS = ["DISCLOSURE", "VICTIM-LETTERS", "FIRST-HEARINGS"]
_INSPECTION_QUARTERS = 9
_FAULTS_IN_DELIVERY = -2  # the delivery before the last complete one gets the planted rows


@dataclass
class Summary:
    """What was written: rows per dataset, files, bytes, planted faults, and the first figures to expect."""

    rows: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)
    planted: Counter[str] = field(default_factory=Counter)
    truths: dict[str, object] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.files)


@dataclass(frozen=True)
class Delivery:
    """One extract day: what became known after `since` up to `day` is sent.

    Assessments held back for the late extract, and all that hangs on them, count from `held_since`.
    """

    day: int
    since: int
    held_since: int
    kind: str  # regular, late, correction


@dataclass(frozen=True)
class World:
    """Everything that is small enough to keep: all but answers and texts."""

    chance: Chance
    plan: Plan
    staff: Staff
    iqas: pl.DataFrame
    dips: pl.DataFrame
    reassessments: pl.DataFrame
    inspected: pl.DataFrame


def generate(
    out: Path, years: int = 2, scale: float = 0.3, seed: int = 2024, faults: float | bool = True
) -> Summary:
    """Write synthetic extracts under `out` and say what was written.

    `years` back from October 2024 (1 to 10); `scale` 1 = national volumes; `faults` False for none, True for
    one faulty row of each kind, a number for that share of all assessments. The same arguments give the same
    bytes.

    Raises ValueError if an argument is out of range.
    """
    if not 0 < scale <= 100:
        raise ValueError(
            f"scale is {scale}: expected more than 0 and at most 100, 1 being national. Change --scale."
        )
    if not 0 <= faults <= 1:
        raise ValueError(f"faults is {faults}: expected a share from 0 to 1, or true. Change --faults.")
    summary = Summary()
    world = _draw(Chance(seed), years, scale, summary)
    for dataset, rows in reference_extracts().items():
        _write(summary, out, dataset, EXTRACT_DATE, rows)
    copies = (
        int(faults) if isinstance(faults, bool) else -(-int(faults * len(world.iqas)) // len(planted.PLANTED))
    )
    pending = pl.DataFrame()
    supplied: dict[tuple[object, ...], int] = {}
    deliveries = list(_deliveries(world.plan))
    regular = [delivery for delivery in deliveries if delivery.kind == "regular"]
    for delivery in deliveries:
        tables, pending = _tables(world, delivery, pending, supplied)
        is_faulty = copies > 0 and delivery == regular[_FAULTS_IN_DELIVERY]
        for dataset, rows in tables.items():
            if is_faulty and len(rows):
                before = len(rows)
                rows = planted.plant(dataset, rows, copies, f"{delivery.day}")
                summary.planted[dataset] += len(rows) - before
            _write(summary, out, dataset, as_date(delivery.day).isoformat(), rows)
    return summary


def generate_sample(out: Path) -> Summary:
    """Write exactly the sample that is checked in under data/raw."""
    return generate(out, years=2, scale=0.3, seed=2024, faults=True)


def _write(summary: Summary, out: Path, dataset: str, extract_date: str, rows: pl.DataFrame) -> None:
    path = write_extract(out, dataset, extract_date, rows)
    if path:
        summary.files.append(path)
        summary.rows[dataset] += len(rows)


def _draw(chance: Chance, years: int, scale: float, summary: Summary) -> World:
    span = quarters(years)
    last_complete = len(span) - 2
    plan = Plan(
        quarters=span,
        last_day=span[last_complete].freeze,
        late_quarter=last_complete - 3,
        late_day=int(next_working_day(span[last_complete - 3].freeze + 20)),
        correction_quarter=last_complete - 2,
        correction_day=int(next_working_day(span[last_complete - 2].freeze + 21)),
    )
    staff = build_staff(chance, scale, span, plan.last_day)
    frames, ratings, number = [], [], 1
    for quarter in span:
        made = assess_quarter(chance, staff, plan, quarter, number)
        number += len(made)
        frames.append(made)
        ratings.append(overall(answers_for(chance, made)))
    iqas = pl.concat(frames).join(pl.concat(ratings), on="iqa", how="left", maintain_order="left")
    is_inspected = len(span) >= _INSPECTION_QUARTERS
    dips = sample_dips(chance, staff, plan, iqas, is_inspected)
    dips = assurance.dip_views(chance, dips, iqas.select("iqa", "rated_met", "truly_met"))
    reassessments, inspected = pl.DataFrame(), pl.DataFrame()
    if is_inspected:
        files = choose_inspection_files(chance, plan, iqas, dips)
        reassessments = assurance.reassess(chance, plan, files)
        answers = answers_for(
            chance, iqas.join(files.select("iqa"), on="iqa", how="semi", maintain_order="left")
        )
        inspected = assurance.reassessed_answers(chance, reassessments, answers)
        reassessments = reassessments.join(
            iqas.select("iqa", "rated_met", "truly_met"), on="iqa", how="left", maintain_order="left"
        )
        summary.truths["REF2024"] = _expected(inspected)
    summary.truths["iqas"] = len(iqas)
    summary.truths["dips"] = len(dips)
    return World(chance, plan, staff, iqas, dips, reassessments, inspected)


def _expected(inspected: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Leniency by category among answers both marked, as inspectors saw them."""
    both = inspected.filter(
        (pl.col("purpose") == "inspection") & (pl.col("given") >= 0) & (pl.col("mark") >= 0)
    )
    rates = both.group_by("category").agg(
        compared=pl.len(),
        lenient=(pl.col("given") > pl.col("mark")).sum(),
        harsh=(pl.col("given") < pl.col("mark")).sum(),
    )
    return {
        catalogue.CATEGORIES[row["category"]]: {name: row[name] for name in ("compared", "lenient", "harsh")}
        for row in rates.sort("category").to_dicts()
    }


def _deliveries(plan: Plan) -> Iterator[Delivery]:
    complete = plan.quarters[:-1]
    found = []
    since = 0
    for quarter in complete:
        held_since = plan.late_day if since < plan.late_day < quarter.freeze else since
        found.append(Delivery(quarter.freeze, since, held_since, "regular"))
        since = quarter.freeze
    found.append(Delivery(plan.late_day, 0, 0, "late"))
    found.append(
        Delivery(plan.correction_day, plan.correction_day - 1, plan.correction_day - 1, "correction")
    )
    yield from sorted(found, key=lambda delivery: delivery.day)


def _tables(
    world: World, delivery: Delivery, pending: pl.DataFrame, supplied: dict[tuple[object, ...], int]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The rows of one delivery by dataset, and the actions that may still change after it."""
    tables: dict[str, pl.DataFrame] = {}
    if delivery.kind == "correction":
        tables["iqa"] = _iqa_rows(world, delivery)
        tables["iqa_answers"] = _corrected_answers(world, delivery)
        return tables, pending
    if delivery.kind == "regular":
        tables["postings"] = _posting_rows(world, delivery)
        tables["absences"] = _absence_rows(world, delivery)
    tables["iqa"] = _iqa_rows(world, delivery)
    new = world.iqas.filter(_in_own_window(delivery, "known"))
    answers = answers_for(world.chance, new)
    tables["iqa_answers"] = _answer_rows(world, delivery, answers, new)
    raised = assurance.actions_from(world.chance, world.plan, answers, new)
    raised = raised.join(new.select("iqa", "held"), on="iqa", how="left", maintain_order="left")
    pending = pl.concat([pending, raised]) if len(pending) else raised
    tables["actions"], pending = _action_rows(world, delivery, pending)
    tables["dip_samples"] = _dip_rows(world, delivery)
    tables["dip_sample_answers"] = _dip_answer_rows(world, delivery)
    if delivery.kind == "regular":
        tables.update(_inspection_tables(world, delivery))
        tables["governance_items"] = _governance_rows(world, delivery)
        tables["control_totals"] = _total_rows(world, delivery, supplied)
    return tables, pending


def _in_window(delivery: Delivery, *days: str) -> pl.Expr:
    """One of the row's days falls in the delivery's window."""
    return pl.any_horizontal(pl.col(day).is_between(delivery.since + 1, delivery.day) for day in days)


def _in_own_window(delivery: Delivery, *days: str) -> pl.Expr:
    """The same for what hangs on assessments, some of which are held back (column `held`)."""
    since = pl.when("held").then(delivery.held_since).otherwise(delivery.since)
    hit = pl.any_horizontal((pl.col(day) > since) & (pl.col(day) <= delivery.day) for day in days)
    return hit & pl.col("held") if delivery.kind == "late" else hit


def _day(name: str, delivery: Delivery | None = None) -> pl.Expr:
    """A day number as a date; empty if it has not happened by the delivery's day."""
    limit = delivery.day if delivery else NEVER - 1
    return pl.when(pl.col(name) <= limit).then(pl.col(name)).cast(pl.Int32).cast(pl.Date)


def _code(name: str, codes: list[str]) -> pl.Expr:
    return pl.col(name).replace_strict(dict(enumerate(codes)), return_dtype=pl.String)


def _id(prefix: str, name: str, width: int = 6) -> pl.Expr:
    return pl.concat_str(pl.lit(prefix), pl.col(name).cast(pl.String).str.zfill(width))


def _staff_id(name: str) -> pl.Expr:
    return _id("SYN-S", name)


def _iqa_id(name: str = "iqa") -> pl.Expr:
    return _id("SYN-Q", name, 7)


def _codes_of_questions() -> list[str]:
    return list(catalogue.questions()["question_code"])


def _posting_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    """Postings that began, ended or got another line manager since the last delivery."""
    postings = world.staff.postings.filter(pl.col("start") <= delivery.day)
    held = postings["manager_seat"].to_numpy()

    def managers(day: int) -> np.ndarray:
        days = np.clip(np.minimum(postings["end"].to_numpy(), day), world.plan.quarters[0].start, None)
        return np.where(held >= 0, world.staff.holder(np.maximum(held, 0), days), NEVER * 1000)

    now, before = managers(delivery.day), managers(max(delivery.since, world.plan.quarters[0].start))
    changed = pl.Series(now != before) | _in_window_series(postings, delivery, "start", "end")
    if delivery.since == 0:
        changed = pl.Series(np.ones(len(postings), dtype=bool))
    rows = postings.with_columns(manager=pl.Series(now)).filter(changed)
    return rows.select(
        posting_id=_id("SYN-P", "posting"),
        staff_id=_staff_id("staff"),
        grade="grade",
        area_code=_code("area", catalogue.AREAS),
        unit_type=_code("unit", catalogue.UNITS),
        role_type="role",
        fte="fte",
        start_date=_day("start"),
        end_date=_day("end", delivery),
        line_manager_id=pl.when(pl.col("manager_seat") >= 0).then(_staff_id("manager")),
    )


def _in_window_series(rows: pl.DataFrame, delivery: Delivery, *days: str) -> pl.Series:
    return rows.select(_in_window(delivery, *days).alias("hit"))["hit"]


def _absence_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    """Absences that began, and long ones that ended: a long absence is open until its last day has passed."""
    ended = pl.when(pl.col("is_long")).then(pl.col("end")).otherwise(pl.col("start"))
    rows = world.staff.absences.with_columns(ended=ended)
    rows = rows.filter((pl.col("start") <= delivery.day) & _in_window(delivery, "start", "ended"))
    end = pl.when(pl.col("is_long") & (pl.col("end") > delivery.day)).then(NEVER).otherwise(pl.col("end"))
    return rows.with_columns(end=end).select(
        absence_id=_id("SYN-B", "absence", 7),
        staff_id=_staff_id("staff"),
        absence_type="absence_type",
        start_date=_day("start"),
        end_date=_day("end"),
    )


def _iqa_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    known = world.iqas.filter(pl.col("known") <= delivery.day)
    facts = ["known", "conversation", "closed", "feedback", "withdrawn"]
    if delivery.kind == "correction":
        rows = known.filter(
            (pl.col("closed") != pl.col("first_closed")) | (pl.col("withdrawn") == delivery.day)
        )
    else:
        # What happened before a held-back assessment was known is sent with it.
        told = pl.col("withdrawn") == world.plan.correction_day  # sent by the correction extract already
        days = known.with_columns(withdrawn=pl.when(told).then(NEVER).otherwise(pl.col("withdrawn")))
        rows = days.with_columns(pl.max_horizontal(day, "known") for day in facts[1:]).filter(
            _in_own_window(delivery, *facts)
        )
        rows = known.join(rows.select("iqa"), on="iqa", how="semi", maintain_order="left")
    number = rows["iqa"].to_numpy()
    closed = pl.col("closed") if delivery.day >= world.plan.correction_day else pl.col("first_closed")
    said = texts.picked(world.chance, "feedback.text", number, texts.FEEDBACK)
    says = pl.Series(world.chance.happens("feedback.says", number, 0.3))
    rated = pl.Series(~world.chance.happens("iqa.unrated", number, 0.08))
    campaign = pl.Series(_CAMPAIGNS).gather(world.chance.pick("iqa.campaign", rows["quarter"].to_numpy(), 3))
    rows = rows.with_columns(closed=closed)
    return rows.select(
        iqa_id=_iqa_id(),
        assessment_type=_code("type", catalogue.TYPES),
        instrument_version=_code("instrument", [one.instrument for one in catalogue.question_sets()]),
        urn=pl.concat_str(
            pl.lit("SYN99/"),
            pl.col("case").cast(pl.String).str.zfill(7),
            pl.lit("/"),
            _day("assessed").dt.strftime("%y"),
        ),
        area_code=_code("area", catalogue.AREAS),
        unit_type=_code("unit", catalogue.UNITS),
        subject_id=_staff_id("subject"),
        assessor_id=_staff_id("assessor"),
        selection_method="selection",
        theme_campaign=pl.when("themed").then(
            pl.concat_str(campaign, pl.lit("-"), _day("assessed").dt.year().cast(pl.String))
        ),
        opened_on=_day("opened"),
        assessed_on=_day("assessed"),
        conversation_on=_day("conversation", delivery),
        closed_on=_day("closed", delivery),
        feedback_on=_day("feedback", delivery),
        feedback_comment=pl.when((pl.col("feedback") <= delivery.day) & says).then(said),
        overall_rating=pl.when(rated).then(pl.when("rated_met").then(pl.lit("Y")).otherwise(pl.lit("N"))),
        status=pl.when(pl.col("withdrawn") <= delivery.day)
        .then(pl.lit("withdrawn"))
        .when(pl.col("closed") <= delivery.day)
        .then(pl.lit("closed"))
        .otherwise(pl.lit("open")),
    )


def _slips(world: World, answers: pl.DataFrame, iqas: pl.DataFrame) -> pl.DataFrame:
    """When each answer that is first sent wrong is put right: `fixed` is a delivery day, or NEVER.

    Answers of assessments sent ahead of their quarter's own delivery are put right in that delivery, before
    the freeze; some answers of two Areas only by the correction extract, after it.
    """
    freezes = np.array([quarter.freeze for quarter in world.plan.quarters])
    told = answers.join(
        iqas.select("iqa", "area", "quarter", iqa_known="known"), on="iqa", how="left", maintain_order="left"
    )
    quarter, key = told["quarter"].to_numpy(), told["key"].to_numpy()
    given, top = told["given"].to_numpy(), told["top"].to_numpy()
    previous = np.where(quarter > 0, freezes[np.maximum(quarter - 1, 0)], 0)
    early = told["iqa_known"].to_numpy() <= previous
    has_own = quarter < len(freezes) - 1
    slip = early & has_own & (given >= 0) & world.chance.happens("answer.slip", key, 0.06)
    areas = [catalogue.AREAS.index(code) for code in CORRECTED_AREAS]
    ours = (quarter == world.plan.correction_quarter) & np.isin(told["area"].to_numpy(), areas) & ~early
    flattered = ours & (given == 0) & world.chance.happens("answer.flattered", key, 0.25)
    fixed = np.select([slip, flattered], [freezes[quarter], world.plan.correction_day], NEVER)
    first = np.select([slip & (given == top), slip | flattered], [np.zeros_like(top), top], given)
    return answers.with_columns(fixed=pl.Series(fixed), first=pl.Series(first))


def _answer_rows(world: World, delivery: Delivery, answers: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """New answers, and those of the quarter that are put right in this delivery."""
    fresh = _slips(world, answers, new)
    shown = pl.when(pl.col("fixed") <= delivery.day).then(pl.col("given")).otherwise(pl.col("first"))
    rows = [_written_answers(world, fresh.with_columns(shown=shown), new)]
    if delivery.kind == "regular":
        repaired = _fixed_answers(world, delivery, pl.col("known") <= delivery.since)
        if len(repaired):
            rows.append(repaired)
    return pl.concat(rows)


def _fixed_answers(world: World, delivery: Delivery, which: pl.Expr) -> pl.DataFrame:
    """Answers whose right version is sent in this delivery."""
    span = [quarter.number for quarter in world.plan.quarters if quarter.freeze == delivery.day]
    span = span or [world.plan.correction_quarter]
    old = world.iqas.filter(pl.col("quarter").is_in(span) & which)
    answers = _slips(world, answers_for(world.chance, old), old).filter(pl.col("fixed") == delivery.day)
    return _written_answers(world, answers.with_columns(shown=pl.col("given")), old)


def _corrected_answers(world: World, delivery: Delivery) -> pl.DataFrame:
    return _fixed_answers(world, delivery, pl.col("known") <= delivery.day)


def _written_answers(world: World, answers: pl.DataFrame, iqas: pl.DataFrame) -> pl.DataFrame:
    collected = iqas.filter(pl.col("assessed") >= RULES_FROM).select("iqa")
    asked = answers.join(
        collected.with_columns(collects=pl.lit(True)), on="iqa", how="left", maintain_order="left"
    )
    collects = asked["collects"].fill_null(False)
    key = asked["key"].to_numpy()
    comment = texts.comments_for(world.chance, answers, iqas, len(world.plan.quarters))
    failing = (pl.col("shown") >= 0) & (pl.col("shown") < pl.col("top"))
    met = pl.col("shown") == pl.col("top")
    issue = pl.Series(world.chance.happens("answer.issue", key, 0.62))
    good = pl.Series(world.chance.happens("answer.good", key, 0.03))
    return answers.select(
        iqa_id=_iqa_id(),
        question_code=_code("question", _codes_of_questions()),
        answer=mark_codes(pl.col("shown"), pl.col("top")),
        comment=pl.when(collects).then(comment),
        is_issue=pl.when(failing).then(issue),
        is_good_practice=pl.when(met & good).then(pl.lit(True)),
    )


def _action_rows(
    world: World, delivery: Delivery, pending: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    changed = pending.with_columns(
        pl.max_horizontal(day, "known").alias(f"{day}_known") for day in ("completed", "verified")
    )
    changed = changed.filter(
        (pl.col("known") <= delivery.day)
        & _in_own_window(delivery, "known", "completed_known", "verified_known")
    )
    what = texts.picked(world.chance, "action.text", changed["key"].to_numpy(), texts.ACTIONS)
    rows = changed.select(
        action_id=_id("SYN-A", "key", 9),
        iqa_id=_iqa_id(),
        question_code=_code("question", _codes_of_questions()),
        action_level="level",
        description=what,
        owner_id=_staff_id("owner"),
        raised_on=_day("raised"),
        due_on=_day("due"),
        completed_on=_day("completed", delivery),
        verified_by_id=pl.when(pl.col("verified") <= delivery.day).then(_staff_id("verifier")),
    )
    last = pl.max_horizontal(
        "known",
        *(pl.when(pl.col(day) < NEVER).then(pl.col(day)).otherwise(0) for day in ("completed", "verified")),
    )
    return rows, pending.filter(last > delivery.day)


def _dip_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    dips = world.dips.join(world.iqas.select("iqa", "held"), on="iqa", how="left", maintain_order="left")
    dips = dips.with_columns(fed_back_known=pl.max_horizontal("fed_back", "known"))
    rows = dips.filter(
        (pl.col("known") <= delivery.day) & _in_own_window(delivery, "known", "fed_back_known")
    )
    rating = pl.when(pl.col("sampler_met")).then(pl.lit("Y")).when(~pl.col("sampler_met")).then(pl.lit("N"))
    return rows.select(
        dip_sample_id=_id("SYN-D", "dip"),
        iqa_id=_iqa_id(),
        sampler_id=_staff_id("sampler"),
        sampled_on=_day("sampled"),
        is_marked=pl.when("says_marked").then("is_marked"),
        overall_rating=rating,
        comment=pl.when("has_comment").then("comment"),
        opinion="opinion",
        feedback_given_on=_day("fed_back", delivery),
        action_for_assessor="action",
    )


def _dip_answer_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    dips = world.dips.join(world.iqas.select("iqa", "held"), on="iqa", how="left", maintain_order="left")
    dips = dips.filter(_in_own_window(delivery, "known"))
    iqas = world.iqas.join(dips.select("iqa").unique(), on="iqa", how="semi", maintain_order="left")
    rows = assurance.dip_answers(world.chance, dips, answers_for(world.chance, iqas))
    remark = texts.picked(world.chance, "dip.answer.text", rows["key"].to_numpy(), texts.DIP_CHALLENGES)
    return rows.select(
        dip_sample_id=_id("SYN-D", "dip"),
        question_code=_code("question", _codes_of_questions()),
        answer=mark_codes(pl.col("mark"), pl.col("top")),
        comment=pl.when("is_changed").then(remark),
    )


def _inspection_tables(world: World, delivery: Delivery) -> dict[str, pl.DataFrame]:
    """Re-assessments and what hangs on them, if an inspection falls in the years asked for."""
    if world.reassessments.is_empty():
        return {}
    made = world.reassessments.filter(_in_window(delivery, "reassessed"))
    number = made["iqa"].to_numpy()
    slip = world.chance.happens("inspector.overall", number, 0.02)
    met = made["truly_met"].to_numpy() ^ slip
    reassessments = made.select(
        reassessment_id=_id("SYN-R", "reassessment", 4),
        inspection_code=pl.lit(assurance.INSPECTION),
        iqa_id=_iqa_id(),
        inspector_id=_id("SYN-INS", "inspector", 2),
        reassessed_on=_day("reassessed"),
        overall_rating=pl.Series(np.where(met, "Y", "N")),
        purpose="purpose",
    )
    answers = world.inspected.join(
        made.select("reassessment"), on="reassessment", how="semi", maintain_order="left"
    )
    written = answers.select(
        reassessment_id=_id("SYN-R", "reassessment", 4),
        question_code=_code("question", _codes_of_questions()),
        agrees="agrees",
        answer=pl.when("has_mark").then(mark_codes(pl.col("mark"), pl.col("top"))),
        difference_categories="categories",
        reason_code="reason",
        reason_text="reason_text",
    )
    scores = assurance.feedback_quality(world.chance, made).select(
        reassessment_id=_id("SYN-R", "reassessment", 4),
        side="side",
        feedback_question="feedback_question",
        score="score",
    )
    asked = assurance.evidence_requests(world.chance, world.plan, world.reassessments)
    asked = asked.filter(
        (pl.col("requested") <= delivery.day) & _in_window(delivery, "requested", "received")
    )
    evidence = asked.select(
        request_id=_id("SYN-E", "request", 4),
        iqa_id=_iqa_id(),
        side="side",
        requested_on=_day("requested"),
        due_on=_day("due"),
        received_on=_day("received", delivery),
        document_type=pl.when(pl.col("received") <= delivery.day).then("document"),
        is_accepted=pl.when(pl.col("received") <= delivery.day).then("is_accepted"),
    )
    return {
        "reassessments": reassessments,
        "reassessment_answers": written,
        "feedback_quality": scores,
        "evidence_requests": evidence,
    }


def _governance_rows(world: World, delivery: Delivery) -> pl.DataFrame:
    span = world.plan.quarters
    rows = pl.concat([assurance.governance(world.chance, quarter, len(span)) for quarter in span])
    rows = rows.filter(_in_window(delivery, "held")).sort("held", "item")
    return rows.select(
        item_id=_id("SYN-G", "item", 6),
        body="body",
        area_code=_code("area", catalogue.area_names()),
        held_on=_day("held"),
        theme_code="theme",
        decision="decision",
    )


def _total_rows(world: World, delivery: Delivery, supplied: dict[tuple[object, ...], int]) -> pl.DataFrame:
    """Totals of the quarter that is frozen, and earlier ones that have moved since they were supplied."""
    rows: list[dict[str, object]] = []
    done = [quarter for quarter in world.plan.quarters if quarter.freeze <= delivery.day]
    for quarter in done[-5:]:
        found = totals_of(world.staff, world.plan, world.iqas, world.dips, quarter, delivery.day)
        for row in found.iter_rows(named=True):
            key = (row["area"], row["unit"], row["type"], row["quarter"], row["measure"])
            value = int(row["value"]) + _misstated(world.plan, key)
            if supplied.get(key) != value:
                supplied[key] = value
                rows.append({**row, "value": value, "start": quarter.start})
    names = [*catalogue.UNITS, "ALL"]
    return pl.DataFrame(rows).select(
        area_code=_code("area", catalogue.AREAS),
        unit_type=pl.when(pl.col("unit") == ALL_UNITS)
        .then(len(names) - 1)
        .otherwise(pl.col("unit"))
        .replace_strict(dict(enumerate(names)), return_dtype=pl.String),
        assessment_type=_code("type", catalogue.TYPES),
        quarter_start=_day("start"),
        measure="measure",
        value="value",
        supplied_by=pl.lit("Operational Assurance (synthetic)"),
        supplied_on=pl.lit(as_date(delivery.day)),
    )


def _misstated(plan: Plan, key: tuple[object, ...]) -> int:
    """Two totals disagree with the extracts on purpose: one count too many, one too few."""
    area, unit, kind, quarter, measure = key
    if unit != ALL_UNITS or kind != catalogue.CASEWORK:
        return 0
    if (area, quarter, measure) == (catalogue.AREAS.index("LN"), plan.correction_quarter, "iqas_assessed"):
        return 2
    if (area, quarter, measure) == (catalogue.AREAS.index("YH"), plan.correction_quarter + 1, "dips_valid"):
        return -1
    return 0


def digest(folder: Path) -> dict[str, str]:
    """sha256 of every file under a folder by its relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
