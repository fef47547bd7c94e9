"""The error of this folder: an assurance record can't be read, trusted or written.

What belongs here: that one class. The trap: a broken log is not bad data. The command line ends with 2,
"could not check", because a log that somebody changed says nothing about the figures either way.
"""

from dagster_project.errors import IqaError


class AssuranceError(IqaError):
    """What is wrong with a record of assurance, where, what was expected, and what to do next."""

    exit_code = 2
