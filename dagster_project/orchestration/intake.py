"""What ingest found, as checks for the gate and as lines for people.

Here: the translation of an `IngestResult`. Not here: any reading of files. The one trap: a refused file is
shown and blocks nothing, because the other files still load; too large a share of quarantined rows blocks.
"""

from collections import Counter

from dagster_project.extracts import IngestResult
from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.orchestration.steps import count_of

OWNER = "Performance analysis"

_ACCOUNTED = Check(
    id="ingest:rows_accounted",
    kind=Kind.INGEST,
    subject="raw.files",
    severity=Severity.ERROR,
    owner=OWNER,
    reason="Rows read are accepted, quarantined, superseded or repeated, file by file: nothing vanishes.",
)
_QUARANTINE_SHARE = Check(
    id="ingest:quarantine_share",
    kind=Kind.INGEST,
    subject="raw.quarantine",
    severity=Severity.ERROR,
    owner=OWNER,
    reason="A file of which a large share was quarantined is wrong as a whole and goes back to its supplier.",
)
_REFUSED = Check(
    id="ingest:files_refused",
    kind=Kind.INGEST,
    subject="raw.files",
    severity=Severity.WARN,
    owner=OWNER,
    reason="Every file in the raw folder could be read; a refused one is missing from the figures.",
)


def ingest_checks() -> list[Check]:
    """The checks that ingest is expected to bring a verdict on."""
    return [_ACCOUNTED, _QUARANTINE_SHARE, _REFUSED]


def completed_ingest_checks(result: IngestResult) -> list[Check]:
    """The verdicts of an ingest that came to its end."""
    unbalanced = [outcome for outcome in result.files if not outcome.is_balanced]
    too_much = [check for check in result.failed_checks if check.check_id == "quarantine_share"]
    others = [check for check in result.failed_checks if check.check_id != "quarantine_share"]
    return [
        _ACCOUNTED.failed(
            f"the counts of {', '.join(outcome.source_file for outcome in unbalanced)} do not add up",
            rows_failed=len(unbalanced),
        )
        if unbalanced
        else _ACCOUNTED.passed(),
        _QUARANTINE_SHARE.failed(
            " ".join(check.message for check in too_much),
            rows_failed=len(too_much),
            examples=[
                {"dataset": check.dataset, "source_file": check.source_file, "message": check.message}
                for check in too_much
            ],
        )
        if too_much
        else _QUARANTINE_SHARE.passed(),
        _REFUSED.failed(
            "; ".join(f"{outcome.source_file}: {outcome.message}" for outcome in result.refusals),
            rows_failed=len(result.refusals),
        )
        if result.refusals
        else _REFUSED.passed(),
        # A check that ingest learns later is judged too, as an unplanned one.
        *(
            Check(
                id=f"ingest:{check.check_id}.{check.source_file}",
                kind=Kind.INGEST,
                subject=check.dataset,
                severity=Severity.ERROR,
                owner=OWNER,
                reason=f"The ingest check '{check.check_id}' holds.",
            ).failed(check.message)
            for check in others
        ),
    ]


def intake_summary(result: IngestResult) -> str:
    """The whole ingest in one line."""
    statuses = Counter(outcome.status for outcome in result.files)
    parts = [
        f"{count_of(statuses['loaded'], 'file')} loaded",
        f"{count_of(result.rows('accepted'), 'row')} accepted",
        f"{result.rows('quarantined'):,} quarantined",
        f"{result.rows('superseded'):,} superseded",
        f"{result.rows('repeated'):,} repeated",
    ]
    if statuses["refused"]:
        parts.append(f"{count_of(statuses['refused'], 'file')} refused")
    if statuses["after_as_of"]:
        parts.append(f"{count_of(statuses['after_as_of'], 'file')} after the reporting date left out")
    return f"as of {result.as_of}: {', '.join(parts)}"


def intake_details(result: IngestResult) -> list[str]:
    """What a person should know beside the totals: refusals by name, quarantine and warnings by rule."""
    lines = [reread.sentence() for reread in result.reread]
    lines += [f"refused {outcome.source_file}: {outcome.message}" for outcome in result.refusals]
    lines += [
        f"left out {outcome.source_file}: {outcome.message}" for outcome in result.with_status("after_as_of")
    ]
    lines += [f"quarantined {count.rows:,} x {count.dataset} {count.rule_id}" for count in result.quarantine]
    lines += [f"warning {count.rows:,} x {count.dataset} {count.rule_id}" for count in result.warnings]
    for outcome in result.files:
        if outcome.extra_columns:
            names = ", ".join(outcome.extra_columns)
            lines.append(f"drift in {outcome.source_file}: unknown columns ignored: {names}")
    absent = [outcome for outcome in result.with_status("loaded") if outcome.absent_columns]
    if absent:
        lines.append(
            f"optional columns absent, read as empty, in {count_of(len(absent), 'file')} (raw.files)"
        )
    return lines


def intake_counts(result: IngestResult) -> dict[str, int]:
    """The totals by name."""
    statuses = Counter(outcome.status for outcome in result.files)
    return {
        "files_loaded": statuses["loaded"],
        "files_refused": statuses["refused"],
        "files_repeated": statuses["repeat"],
        "files_after_as_of": statuses["after_as_of"],
        **{
            f"rows_{name}": result.rows(name)
            for name in ("read", "accepted", "quarantined", "superseded", "repeated")
        },
    }
