"""The tables of the accessible workbook: which rows and columns of which mart, under which heading.

Here: the list of sheets and the cell that each figure becomes. Not here: how a sheet is written
(`workbook.py`). The trap: an empty cell tells a screen reader nothing. Where there is no figure, the
shorthand says why; the figures themselves are unrounded, and only shown with one decimal.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from dagster_project.report.figures import Figures
from dagster_project.report.values import (
    STATUS_MARKS,
    Row,
    code_words,
    long_date,
    month_name,
    sentence_case,
    span,
)

Kind = Literal[
    "text", "words", "count", "rate", "points", "number", "p", "flag", "date", "month", "period", "status"
]
Cell = str | int | float


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its heading, the mart's column and what kind of value it is."""

    heading: str
    column: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Sheet:
    """A table: `name` is the sheet's and the table's, `notes` are keys of `NOTES`."""

    name: str
    title: str
    mart: str
    columns: Sequence[Column]
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()

    @property
    def cells(self) -> list[list[Cell]]:
        """The cells below the headings, row by row."""
        return [[_CELLS[column.kind](row, column.column) for column in self.columns] for row in self.rows]


NOTES = {
    "policy": "An assessment is required of a prosecutor who was available for at least half of the "
    "quarter's days "
    "(policy half). The sheet coverage_policy shows two other readings of the requirement beside it.",
    "interval": "95% intervals show how far a figure may lie from the underlying rate by chance. For "
    "answers they "
    "allow for answers of one assessment being alike.",
    "national_dips": "For the nation no Area and quarter counts for more than its own requirement.",
    "gap": "The gap between the scores is given in percentage points and in relative terms. The two must "
    "not be "
    "mistaken for each other: 85.6% against 74.9% is 10.7 percentage points, and 14.3% in relative terms.",
    "themes": "The rate is over assessments with a comment in the category, not over all assessments.",
    "funnel": "An Area inside the limits is not shown to differ from the others. Areas are not ranked.",
    "control": "Months that are neither outside the limits nor part of a run or trend call for no "
    "explanation.",
    "excluded": "Rows with the severity quarantine were left out; rows with the severity warn were kept.",
}

_PLACE = (Column("Area", "area_name"),)
_PERIOD = (Column("Period", "period_start", "period"),)
_STATUS = (Column("Status", "figure_status", "status"), Column("Reliability", "reliability"))
_COMPLIANCE = (
    *_PERIOD,
    *_PLACE,
    Column("Coverage (%)", "coverage_rate", "rate"),
    Column("Coverage, lower end of interval (%)", "coverage_low", "rate"),
    Column("Coverage, upper end of interval (%)", "coverage_high", "rate"),
    Column("Prosecutors covered", "prosecutors_covered", "count"),
    Column("Prosecutors required", "prosecutors_required", "count"),
    Column("Assessments done", "iqas_assessed", "count"),
    Column("Assessments required", "iqas_required", "number"),
    Column("Assessments done for each required", "volume_ratio", "number"),
    Column("Prosecutors missed twice running", "missed_twice", "count"),
    Column("Assessors active", "assessors_active", "count"),
    Column("Assessors expected", "assessors_expected", "count"),
    Column("Share of assessments selected for a theme (%)", "themed_share", "rate"),
    Column("Share of assessments closed late (%)", "late_closed_share", "rate"),
    *_STATUS,
)
_DIPS = (
    *_PERIOD,
    *_PLACE,
    Column("Assessment type", "assessment_type"),
    Column("Assessments done", "iqas_assessed", "count"),
    Column("Dip samples required", "dips_required", "count"),
    Column("Valid dip samples", "dips_valid", "count"),
    Column("Dip samples that are not valid", "dips_invalid", "count"),
    Column("Fulfilment (%)", "fulfilment_rate", "rate"),
    Column("Requirement met", "is_met", "flag"),
    Column("Assessments with a valid dip sample (%)", "raw_rate", "rate"),
    Column("Areas that met the requirement", "areas_met", "count"),
    Column("Dip samples marked and commented (%)", "valid_share", "rate"),
    Column("Assessors reached (%)", "assessor_reach_rate", "rate"),
    Column("Median days to the dip sample", "median_lag_days", "number"),
    Column("Dip samples that took another view (%)", "challenge_rate", "rate"),
    *_STATUS,
)
_LENIENCY = (
    Column("Basis", "basis", "words"),
    Column("Examined", "n_examined", "count"),
    Column("Compared", "n_compared", "count"),
    Column("Marked above", "n_lenient", "count"),
    Column("Marked below", "n_harsh", "count"),
    Column("Marked above (%)", "lenient_rate", "rate"),
    Column("Marked above, lower end of interval (%)", "lenient_low", "rate"),
    Column("Marked above, upper end of interval (%)", "lenient_high", "rate"),
    Column("Gap (percentage points)", "gap_points", "points"),
    Column("Gap, lower end of interval (percentage points)", "gap_points_low", "points"),
    Column("Gap, upper end of interval (percentage points)", "gap_points_high", "points"),
    Column("Gap in relative terms (%)", "gap_relative", "rate"),
    Column("Same mark (%)", "agreement_rate", "rate"),
    Column("AC1", "ac1", "p"),
    *_STATUS,
)
_THEMES = (
    *_PERIOD,
    *_PLACE,
    Column("Question category", "question_category", "words"),
    Column("Theme", "theme_name", "words"),
    Column("Good practice", "is_good_practice", "flag"),
    Column("Assessments with the theme", "iqas_with_theme", "count"),
    Column("Assessments with a comment in the category", "iqas_eligible", "count"),
    Column("Rate (%)", "theme_rate", "rate"),
    Column("Rate, lower end of interval (%)", "low", "rate"),
    Column("Rate, upper end of interval (%)", "high", "rate"),
    Column("Rate of the four quarters before (%)", "baseline_rate", "rate"),
    Column("Emerging", "is_emerging", "flag"),
    Column("Persistent", "is_persistent", "flag"),
    Column("Taken up by a board", "in_governance", "flag"),
    *_STATUS,
)
_QUALITY = (
    "q1",
    "q2",
    "q3",
    "q4",
    "q5",
    "q6",
    "q7",
    "q8",
    "q9",
    "q10",
    "t4",
    "t5",
    "x1",
    "x2",
    "x3",
    "x4",
    "x5",
    "x6",
    "h5",
    "h6",
)


def sheets(figures: Figures) -> list[Sheet]:
    """The sheets of the workbook, in order; those for which the release has rows."""
    real = "area_code not in (select area_code from dim_area where is_test)"
    above_unit = f"unit_type = 'ALL' and {real}"
    latest = figures.latest_quarter
    values: dict[str, object] = {"end": latest[1]} if latest else {"end": figures.as_of}
    where = {
        "compliance": f"{above_unit} and assessment_type = 'casework' and policy = $policy",
        "dips": f"{above_unit} and dips_required is not null",
    }
    order = "period_start, area_code <> 'ALL', area_name, assessment_type"
    policy = {"policy": figures.policy}
    found = [
        Sheet(
            "compliance_quarter",
            "Prosecutors covered by a casework assessment, by quarter and Area",
            "compliance",
            _COMPLIANCE,
            figures.rows("compliance", f"{where['compliance']} and period_type = 'quarter'", order, **policy),
            ("policy", "interval"),
        ),
        Sheet(
            "compliance_year",
            "Prosecutors covered by a casework assessment, by twelve months and Area",
            "compliance",
            _COMPLIANCE,
            figures.rows(
                "compliance", f"{where['compliance']} and period_type = 'rolling_12m'", order, **policy
            ),
            ("policy", "interval"),
        ),
        Sheet(
            "coverage_policy",
            "Coverage under three readings of the requirement, latest quarter",
            "compliance",
            (*_PERIOD, *_PLACE, Column("Policy", "policy", "words"), *_COMPLIANCE[2:10], *_STATUS),
            figures.rows(
                "compliance",
                f"{above_unit} and assessment_type = 'casework' and period_type = 'quarter' and "
                f"period_end = $end",
                "area_code <> 'ALL', area_name, policy",
                **values,
            ),
            ("interval",),
        ),
        Sheet(
            "advocacy_year",
            "Advocacy assessments done of those required, by financial year and Area",
            "compliance",
            (
                Column("Financial year", "period_label"),
                *_PLACE,
                Column("Assessments done", "iqas_assessed", "count"),
                Column("Done of those required (%)", "capped_rate", "rate"),
                Column("Done, nobody above what is required", "capped_num", "count"),
                Column("Required", "capped_den", "count"),
                Column("Done of those expected by now (%)", "on_track_rate", "rate"),
                Column("Done of those expected by now", "on_track_num", "count"),
                Column("Expected by now", "on_track_den", "count"),
                *_STATUS,
            ),
            figures.rows(
                "compliance",
                f"{above_unit} and assessment_type = 'advocacy' and period_type = 'financial_year'"
                " and policy = $policy",
                order,
                **policy,
            ),
        ),
        Sheet(
            "dips_quarter",
            "Dip samples, by quarter and Area",
            "dip_sampling",
            _DIPS,
            figures.rows("dip_sampling", f"{where['dips']} and period_type = 'quarter'", order),
            ("national_dips",),
        ),
        Sheet(
            "dips_year",
            "Dip samples, by twelve months and Area",
            "dip_sampling",
            _DIPS,
            figures.rows("dip_sampling", f"{where['dips']} and period_type = 'rolling_12m'", order),
            ("national_dips",),
        ),
        *_leniency_sheets(figures),
        Sheet(
            "dip_catch",
            "What dip samples caught of what inspectors found, by inspection and Area",
            "dip_catch",
            (
                Column("Sample", "sample"),
                *_PLACE,
                Column("Basis", "basis", "words"),
                Column("With all three marks", "n_triple", "count"),
                Column("Overly lenient by the inspector", "n_inspector_lenient", "count"),
                Column("Caught", "n_caught", "count"),
                Column("Caught (%)", "catch_rate", "rate"),
                Column("Caught, lower end of interval (%)", "catch_low", "rate"),
                Column("Caught, upper end of interval (%)", "catch_high", "rate"),
                Column("Left as they were (%)", "rubber_stamp_rate", "rate"),
                Column("False alarms (%)", "false_alarm_rate", "rate"),
                Column("Leniency that is left (%)", "residual_leniency", "rate"),
                *_STATUS,
            ),
            figures.rows(
                "dip_catch",
                f"{above_unit} and assessment_type = 'casework'",
                "sample, area_code <> 'ALL', area_name, basis",
            ),
            ("interval",),
        ),
        Sheet(
            "question_agreement",
            "Agreement of managers and inspectors, by question",
            "question_quality",
            (
                Column("Inspection", "sample"),
                Column("Question", "question_code"),
                Column("Wording", "question_text"),
                Column("Category", "question_category", "words"),
                Column("Compared", "n_compared", "count"),
                Column("Same mark", "n_agree", "count"),
                Column("Same mark (%)", "agreement_rate", "rate"),
                Column("Same mark, lower end of interval (%)", "agreement_low", "rate"),
                Column("Same mark, upper end of interval (%)", "agreement_high", "rate"),
                Column("AC1", "ac1", "p"),
                Column("Place among the least agreed", "ambiguity_rank", "count"),
                *_STATUS,
            ),
            figures.rows(
                "question_quality",
                "comparison = 'manager_v_inspector' and assessment_type = 'casework'",
                "sample, question_code",
            ),
            ("interval",),
        ),
        Sheet(
            "themes_national",
            "Themes in comments on casework, England and Wales, latest quarter and twelve months",
            "themes",
            _THEMES,
            figures.rows(
                "themes",
                "level = 'national' and assessment_type = 'casework' and period_end = $end"
                " and period_type in ('quarter', 'rolling_12m')",
                "period_start desc, question_category, theme_code",
                **values,
            ),
            ("themes", "interval"),
        ),
        Sheet(
            "themes_area",
            "Themes that emerge or persist in an Area, latest quarter",
            "themes",
            _THEMES,
            figures.rows(
                "themes",
                f"level = 'area' and {real} and period_type = 'quarter' and period_end = $end"
                " and assessment_type = 'casework' and (is_emerging or is_persistent)",
                "area_name, question_category, theme_code",
                **values,
            ),
            ("themes", "interval"),
        ),
        _quality_sheet(figures, above_unit, values),
        Sheet(
            "control_charts",
            "Monthly figures with the limits of usual variation, England and Wales",
            "control_charts",
            (
                Column("Figure", "metric_name"),
                Column("Month", "month", "month"),
                Column("Unit", "metric_unit"),
                Column("Value", "value", "p"),
                Column("Mean", "centre_line", "p"),
                Column("Lower limit", "limit_low", "p"),
                Column("Upper limit", "limit_high", "p"),
                Column("Variation", "variation", "words"),
                *_STATUS,
            ),
            figures.rows("control_charts", "level = 'national'", "metric, assessment_type, month"),
            ("control",),
        ),
        Sheet(
            "funnel",
            "Areas against funnel limits, latest twelve months and inspections",
            "funnel_limits",
            (
                Column("Figure", "metric_name"),
                Column("Assessment type", "assessment_type"),
                Column("Sample or period", "sample"),
                *_PLACE,
                Column("Cases", "n", "count"),
                Column("Numerator", "value_num", "count"),
                Column("Rate (%)", "value", "rate"),
                Column("Rate of all Areas (%)", "centre_rate", "rate"),
                Column("Lower 99.8% limit (%)", "adjusted_low_998", "rate"),
                Column("Upper 99.8% limit (%)", "adjusted_high_998", "rate"),
                Column("Place", "adjusted_funnel_place", "words"),
                Column("Flagged", "is_flagged", "flag"),
                *_STATUS,
            ),
            figures.rows(
                "funnel_limits",
                f"row_kind = 'area' and {real} and (period_end is null or period_end = $end)"
                " and (period_type is null or period_type = 'rolling_12m')",
                "metric, assessment_type, sample, area_name",
                **values,
            ),
            ("funnel",),
        ),
        Sheet(
            "data_quality",
            "Rows that broke a rule, England and Wales, by quarter of the event",
            "data_quality",
            (
                Column("Period", "period_label"),
                Column("Extract", "dataset", "words"),
                Column("Rule", "rule_id"),
                Column("What is wrong", "rule_description"),
                Column("Severity", "severity"),
                Column("Dimension", "dimension"),
                Column("Owner", "owner"),
                Column("Rows that failed", "rows_failed", "count"),
                Column("Rows checked", "rows_checked", "count"),
            ),
            figures.rows(
                "data_quality",
                "level = 'national' and rows_failed > 0",
                "period_start, dataset, rule_id, severity",
            ),
            ("excluded",),
        ),
        Sheet(
            "control_totals",
            "Control totals supplied by Areas against the figures",
            "reconciliation",
            (
                *_PERIOD,
                *_PLACE,
                Column("Assessment type", "assessment_type"),
                Column("Measure", "measure", "words"),
                Column("Supplied on", "supplied_on", "date"),
                Column("Supplied", "expected", "number"),
                Column("Counted", "actual", "number"),
                Column("Difference", "difference", "number"),
                Column("Agreed", "is_agreed", "flag"),
            ),
            figures.rows(
                "reconciliation",
                f"level = 'area' and {above_unit}",
                "period_start, area_name, assessment_type, measure",
            ),
        ),
        Sheet(
            "metrics",
            "What each metric means",
            "metric_registry",
            (
                Column("Metric", "metric_id"),
                Column("Name", "metric_name"),
                Column("Meaning", "definition"),
                Column("Numerator", "numerator"),
                Column("Denominator", "denominator"),
                Column("Mart", "mart"),
                Column("Column", "column_name"),
                Column("Owner", "owner"),
            ),
            figures.rows("metric_registry", order="metric_id, mart, metric_name"),
        ),
    ]
    return [sheet for sheet in found if sheet.rows]


def _leniency_sheets(figures: Figures) -> Iterable[Sheet]:
    first = (Column("Comparison", "comparison", "words"), Column("Sample", "sample"))
    yield Sheet(
        "leniency",
        "Marks compared: overall, by comparison and sample",
        "leniency",
        (*first, Column("Assessment type", "assessment_type"), *_LENIENCY),
        figures.rows(
            "leniency",
            "dimension = 'overall' and assessment_type <> 'ALL'",
            "comparison, sample, assessment_type, basis",
        ),
        ("gap", "interval"),
    )
    for dimension, words in (
        ("area", "Area"),
        ("unit_type", "unit type"),
        ("question_category", "question category"),
        ("question", "question"),
    ):
        yield Sheet(
            f"leniency_{dimension}",
            f"Managers' marks against inspectors' marks, casework, by {words}",
            "leniency",
            (
                first[1],
                Column("Code", "dimension_value"),
                Column(sentence_case(words), "dimension_name", "words"),
                *_LENIENCY,
            ),
            figures.rows(
                "leniency",
                "comparison = 'manager_v_inspector' and assessment_type = 'casework' and dimension = "
                "$dimension",
                "sample, basis, dimension_value",
                dimension=dimension,
            ),
            ("gap", "interval"),
        )


def _quality_sheet(figures: Figures, above_unit: str, values: dict[str, object]) -> Sheet:
    """Comments, timeliness and actions, a row for each measure: fifty columns a row would help nobody."""
    names = figures.registry()
    rows = []
    for row in figures.rows(
        "assessment_quality",
        f"{above_unit} and period_type = 'rolling_12m' and period_end = $end and assessment_type = "
        f"'casework'",
        "area_code <> 'ALL', area_name",
        **values,
    ):
        for stem in _QUALITY:
            name = names.get(stem.upper())
            rows.append(
                row.renamed(
                    {part: f"{stem}_{part}" for part in ("num", "den", "rate")},
                    metric_id=stem.upper(),
                    metric_name=name["metric_name"] if name is not None else stem.upper(),
                )
            )
    return Sheet(
        "assessment_quality",
        "Comments, timeliness and actions on casework, latest twelve months, by Area",
        "assessment_quality",
        (
            *_PERIOD,
            *_PLACE,
            Column("Metric", "metric_id"),
            Column("Name", "metric_name"),
            Column("Numerator", "num", "count"),
            Column("Denominator", "den", "count"),
            Column("Rate (%)", "rate", "rate"),
            *_STATUS,
        ),
        rows,
    )


def _value(row: Row, column: str, show: Callable[[Any], Cell]) -> Cell:
    value = row[column]
    return row.absence(column) if value is None else show(value)


def _period(row: Row, column: str) -> Cell:
    start, end = row["period_start"], row["period_end"]
    if start is None:
        return row.absence(column)
    # A control total for a quarter that isn't reported has the day it was supplied with, and no end.
    return long_date(start) if end is None else span(start, end)


def _status(row: Row, column: str) -> Cell:
    return f"{row.status} {STATUS_MARKS.get(row[column] or 'P', '')}".strip()


def _reliability(value: str) -> str:
    return {"low": "Low [u]", "ok": "Sufficient", "suppressed": "Very low [u]"}.get(value, value)


def _day(value: date) -> Cell:
    return long_date(value)


_CELLS: dict[Kind, Callable[[Row, str], Cell]] = {
    "text": lambda row, column: _value(
        row, column, lambda value: _reliability(str(value)) if column == "reliability" else str(value)
    ),
    "words": lambda row, column: _value(row, column, lambda value: sentence_case(code_words(str(value)))),
    "count": lambda row, column: _value(row, column, lambda value: value),
    "rate": lambda row, column: _value(row, column, float),
    "points": lambda row, column: _value(row, column, lambda value: float(value) * 100),
    "number": lambda row, column: _value(row, column, lambda value: value),
    "p": lambda row, column: _value(row, column, lambda value: value),
    "flag": lambda row, column: _value(row, column, lambda value: "Yes" if value else "No"),
    "date": lambda row, column: _value(row, column, _day),
    "month": lambda row, column: _value(row, column, month_name),
    "period": _period,
    "status": _status,
}
