"""The waiver log: failed checks that somebody lets through, with a reason and an end.

Here: entries and which are in force. Not here: what the gate does with them. A waiver is in force on a run
whose `as_of` is not after its end, and is judged by that date and never by the clock: the same inputs, code,
log and `as_of` must give the same decision tomorrow. The trap: a waiver names one check by its full id. There
are no patterns, so a check that fails next month for another reason under another id is not let through.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.assurance.chain import Entry, Head, append, head_of, log_path, read_log

NAME = "waivers"


@dataclass(frozen=True)
class Waiver:
    """The last waiver of a check."""

    check: str
    until: date
    reason: str
    by: str
    at: str

    def is_in_force(self, as_of: date) -> bool:
        """Whether it still counts for figures that stand as of `as_of`; the last day is included."""
        return as_of <= self.until

    def words(self) -> str:
        """How the gate shows it."""
        return f"waived by {self.by} until {self.until.isoformat()}: {self.reason}"


@dataclass(frozen=True)
class Waivers:
    """What the log says, and the log's head."""

    all: tuple[Waiver, ...]
    head: Head

    def in_force(self, as_of: date) -> dict[str, str]:
        """Check id -> the words of the waiver, for those in force."""
        return {waiver.check: waiver.words() for waiver in self.all if waiver.is_in_force(as_of)}

    def expired(self, as_of: date) -> dict[str, Waiver]:
        """Check id -> the waiver that has run out."""
        return {waiver.check: waiver for waiver in self.all if not waiver.is_in_force(as_of)}


def read_waivers(marts_dir: Path, upto: Head | None = None) -> Waivers:
    """The log of `marts_dir`, or its first entries up to `upto`. Raises AssuranceError if it is broken."""
    entries = read_log(log_path(marts_dir, NAME), upto)
    last = {str(entry["check"]): _waiver(entry) for entry in entries}
    return Waivers(tuple(last.values()), head_of(entries))


def record(marts_dir: Path, check: str, *, until: date, reason: str, by: str) -> Entry:
    """Write a waiver; it replaces an earlier one of the same check."""
    entry = {"check": check, "until": until.isoformat(), "reason": reason, "by": by}
    return append(log_path(marts_dir, NAME), [entry])[0]


def expired_among(waivers: Waivers, checks: Iterable[str], as_of: date) -> list[str]:
    """Sentences on the waivers of `checks` that have run out."""
    over = waivers.expired(as_of)
    return [
        f"The waiver of {check} by {over[check].by} ended on {over[check].until.isoformat()}: it blocks."
        for check in checks
        if check in over
    ]


def _waiver(entry: Entry) -> Waiver:
    return Waiver(
        check=str(entry["check"]),
        until=date.fromisoformat(str(entry["until"])),
        reason=str(entry["reason"]),
        by=str(entry["by"]),
        at=str(entry["at"]),
    )
