"""The error of this folder: something kept a release from being written, read or pointed at.

What belongs here: that one class. The trap: a release that could not be written is not bad data, so the
command line ends with `exit_code` 2, "could not run", and never with 1.
"""

from dagster_project.errors import IqaError


class ReleaseError(IqaError):
    """What went wrong with a release, where, what was expected, and what to do next."""

    exit_code = 2
