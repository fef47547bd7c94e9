"""Sections on the record itself: what was excluded and why, control totals, what moved since the last
release.

Here: data quality, reconciliation and the comparison with the release that readers had before. Not here: the
rows themselves; those go back to their supplier in error workbooks. The trap: a figure withheld in one of two
releases must not be worked out from the other, so only figures that both publish are compared.
"""

from collections.abc import Sequence

from dagster_project.report.blocks import Chart, Headline, Passage, Section, Table
from dagster_project.report.figures import Figures
from dagster_project.report.values import (
    WITHHELD,
    Row,
    code_words,
    counted,
    number,
    sentence_case,
    span,
)

_MEASURE_WORDS = {
    "iqas_assessed": "assessments done",
    "dips_valid": "valid dip samples",
    "prosecutors_required": "prosecutors required",
}


def excluded_section(figures: Figures, area_code: str) -> Section:
    """Rows that were left out, rows kept with a warning, and control totals that agree or don't."""
    rows = figures.excluded(area_code)
    return Section(
        "excluded",
        "What was left out, and why?",
        "Rows that break a rule are left out and named in an error workbook for their supplier. Others "
        "are kept and "
        "counted as a warning.",
        [*_exclusions(rows), _control_totals(figures, area_code)],
    )


def _exclusions(rows: Sequence[Row]) -> list[Chart | Passage]:
    out = [row for row in rows if row["severity"] == "quarantine"]
    kept = [row for row in rows if row["severity"] == "warn"]
    gone, warned = (sum(row["rows_failed"] or 0 for row in some) for some in (out, kept))
    said = [
        f"{sentence_case(counted(gone, 'row'))} {'was' if gone == 1 else 'were'} left out of the extracts "
        f"for the"
        f" quarters shown, and {counted(warned, 'row')} kept with a warning."
    ]
    if not rows:
        return [Passage("excluded-rows", "Rows left out or kept with a warning", said)]
    return [
        Passage(
            "excluded-rows",
            "Rows left out or kept with a warning",
            said,
            Table(
                "Rows that broke a rule, by rule",
                ["What is wrong", "Extract", "What happened", "Rows", "Who can put it right"],
                [
                    [
                        row.text("rule_description"),
                        sentence_case(code_words(row["dataset"])),
                        "Left out" if row["severity"] == "quarantine" else "Kept with a warning",
                        row.count("rows_failed"),
                        row.text("owner"),
                    ]
                    for row in (*out, *kept)
                ],
                frozenset({3}),
            ),
        )
    ]


def _control_totals(figures: Figures, area_code: str) -> Passage:
    rows = figures.reconciliation(area_code)
    compared = [row for row in rows if row["is_agreed"] is not None]
    differ = [row for row in compared if not row["is_agreed"]]
    hidden = sum(row.is_withheld("is_agreed") for row in rows)
    if not rows:
        said = ["No control total was supplied for the quarters shown."]
    elif not compared:
        said = [
            f"Control totals were supplied; all {len(rows)} comparisons are withheld, because of small "
            f"counts."
        ]
    else:
        verb = "agrees" if len(compared) - len(differ) == 1 else "agree"
        said = [
            f"{number(len(compared) - len(differ))} of {number(len(compared))} published control totals "
            f"{verb} with"
            " the figures."
        ]
        if hidden:
            said.append(f"Another {number(hidden)} can't be shown, because of small counts.")
    return Passage(
        "control-totals",
        "Control totals supplied by Areas",
        said,
        Table(
            "Control totals that differ from the figures",
            ["Quarter", "Area", "Measure", "Type", "Supplied", "Counted", "Difference"],
            [
                [
                    span(row["period_start"], row["period_end"]),
                    row.text("area_name"),
                    sentence_case(_MEASURE_WORDS.get(row["measure"], code_words(row["measure"]))),
                    row.text("assessment_type"),
                    row.count("expected"),
                    row.count("actual"),
                    row.count("difference"),
                ]
                for row in differ
            ],
            frozenset({4, 5, 6}),
        )
        if differ
        else None,
    )


def moved_section(
    now: Sequence[Headline], before: Sequence[Headline], release_id: str, place: str
) -> Section:
    """Headline figures that differ from those of the release that readers had before."""
    then = {headline.key: headline for headline in before}
    same_periods = [
        (headline, then[headline.key])
        for headline in now
        if headline.key in then
        and then[headline.key].period == headline.period
        and WITHHELD not in (headline.value, then[headline.key].value)
    ]
    moved = [
        (new, old)
        for new, old in same_periods
        if (new.value, new.count, new.status) != (old.value, old.count, old.status)
    ]
    new_periods = sum(
        headline.key in then and then[headline.key].period != headline.period for headline in now
    )
    if moved:
        verb = "differs" if len(moved) == 1 else "differ"
        said = [
            f"{sentence_case(counted(len(moved), 'headline figure'))} of {len(same_periods)} {verb} from "
            f"the release"
            f" before this one ({release_id})."
        ]
    else:
        said = [
            f"No headline figure for the same period differs from the release before this one ({release_id})."
        ]
    if new_periods:
        said.append(f"{sentence_case(counted(new_periods, 'headline figure'))} cover a newer period.")
    return Section(
        "moved",
        "What moved since the last release?",
        f"Headline figures of {place} for the same period in both releases. A figure that is withheld in "
        f"either can't "
        "be compared.",
        [
            Passage(
                "moved-figures",
                "Headline figures that differ",
                said,
                Table(
                    "Headline figures that differ from the release before",
                    ["Figure", "Period", "Before", "Now", "Count before", "Count now", "Status now"],
                    [
                        [new.name, new.period, old.value, new.value, old.count, new.count, new.status]
                        for new, old in moved
                    ],
                    frozenset({2, 3}),
                )
                if moved
                else None,
            )
        ],
    )


def status_sentence(figures: Figures, area_code: str) -> str:
    """How many of the quarters shown are verified or revised, in words."""
    rows = figures.quarterly("compliance", area_code) + figures.quarterly("dip_sampling", area_code)
    if not rows:
        return "No figure here has been verified by Operational Assurance."
    verified = sum(row["figure_status"] == "V" for row in rows)
    revised = sum(row["figure_status"] == "R" for row in rows)
    told = (
        f"Operational Assurance has verified {'all' if verified == len(rows) else verified} of the "
        f"{len(rows)} sets"
        " of quarterly figures on this page."
        if verified
        else "Operational Assurance has not verified the figures on this page yet."
    )
    if revised:
        told += f" {revised} of {len(rows)} differ from what was first published and are marked as revised."
    return told


def page_status(figures: Figures, area_code: str) -> str:
    """The word at the head of a page: Verified only if all of its quarterly figures are."""
    rows = figures.quarterly("compliance", area_code) + figures.quarterly("dip_sampling", area_code)
    statuses = {row["figure_status"] for row in rows}
    if statuses == {"V"}:
        return "Verified"
    return "Provisional, with revised figures" if "R" in statuses else "Provisional"
