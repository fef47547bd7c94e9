"""What can go wrong when a report is made."""

from dagster_project.errors import IqaError


class ReportError(IqaError):
    """A report can't be made of a release."""
