"""The one error of this folder: something kept a release from being written, read or pointed at.

The trap: a release that could not be written is not bad data. The command line ends with `exit_code` 2.
"""


class ReleaseError(Exception):
    """What went wrong, where, what was expected, and what to do next."""

    exit_code = 2

    def __init__(self, what: str, *, where: str, expected: str, next_step: str) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.next_step = next_step
        super().__init__(f"{what}\n  where: {where}\n  expected: {expected}\n  what to do: {next_step}")
