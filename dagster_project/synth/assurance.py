"""What follows an assessment: the sampler's and the inspector's views, actions, evidence, governance.

Choosing what is sampled or inspected does not belong here (see `assessments`). The one trap: a sampler or an
inspector judges the truth of an answer, so their marks are drawn from `truth`, never from the manager's mark
alone.
"""

import numpy as np
import polars as pl

from dagster_project.synth import catalogue, texts
from dagster_project.synth.almanac import NEVER, Quarter
from dagster_project.synth.answers import NOT_APPLICABLE
from dagster_project.synth.assessments import Plan
from dagster_project.synth.chance import Chance

CAUGHT_SHARE = 0.28  # of lenient overall ratings that a dip sample challenges
CAUGHT_ANSWER_SHARE = 0.35
ACTION_SHARE = 0.30  # of answers below met
INSPECTION = "REF2024"
_REASONS = ["R1", "R2", "R3", "R4", "R6", "R7"]


def dip_views(chance: Chance, dips: pl.DataFrame, overall: pl.DataFrame) -> pl.DataFrame:
    """Adds the sampler's rating (sampler_met, null where not given) and opinion to the dips."""
    seen = dips.join(overall, on="iqa", how="left", maintain_order="left")
    key = seen["dip"].to_numpy()
    rated, true = seen["rated_met"].to_numpy(), seen["truly_met"].to_numpy()
    caught = (rated != true) & chance.happens("dip.catch", key, CAUGHT_SHARE)
    false_alarm = (rated == true) & rated & chance.happens("dip.false_alarm", key, 0.025)
    challenged = caught | false_alarm
    draw = chance.uniform("dip.opinion", key)
    unclear = ~challenged & (draw < 0.06)
    opinion = np.select(
        [challenged & (draw < 0.9), unclear, draw < 0.93], ["challenge", "unclear", "agree"], ""
    )
    comment = np.select(
        [challenged, unclear],
        [
            texts.picked(chance, "dip.text.challenge", key, texts.DIP_CHALLENGES).to_numpy(),
            texts.picked(chance, "dip.text.unclear", key, texts.DIP_UNCLEAR).to_numpy(),
        ],
        texts.picked(chance, "dip.text.agree", key, texts.DIP_AGREES).to_numpy(),
    )
    action = challenged & chance.happens("dip.action", key, 0.7)
    return seen.with_columns(
        is_challenged=pl.Series(challenged),
        sampler_met=pl.when(pl.Series(chance.happens("dip.rated", key, 0.8))).then(
            pl.Series(rated ^ challenged)
        ),
        opinion=pl.Series(opinion.tolist(), dtype=pl.String).replace("", None),
        comment=pl.Series(comment.tolist(), dtype=pl.String),
        action=pl.when(pl.Series(action)).then(
            texts.picked(chance, "dip.action.text", key, texts.DIP_ACTIONS)
        ),
    )


def dip_answers(chance: Chance, dips: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The sampler's marks on some questions of some dips: dip, question, top, mark, is_changed.

    `answers` are those of the dipped assessments. Two dips in five record answers: some of those the sampler
    agrees with, and most of those the sampler would change.
    """
    detailed = dips.filter(pl.Series(chance.happens("dip.detailed", dips["dip"].to_numpy(), 0.4)))
    pairs = detailed.select("dip", "iqa").join(answers, on="iqa", how="inner", maintain_order="left_right")
    pairs = pairs.filter(pl.col("given") >= 0)
    key = pairs["dip"].to_numpy() * 64 + pairs["question"].to_numpy()
    given, truth = pairs["given"].to_numpy(), pairs["truth"].to_numpy()
    catches = (truth >= 0) & (given != truth) & chance.happens("dip.answer.catch", key, CAUGHT_ANSWER_SHARE)
    slips = (given == truth) & (given > 0) & chance.happens("dip.answer.slip", key, 0.006)
    mark = np.select([catches, slips], [truth, given - 1], given)
    shown = catches | slips | chance.happens("dip.answer.shown", key, 0.45)
    return (
        pairs.select("dip", "iqa", "question", "top")
        .with_columns(key=pl.Series(key), mark=pl.Series(mark), is_changed=pl.Series(catches | slips))
        .filter(pl.Series(shown))
    )


def reassess(chance: Chance, plan: Plan, files: pl.DataFrame) -> pl.DataFrame:
    """Re-assessments: one inspection of each file, a tenth checked again, six files for calibration.

    One row per re-assessment: reassessment, iqa, inspector, reassessed, purpose, noise (share of marks in
    which this reader differs from the truth).
    """
    number = files["iqa"].to_numpy()
    inspection = files.with_columns(
        inspector=pl.Series(1 + chance.pick("inspector", number, 12)),
        purpose=pl.lit("inspection"),
        noise=pl.lit(0.015),
    )
    checked = inspection.filter(pl.Series(chance.happens("inspector.check", number, 0.1))).with_columns(
        inspector=pl.lit(21).cast(pl.Int64), purpose=pl.lit("quality_assurance"), noise=pl.lit(0.01)
    )
    common = inspection.filter(pl.Series(chance.uniform("inspector.common", number)).rank("ordinal") <= 6)
    panels = [
        common.with_columns(
            inspector=pl.lit(seat).cast(pl.Int64), purpose=pl.lit("calibration"), noise=pl.lit(0.04),
            reassessed=pl.lit(plan.quarters[-2].start + 20).cast(pl.Int64),
        )
        for seat in (31, 32, 33)
    ]  # fmt: skip
    checked = checked.with_columns(
        reassessed=pl.min_horizontal(pl.col("reassessed") + 7, pl.lit(plan.last_day))
    )
    found = pl.concat([inspection, checked, *panels]).sort("reassessed", "iqa", "purpose", "inspector")
    found = found.filter(pl.col("reassessed") <= plan.last_day)
    return found.with_row_index("reassessment", offset=1).with_columns(pl.col("reassessment").cast(pl.Int64))


def reassessed_answers(chance: Chance, reassessments: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The inspector's view of every answer the manager recorded.

    One row per re-assessment and question: reassessment, iqa, purpose, question, category, top, given, truth,
    mark, agrees, has_mark, categories, reason, reason_text, key.
    """
    pairs = reassessments.select("reassessment", "iqa", "noise", "purpose").join(
        answers, on="iqa", how="inner", maintain_order="left_right"
    )
    pairs = pairs.filter(pl.col("given") >= NOT_APPLICABLE)
    key = pairs["reassessment"].to_numpy() * 64 + pairs["question"].to_numpy()
    truth, top = pairs["truth"].to_numpy(), pairs["top"].to_numpy()
    noisy = chance.happens("inspector.noise", key, pairs["noise"].to_numpy()) & (truth >= 0)
    mark = np.where(noisy, top - truth, truth)
    agrees = mark == pairs["given"].to_numpy()
    category = pairs["category"].to_numpy()
    second = chance.happens("inspector.second", key, 0.12)
    names = np.array(catalogue.CATEGORIES, dtype=object)
    neighbour = names[(category + 1) % 5]
    categories = np.where(second, names[category] + ";" + neighbour, names[category])
    hidden = pairs["given"].to_numpy() == NOT_APPLICABLE
    harsh = mark > pairs["given"].to_numpy()
    usual = np.array(_REASONS)[np.minimum(chance.pick("inspector.reason", key, 9), len(_REASONS) - 1)]
    reason = np.select([hidden, harsh], ["R5", "R3"], usual)
    return pairs.select(
        "reassessment", "iqa", "purpose", "question", "category", "top", "given", "truth"
    ).with_columns(
        key=pl.Series(key),
        mark=pl.Series(mark),
        agrees=pl.Series(agrees),
        has_mark=pl.Series(chance.happens("inspector.mark", key, 0.92)),
        categories=pl.when(pl.Series(~agrees)).then(pl.Series(categories.tolist(), dtype=pl.String)),
        reason=pl.when(pl.Series(~agrees)).then(pl.Series(reason)),
        reason_text=pl.when(pl.Series(~agrees & chance.happens("inspector.text", key, 0.6))).then(
            texts.picked(chance, "inspector.text.which", key, texts.REASONS)
        ),
    )


def actions_from(chance: Chance, plan: Plan, answers: pl.DataFrame, iqas: pl.DataFrame) -> pl.DataFrame:
    """Actions raised over answers below met.

    One row per action: key, iqa, question, level, owner, verifier, raised, due (NEVER = none), completed,
    verified, known.
    """
    failing = answers.filter((pl.col("given") >= 0) & (pl.col("given") < pl.col("top")))
    failing = failing.filter(pl.Series(chance.happens("action", failing["key"].to_numpy(), ACTION_SHARE)))
    joined = failing.join(
        iqas.select("iqa", "subject", "assessor", "assessed", "conversation", iqa_known=pl.col("known")),
        on="iqa", how="left", maintain_order="left",
    )  # fmt: skip
    key = joined["key"].to_numpy()
    talked = joined["conversation"].to_numpy()
    raised = np.where(talked < NEVER, talked, joined["assessed"].to_numpy())
    due = raised + 14 + 7 * chance.pick("action.due", key, 8)
    open_ended = chance.happens("action.open_ended", key, 0.05)
    outcome = chance.uniform("action.outcome", key)
    span = np.maximum(due - raised, 1)
    in_time = raised + 1 + (chance.uniform("action.in_time", key) * span).astype(np.int64)
    too_late = due + 1 + chance.pick("action.too_late", key, 40)
    completed = np.select([outcome < 0.72, outcome < 0.90], [np.minimum(in_time, due), too_late], NEVER)
    is_done = completed < NEVER
    verified = np.where(
        is_done & chance.happens("action.verified", key, 0.6),
        completed + chance.pick("action.verify", key, 15),
        NEVER,
    )
    level = np.array(["individual", "individual", "individual", "case", "case", "team", "area"], dtype=object)
    made = joined.select("key", "iqa", "question", owner="subject", verifier="assessor").with_columns(
        level=pl.Series(level[chance.pick("action.level", key, len(level))].tolist(), dtype=pl.String),
        raised=pl.Series(raised),
        due=pl.Series(np.where(open_ended, NEVER, due)),
        completed=pl.Series(completed),
        verified=pl.Series(verified),
        known=pl.Series(np.maximum(raised, joined["iqa_known"].to_numpy())),
    )
    return made.filter(pl.col("known") <= plan.last_day)


def feedback_quality(chance: Chance, reassessments: pl.DataFrame) -> pl.DataFrame:
    """The inspector's scores of the comments of each inspected file: reassessment, side, question, score."""
    files = reassessments.filter(pl.col("purpose") == "inspection").select("reassessment", "reassessed")
    asked = pl.DataFrame(
        [("dcp_comment", f"FQ{n}") for n in (1, 2, 3, 4)]
        + [("sampler_comment", f"FQ{n}") for n in (1, 3, 5)],
        schema=["side", "feedback_question"],
        orient="row",
    )
    rows = files.join(asked.with_row_index("place"), how="cross", maintain_order="left_right")
    key = rows["reassessment"].to_numpy() * 16 + rows["place"].to_numpy().astype(np.int64)
    draw = chance.uniform("feedback.score", key) + 0.08 * rows["place"].to_numpy()
    score = np.select([draw < 0.35, draw < 0.8], [2, 1], 0)
    return rows.drop("place").with_columns(score=pl.Series(score.astype(np.int64)))


_DOCUMENTS = [
    "email to the prosecutor",
    "note of the conversation",
    "spreadsheet of the unit",
    "appraisal note",
]


def evidence_requests(chance: Chance, plan: Plan, reassessments: pl.DataFrame) -> pl.DataFrame:
    """Requests to the Areas for evidence of feedback kept outside the application."""
    files = reassessments.filter(pl.col("purpose") == "inspection")
    key = files["reassessment"].to_numpy()
    asked = files.filter(pl.Series(chance.happens("evidence", key, 0.25)))
    key = asked["reassessment"].to_numpy()
    requested = asked["reassessed"].to_numpy() - 1 - chance.pick("evidence.before", key, 10)
    received = np.where(
        chance.happens("evidence.received", key, 0.78),
        requested + 3 + chance.pick("evidence.days", key, 15),
        NEVER,
    )
    side = np.where(chance.happens("evidence.side", key, 0.6), "dcp_to_prosecutor", "sampler_to_dcp")
    accepted = chance.happens("evidence.accepted", key, 0.75)
    return asked.select("iqa").with_columns(
        request=pl.Series(key),
        side=pl.Series(side),
        requested=pl.Series(requested),
        due=pl.Series(requested + 14),
        received=pl.Series(received),
        document=texts.picked(chance, "evidence.document", key, _DOCUMENTS),
        is_accepted=pl.Series(accepted),
    )


def governance(chance: Chance, quarter: Quarter, quarters: int) -> pl.DataFrame:
    """Two boards or messages per Area in one quarter: item, body, area, held, theme, decision."""
    bodies = ["CQB", "CQB", "CQC", "APR", "ODG", "LSIP", "BRIEFING", "COMMUNICATION"]
    codes = catalogue.themes()["theme_code"].to_list()
    areas = np.repeat(np.arange(len(catalogue.AREAS)), 2)
    turn = np.tile(np.arange(2), len(catalogue.AREAS))
    key = (quarter.number * 100 + areas) * 2 + turn
    body = np.array(bodies)[np.where(turn == 0, 0, chance.pick("board.body", key, len(bodies)))]
    theme = np.array(codes, dtype=object)[chance.pick("board.theme", key, len(codes))]
    for area, code, last_quarters, _ in texts.EMERGING:
        # The West Midlands board never takes up its own rising theme; the others do.
        if area not in ("ALL", "WM"):
            since = max(0, quarters - 1 - last_quarters)
            rows = (areas == catalogue.AREAS.index(area)) & (turn == 0) & (quarter.number >= since)
            theme = np.where(rows, code, theme)
    silent = chance.happens("board.silent", key, 0.2) & (turn == 1)
    days = quarter.working_days
    held = days[chance.pick("board.day", key, len(days))]
    return pl.DataFrame(
        {
            "item": key,
            "body": body,
            "area": areas,
            "held": held,
            "theme": pl.Series(np.where(silent, "", theme).tolist(), dtype=pl.String).replace("", None),
            "decision": texts.picked(chance, "board.decision", key, texts.DECISIONS),
        }
    )
