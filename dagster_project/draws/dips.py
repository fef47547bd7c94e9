"""The dip draw: which assessments of a quarter a senior manager reads, who reads each, and why.

Belongs here: the pure draw over assessments already read. Does not: the warehouse, files, printing. Method,
per Area and assessment type: the requirement less the valid dips there are; then one assessment at a time
from the assessors with fewest dips so far, so that each is reached before any is reached twice; of an
assessor, the assessment with the lowest draw number. The one trap: this spreads over assessors, so an
assessment of someone who assesses little is likelier drawn than one of someone who assesses much.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dagster_project.draws.chance import draw_number, in_draw_order, weighted_rank

# Why an assessment can't be drawn, in the order in which reasons are looked for.
EXCLUSIONS = {
    "withdrawn": "Withdrawn: counts in no figure and adds nothing to the requirement.",
    "dipped": "Validly dipped already: counts towards the requirement.",
    "dipped_late": "Dipped after the freeze: counts towards nothing, but need not be read again.",
    "open": "Still open: adds to the requirement, but there is no finished assessment to read.",
    "no_sampler": "Nobody may read it: everyone in the Area who may dip sample assessed it or is its "
    "subject, or there is nobody.",
}
DipState = Literal["none", "unrecorded", "late", "valid"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """An assessment of the quarter. `dip` is the best dip it has; `unrecorded` has no mark or no comment."""

    iqa_id: str
    area_code: str
    assessment_type: str
    assessor_id: str
    subject_id: str
    status: str
    dip: DipState = "none"


@dataclass(frozen=True)
class DipRules:
    """One dip in `divisor` assessments, rounded by `rounding` (ceil, half_up, floor)."""

    divisor: int = 10
    rounding: str = "ceil"
    include_open: bool = False


@dataclass(frozen=True)
class Choice:
    """A drawn assessment: its place in the draw of its stratum, which dip of its assessor it is, and why."""

    assessment: Assessment
    sampler_id: str
    place: int
    visit: int
    reason: str


@dataclass(frozen=True)
class DipStratum:
    """One Area and assessment type: counts of assessments, and of assessors reached before and after."""

    area_code: str
    assessment_type: str
    assessed: int
    required: int
    dipped: int
    eligible: int
    drawn: int
    assessors: int
    reached_before: int
    reached_after: int

    @property
    def shortfall(self) -> int:
        """What the requirement still lacks when every drawn assessment has been dipped."""
        return max(self.required - self.dipped - self.drawn, 0)


@dataclass(frozen=True)
class DipDraw:
    """What was drawn, per stratum, and why each other assessment could not be."""

    choices: list[Choice]
    strata: list[DipStratum]
    excluded: dict[str, str] = field(default_factory=dict)


def dips_required(assessed: int, rules: DipRules) -> int:
    """Dips due on `assessed` assessments, in integers (metric D1)."""
    if rules.rounding == "half_up":
        return (2 * assessed + rules.divisor) // (2 * rules.divisor)
    if rules.rounding == "floor":
        return assessed // rules.divisor
    return (assessed + rules.divisor - 1) // rules.divisor


def draw_dips(
    assessments: Iterable[Assessment],
    samplers: Mapping[str, Collection[str]],
    seed: int,
    rules: DipRules | None = None,
    widths: Mapping[tuple[str, str], float] | None = None,
) -> DipDraw:
    """Draw what each Area and assessment type still lacks.

    `samplers` maps an Area to those who may read its assessments. `widths`, if given, maps (assessment type,
    assessor) to the width of the assessor's shrunk leniency interval: the wider, the likelier that the
    assessor is reached first. Who has no interval weighs as much as the widest.
    """
    rules = rules or DipRules()
    strata: defaultdict[tuple[str, str], list[Assessment]] = defaultdict(list)
    for assessment in assessments:
        strata[(assessment.area_code, assessment.assessment_type)].append(assessment)
    excluded: dict[str, str] = {}
    drawn: list[tuple[Assessment, int, int, str]] = []
    summaries = []
    for (area, kind), members in sorted(strata.items()):
        readers = samplers.get(area, ())
        reasons = {one.iqa_id: _exclusion(one, readers, rules) for one in members}
        excluded.update({iqa_id: reason for iqa_id, reason in reasons.items() if reason})
        stratum, chosen = _draw_stratum(area, kind, members, reasons, seed, rules, widths)
        summaries.append(stratum)
        drawn.extend(chosen)
    readers_of = _share_out(drawn, samplers, seed)
    choices = [
        Choice(one, readers_of[one.iqa_id], place, visit, reason) for one, place, visit, reason in drawn
    ]
    return DipDraw(choices, summaries, dict(sorted(excluded.items())))


def _exclusion(assessment: Assessment, readers: Collection[str], rules: DipRules) -> str | None:
    if assessment.status == "withdrawn":
        return "withdrawn"
    if assessment.dip == "valid":
        return "dipped"
    if assessment.dip == "late":
        return "dipped_late"
    if assessment.status == "open" and not rules.include_open:
        return "open"
    return None if _eligible_readers(assessment, readers) else "no_sampler"


def _eligible_readers(assessment: Assessment, readers: Collection[str]) -> list[str]:
    return sorted({*readers} - {assessment.assessor_id, assessment.subject_id})


def _draw_stratum(
    area: str,
    kind: str,
    members: list[Assessment],
    reasons: Mapping[str, str | None],
    seed: int,
    rules: DipRules,
    widths: Mapping[tuple[str, str], float] | None,
) -> tuple[DipStratum, list[tuple[Assessment, int, int, str]]]:
    counted = [one for one in members if one.status != "withdrawn"]
    required = dips_required(len(counted), rules)
    dips = Counter(one.assessor_id for one in counted if one.dip == "valid")
    eligible = {one.iqa_id: one for one in counted if reasons[one.iqa_id] is None}
    # Of an assessor, the next to be drawn stands last.
    queues: defaultdict[str, list[str]] = defaultdict(list)
    for iqa_id in reversed(in_draw_order(seed, "dip", eligible)):
        queues[eligible[iqa_id].assessor_id].append(iqa_id)
    weights = _weights(kind, queues, widths)
    dipped = sum(dips.values())
    to_draw = min(max(required - dipped, 0), len(eligible))
    reached_before = len(dips)
    opening = (
        f"{len(counted)} assessed, {required} to be dipped, {dipped} dipped, so {max(required - dipped, 0)} "
        f"to draw of {len(eligible)} that can be."
    )
    found = []
    for place in range(1, to_draw + 1):
        fewest = min(dips[assessor] for assessor, queue in queues.items() if queue)
        waiting = [assessor for assessor, queue in queues.items() if queue and dips[assessor] == fewest]
        assessor = min(
            waiting,
            key=lambda one: (
                weighted_rank(seed, weights[one], "assessor", area, kind, str(fewest), one),
                one,
            ),
        )
        own = len(queues[assessor])
        iqa_id = queues[assessor].pop()
        dips[assessor] += 1
        text = _reason(opening, fewest, len(waiting), own)
        if widths is not None:
            text += f" {_weight_text(weights[assessor], widths.get((kind, assessor)))}"
        found.append((eligible[iqa_id], place, dips[assessor], text))
    stratum = DipStratum(
        area_code=area,
        assessment_type=kind,
        assessed=len(counted),
        required=required,
        dipped=dipped,
        eligible=len(eligible),
        drawn=to_draw,
        assessors=len({one.assessor_id for one in counted}),
        reached_before=reached_before,
        reached_after=sum(count > 0 for count in dips.values()),
    )
    return stratum, found


def _weights(
    kind: str, assessors: Iterable[str], widths: Mapping[tuple[str, str], float] | None
) -> dict[str, float]:
    """Weight of each assessor: 1 for all without `widths`, else the width in units of the widest."""
    if widths is None:
        return dict.fromkeys(assessors, 1.0)
    widest = max((width for (of_kind, _), width in widths.items() if of_kind == kind), default=0.0)
    if widest <= 0:
        return dict.fromkeys(assessors, 1.0)
    # An interval without width would never be drawn; a thousandth leaves it a chance.
    return {one: max(widths.get((kind, one), widest) / widest, 0.001) for one in assessors}


def _reason(opening: str, fewest: int, waiting: int, own: int) -> str:
    if fewest == 0:
        reach = f"Its assessor has no dip yet, as {_others(waiting)}"
    else:
        times = "1 dip" if fewest == 1 else f"{fewest} dips"
        reach = (
            f"Every assessor who can be drawn has {times} or more; its assessor has {times}, "
            f"as {_others(waiting)}"
        )
    only = "it is their only one left" if own == 1 else f"of their {own} left it has the lowest draw number"
    return f"{opening} {reach}; {only}."


def _others(waiting: int) -> str:
    if waiting == 1:
        return "nobody else who can be drawn"
    return f"{waiting - 1} other{'' if waiting == 2 else 's'} who can be drawn"


def _weight_text(weight: float, width: float | None) -> str:
    if width is None:
        return "The assessor has no leniency interval yet and weighs as much as the widest (weight 1.00)."
    return f"The assessor's leniency interval is {100 * width:.1f} points wide (weight {weight:.2f})."


def _share_out(
    drawn: Iterable[tuple[Assessment, int, int, str]], samplers: Mapping[str, Collection[str]], seed: int
) -> dict[str, str]:
    """Who reads what: those with fewest possible readers first, each to the reader with least so far."""
    able = {one.iqa_id: _eligible_readers(one, samplers.get(one.area_code, ())) for one, *_ in drawn}
    area_of = {one.iqa_id: one.area_code for one, *_ in drawn}
    load: Counter[tuple[str, str]] = Counter()
    readers_of = {}
    for iqa_id in sorted(able, key=lambda one: (len(able[one]), draw_number(seed, "reading", one), one)):
        area = area_of[iqa_id]
        reader = min(
            able[iqa_id],
            key=lambda one: (load[(area, one)], draw_number(seed, "reader", area, one), one),
        )
        load[(area, reader)] += 1
        readers_of[iqa_id] = reader
    return readers_of
