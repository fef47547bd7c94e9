"""Charts and numbers: whatever the figures, all that is drawn is on the drawing; numbers are half up."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.report import charts
from dagster_project.report.values import Row, number, percent, signed_points, span

RATES = st.floats(min_value=0.0, max_value=1.0, allow_nan=False)


@given(st.lists(st.tuples(RATES, RATES, RATES).map(sorted), min_size=1, max_size=9), st.booleans())
def test_every_point_over_time_is_on_the_drawing(triples: list[list[float]], has_target: bool) -> None:
    points = [
        charts.TimePoint(f"Jul to Sep {2020 + place}", middle, percent(middle), low, high)
        for place, (low, middle, high) in enumerate(triples)
    ]
    drawn = charts.over_time(points, alt="a", chart_id="a", target=1.0 if has_target else None)
    _all_inside(drawn)


@given(st.lists(st.tuples(RATES, RATES, RATES).map(sorted), min_size=1, max_size=12))
def test_every_estimate_of_a_forest_is_on_the_drawing(triples: list[list[float]]) -> None:
    rows = [
        charts.Estimate(f"Question {place}", middle, low, high, percent(middle))
        for place, (low, middle, high) in enumerate(triples)
    ]
    _all_inside(charts.forest(rows, alt="a", chart_id="a", reference=triples[0][1]))


@given(st.lists(st.tuples(st.integers(1, 5000), RATES), min_size=1, max_size=16))
def test_every_area_of_a_funnel_is_on_the_drawing(areas: list[tuple[int, float]]) -> None:
    points = [charts.FunnelPoint(f"Area {n}", n, value, "outside_95") for n, value in areas]
    limits = [charts.FunnelLimit(n, 0.4, 0.6, 0.3, 0.7) for n, _ in areas]
    _all_inside(charts.funnel(points, limits, centre=0.5, alt="a", chart_id="a", across="Cases"))


@given(st.lists(st.floats(min_value=0, max_value=1e5), min_size=1, max_size=24))
def test_every_month_of_a_control_chart_is_on_the_drawing(values: list[float]) -> None:
    points = [
        charts.ControlPoint(
            f"March {2000 + place}", value, "common_cause", values[0], -5.0, max(values) * 1.2, 1
        )
        for place, value in enumerate(values)
    ]
    _all_inside(charts.control_chart(points, is_rate=False, alt="a", chart_id="a"))


def _all_inside(drawn: str) -> None:
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', drawn)[1].split())  # type: ignore[index]
    assert "nan" not in drawn and "inf" not in drawn
    for name, value in re.findall(r' (x|x1|x2|cx|y|y1|y2|cy)="([^"]+)"', drawn):
        assert -1 <= float(value) <= (width if name.endswith(("x", "x1", "x2")) else height) + 1
    assert 3 <= drawn.count('class="grid"') <= 12


def test_two_ticks_of_an_axis_never_read_the_same() -> None:
    points = [charts.TimePoint("Jul to Sep 2024", value, "") for value in (0.900, 0.975)]
    ticks = re.findall(r'class="tick"[^>]*>([0-9.]+%)', charts.over_time(points, alt="a", chart_id="a"))
    assert len(ticks) == len(set(ticks))
    steps = [
        round(float(ticks[place + 1][:-1]) - float(ticks[place][:-1]), 6) for place in range(len(ticks) - 1)
    ]
    assert len(set(steps)) == 1


@given(st.integers(0, 3000), st.integers(1, 3000))
def test_percentages_are_rounded_half_up_from_the_stored_rate(top: int, bottom: int) -> None:
    exact = (Decimal(1000 * top) / Decimal(bottom)).quantize(Decimal(1), ROUND_HALF_UP) / 10
    assert percent(top / bottom).replace(",", "") == f"{exact:.1f}%"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1 / 16, "6.3%"),
        (53 / 439, "12.1%"),
        (47 / 329, "14.3%"),
        (-0.107, "−10.7%"),
        (0.0, "0.0%"),
        (1.5, "150.0%"),
    ],
)
def test_percentages_read_as_published(value: float, said: str) -> None:
    assert percent(value) == said


def test_changes_are_worded_with_their_unit() -> None:
    assert signed_points(0.018) == "up 1.8 percentage points"
    assert signed_points(-0.0845) == "down 8.5 percentage points"
    assert signed_points(0.0004) == "no change"
    assert number(1234) == "1,234" and number(17.5) == "17.5" and number(-2) == "−2"


def test_periods_are_named_as_people_name_them() -> None:
    assert span(date(2024, 7, 1), date(2024, 9, 30)) == "July to September 2024"
    assert span(date(2023, 10, 1), date(2024, 9, 30)) == "October 2023 to September 2024"


def test_each_absence_has_its_own_shorthand() -> None:
    row = Row(
        {
            "a": None,
            "suppressed_columns": "a",
            "null_reason": "a:suppressed;b:no_activity;c:pending;d:something_new",
        }
    )
    assert [row.percent(column) for column in "abcd"] == ["[c]", "[z]", "[x]", "[x]"]
    assert row.interval("a", "b") == "[c]"
    assert row.is_withheld("a") and not row.is_withheld("b")
