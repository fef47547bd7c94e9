"""The record of one check, the same for dbt tests, expectations and the checks of every other stage.

Only the record belongs here; who plans, runs or judges checks is elsewhere in this folder.
The trap: `examples` and `detail` may quote unsuppressed figures and staff ids, so they are for the terminal
and Dagster only. `Check.public_record` is the form that may enter a release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

EXAMPLES_MAX = 5  # enough to see a pattern; the full list is one query away


class Kind(StrEnum):
    """Which stage a check belongs to."""

    DBT_TEST = "dbt_test"
    EXPECTATION = "expectation"
    INGEST = "ingest"
    RECONCILIATION = "reconciliation"
    DISCLOSURE = "disclosure"
    INTEGRITY = "integrity"


class Severity(StrEnum):
    """`error` stops the release, `warn` is shown beside it."""

    ERROR = "error"
    WARN = "warn"


class Verdict(StrEnum):
    """What became of a check. `failed` is about the data; `crashed` and `not_run` are about the check."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    NOT_RUN = "not_run"
    WAIVED = "waived"


@dataclass(frozen=True)
class Check:
    """One check, planned (verdict `not_run`) or completed.

    `subject` is the mart or dataset it speaks of, `reason` says in plain English why it exists, `rows_failed`
    counts failing rows where the check counts them, `detail` says what was found. A check that is not
    `is_waivable` is let through by nobody.
    """

    id: str
    kind: Kind
    subject: str
    severity: Severity
    owner: str
    reason: str
    verdict: Verdict = Verdict.NOT_RUN
    rows_failed: int | None = None
    examples: tuple[Mapping[str, object], ...] = ()
    detail: str = ""
    is_waivable: bool = True

    def passed(self, detail: str = "", rows_failed: int = 0) -> "Check":
        """This check, completed: the data is as it should be."""
        return replace(self, verdict=Verdict.PASSED, rows_failed=rows_failed, examples=(), detail=detail)

    def failed(
        self,
        detail: str,
        rows_failed: int | None = None,
        examples: Sequence[Mapping[str, object]] = (),
    ) -> "Check":
        """This check, completed: the data is not as it should be."""
        return replace(
            self,
            verdict=Verdict.FAILED,
            rows_failed=rows_failed,
            examples=tuple(examples[:EXAMPLES_MAX]),
            detail=detail,
        )

    def crashed(self, detail: str) -> "Check":
        """This check, broken: nothing is known about the data."""
        return replace(self, verdict=Verdict.CRASHED, rows_failed=None, examples=(), detail=detail)

    def not_run(self, detail: str) -> "Check":
        """This check, never run: nothing is known about the data."""
        return replace(self, verdict=Verdict.NOT_RUN, rows_failed=None, examples=(), detail=detail)

    def waived(self, detail: str) -> "Check":
        """This check, failed and let through on somebody's signature; the failing rows stay on record."""
        return replace(self, verdict=Verdict.WAIVED, detail=detail)

    @property
    def is_blocking(self) -> bool:
        """Whether this check keeps the candidate from being released."""
        return self.severity is Severity.ERROR and self.verdict not in (Verdict.PASSED, Verdict.WAIVED)

    def public_record(self) -> dict[str, object]:
        """The fields that may leave in a release: no example rows, no observed values."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "subject": self.subject,
            "severity": str(self.severity),
            "owner": self.owner,
            "reason": self.reason,
            "verdict": str(self.verdict),
            "rows_failed": self.rows_failed,
        }
