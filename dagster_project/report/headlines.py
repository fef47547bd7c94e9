"""The figures at the head of a page: one row each, with interval, count, status and change.

Here: which figures, for the nation and for an Area; of an inspection's few files in one Area only those that
are published. Not here: charts. The trap: a change is worked out from
the stored rates of two periods, never from the rounded ones; where either is withheld there is no change to
show.
"""

from collections.abc import Sequence

from dagster_project.report.blocks import Headline
from dagster_project.report.comments import emerging_headline
from dagster_project.report.figures import NATIONAL, Figures
from dagster_project.report.values import (
    NOT_APPLICABLE,
    Row,
    percent,
    points,
    signed_points,
    span,
)


def headlines(figures: Figures, area_code: str) -> list[Headline]:
    """The headline figures of the nation (`ALL`) or an Area; those the release has rows for."""
    return [
        *_coverage(figures, area_code),
        *_dips(figures, area_code),
        *_advocacy(figures, area_code),
        *_leniency(figures, area_code),
        *_catch(figures, area_code),
        *_themes(figures, area_code),
    ]


def _period(row: Row) -> str:
    return span(row["period_start"], row["period_end"])


def _of(row: Row, numerator: str, denominator: str, what: str) -> str:
    return f"{row.count(numerator)} of {row.count(denominator)} {what}"


def _change(rows: Sequence[Row], column: str) -> str:
    if len(rows) < 2:
        return NOT_APPLICABLE
    last, before = rows[-1], rows[-2]
    for row in (last, before):
        if row[column] is None:
            return row.absence(column)
    return f"{signed_points(last[column] - before[column])} on the quarter before"


def _coverage(figures: Figures, area_code: str) -> list[Headline]:
    rows = figures.quarterly("compliance", area_code)
    found = []
    if rows:
        last = rows[-1]
        found.append(
            Headline(
                "coverage",
                "Prosecutors covered by a casework assessment",
                _period(last),
                last.percent("coverage_rate"),
                last.interval("coverage_low", "coverage_high"),
                _of(last, "prosecutors_covered", "prosecutors_required", "prosecutors"),
                last.status,
                last.marks,
                _change(rows, "coverage_rate"),
                "C2: required prosecutors with at least one assessment in the quarter",
            )
        )
    year = figures.twelve_months("compliance", area_code)
    if year is not None:
        found.append(
            Headline(
                "coverage_12m",
                "The same over twelve months",
                _period(year),
                year.percent("coverage_rate"),
                year.interval("coverage_low", "coverage_high"),
                _of(year, "prosecutors_covered", "prosecutors_required", "prosecutor quarters"),
                year.status,
                year.marks,
                NOT_APPLICABLE,
                "C2: summed over four quarters",
            )
        )
    return found


def _dips(figures: Figures, area_code: str) -> list[Headline]:
    rows = figures.quarterly("dip_sampling", area_code)
    if not rows:
        return []
    last = rows[-1]
    is_national = area_code == NATIONAL
    return [
        Headline(
            "dips",
            "Dip-sample requirement fulfilled",
            _period(last),
            last.percent("fulfilment_rate"),
            NOT_APPLICABLE,
            _of(last, "fulfilment_num", "fulfilment_den", "required dip samples")
            if is_national
            else f"{last.count('dips_valid')} valid, {last.count('dips_required')} required",
            last.status,
            last.marks,
            _change(rows, "fulfilment_rate"),
            "D2: valid dip samples for every one required"
            + (", each Area up to its own requirement" if is_national else ""),
        )
    ]


def _advocacy(figures: Figures, area_code: str) -> list[Headline]:
    years = figures.advocacy_years(area_code)
    row = next((row for row in years if row["capped_den"] is not None or row.is_withheld("capped_den")), None)
    if row is None:
        return []
    return [
        Headline(
            "advocacy",
            "Advocacy assessments done of those required",
            row.text("period_label"),
            row.percent("capped_rate"),
            NOT_APPLICABLE,
            _of(row, "capped_num", "capped_den", "assessments"),
            row.status,
            row.marks,
            NOT_APPLICABLE,
            "C4: the latest complete financial year, nobody above what is required of them",
        )
    ]


def _leniency(figures: Figures, area_code: str) -> list[Headline]:
    if not figures.inspections:
        return []
    inspection = figures.inspections[0]
    dimension = "overall" if area_code == NATIONAL else "area"
    found = []
    for basis, what, metric in (("iqa", "assessments", "L1"), ("answer", "answers", "L2")):
        row = figures.leniency_of(inspection.code, basis, dimension, area_code)
        if row is None or (area_code != NATIONAL and row.is_withheld("lenient_rate")):
            continue
        found.append(
            Headline(
                f"lenient_{basis}",
                f"Overly lenient {what}",
                inspection.name,
                row.percent("lenient_rate"),
                row.interval("lenient_low", "lenient_high"),
                _of(row, "n_lenient", "n_compared", what),
                row.status,
                row.marks,
                NOT_APPLICABLE,
                f"{metric}: marked above the inspector, of those that could be compared",
            )
        )
        if basis == "iqa" and area_code == NATIONAL and row["gap_points"] is not None:
            relative = row.percent("gap_relative")
            found.append(
                Headline(
                    "gap_iqa",
                    "Gap between managers and inspectors",
                    inspection.name,
                    f"{points(row['gap_points'])}; {relative} in relative terms",
                    _gap_interval(row),
                    f"{row.count('n_compared')} assessments",
                    row.status,
                    row.marks,
                    NOT_APPLICABLE,
                    f"L5 and L6: managers {row.percent('rated_score')}, inspectors"
                    f" {row.percent('reference_score')} fully met",
                )
            )
    return found


def _gap_interval(row: Row) -> str:
    if row["gap_points_low"] is None:
        return row.absence("gap_points_low")
    low, high = (points(row[column]) for column in ("gap_points_low", "gap_points_high"))
    said = f"{low.removesuffix(' percentage points')} to {high}"
    if row["gap_relative_low"] is not None:
        said += f"; {percent(row['gap_relative_low'])} to {percent(row['gap_relative_high'])}"
    return said


def _catch(figures: Figures, area_code: str) -> list[Headline]:
    for inspection in figures.inspections:
        for row in figures.dip_catch(inspection.code, area_code):
            if row["basis"] == "iqa" and (area_code == NATIONAL or not row.is_withheld("catch_rate")):
                return [
                    Headline(
                        "catch",
                        "Overly lenient assessments that the dip sample caught",
                        inspection.name,
                        row.percent("catch_rate"),
                        row.interval("catch_low", "catch_high"),
                        _of(row, "n_caught", "n_inspector_lenient", "assessments"),
                        row.status,
                        row.marks,
                        NOT_APPLICABLE,
                        "K1: marked down by the dip sampler too",
                    )
                ]
    return []


def _themes(figures: Figures, area_code: str) -> list[Headline]:
    counted = emerging_headline(figures, area_code)
    rows = figures.themes(area_code, "quarter")
    if counted is None:
        return []
    count, names = counted
    return [
        Headline(
            "emerging",
            "Emerging themes",
            _period(rows[0]),
            count,
            NOT_APPLICABLE,
            names or "none",
            rows[0].status,
            rows[0].marks,
            NOT_APPLICABLE,
            "H3: raised clearly more often than over the four quarters before",
        )
    ]
