"""Quarters, working days and delivery dates, as whole days since 1970-01-01.

What happens on those days does not belong here. The one trap: NEVER is a day far in the future that stands
for "has not happened", so `day <= extract_day` is false for it without a special case.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from dagster_project.settings import SEEDS_DIR
from dagster_project.synth.chance import Ints

NEVER = 60_000
FREEZE_WORKING_DAYS = 20
LAST_QUARTER_END = date(2024, 9, 30)
EARLIEST_YEARS = 10  # event dates before 2014-10-01 are refused by the contract
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def as_date(day: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=int(day))


@cache
def _bank_holidays() -> NDArray[np.datetime64]:
    seed = pl.read_csv(SEEDS_DIR / "bank_holidays.csv", columns=["holiday_on"], try_parse_dates=True)
    return seed["holiday_on"].to_numpy().astype("datetime64[D]")


def working_days_between(first: ArrayLike, last: ArrayLike) -> Ints:
    """Working days of England and Wales from first to last, both included."""
    begin = np.asarray(first, dtype=np.int64).astype("datetime64[D]")
    finish = (np.asarray(last, dtype=np.int64) + 1).astype("datetime64[D]")
    return np.asarray(np.busday_count(begin, finish, holidays=_bank_holidays()), dtype=np.int64)


def working_day_after(day: int, count: int) -> int:
    """The count-th working day after a day."""
    found = np.busday_offset(np.datetime64(int(day), "D"), count, roll="backward", holidays=_bank_holidays())
    return int(found.astype(np.int64))


def next_working_day(days: ArrayLike) -> Ints:
    """Each day itself if it is a working day, otherwise the next one."""
    asked = np.asarray(days, dtype=np.int64).astype("datetime64[D]")
    return np.busday_offset(asked, 0, roll="forward", holidays=_bank_holidays()).astype(np.int64)


@dataclass(frozen=True)
class Quarter:
    """One quarter: its place in the series, first and last day, freeze day and working days."""

    number: int
    start: int
    end: int
    freeze: int
    working_days: Ints

    @property
    def days(self) -> int:
        """Calendar days in the quarter."""
        return self.end - self.start + 1


def quarters(years: int) -> list[Quarter]:
    """The complete quarters of the last `years` years before October 2024, then the quarter after them.

    Raises ValueError if `years` reaches back before October 2014 or is not positive.
    """
    if not 1 <= years <= EARLIEST_YEARS:
        raise ValueError(
            f"years is {years}: expected 1 to {EARLIEST_YEARS}, because extracts may hold no event before "
            "1 October 2014. Choose fewer years, or a larger scale."
        )
    found = []
    for number in range(4 * years + 1):
        months = 12 * (LAST_QUARTER_END.year - years) + 9 + 3 * number
        start = date(months // 12, months % 12 + 1, 1)
        after = months + 3
        end = date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
        first, last = day_number(start), day_number(end)
        every = np.arange(first, last + 1)
        working = every[np.is_busday(every.astype("datetime64[D]"), holidays=_bank_holidays())]
        freeze = working_day_after(last, FREEZE_WORKING_DAYS)
        found.append(Quarter(number, first, last, freeze, working))
    return found
