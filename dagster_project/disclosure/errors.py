"""The error of this folder: the policy does not fit the marts, or the step cannot be carried out.

The one trap: a cell that can be recovered is a failed check, not an error; errors are for what cannot be
judged.
"""

from dagster_project.errors import IqaError


class DisclosureError(IqaError):
    """Disclosure control cannot be carried out."""
