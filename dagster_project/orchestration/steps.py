"""What a run says while it goes on: one report a step.

Here: the records and how many seconds a step took. How they are printed is the command's business. The one
trap: a report is about work done, so it is made when the step ends; a step that raises makes none.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepReport:
    """A step that ended: its name, what it did in one line, and details worth a line each."""

    name: str
    seconds: float
    summary: str
    details: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun: `1 file`, `1,204 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
