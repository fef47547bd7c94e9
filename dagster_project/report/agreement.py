"""Sections on whether marks can be relied on: managers against inspectors, dip samples, unclear questions.

Here: leniency by category and question, what dip samples caught, the questions people read differently. Not
here: who the assessors are; no report has rows of assessors. The trap: "14% better" says nothing without its
unit, so a gap is always given twice, in percentage points and in relative terms.
"""

from collections.abc import Mapping, Sequence

from dagster_project.report import charts
from dagster_project.report.blocks import Chart, Passage, Section, Table, numbers_from
from dagster_project.report.figures import NATIONAL, Figures, Inspection
from dagster_project.report.values import (
    Row,
    code_words,
    counted,
    listed,
    percent,
    points,
    sentence_case,
)

_QUESTIONS_DRAWN = 12
_LENIENCY_HEADER = [
    "Above the inspector (%)",
    "95% interval",
    "Above the inspector",
    "Compared",
    "Gap in percentage points",
    "Gap in relative terms (%)",
    "Status",
]
SYNTHETIC = "synthetic data"


def leniency_section(figures: Figures, area_code: str) -> Section:
    """Managers' marks against those of inspectors."""
    introduction = (
        "Inspectors assess some files again. Where a manager's mark is above the inspector's, it is "
        "called overly "
        "lenient. The gap between the two scores is given in percentage points and in relative terms, "
        "because the "
        "two are easily mistaken for each other."
    )
    if not figures.inspections:
        return Section(
            "leniency",
            "Do managers and inspectors agree?",
            introduction,
            [
                Passage(
                    "leniency-none",
                    "No inspection",
                    ["This release holds no comparison with inspectors' marks."],
                )
            ],
        )
    latest = figures.inspections[0]
    blocks: list[Chart | Passage] = []
    if area_code == NATIONAL:
        blocks.append(_inspections(figures))
        blocks += _categories(figures, latest)
        blocks += _questions(figures, latest)
    else:
        blocks.append(_area(figures, latest, area_code))
    return Section("leniency", "Do managers and inspectors agree?", introduction, blocks)


def leniency_sentence(row: Row, what: str) -> str:
    """`29 of 191 assessments (15.2%, 95% interval ...) were marked above the inspector.`"""
    if row["lenient_rate"] is None:
        return f"The share of {what} marked above the inspector is withheld or not available."
    interval = row.interval("lenient_low", "lenient_high")
    told = f", 95% interval {interval}" if "%" in interval else ""
    return (
        f"{row.count('n_lenient')} of {row.count('n_compared')} {what} "
        f"({percent(row['lenient_rate'])}{told}) were"
        " marked above the inspector."
    )


def gap_sentence(row: Row) -> str:
    """The gap in both units, as the mart words it, or why there is none."""
    if row["headline"]:
        return sentence_case(f"{row['headline']}.")
    if row.is_withheld("gap_points"):
        return "The gap between the scores is withheld, because small counts could be worked out from it."
    return "There is no gap to give: nothing could be compared."


def _line(row: Row, label: str) -> list[str]:
    return [
        label,
        row.percent("lenient_rate"),
        row.interval("lenient_low", "lenient_high"),
        row.count("n_lenient"),
        row.count("n_compared"),
        row.points("gap_points").removesuffix(" percentage points"),
        row.percent("gap_relative"),
        f"{row.status} {row.marks}".strip(),
    ]


def _inspections(figures: Figures) -> Passage:
    lines = []
    sentences = []
    for place, inspection in enumerate(figures.inspections):
        label = f"{inspection.name} ({SYNTHETIC})" if inspection.is_synthetic else inspection.name
        for basis, what in (("iqa", "assessments"), ("answer", "answers")):
            row = figures.leniency_of(inspection.code, basis, "overall", NATIONAL)
            if row is None:
                continue
            lines.append(_line(row, f"{label}: {what}"))
            if place == 0:
                sentences += [leniency_sentence(row, what), gap_sentence(row)]
    return Passage(
        "leniency-overall",
        f"Overall: {figures.inspections[0].name}",
        sentences or ["No casework assessment was compared."],
        Table(
            "Managers' marks against inspectors' marks, by inspection",
            ["Inspection", *_LENIENCY_HEADER],
            lines,
            numbers_from(1, 7),
        )
        if lines
        else None,
    )


def _categories(figures: Figures, inspection: Inspection) -> list[Chart | Passage]:
    rows = figures.leniency(inspection.code, "answer", "question_category")
    overall = figures.leniency_of(inspection.code, "answer", "overall", NATIONAL)
    if not rows:
        return []
    named = [(row, sentence_case(code_words(row["dimension_value"]))) for row in rows]
    named.sort(key=lambda pair: -1.0 if pair[0]["lenient_rate"] is None else -pair[0]["lenient_rate"])
    heading = f"Answers marked above the inspector, by category, {inspection.name}"
    finding = _extremes_finding(named, "category")
    return [_forest("leniency-category", heading, finding, named, named, overall, "Category")]


def _questions(figures: Figures, inspection: Inspection) -> list[Chart | Passage]:
    rows = figures.leniency(inspection.code, "answer", "question")
    overall = figures.leniency_of(inspection.code, "answer", "overall", NATIONAL)
    named = [(row, f"{row['dimension_value']} {row['dimension_name'] or ''}".strip()) for row in rows]
    known = [pair for pair in named if pair[0]["lenient_rate"] is not None]
    known.sort(key=lambda pair: (-pair[0]["lenient_rate"], pair[1]))
    if not known:
        return []
    drawn = known[:_QUESTIONS_DRAWN]
    heading = f"Answers marked above the inspector, by question, {inspection.name}"
    finding = _extremes_finding(known, "question")
    hidden = len(named) - len(known)
    if len(drawn) < len(known):
        finding += (
            f" The chart shows the {len(drawn)} questions with the highest share; the table has all of them."
        )
    if hidden:
        finding += f" The share is withheld for {counted(hidden, 'question')}."
    return [_forest("leniency-question", heading, finding, drawn, named, overall, "Question")]


def _extremes_finding(named: Sequence[tuple[Row, str]], noun: str) -> str:
    known = [(row, label) for row, label in named if row["lenient_rate"] is not None]
    if not known:
        return f"The share is withheld for every {noun}."
    known = sorted(known, key=lambda pair: (-pair[0]["lenient_rate"], pair[1]))
    (high, high_label), (low, low_label) = known[0], known[-1]

    def told(row: Row) -> str:
        interval = row.interval("lenient_low", "lenient_high")
        return percent(row["lenient_rate"]) + (f", 95% interval {interval}" if "%" in interval else "")

    if len(known) == 1:
        return f"Only one {noun} has a published share: {_short(high_label)} ({told(high)})."
    return (
        f"The share of answers marked above the inspector is highest for {_short(high_label)} "
        f"({told(high)}) and"
        f" lowest for {_short(low_label)} ({told(low)})."
    )


def _short(label: str) -> str:
    is_coded = label[:4].isalnum() and any(character.isdigit() for character in label[:4])
    return f"“{label}”" if is_coded else label[:1].lower() + label[1:]


def _forest(
    chart_id: str,
    heading: str,
    finding: str,
    drawn: Sequence[tuple[Row, str]],
    listed_rows: Sequence[tuple[Row, str]],
    overall: Row | None,
    first: str,
) -> Chart:
    reference = overall["lenient_rate"] if overall is not None else None
    return Chart(
        chart_id=f"{chart_id}-chart",
        heading=heading,
        finding=finding,
        drawing=charts.forest(
            [
                charts.Estimate(
                    label,
                    row["lenient_rate"],
                    row["lenient_low"],
                    row["lenient_high"],
                    row.percent("lenient_rate"),
                )
                for row, label in drawn
            ],
            alt=f"Forest plot. {finding}",
            chart_id=f"{chart_id}-chart",
            reference=reference,
            reference_text="" if reference is None else f"All answers: {percent(reference)}",
        ),
        key="Squares are the share of compared answers that the manager marked above the inspector. "
        "Bars are 95% "
        "intervals that allow for answers of one assessment being alike. The table has the gap between "
        "the scores "
        "in both units.",
        table=Table(
            heading,
            [first, *_LENIENCY_HEADER],
            [_line(row, label) for row, label in listed_rows],
            numbers_from(1, 7),
        ),
    )


def _area(figures: Figures, inspection: Inspection, area_code: str) -> Passage:
    heading = f"Managers and inspectors: {inspection.name}"
    own = figures.leniency_of(inspection.code, "answer", "area", area_code)
    whole = figures.leniency_of(inspection.code, "answer", "overall", NATIONAL)
    if own is None:
        return Passage("leniency-area", heading, ["This Area was not part of the inspection."])
    lines = [_line(own, f"{own['dimension_name']}: answers")]
    rated = figures.leniency_of(inspection.code, "iqa", "area", area_code)
    if rated is not None:
        lines.append(_line(rated, f"{own['dimension_name']}: assessments"))
    if whole is not None:
        lines.append(_line(whole, "All Areas: answers"))
    sentences = [leniency_sentence(own, "answers"), gap_sentence(own)]
    if inspection.is_synthetic:
        sentences.append("The inspection is made up: synthetic data.")
    sentences.append(
        "A few files of one Area can't carry figures by category or question: the national page has them."
    )
    return Passage(
        "leniency-area",
        heading,
        sentences,
        Table(
            "Managers' marks against inspectors' marks",
            ["Compared", *_LENIENCY_HEADER],
            lines,
            numbers_from(1, 7),
        ),
    )


def catch_section(figures: Figures, area_code: str) -> Section:
    """What dip samples found of what inspectors found."""
    blocks: list[Chart | Passage] = []
    for inspection in figures.inspections:
        rows = figures.dip_catch(inspection.code, area_code)
        if rows:
            blocks.append(_catch(inspection, rows))
            break
    return Section(
        "dip-catch",
        "Do dip samples catch lenient marks?",
        "Where an assessment has the marks of a manager, a dip sampler and an inspector, it can be seen "
        "whether the "
        "dip sample found what the inspector found.",
        blocks or [Passage("catch-none", "No figures", ["No assessment here has the marks of all three."])],
    )


def _catch(inspection: Inspection, rows: Sequence[Row]) -> Passage:
    heading = f"Caught by the dip sample: {inspection.name}"
    if all(row.is_withheld("catch_rate") for row in rows):
        return Passage(
            "catch", heading, ["The figures are withheld, because small counts stand behind them."]
        )
    sentences = []
    lines = []
    for row in rows:
        what = "assessments" if row["basis"] == "iqa" else "answers"
        if row["catch_rate"] is not None:
            sentences.append(
                f"Of {row.count('n_inspector_lenient')} {what} that the inspector found overly lenient, "
                f"the dip"
                f" sampler had marked down {row.count('n_caught')} ({row.percent('catch_rate')}, 95% interval"
                f" {row.interval('catch_low', 'catch_high')})."
            )
        else:
            reason = "withheld" if row.is_withheld("catch_rate") else "not available"
            sentences.append(f"The share caught is {reason} for {what}.")
        lines.append(
            [
                sentence_case(what),
                row.count("n_triple"),
                row.count("n_inspector_lenient"),
                row.count("n_caught"),
                row.percent("catch_rate"),
                row.interval("catch_low", "catch_high"),
                row.percent("rubber_stamp_rate"),
                row.percent("false_alarm_rate"),
                row.percent("residual_leniency"),
            ]
        )
    return Passage(
        "catch",
        heading,
        sentences,
        Table(
            "Manager, dip sampler and inspector on the same files",
            [
                "Basis",
                "With all three marks",
                "Overly lenient",
                "Caught",
                "Caught (%)",
                "95% interval",
                "Left as they were (%)",
                "False alarms (%)",
                "Leniency that is left (%)",
            ],
            lines,
            numbers_from(1, 9),
        ),
    )


def ambiguity_section(figures: Figures) -> Section:
    """The five questions on which managers and inspectors agree least."""
    blocks: list[Chart | Passage] = []
    if figures.inspections:
        inspection = figures.inspections[0]
        rows = figures.questions(inspection.code)
        if rows:
            blocks.append(_ambiguity(inspection, rows, figures.reason_names))
    return Section(
        "ambiguity",
        "Which questions do people read differently?",
        "A question on which managers and inspectors often disagree may need better wording or guidance. "
        "At least "
        "30 answers have to be compared before a question is placed.",
        blocks
        or [Passage("ambiguity-none", "No figures", ["This release holds no comparison by question."])],
    )


def _ambiguity(inspection: Inspection, rows: Sequence[Row], reasons: Mapping[str, str]) -> Passage:
    worst = sorted(
        (row for row in rows if row["ambiguity_rank"] is not None and row["ambiguity_rank"] <= 5),
        key=lambda row: row["ambiguity_rank"],
    )
    placed = {row["ambiguity_rank"] for row in worst}
    absent = [str(rank) for rank in range(1, 6) if rank not in placed]
    has_withheld = any(row.is_withheld("ambiguity_rank") for row in rows)
    sentences = []
    if worst:
        first = worst[0]
        sentences.append(
            f"Of the five questions with the least agreement, {first['question_code']} stands in place"
            f" {first['ambiguity_rank']}: manager and inspector gave the same mark in"
            f" {first.percent('agreement_rate')} of {first.count('n_compared')} answers."
        )
    if absent and has_withheld:
        noun = "place" if len(absent) == 1 else "places"
        sentences.append(
            f"Who stands in {noun} {listed(absent)} is withheld, because small counts could be worked out "
            f"from the"
            " agreement of those questions."
        )
    elif not worst:
        sentences.append("No question has 30 compared answers.")
    return Passage(
        "ambiguity-worst",
        f"The five questions with the least agreement: {inspection.name}",
        sentences,
        Table(
            "Questions with the least agreement between manager and inspector",
            [
                "Question",
                "Place",
                "Category",
                "Same mark (%)",
                "95% interval",
                "AC1",
                "Compared",
                "Marked above",
                "Marked below",
                "Inspectors' reasons",
            ],
            [
                [
                    f"{row['question_code']} {row['question_text'] or ''}".strip(),
                    str(row["ambiguity_rank"]),
                    sentence_case(code_words(row["question_category"] or "")),
                    row.percent("agreement_rate"),
                    row.interval("agreement_low", "agreement_high"),
                    row.absence("ac1") if row["ac1"] is None else f"{row['ac1']:.2f}",
                    row.count("n_compared"),
                    row.count("n_lenient"),
                    row.count("n_harsh"),
                    _reasons(row, reasons),
                ]
                for row in worst
            ],
            frozenset({1, 3, 4, 5, 6, 7, 8}),
        )
        if worst
        else None,
    )


def _reasons(row: Row, names: Mapping[str, str]) -> str:
    codes = row["reason_codes"]
    if not codes:
        return row.absence("reason_codes")
    return "; ".join(names.get(code, code) for code in codes.split(";"))


def gap_in_both_units(row: Row) -> str:
    """`9.4 percentage points, 12.5% in relative terms`, or the shorthand."""
    if row["gap_points"] is None:
        return row.absence("gap_points")
    relative = "" if row["gap_relative"] is None else f", {percent(row['gap_relative'])} in relative terms"
    return f"{points(row['gap_points'])}{relative}"
