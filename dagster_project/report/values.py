"""How a figure is written: numbers, dates, status, and the shorthand where there is no number.

Here: text for one value. Not here: which values stand together. The one trap: rounding. A percentage is
rounded half up from the stored rate, never from a rounded part; neither Python's nor DuckDB's `round` does
that.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

WITHHELD, NOT_AVAILABLE, NOT_APPLICABLE = "[c]", "[x]", "[z]"
# Why a mart holds no figure -> the harmonised shorthand. A reason that is not here reads as not available.
_SHORTHAND = {
    "suppressed": WITHHELD,
    "annual_requirement": NOT_APPLICABLE,
    "defined_at_area": NOT_APPLICABLE,
    "limit_row": NOT_APPLICABLE,
    "no_activity": NOT_APPLICABLE,
    "no_discordance": NOT_APPLICABLE,
    "no_hits": NOT_APPLICABLE,
    "no_requirement": NOT_APPLICABLE,
    "no_variation": NOT_APPLICABLE,
    "none_below_top": NOT_APPLICABLE,
    "none_caught": NOT_APPLICABLE,
    "none_emerging": NOT_APPLICABLE,
    "none_flagged": NOT_APPLICABLE,
    "not_applicable": NOT_APPLICABLE,
    "not_emerging": NOT_APPLICABLE,
    "nothing_to_shrink_to": NOT_APPLICABLE,
    "quarter_only": NOT_APPLICABLE,
}
SHORTHAND_MEANINGS = {
    WITHHELD: "withheld, because a count from 1 to 4 could be worked out from it",
    NOT_AVAILABLE: "not available: not collected, not due yet, or too little data for it",
    NOT_APPLICABLE: "not applicable: nothing to count, or the figure isn't defined here",
    "[p]": "provisional: Operational Assurance hasn't verified it",
    "[r]": "revised: it differs from what was first published for the period",
    "[u]": "low reliability: it rests on fewer than 20 cases",
}
STATUS_WORDS = {"P": "Provisional", "V": "Verified", "R": "Revised"}
STATUS_MARKS = {"P": "[p]", "V": "", "R": "[r]"}
_MINUS = "−"


class Row(Mapping[str, Any]):
    """One row of a mart. A column that the release does not have reads as empty."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @cached_property
    def _withheld(self) -> frozenset[str]:
        return frozenset((self._values.get("suppressed_columns") or "").split(";"))

    @cached_property
    def _reasons(self) -> dict[str, str]:
        parts = (part.partition(":") for part in (self._values.get("null_reason") or "").split(";") if part)
        return {column: reason for column, _, reason in parts}

    def __getitem__(self, column: str) -> Any:
        """The value, None where there is none."""
        return self._values.get(column)

    def __iter__(self) -> Iterator[str]:
        """The names of the columns."""
        return iter(self._values)

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self._values)

    def absence(self, column: str) -> str:
        """The shorthand for a column without a value."""
        if column in self._withheld:
            return WITHHELD
        return _SHORTHAND.get(self._reasons.get(column, ""), NOT_AVAILABLE)

    def renamed(self, columns: Mapping[str, str], **more: Any) -> "Row":
        """The row with some of its columns under other names too (new name -> name), and more values."""
        withheld = self._withheld | {new for new, old in columns.items() if old in self._withheld}
        reasons = self._reasons | {
            new: self._reasons[old] for new, old in columns.items() if old in self._reasons
        }
        return Row(
            {
                **self._values,
                **{new: self._values.get(old) for new, old in columns.items()},
                **more,
                "suppressed_columns": ";".join(sorted(withheld)),
                "null_reason": ";".join(f"{column}:{reason}" for column, reason in sorted(reasons.items())),
            }
        )

    def is_withheld(self, column: str) -> bool:
        """Whether disclosure control took the value away."""
        return self[column] is None and self.absence(column) == WITHHELD

    def text(self, column: str) -> str:
        """A text, or the shorthand."""
        value = self[column]
        return self.absence(column) if value is None else str(value)

    def count(self, column: str) -> str:
        """A whole number with thousands marked, or the shorthand."""
        value = self[column]
        return self.absence(column) if value is None else number(value)

    def percent(self, column: str) -> str:
        """A rate as a percentage, or the shorthand."""
        value = self[column]
        return self.absence(column) if value is None else percent(value)

    def points(self, column: str) -> str:
        """A difference of rates in percentage points, or the shorthand."""
        value = self[column]
        return self.absence(column) if value is None else points(value)

    def interval(self, low: str, high: str) -> str:
        """`88.8% to 93.0%`, or the shorthand."""
        if self[low] is None or self[high] is None:
            return self.absence(low)
        return f"{percent(self[low])} to {percent(self[high])}"

    @property
    def status(self) -> str:
        """Provisional, Verified or Revised."""
        return STATUS_WORDS.get(self["figure_status"] or "P", "Provisional")

    @property
    def marks(self) -> str:
        """The shorthand of status and reliability: `[p]`, `[r] [u]` or nothing."""
        marks = [STATUS_MARKS.get(self["figure_status"] or "P", "[p]")]
        if self["reliability"] == "low":
            marks.append("[u]")
        return " ".join(mark for mark in marks if mark)


def percent(rate: float) -> str:
    """`0.9112676` -> `91.1%`, rounded half up; below zero with a minus sign."""
    return f"{_tenths(rate)}%"


def points(difference: float) -> str:
    """`0.0939` -> `9.4 percentage points`."""
    return f"{_tenths(difference)} percentage points"


def signed_points(difference: float) -> str:
    """`0.018` -> `up 1.8 percentage points`."""
    size = _tenths(abs(difference))
    if size == "0.0":
        return "no change"
    return f"{'up' if difference > 0 else 'down'} {size} percentage points"


def number(value: float) -> str:
    """A number with thousands marked; a whole one without decimals."""
    if float(value).is_integer():
        return f"{int(value):,}".replace("-", _MINUS)
    rounded = Decimal(str(round(value, 12))).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{rounded:,}".replace("-", _MINUS)


def _tenths(rate: float) -> str:
    scaled = (Decimal(str(round(abs(rate), 12))) * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{_MINUS if rate < 0 and scaled else ''}{scaled:,}"


def long_date(day: date) -> str:
    """`1 April 2026`."""
    return f"{day.day} {day:%B %Y}"


def month_name(day: date) -> str:
    """`April 2026`."""
    return f"{day:%B %Y}"


def span(start: date, end: date) -> str:
    """A period in words: `July to September 2024`, `October 2023 to September 2024`."""
    if start.year == end.year:
        return f"{start:%B} to {end:%B %Y}" if start.month != end.month else f"{start:%B %Y}"
    return f"{start:%B %Y} to {end:%B %Y}"


def short_span(start: date, end: date) -> str:
    """The same for an axis: `Jul-Sep 2024`."""
    return f"{start:%b} to {end:%b %Y}"


def code_words(code: str) -> str:
    """`charging_and_review` -> `charging and review`."""
    return code.replace("_", " ")


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 Area`, `3 Areas`, `no Areas`."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{count:,} {word}" if count else f"no {word}"


def sentence_case(text: str) -> str:
    """The text with its first letter as a capital and all others as they are."""
    return text[:1].upper() + text[1:]
