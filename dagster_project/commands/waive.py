"""`iqa waive CHECK`: let a failed check through for a limited time, with a reason and a name.

The one trap: a waiver is judged by the `as_of` of a run and never by the clock, so the same run gives the
same decision on any day; and it must name a check that exists, or a slip would look like a waiver.
"""

import difflib
from datetime import datetime
from pathlib import Path

import click

from dagster_project.commands.common import (
    DONE,
    Day,
    format_option,
    marts_option,
    print_json,
    settings_from,
)
from dagster_project.errors import IqaError


@click.command("waive")
@click.argument("check")
@click.option(
    "--until",
    required=True,
    type=Day(),
    metavar="YYYY-MM-DD",
    help="Last `as_of` for which the waiver counts.",
)
@click.option("--reason", required=True, help="Why the failure may be let through.")
@click.option("--by", "signer", required=True, help="Who answers for it.")
@marts_option
@format_option
def command(
    check: str, until: datetime, reason: str, signer: str, marts_dir: Path | None, output_format: str
) -> int:
    """Waive the failed CHECK (its id, as `iqa run` prints it) for figures as of --until at the latest."""
    from dagster_project.assurance import waivers

    settings = settings_from(marts_dir=marts_dir)
    if not reason.strip() or not signer.strip():
        raise IqaError(
            "A waiver needs a reason and a name.",
            where="the options of `iqa waive`",
            expected="--reason and --by with words in them",
            next_step="Repeat the command with both. Nothing was written.",
        )
    _require_known(check)
    entry = waivers.record(
        settings.marts_dir, check, until=until.date(), reason=reason.strip(), by=signer.strip()
    )
    if output_format == "json":
        print_json({"command": "waive", "exit_code": DONE, "waiver": dict(entry)})
    else:
        click.echo(f"{check} is waived until {until.date().isoformat()}, judged by the as_of of each run.")
    return DONE


def _require_known(check: str) -> None:
    from dagster_project.gate.suites import planned_checks, read_suites
    from dagster_project.orchestration.pipeline import SUITES_DIR, stage_checks
    from dagster_project.settings import Settings
    from dagster_project.warehouse.dbt_runner import load_manifest

    document = load_manifest(Settings.from_environment()).document
    planned = planned_checks(document, read_suites(SUITES_DIR), stage_checks())
    if any(one.id == check and not one.is_waivable for one in planned):
        raise IqaError(
            f"{check} can't be waived: it keeps small counts from being worked out.",
            where="disclosure control",
            expected="a check of figures, not of what is withheld",
            next_step="See expectations/disclosure.yml for what is withheld and why. Nothing was written.",
        )
    known = [one.id for one in planned if one.is_waivable]
    if check in known:
        return
    near = difflib.get_close_matches(check, known, n=3, cutoff=0.5)
    raise IqaError(
        f"There is no check {check!r}.",
        where="the plan of the gate",
        expected="the id of a check, as `iqa run` prints it",
        next_step=f"Did you mean {', '.join(near)}?" if near else "Copy the id from the output of `iqa run`.",
    )
