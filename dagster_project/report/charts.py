"""Charts as SVG text: over time, with intervals, as a funnel, as a control chart.

Here: where marks stand on a drawing. Not here: what is drawn, or what it shows in words (`findings.py`).
Colours and type are in the style sheet of the pages. The traps: every text goes through `_text`, because the
drawing library escapes nothing; and a meaning is never in a colour alone, so each kind of point has its own
shape.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import svg

_WIDTH = 680
_POINT = 5.0


@dataclass(frozen=True)
class TimePoint:
    """A period on an axis of time: value and interval in 0-1 or counts; `absence` stands where none is."""

    label: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Estimate:
    """A row of a forest plot; `is_strong` sets it off from the others."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    is_strong: bool = False


@dataclass(frozen=True)
class FunnelPoint:
    """An Area in a funnel. `place` is inside, outside_95 or outside_998."""

    label: str
    n: float
    value: float
    place: str
    is_strong: bool = False


@dataclass(frozen=True)
class FunnelLimit:
    """The limits at one number of cases."""

    n: float
    low_95: float
    high_95: float
    low_998: float
    high_998: float


@dataclass(frozen=True)
class ControlPoint:
    """A month: `kind` is common_cause, improvement, concern, neither_*, or empty if not judged."""

    label: str
    value: float | None
    kind: str
    centre: float | None
    low: float | None
    high: float | None
    phase: int


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    step: float
    is_rate: bool

    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + self.step * index for index in range(count + 1)]

    def text(self, value: float) -> str:
        if self.is_rate:
            is_whole = abs(self.step * 100 - round(self.step * 100)) < 1e-9
            decimals = 0 if is_whole else 1
            return f"{value * 100:.{decimals}f}%"
        return f"{value:,.0f}"


def over_time(
    points: Sequence[TimePoint],
    *,
    alt: str,
    chart_id: str,
    target: float | None = None,
    target_text: str = "",
) -> str:
    """Values by period, each with its interval; a dashed line where there is a target."""
    known = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    axis = _axis([*known, *([target] if target is not None else [])], is_rate=True)
    left, right, top = 56, 664, 26 if target is None else 48
    bottom, height = top + 210, top + 266
    step = (right - left) / max(len(points), 1)
    parts = _frame(axis, left, right, top, bottom)
    if target is not None:
        level = _place(target, axis, top, bottom)
        parts += [
            _line(left, level, right, level, "target"),
            _line(left, 14, left + 30, 14, "target"),
            _text(left + 38, 19, target_text, "tick", "start"),
        ]
    previous: tuple[float, float] | None = None
    for index, point in enumerate(points):
        x = left + step * (index + 0.5)
        for line, word in enumerate(point.label.rsplit(" ", 1)):
            parts.append(_text(x, bottom + 20 + 16 * line, word, "tick", "middle"))
        if point.value is None:
            parts.append(_text(x, bottom - 8, point.text, "absent", "middle"))
            previous = None
            continue
        y = _place(point.value, axis, top, bottom)
        if previous is not None:
            parts.append(_line(*previous, x, y, "trend"))
        previous = (x, y)
        if point.low is not None and point.high is not None:
            parts += _whisker_up(
                x, _place(point.low, axis, top, bottom), _place(point.high, axis, top, bottom)
            )
    for index, point in enumerate(points):
        if point.value is None:
            continue
        x, y = left + step * (index + 0.5), _place(point.value, axis, top, bottom)
        above = point.high if point.high is not None else point.value
        parts.append(_dot(x, y, "value"))
        parts.append(_text(x, max(_place(above, axis, top, bottom) - 9, 12), point.text, "label", "middle"))
    return _drawing(parts, height, alt, chart_id)


def forest(
    rows: Sequence[Estimate],
    *,
    alt: str,
    chart_id: str,
    reference: float | None = None,
    reference_text: str = "",
) -> str:
    """Estimates with intervals below each other, and a line for the overall value."""
    known = [value for row in rows for value in (row.value, row.low, row.high) if value is not None]
    axis = _axis([0.0, *known, *([reference] if reference is not None else [])], is_rate=True)
    left, right, top = 300, 590, 34
    heights = []
    labels = []
    for row in rows:
        lines = textwrap.wrap(row.label, 42) or [""]
        labels.append(lines)
        heights.append(16 * len(lines) + 14)
    bottom = top + sum(heights)
    parts: list[svg.Element] = []
    for tick in axis.ticks():
        x = _across(tick, axis, left, right)
        parts += [_line(x, top, x, bottom, "grid"), _text(x, bottom + 20, axis.text(tick), "tick", "middle")]
    if reference is not None:
        x = _across(reference, axis, left, right)
        parts += [
            _line(x, top - 8, x, bottom, "target"),
            _text(x, top - 14, reference_text, "note", "middle"),
        ]
    y = float(top)
    for row, lines, room in zip(rows, labels, heights, strict=True):
        middle = y + room / 2
        first = middle - 8 * (len(lines) - 1) + 5
        strong = " strong" if row.is_strong else ""
        parts += [
            _text(left - 14, first + 16 * number, line, f"label{strong}", "end")
            for number, line in enumerate(lines)
        ]
        if row.value is None:
            parts.append(_text(left + 6, middle + 5, row.text, "absent", "start"))
        else:
            if row.low is not None and row.high is not None:
                parts += _whisker_across(
                    middle, _across(row.low, axis, left, right), _across(row.high, axis, left, right)
                )
            x = _across(row.value, axis, left, right)
            parts.append(_square(x, middle, f"value{strong}"))
            parts.append(_text(_WIDTH - 4, middle + 5, row.text, f"label{strong}", "end"))
        y += room
    return _drawing(parts, bottom + 34, alt, chart_id)


def funnel(
    points: Sequence[FunnelPoint],
    limits: Sequence[FunnelLimit],
    *,
    centre: float | None,
    alt: str,
    chart_id: str,
    across: str,
) -> str:
    """Areas by number of cases, between limits that narrow as cases grow; what is withheld is not drawn."""
    most = max([point.n for point in points] + [limit.n for limit in limits] + [1])
    base = min(point.n for point in points) * 0.7
    inner = sorted((limit for limit in limits if limit.n >= base), key=lambda limit: limit.n)
    known = [point.value for point in points] + [
        value for limit in inner for value in (limit.low_95, limit.high_95, limit.low_998, limit.high_998)
    ]
    axis = _axis(known, is_rate=True)
    wide = _axis([base, most], is_rate=False)
    left, right, top, bottom = 56, 636, 20, 300
    parts = _frame(axis, left, right, top, bottom)
    for tick in wide.ticks():
        x = _across(tick, wide, left, right)
        parts += [
            _line(x, bottom, x, bottom + 5, "axis"),
            _text(x, bottom + 21, wide.text(tick), "tick", "middle"),
        ]
    parts.append(_text((left + right) / 2, bottom + 42, across, "tick", "middle"))
    for low, high, style in (("low_998", "high_998", "limit"), ("low_95", "high_95", "near")):
        for side in (low, high):
            places = [
                (_across(limit.n, wide, left, right), _place(getattr(limit, side), axis, top, bottom))
                for limit in inner
            ]
            if len(places) > 1:
                parts.append(_path(places, style))
    if inner:
        last = inner[-1]
        for side, words in (("high_998", "99.8%"), ("high_95", "95%")):
            level = _place(getattr(last, side), axis, top, bottom)
            parts.append(
                _text(_across(last.n, wide, left, right) + 4, level + 4, words, "note small", "start")
            )
    if centre is not None:
        level = _place(centre, axis, top, bottom)
        parts.append(_line(left, level, right, level, "centre"))
    drawn: list[tuple[float, float]] = []
    placed = [
        (point, _across(point.n, wide, left, right), _place(point.value, axis, top, bottom))
        for point in points
    ]
    for point, x, y in placed:
        strong = " strong" if point.is_strong else ""
        if point.place == "outside_998":
            parts.append(_diamond(x, y, f"far{strong}"))
        elif point.place == "outside_95":
            parts.append(_square(x, y, f"off{strong}"))
        else:
            parts.append(_dot(x, y, f"within{strong}"))
    for point, x, y in placed:
        if not point.is_strong and point.place == "inside":
            continue
        is_late = x > right - 150
        at = _free_place(x, y + 5, drawn, top + 5, bottom - 5)
        if at is None:
            # Too crowded for its name; the table beside the chart has it.
            continue
        drawn.append((x, at))
        parts.append(
            _text(
                x + (-10 if is_late else 10), at, point.label, "label strong", "end" if is_late else "start"
            )
        )
    return _drawing(parts, bottom + 54, alt, chart_id)


def _free_place(
    x: float, y: float, taken: Sequence[tuple[float, float]], top: float, bottom: float
) -> float | None:
    """Where a label near (x, y) meets no other one, or None."""
    for away in (0, 15, -15, 30, -30, 45, -45):
        at = y + away
        is_free = all(abs(at - other_y) >= 15 or abs(x - other_x) >= 150 for other_x, other_y in taken)
        if is_free and top <= at <= bottom + 5:
            return at
    return None


def control_chart(points: Sequence[ControlPoint], *, is_rate: bool, alt: str, chart_id: str) -> str:
    """Months with their mean and limits; special cause by shape and colour."""
    known = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    ceiling = 1.0 if is_rate else None
    clipped = [min(max(value, 0.0), ceiling) if ceiling else max(value, 0.0) for value in known]
    axis = _axis(clipped, is_rate=is_rate)
    left, right, top, bottom = 56, 650, 20, 236
    step = (right - left) / max(len(points), 1)
    parts = _frame(axis, left, right, top, bottom)
    phases = sorted({point.phase for point in points})
    for phase in phases:
        numbers = [index for index, point in enumerate(points) if point.phase == phase]
        first, last = points[numbers[0]], numbers[-1]
        ends = (left + step * numbers[0], left + step * (last + 1))
        for value, style in ((first.centre, "centre"), (first.low, "limit"), (first.high, "limit")):
            if value is not None and axis.low <= value <= axis.high:
                level = _place(value, axis, top, bottom)
                parts.append(_line(ends[0], level, ends[1], level, style))
    line: list[tuple[float, float]] = []
    marks: list[svg.Element] = []
    for index, point in enumerate(points):
        x = left + step * (index + 0.5)
        if index % 3 == 0:
            parts.append(_text(x, bottom + 20, point.label.split(" ")[0][:3], "tick", "middle"))
            if index == 0 or point.label.split(" ")[1] != points[index - 3].label.split(" ")[1]:
                parts.append(_text(x, bottom + 36, point.label.split(" ")[1], "tick", "middle"))
        if point.value is None:
            if len(line) > 1:
                parts.append(_path(line, "trend"))
            line = []
            marks.append(_text(x, bottom - 6, "[c]", "absent small", "middle"))
            continue
        y = _place(point.value, axis, top, bottom)
        line.append((x, y))
        marks.append(
            _diamond(x, y, "better")
            if point.kind == "improvement"
            else _square(x, y, "worse")
            if point.kind == "concern"
            else _triangle(x, y, "other")
            if point.kind not in ("common_cause", "")
            else _dot(x, y, "usual" if point.kind else "unjudged")
        )
    if len(line) > 1:
        parts.append(_path(line, "trend"))
    return _drawing([*parts, *marks], bottom + 48, alt, chart_id)


def _axis(values: Sequence[float], *, is_rate: bool) -> _Axis:
    """An axis with round ends that holds all values, with four to eight steps."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if is_rate:
        low = max(low, 0.0)
    # Short ranges are drawn short, so that a tenth of a point never fills the page.
    least = 0.1 if is_rate else 10.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
        if is_rate and low < 0:
            low, high = 0.0, least
    step = 10 ** floor(log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= 7)
    bottom, top = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    if is_rate and high <= 1.0:
        top = min(top, 1.0) if top - step < 1.0 - 1e-9 else 1.0
        top = bottom + ceil((top - bottom) / step - 1e-9) * step
    return _Axis(max(bottom, 0.0), top, step, is_rate)


def _place(value: float, axis: _Axis, top: float, bottom: float) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return bottom - share * (bottom - top)


def _across(value: float, axis: _Axis, left: float, right: float) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return left + share * (right - left)


def _frame(axis: _Axis, left: float, right: float, top: float, bottom: float) -> list[svg.Element]:
    parts: list[svg.Element] = []
    for tick in axis.ticks():
        y = _place(tick, axis, top, bottom)
        parts += [_line(left, y, right, y, "grid"), _text(left - 8, y + 5, axis.text(tick), "tick", "end")]
    return [*parts, _line(left, bottom, right, bottom, "axis")]


def _whisker_up(x: float, low: float, high: float) -> list[svg.Element]:
    return [
        _line(x, low, x, high, "whisker"),
        _line(x - 5, low, x + 5, low, "whisker"),
        _line(x - 5, high, x + 5, high, "whisker"),
    ]


def _whisker_across(y: float, low: float, high: float) -> list[svg.Element]:
    return [
        _line(low, y, high, y, "whisker"),
        _line(low, y - 5, low, y + 5, "whisker"),
        _line(high, y - 5, high, y + 5, "whisker"),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> svg.Element:
    return svg.Line(x1=_px(x1), y1=_px(y1), x2=_px(x2), y2=_px(y2), class_=[style])


def _path(places: Sequence[tuple[float, float]], style: str) -> svg.Element:
    return svg.Polyline(points=[svg.Point(_px(x), _px(y)) for x, y in places], class_=[style])


def _dot(x: float, y: float, style: str) -> svg.Element:
    return svg.Circle(cx=_px(x), cy=_px(y), r=_POINT, class_=[style])


def _square(x: float, y: float, style: str) -> svg.Element:
    return svg.Rect(x=_px(x - _POINT), y=_px(y - _POINT), width=2 * _POINT, height=2 * _POINT, class_=[style])


def _diamond(x: float, y: float, style: str) -> svg.Element:
    reach = _POINT + 2.5
    places = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    return svg.Polygon(points=[svg.Point(_px(x), _px(y)) for x, y in places], class_=[style])


def _triangle(x: float, y: float, style: str) -> svg.Element:
    reach = _POINT + 2
    places = [(x, y - reach), (x + reach, y + reach), (x - reach, y + reach)]
    return svg.Polygon(points=[svg.Point(_px(x), _px(y)) for x, y in places], class_=[style])


def _text(x: float, y: float, words: str, style: str, anchor: str) -> svg.Element:
    return svg.Text(
        x=_px(x),
        y=_px(y),
        text=escape(words, quote=False),
        class_=[style],
        text_anchor=anchor,  # type: ignore[arg-type]
    )


def _px(value: float) -> float:
    return round(value, 1)


def _drawing(parts: Sequence[svg.Element], height: float, alt: str, chart_id: str) -> str:
    described = f"{chart_id}-alt"
    title = svg.Title(id=described)
    title.text = escape(alt, quote=False)
    return str(
        svg.SVG(
            viewBox=svg.ViewBoxSpec(0, 0, _WIDTH, round(height)),
            class_=["chart"],
            extra={"role": "img", "aria-labelledby": described},
            elements=[title, *parts],
        )
    )
