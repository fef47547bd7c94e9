"""The one exception a person is meant to read: what, where, expected, what next.

What belongs here: the exception and how any error is written out in those four parts. Each stage raises
it (or a subclass) where the problem is known best. The one trap: it is for problems a person can act on; a
bug in this project stays an ordinary exception, so that it is never dressed up as bad data.
"""

from collections.abc import Mapping

PARTS = ("what", "where", "expected", "next_step")


class IqaError(Exception):
    """A problem that stops a command, in the four parts every message of this project has."""

    def __init__(self, what: str, *, where: str, expected: str, next_step: str) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.next_step = next_step
        super().__init__(what)

    def __str__(self) -> str:
        """The four parts, one a line."""
        return parts_text(self.as_dict())

    def as_dict(self) -> dict[str, str]:
        """The four parts by name, for `--format json`."""
        return {
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "what_next": self.next_step,
        }


def is_foreseen(error: BaseException) -> bool:
    """Whether an error says what to do about it; one that doesn't is a defect of this project."""
    return all(hasattr(error, part) for part in PARTS)


def four_parts(error: BaseException) -> dict[str, str]:
    """What, where, expected, what next; an error without them is a defect and is said to be one."""
    if is_foreseen(error):
        what, where, expected, next_step = (str(getattr(error, part)) for part in PARTS)
        return {"what": what, "where": where, "expected": expected, "what_next": next_step}
    return {
        "what": f"{type(error).__name__}: {error}",
        "where": _place(error),
        "expected": "no error here: this one was not foreseen",
        "what_next": "Run the command again with IQA_DEBUG=1 and report what it prints. "
        "The last release is as it was.",
    }


def parts_text(parts: Mapping[str, str]) -> str:
    """The four parts, one a line."""
    return (
        f"{parts['what']}\n"
        f"  where:     {parts['where']}\n"
        f"  expected:  {parts['expected']}\n"
        f"  what next: {parts['what_next']}"
    )


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    place = "the start of the command"
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("dagster_project"):
            place = f"{module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
