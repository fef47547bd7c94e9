"""What an ingest found, for people and for the gate: files, counts, refusals, quarantine, failed checks.

Belongs here: typed results and the sentences that summarise them. Does not: any decision to stop a run. The
trap: a refused file and a quarantined row are findings about the data, not errors of the program.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class FileOutcome:
    """One entry of the raw folder and what became of it; the row counts add up to `rows_read`."""

    dataset: str | None
    source_file: str
    file_sha256: str | None
    extract_date: date | None
    part: int | None
    file_format: str | None
    encoding: str | None
    bytes: int | None
    status: str
    rule_id: str | None = None
    message: str | None = None
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_superseded: int = 0
    rows_repeated: int = 0
    extra_columns: tuple[str, ...] = ()
    absent_columns: tuple[str, ...] = ()

    @property
    def is_balanced(self) -> bool:
        """Whether every row read is accounted for."""
        parts = (self.rows_accepted, self.rows_quarantined, self.rows_superseded, self.rows_repeated)
        return self.rows_read == sum(parts)


@dataclass(frozen=True)
class RuleCount:
    """How many rows of a dataset broke a rule."""

    dataset: str
    rule_id: str
    rows: int


@dataclass(frozen=True)
class FailedCheck:
    """A check on the delivery that failed, for the gate to act on."""

    check_id: str
    dataset: str
    source_file: str
    message: str


@dataclass(frozen=True)
class Reread:
    """A file that was read again on request. `changed`: its copy is another now; None: it had none."""

    source_file: str
    changed: bool | None

    def sentence(self) -> str:
        """For a person."""
        found = {
            True: "the copy made of it differs from the one that was kept",
            False: "the copy made of it is the one that was kept",
            None: "no copy of it was kept",
        }
        return f"read again {self.source_file}: {found[self.changed]}"


@dataclass(frozen=True)
class IngestResult:
    """What one ingest did. `as_of` is None only if no date was given and no file could be loaded."""

    as_of: date | None
    files: tuple[FileOutcome, ...]
    quarantine: tuple[RuleCount, ...]
    warnings: tuple[RuleCount, ...]
    failed_checks: tuple[FailedCheck, ...]
    reread: tuple[Reread, ...] = ()

    def with_status(self, status: str) -> tuple[FileOutcome, ...]:
        """The files that are loaded, refused, repeat or after_as_of."""
        return tuple(outcome for outcome in self.files if outcome.status == status)

    @property
    def refusals(self) -> tuple[FileOutcome, ...]:
        """The files that were refused."""
        return self.with_status("refused")

    def rows(self, count: str) -> int:
        """The sum over files of a count: read, accepted, quarantined, superseded or repeated."""
        return sum(getattr(outcome, f"rows_{count}") for outcome in self.files)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-ready values; dates as ISO text."""
        return {
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "files": [
                asdict(outcome)
                | {"extract_date": outcome.extract_date.isoformat() if outcome.extract_date else None}
                for outcome in self.files
            ],
            "quarantine": [asdict(count) for count in self.quarantine],
            "warnings": [asdict(count) for count in self.warnings],
            "failed_checks": [asdict(check) for check in self.failed_checks],
            "reread": [asdict(reread) for reread in self.reread],
        }

    def summary_lines(self) -> list[str]:
        """The result in sentences, the unusual first named."""
        statuses = Counter(outcome.status for outcome in self.files)
        lines = [
            f"Files: {statuses['loaded']:,} loaded, {statuses['repeat']:,} repeated, "
            f"{statuses['refused']:,} refused, {statuses['after_as_of']:,} after the reporting date.",
            f"Rows: {self.rows('read'):,} read = {self.rows('accepted'):,} accepted + "
            f"{self.rows('quarantined'):,} quarantined + {self.rows('superseded'):,} superseded + "
            f"{self.rows('repeated'):,} exact repeats.",
        ]
        for outcome in self.files:
            if outcome.status == "refused":
                lines.append(f"Refused {outcome.source_file} ({outcome.rule_id}): {outcome.message}")
            elif outcome.status == "after_as_of":
                lines.append(f"Left out {outcome.source_file}: {outcome.message}")
            elif outcome.message:
                lines.append(f"Note on {outcome.source_file}: {outcome.message}")
            if outcome.extra_columns:
                names = ", ".join(outcome.extra_columns)
                lines.append(f"Drift in {outcome.source_file}: unknown columns ignored: {names}.")
            if outcome.status == "loaded" and outcome.absent_columns:
                names = ", ".join(outcome.absent_columns)
                lines.append(
                    f"Drift in {outcome.source_file}: optional columns absent, read as empty: {names}."
                )
        for name, counts in (("Quarantined", self.quarantine), ("Warnings", self.warnings)):
            if counts:
                found = ", ".join(f"{count.dataset} {count.rule_id} {count.rows:,}" for count in counts)
                lines.append(f"{name}: {found}.")
        lines += [f"Failed check: {check.message}" for check in self.failed_checks]
        return lines
