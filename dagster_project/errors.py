"""The one exception a person is meant to read: what, where, expected, what next.

What belongs here: the exception and how it is written out. Each stage raises it (or a subclass) where the
problem is known best. The one trap: it is for problems a person can act on; a bug in this project stays an
ordinary exception, so that it is never dressed up as bad data.
"""


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
        return (
            f"{self.what}\n"
            f"  where:     {self.where}\n"
            f"  expected:  {self.expected}\n"
            f"  what next: {self.next_step}"
        )

    def as_dict(self) -> dict[str, str]:
        """The four parts by name, for `--format json`."""
        return {
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "what_next": self.next_step,
        }
