"""The file sample of an inspection in the design of 2024: recent dip-sampled casework, random within.

Belongs here: the pure draw over assessments already read. Method, per Area and unit type: what qualifies, of
it the window of the most recently completed, and of the window the files with the lowest draw numbers. The
one trap: figures from such a sample describe dip-sampled magistrates' and Crown Court casework, nothing more.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dagster_project.draws.chance import draw_number, in_draw_order

# Why an assessment is not in the frame, in the order in which reasons are looked for.
EXCLUSIONS = {
    "withdrawn": "Withdrawn.",
    "other_area": "Not one of the Areas the sample is drawn in.",
    "not_casework": "Not casework: advocacy is largely judged by observation in court.",
    "other_unit": "Not a unit type of the design.",
    "too_early": "Not carried out after the first date of the design.",
    "not_completed": "Not completed: open, or without a closing date.",
    "not_dipped": "Not dip sampled.",
}


@dataclass(frozen=True, slots=True)
class CaseAssessment:
    """An assessment as the design sees it. `is_dipped`: it has a recorded dip, whenever done."""

    iqa_id: str
    area_code: str
    unit_type: str
    assessment_type: str
    status: str
    assessed_on: date
    closed_on: date | None
    is_dipped: bool


@dataclass(frozen=True)
class InspectionRules:
    """Files per unit type, the date after which they were assessed, and the window as a multiple of files."""

    files: Mapping[str, int]
    carried_out_after: date
    window_multiple: int = 2


@dataclass(frozen=True)
class FrameRow:
    """A qualifying assessment; `outcome` is drawn (with place and reason), in_window or outside_window."""

    assessment: CaseAssessment
    outcome: str
    place: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class InspectionStratum:
    """One Area and unit type. The window's dates are the closing dates of its first and last file."""

    area_code: str
    unit_type: str
    planned: int
    qualifying: int
    window: int
    drawn: int
    window_from: date | None
    window_to: date | None

    @property
    def shortfall(self) -> int:
        """Planned files that could not be drawn."""
        return self.planned - self.drawn


@dataclass(frozen=True)
class InspectionDraw:
    """The frame with what became of each row, per stratum, and (Area, unit type, reason) -> excluded."""

    frame: list[FrameRow]
    strata: list[InspectionStratum]
    excluded: dict[tuple[str, str, str], int]

    @property
    def drawn(self) -> list[FrameRow]:
        """The sample, in the order of the draw within each stratum."""
        return [row for row in self.frame if row.outcome == "drawn"]


def qualifying(
    assessments: Iterable[CaseAssessment], areas: Collection[str], rules: InspectionRules
) -> tuple[list[CaseAssessment], dict[tuple[str, str, str], int]]:
    """The frame, in the order of ids, and how many assessments each reason kept out of it."""
    kept = []
    excluded: Counter[tuple[str, str, str]] = Counter()
    for one in assessments:
        reason = _exclusion(one, areas, rules)
        if reason is None:
            kept.append(one)
        else:
            excluded[(one.area_code, one.unit_type, reason)] += 1
    return sorted(kept, key=lambda one: one.iqa_id), dict(sorted(excluded.items()))


def draw_inspection(
    assessments: Iterable[CaseAssessment], areas: Collection[str], seed: int, rules: InspectionRules
) -> InspectionDraw:
    """Draw the files of every Area in `areas` and unit type; an Area without any is a shortfall."""
    frame, excluded = qualifying(assessments, areas, rules)
    members: defaultdict[tuple[str, str], list[CaseAssessment]] = defaultdict(list)
    for one in frame:
        members[(one.area_code, one.unit_type)].append(one)
    rows: list[FrameRow] = []
    strata = []
    for area in sorted(areas):
        for unit, planned in rules.files.items():
            stratum, found = _draw_stratum(area, unit, planned, members[(area, unit)], seed, rules)
            strata.append(stratum)
            rows.extend(found)
    return InspectionDraw(rows, strata, excluded)


def _exclusion(one: CaseAssessment, areas: Collection[str], rules: InspectionRules) -> str | None:
    if one.status == "withdrawn":
        return "withdrawn"
    if one.area_code not in areas:
        return "other_area"
    if one.assessment_type != "casework":
        return "not_casework"
    if one.unit_type not in rules.files:
        return "other_unit"
    if one.assessed_on <= rules.carried_out_after:
        return "too_early"
    if one.status == "open" or one.closed_on is None:
        return "not_completed"
    return None if one.is_dipped else "not_dipped"


def _draw_stratum(
    area: str,
    unit: str,
    planned: int,
    members: list[CaseAssessment],
    seed: int,
    rules: InspectionRules,
) -> tuple[InspectionStratum, list[FrameRow]]:
    # Files closed on the same day at the window's edge: chance decides, by other numbers than the draw's own,
    # which would favour whoever came in that way.
    recent = sorted(
        members,
        key=lambda one: (-_closed(one).toordinal(), draw_number(seed, "window", one.iqa_id), one.iqa_id),
    )
    window, outside = recent[: planned * rules.window_multiple], recent[planned * rules.window_multiple :]
    in_window = {one.iqa_id: one for one in window}
    order = in_draw_order(seed, "inspection", in_window)
    drawn = order[:planned]
    dates = [_closed(one) for one in window]
    stratum = InspectionStratum(
        area_code=area,
        unit_type=unit,
        planned=planned,
        qualifying=len(members),
        window=len(window),
        drawn=len(drawn),
        window_from=min(dates, default=None),
        window_to=max(dates, default=None),
    )
    rows = [
        FrameRow(in_window[iqa_id], "drawn", place, _reason(place, stratum))
        for place, iqa_id in enumerate(drawn, start=1)
    ]
    rows += [FrameRow(in_window[iqa_id], "in_window") for iqa_id in order[planned:]]
    rows += [FrameRow(one, "outside_window") for one in outside]
    return stratum, rows


def _closed(one: CaseAssessment) -> date:
    assert one.closed_on is not None
    return one.closed_on


def _reason(place: int, stratum: InspectionStratum) -> str:
    if stratum.window < stratum.planned:
        return f"All {stratum.window} that qualify are drawn: {stratum.planned} were planned."
    if stratum.window == stratum.drawn:
        return f"All {stratum.drawn} of the window are drawn: no more qualify."
    return (
        f"{stratum.qualifying} qualify; the {stratum.window} most recently completed make the window; "
        f"of these it has the draw number in place {place} of the {stratum.drawn} lowest."
    )
