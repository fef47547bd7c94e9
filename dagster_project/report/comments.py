"""Sections on what comments say: themes that emerge or persist, good practice, the quality of comments and
actions.

Here: themes and the measures Q, T and X. Not here: any comment; free text never leaves the secure zone,
themes do. The trap: a theme's rate is over assessments with a comment in its category, not over all
assessments.
"""

from collections.abc import Sequence

from dagster_project.report import charts
from dagster_project.report.blocks import Chart, Passage, Section, Table, numbers_from
from dagster_project.report.figures import NATIONAL, Figures
from dagster_project.report.values import (
    NOT_AVAILABLE,
    WITHHELD,
    Row,
    code_words,
    counted,
    listed,
    number,
    percent,
    sentence_case,
    span,
)

_COMMON_SHOWN = 8
_GOOD_SHOWN = 6
# (metric id, what it is for a reader, column of a median where that is the figure)
_MEASURES = (
    ("Q1", "Answers below the top mark that have a comment", None),
    ("Q3", "Comments that say something of substance", None),
    ("Q4", "Comments that name a document, date or legal test", None),
    ("Q5", "Comments used again word for word", None),
    ("Q6", "Comments with a finding and a next step", None),
    ("Q8", "Closed assessments with a recorded conversation", None),
    ("H5", "Assessments with good practice noted", None),
    ("T4", "Closed assessments with feedback from the prosecutor", None),
    ("X1", "Issues flagged that have an action", None),
    ("X2", "Actions done by the date they were due", None),
    ("X4", "Closed actions with a recorded follow-up", None),
    ("T2", "Median days from assessment to closing", "t2_median_days"),
)


def themes_section(figures: Figures, area_code: str) -> Section:
    """Emerging and persistent themes, the most common ones, and good practice."""
    blocks: list[Chart | Passage] = []
    quarter = figures.themes(area_code, "quarter")
    year = figures.themes(area_code, "rolling_12m")
    if quarter and figures.latest_quarter is not None:
        blocks.append(_emerging(quarter, span(*figures.latest_quarter)))
        if area_code != NATIONAL:
            blocks.append(_persistent(quarter))
    source = year or quarter
    if source:
        period = span(source[0]["period_start"], source[0]["period_end"])
        blocks += _common(
            [row for row in source if not row["is_good_practice"]],
            "themes-common-chart",
            f"The most common issues, {period}",
            "issue",
            _COMMON_SHOWN,
        )
        blocks += _common(
            [row for row in source if row["is_good_practice"]],
            "good-practice-chart",
            f"Good practice to share, {period}",
            "kind of good practice",
            _GOOD_SHOWN,
        )
    return Section(
        "themes",
        "What do the comments say?",
        "Assessors' comments are matched with patterns, one for each theme. A rate is the share of "
        "assessments with "
        "a comment in the category that raise the theme at least once.",
        blocks or [Passage("themes-none", "No figures", ["This release holds no themes for this section."])],
    )


def _emerging(rows: Sequence[Row], period: str) -> Passage:
    found = [row for row in rows if row["is_emerging"]]
    names = [f"{row['theme_name']} ({code_words(row['question_category'])})" for row in found]
    if found:
        verb = "is" if len(found) == 1 else "are"
        first = f"{sentence_case(counted(len(found), 'theme'))} {verb} emerging in {period}: {listed(names)}."
    else:
        first = f"No theme is emerging in {period}."
    return Passage(
        "emerging",
        f"Emerging themes, {period}",
        [
            first,
            "A theme is emerging when it comes up clearly more often than over the four quarters before, "
            "with several prosecutors and assessors, and not through one assessor alone.",
        ],
        Table(
            f"Emerging themes, {period}",
            [
                "Theme",
                "Category",
                "Assessments (%)",
                "95% interval",
                "Assessments",
                "With a comment",
                "Four quarters before (%)",
                "Taken up by a board",
            ],
            [
                [
                    sentence_case(row["theme_name"] or ""),
                    sentence_case(code_words(row["question_category"])),
                    row.percent("theme_rate"),
                    row.interval("low", "high"),
                    row.count("iqas_with_theme"),
                    row.count("iqas_eligible"),
                    row.percent("baseline_rate"),
                    "Not due yet"
                    if row["in_governance"] is None and not row.is_withheld("in_governance")
                    else row.absence("in_governance")
                    if row["in_governance"] is None
                    else "Yes"
                    if row["in_governance"]
                    else "No",
                ]
                for row in found
            ],
            frozenset({2, 3, 4, 5, 6}),
        )
        if found
        else None,
    )


def _persistent(rows: Sequence[Row]) -> Passage:
    found = [row for row in rows if row["is_persistent"]]
    names = [f"{row['theme_name']} ({code_words(row['question_category'])})" for row in found]
    said = (
        f"Raised clearly more often than in the nation in at least three of the last four quarters: "
        f"{listed(names)}."
        if found
        else "No theme was raised clearly more often than in the nation in three of the last four quarters."
    )
    return Passage("persistent", "Persistent themes", [said])


def _common(rows: Sequence[Row], chart_id: str, heading: str, noun: str, shown: int) -> list[Chart | Passage]:
    known = [row for row in rows if row["theme_rate"] is not None]
    known.sort(key=lambda row: (-row["theme_rate"], row["question_category"], row["theme_code"]))
    drawn = [row for row in known if row["iqas_with_theme"]][:shown]
    hidden = sum(row.is_withheld("theme_rate") for row in rows)
    plural = "kinds of good practice" if noun.startswith("kind") else "issues"
    if not drawn:
        return [Passage(f"{chart_id}-none", heading, [f"No figures are published on {plural} here."])]
    first = drawn[0]
    level = [row for row in drawn if row["theme_rate"] == first["theme_rate"]]
    named = listed([f"{row['theme_name']} ({code_words(row['question_category'])})" for row in level])
    if len(level) == 1:
        finding = (
            f"The most common {noun} is {named}:"
            f" {first.count('iqas_with_theme')} of {first.count('iqas_eligible')} assessments with a comment "
            f"in the"
            f" category ({percent(first['theme_rate'])}, 95% interval {first.interval('low', 'high')})."
        )
    else:
        finding = (
            f"The most common {plural} are {named}: each in {percent(first['theme_rate'])} of the"
            " assessments with a comment in the category."
        )
    if hidden:
        finding += f" {sentence_case(counted(hidden, 'rate'))} {'is' if hidden == 1 else 'are'} withheld."
    return [
        Chart(
            chart_id=chart_id,
            heading=heading,
            finding=finding,
            drawing=charts.forest(
                [
                    charts.Estimate(
                        f"{sentence_case(row['theme_name'] or '')} ({code_words(row['question_category'])})",
                        row["theme_rate"],
                        row["low"],
                        row["high"],
                        row.percent("theme_rate"),
                    )
                    for row in drawn
                ],
                alt=f"Plot of rates with intervals. {finding}",
                chart_id=chart_id,
            ),
            key="Squares are the share of assessments with a comment in the category that raise the theme; "
            f"bars are 95% intervals. The {len(drawn)} with the highest rate are drawn; the table has all "
            "whose rate is published.",
            table=Table(
                heading,
                [
                    "Theme",
                    "Category",
                    "Assessments (%)",
                    "95% interval",
                    "Assessments",
                    "With a comment",
                    "Status",
                ],
                [
                    [
                        sentence_case(row["theme_name"] or ""),
                        sentence_case(code_words(row["question_category"])),
                        row.percent("theme_rate"),
                        row.interval("low", "high"),
                        row.count("iqas_with_theme"),
                        row.count("iqas_eligible"),
                        f"{row.status} {row.marks}".strip(),
                    ]
                    for row in known
                ],
                frozenset({2, 3, 4, 5}),
            ),
        )
    ]


def quality_section(figures: Figures, area_code: str) -> Section:
    """Comments, conversations, feedback and actions over the latest twelve months."""
    row = figures.quality(area_code)
    whole = figures.quality(NATIONAL) if area_code != NATIONAL else None
    blocks: list[Chart | Passage] = []
    if row is not None:
        blocks.append(_quality(row, whole))
    return Section(
        "quality",
        "Are comments useful, and do actions follow?",
        "Required comments, conversations, feedback and actions, counted over the latest twelve months.",
        blocks
        or [Passage("quality-none", "No figures", ["This release holds no figures for this section."])],
    )


def _quality(row: Row, whole: Row | None) -> Passage:
    period = span(row["period_start"], row["period_end"])
    header = ["Measure", "Figure", "Count", "Out of"]
    if whole is not None:
        header.append("England and Wales")
    lines = []
    for metric, words, median in _MEASURES:
        stem = metric.lower()
        line = [f"{words} ({metric})", _figure(row, stem, median)]
        line += [row.count(f"{stem}_num"), row.count(f"{stem}_den")] if median is None else ["[z]", "[z]"]
        if whole is not None:
            line.append(_figure(whole, stem, median))
        lines.append(line)
    sentences = []
    for stem, words in (
        ("q1", "answers below the top mark had a comment"),
        ("x2", "actions due were done in time"),
    ):
        if row[f"{stem}_rate"] is not None:
            sentences.append(
                f"{row.percent(f'{stem}_rate')} of {words} ({row.count(f'{stem}_num')} of"
                f" {row.count(f'{stem}_den')})."
            )
    return Passage(
        "quality-year",
        f"Casework assessments, {period}",
        sentences
        or [f"The figures most asked for are {'withheld' if row['is_suppressed'] else NOT_AVAILABLE}."],
        Table(f"Comments, timeliness and actions, {period}", header, lines, numbers_from(1, len(header))),
    )


def _figure(row: Row, stem: str, median: str | None) -> str:
    if median is None:
        return row.percent(f"{stem}_rate")
    return row.absence(median) if row[median] is None else f"{number(row[median])} days"


def emerging_headline(figures: Figures, area_code: str) -> tuple[str, str] | None:
    """How many themes emerge in the latest quarter, and which; None where the release says nothing of it."""
    rows = figures.themes(area_code, "quarter")
    judged = [row for row in rows if row["is_emerging"] is not None]
    if not judged:
        return (WITHHELD, "") if any(row.is_withheld("is_emerging") for row in rows) else None
    found = [row for row in judged if row["is_emerging"]]
    return str(len(found)), listed([str(row["theme_name"]) for row in found])
