"""What Dagster's web interface shows of a run: metadata that a person can read, and failures in four parts.

Here: the translation into Dagster's metadata and failures. Not here: what happened. The one trap: the
interface shows a dictionary as JSON behind a click, and the text of an ordinary exception below a stack
trace; so lists become tables, and every error that leaves a stage becomes a `Failure`, whose text is first.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.errors import four_parts, is_foreseen, parts_text
from dagster_project.extracts import IngestResult
from dagster_project.extracts.result import FileOutcome
from dagster_project.gate.checks import Check
from dagster_project.orchestration.headlines import Headline
from dagster_project.orchestration.pipeline import BrokenRule

Record = Mapping[str, str | int | float | None]
_LINES_MAX = 50
_MARKUP = re.compile(r"([\\`*_\[\]<>#|!~&])")


@contextmanager
def explained() -> Iterator[None]:
    """Let an error out as a failure that says what, where, expected, what next.

    A defect keeps its stack trace; where the error is foreseen, the trace would only hide the text.
    """
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        raise failure(error) from (None if is_foreseen(error) else error)


def failure(error: BaseException, **metadata: Any) -> dg.Failure:
    """The failure of a step because of `error`. It isn't tried again: the same input fails again."""
    parts = four_parts(error)
    return dg.Failure(
        description=parts_text(parts),
        metadata={**{name.replace("_", " "): text for name, text in parts.items()}, **metadata},
        allow_retries=False,
    )


def table(name: str, records: Sequence[Record]) -> dict[str, Any]:
    """An entry of metadata that is a table of narrow columns; none where there is nothing to list."""
    if not records:
        return {}
    return {name: dg.MetadataValue.table([dg.TableRecord(dict(record)) for record in records])}


def listing(name: str, lines: Sequence[str]) -> dict[str, Any]:
    """An entry of metadata that is a list of sentences, which wrap where a table would be cut off."""
    if not lines:
        return {}
    shown = [
        *lines[:_LINES_MAX],
        *([f"and {len(lines) - _LINES_MAX} more"] if len(lines) > _LINES_MAX else []),
    ]
    return {name: dg.MetadataValue.md("\n".join(f"- {plain(line)}" for line in shown))}


def plain(text: str) -> str:
    """Text that Markdown shows as it is: names of files and values of extracts come from outside."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def check_line(check: Check) -> str:
    """A check: what was found, why it matters, whom to ask."""
    examples = "; ".join(
        ", ".join(f"{key}={value}" for key, value in example.items()) for example in check.examples[:2]
    )
    return (
        f"{check.id} ({check.subject}) {str(check.verdict).replace('_', ' ')}"
        f"{f': {check.detail}' if check.detail else ''}. {check.reason} Owner: {check.owner}."
        f"{f' For example {examples}' if examples else ''}"
    )


def headlines_metadata(headlines: Sequence[Headline]) -> Any:
    """The headline figures, a line each."""
    return dg.MetadataValue.md("\n".join(f"- {plain(headline.text)}" for headline in headlines))


def intake_metadata(
    source: str, result: IngestResult, broken: Sequence[BrokenRule], workbooks: Sequence[Path]
) -> dict[str, Any]:
    """What is worth knowing about one table of schema `raw`."""
    if source == "quarantine":
        return {
            **listing("quarantined_by_rule", [rule.sentence() for rule in broken]),
            **listing("error_workbooks", [str(path) for path in workbooks]),
        }
    if source == "files":
        return {
            "files_refused": len(result.refusals),
            **listing("refused_files", [_refused(outcome) for outcome in result.refusals]),
        }
    files = [outcome for outcome in result.files if outcome.dataset == source]
    if not files:
        return {}
    dates = [outcome.extract_date for outcome in files if outcome.extract_date and outcome.status == "loaded"]
    return {
        "files": len(files),
        **({"newest_extract": max(dates).isoformat()} if dates else {}),
        **{
            f"rows_{name}": sum(getattr(outcome, f"rows_{name}") for outcome in files)
            for name in ("read", "accepted", "quarantined", "superseded", "repeated")
        },
        **listing("quarantined_by_rule", [rule.sentence() for rule in broken if rule.dataset == source]),
        **listing("refused_files", [_refused(outcome) for outcome in files if outcome.status == "refused"]),
    }


def _refused(outcome: FileOutcome) -> str:
    return f"{outcome.source_file} ({outcome.rule_id}): {outcome.message}"
