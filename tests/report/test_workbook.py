"""The accessible workbook: each cell is the figure of the mart, and the published checklist holds."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.report.building import build_report
from tests.report.conftest import Made
from tests.report.made_release import QUARTERS, made_tables, withhold, write_release
from tests.report.reading import Book, read_book, table_of

FIRST_HEADINGS = {
    "Area",
    "Period",
    "Inspection",
    "Sample",
    "Comparison",
    "Figure",
    "Financial year",
    "Metric",
}


@pytest.fixture(scope="module")
def book(made: Made) -> Book:
    return read_book(made.report / "iqa_tables.xlsx")


def rows_of(release: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as marts:
        cursor = marts.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def as_stored(value: Any) -> Any:
    """A spreadsheet keeps sixteen significant digits of a number."""
    return pytest.approx(value, rel=1e-14) if isinstance(value, float) else value


def test_compliance_equals_the_mart_cell_by_cell(made: Made, book: Book) -> None:
    columns = {
        "Area": "area_name",
        "Coverage (%)": "coverage_rate",
        "Coverage, lower end of interval (%)": "coverage_low",
        "Coverage, upper end of interval (%)": "coverage_high",
        "Prosecutors covered": "prosecutors_covered",
        "Prosecutors required": "prosecutors_required",
        "Assessments done": "iqas_assessed",
        "Assessments required": "iqas_required",
        "Assessments done for each required": "volume_ratio",
        "Share of assessments selected for a theme (%)": "themed_share",
    }
    for sheet, period_type in (("compliance_quarter", "quarter"), ("compliance_year", "rolling_12m")):
        shown = table_of(book.sheets[sheet], "Period")
        expected = rows_of(
            made.release,
            "select * from compliance where assessment_type = 'casework' and policy = 'half'"
            f" and period_type = '{period_type}' order by period_start, area_code <> 'ALL', area_name",
        )
        assert len(shown) == len(expected) > 0
        for row, mart in zip(shown, expected, strict=True):
            for heading, column in columns.items():
                assert row[heading] == as_stored(mart[column]), f"{sheet}: {heading}"
            assert row["Status"] == "Provisional [p]"


@pytest.mark.parametrize(
    ("sheet", "first", "columns", "query"),
    [
        (
            "dips_quarter",
            "Period",
            {"Dip samples required": "dips_required", "Valid dip samples": "dips_valid"}
            | {"Fulfilment (%)": "fulfilment_rate", "Assessments with a valid dip sample (%)": "raw_rate"},
            "select * from dip_sampling where period_type = 'quarter'"
            " order by period_start, area_code <> 'ALL', area_name, assessment_type",
        ),
        (
            "leniency_question",
            "Sample",
            {"Code": "dimension_value", "Compared": "n_compared", "Marked above": "n_lenient"}
            | {"Marked above (%)": "lenient_rate", "Gap in relative terms (%)": "gap_relative"},
            "select * from leniency where dimension = 'question' order by dimension_value",
        ),
        (
            "question_agreement",
            "Inspection",
            {"Question": "question_code", "Same mark": "n_agree", "Same mark (%)": "agreement_rate"},
            "select * from question_quality order by question_code",
        ),
        (
            "dip_catch",
            "Sample",
            {"Caught": "n_caught", "Caught (%)": "catch_rate", "False alarms (%)": "false_alarm_rate"},
            "select * from dip_catch order by area_code <> 'ALL', area_name, basis",
        ),
        (
            "themes_national",
            "Period",
            {"Assessments with the theme": "iqas_with_theme", "Rate (%)": "theme_rate"},
            "select * from themes where area_code = 'ALL'"
            " order by period_start desc, question_category, theme_code",
        ),
        (
            "control_charts",
            "Figure",
            {"Value": "value", "Mean": "centre_line", "Lower limit": "limit_low"},
            "select * from control_charts where area_code = 'ALL' order by month",
        ),
        (
            "funnel",
            "Figure",
            {"Cases": "n", "Numerator": "value_num", "Rate (%)": "value"},
            "select * from funnel_limits where row_kind = 'area' order by metric, area_name",
        ),
        (
            "control_totals",
            "Period",
            {"Supplied": "expected", "Counted": "actual", "Difference": "difference"},
            "select * from reconciliation order by area_name",
        ),
    ],
)
def test_other_sheets_equal_their_marts(
    made: Made, book: Book, sheet: str, first: str, columns: dict[str, str], query: str
) -> None:
    shown = table_of(book.sheets[sheet], first)
    expected = rows_of(made.release, query)
    assert len(shown) == len(expected) > 0
    for row, mart in zip(shown, expected, strict=True):
        for heading, column in columns.items():
            assert row[heading] == as_stored(mart[column]), heading


def test_gaps_stand_in_both_units(book: Book) -> None:
    row = table_of(book.sheets["leniency"], "Comparison")[1]
    assert row["Gap (percentage points)"] == pytest.approx(10.7)
    assert row["Gap in relative terms (%)"] == pytest.approx(0.142857)


def test_a_withheld_figure_is_marked_and_no_cell_is_empty(tmp_path: Path) -> None:
    tables = made_tables()
    row = next(
        row
        for row in tables["compliance"]
        if row["area_code"] == "NE" and row["period_start"] == QUARTERS[0][0] and row["policy"] == "half"
    )
    withhold(row, "prosecutors_covered", "coverage_rate", "coverage_low", "coverage_high")
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    shown = table_of(
        read_book(tmp_path / "report" / "iqa_tables.xlsx").sheets["compliance_quarter"], "Period"
    )
    marked = next(row for row in shown if row["Area"] == "North East")
    assert marked["Coverage (%)"] == marked["Prosecutors covered"] == "[c]"
    assert marked["Prosecutors required"] == 33


def test_a_control_total_for_a_quarter_without_figures_is_shown_with_its_first_day(tmp_path: Path) -> None:
    tables = made_tables()
    tables["reconciliation"] = list(tables["reconciliation"])
    tables["reconciliation"][0] |= {
        "period_label": None,
        "period_start": date(2026, 1, 1),
        "period_end": None,
        "actual": None,
        "difference": None,
        "is_agreed": None,
        "null_reason": "actual:unknown_period;difference:unknown_period;is_agreed:unknown_period;"
        "period_end:unknown_period;period_label:unknown_period",
    }
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    shown = table_of(read_book(tmp_path / "report" / "iqa_tables.xlsx").sheets["control_totals"], "Period")
    row = next(row for row in shown if row["Period"] == "1 January 2026")
    assert row["Supplied"] == 40
    assert row["Counted"] == row["Agreed"] == "[x]"


def test_the_checklist_for_accessible_spreadsheets_holds(book: Book) -> None:
    names = list(book.sheets)
    assert names[:3] == ["cover", "contents", "notes"]
    assert len(names) == len(set(names)) and all(len(name) <= 31 for name in names)
    for name, cells in book.sheets.items():
        xml = book.xml[name]
        assert "<mergeCell" not in xml, f"{name} has merged cells"
        assert "<pane" not in xml, f"{name} has frozen panes"
        assert 'hidden="1"' not in xml, f"{name} hides something"
        assert cells.get((0, 0)), f"{name} has no title in its first cell"
        rows = {row for row, _ in cells}
        assert rows == set(range(max(rows) + 1)), f"{name} has an empty row"
        if name == "cover":
            continue
        assert xml.count("<tablePart ") == 1, f"{name} has not one marked-up table"
        top = min(row for row, column in cells if column == 1)
        headings = {column for row, column in cells if row == top}
        assert headings == set(range(len(headings))), f"{name} has a column without a heading"
        for row in range(top, max(rows) + 1):
            assert {column for at, column in cells if at == row} == headings, f"{name} has an empty cell"


def test_the_contents_lead_to_every_sheet(book: Book) -> None:
    listed = [row["Sheet name"] for row in table_of(book.sheets["contents"], "Sheet name")]
    assert listed == list(book.sheets)[3:]


def test_notes_that_sheets_refer_to_are_there_and_only_those(book: Book) -> None:
    notes = table_of(book.sheets["notes"], "Note number")
    titles = [str(cells[0, 0]) for cells in book.sheets.values()]
    for number in range(1, len(notes) + 1):
        assert any(f"[note {number}]" in title for title in titles)
    assert not any(f"[note {len(notes) + 1}]" in title for title in titles)
    assert all(len(str(note["Note text"])) > 20 for note in notes)


def test_every_sheet_says_that_the_data_is_synthetic(book: Book) -> None:
    for name, cells in book.sheets.items():
        if name not in ("contents", "notes"):
            assert any("Synthetic data" in str(value) for value in cells.values()), name


def test_shorthand_is_explained_on_the_cover(book: Book) -> None:
    text = " ".join(str(value) for value in book.sheets["cover"].values())
    for mark in ("[c]", "[x]", "[z]", "[p]", "[r]", "[u]"):
        assert f"{mark} means" in text


def test_a_text_that_looks_like_a_formula_or_a_link_stays_a_text(tmp_path: Path) -> None:
    tables = made_tables(NE="=1+1 Area", WM="http://example.invalid West")
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    book = read_book(tmp_path / "report" / "iqa_tables.xlsx")
    assert "<f>" not in book.xml["compliance_quarter"]
    shown = {row["Area"] for row in table_of(book.sheets["compliance_quarter"], "Period")}
    assert shown == {"England and Wales", "=1+1 Area", "http://example.invalid West"}
