"""`iqa verify`: Operational Assurance reconciles a release, and signs a scope off or refuses it.

Here: the options, the question, and what is shown. The one trap: nothing is signed by default. Without
`--yes`, and without a terminal to ask at, the evidence is shown and that is all; a disagreement is shown
before the question and never after.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    format_option,
    marts_option,
    print_json,
    progress_stream,
    settings_from,
)
from dagster_project.errors import IqaError

if TYPE_CHECKING:
    from dagster_project.assurance.verification import Reconciled, ScopeView, Verification

_SHOWN_MAX = 20


@click.command("verify")
@click.argument("release_id", required=False)
@click.option("--family", default="*", help="Metric family; * for every one.")
@click.option("--area", default="*", help="Area code, ALL for the nation; * for every one.")
@click.option("--quarter", default="*", help="Quarter as 2024-25 Q1, or an inspection; * for every one.")
@click.option("--by", "signer", help="Who signs or refuses; asked for at a terminal.")
@click.option("--note", default="", help="What was looked at, or why it is refused.")
@click.option("--refuse", is_flag=True, help="Refuse the scope instead of signing it off.")
@click.option("--list", "list_only", is_flag=True, help="List the scopes and how they stand; sign nothing.")
@click.option("--yes", is_flag=True, help="Sign off (or refuse) without asking.")
@marts_option
@format_option
def command(
    release_id: str | None,
    family: str,
    area: str,
    quarter: str,
    signer: str | None,
    note: str,
    refuse: bool,
    list_only: bool,
    yes: bool,
    marts_dir: Path | None,
    output_format: str,
) -> int:
    """Reconcile RELEASE_ID (the current release if left out), then sign off or refuse a scope of it.

    A scope is a metric family × an Area × a quarter. A sign-off holds for as long as its counts do.
    """
    from dagster_project.assurance import verification as assurance
    from dagster_project.assurance.scopes import Scope
    from dagster_project.release.history import current_release

    settings = settings_from(marts_dir=marts_dir)
    release = release_id or current_release(settings.marts_dir).name
    found = assurance.examine(settings.marts_dir, release)
    chosen = assurance.choose(found, Scope(family, area, quarter))
    stream = progress_stream(output_format)
    _show(found, chosen, list_only, stream)
    done: list[Any] = []
    decided = False
    if not list_only:
        decided = yes or _asked(found, chosen, refuse, stream)
    if decided:
        who, words = _who_and_why(signer, note, refuse, stream)
        act = assurance.refuse if refuse else assurance.sign
        done = act(settings.marts_dir, found, chosen, by=who, note=words)
        click.echo(f"{'Refused' if refuse else 'Signed off'}: {_number(len(done))}.", file=stream)
        if refuse and assurance.withdraw_pointer(settings.marts_dir, release):
            click.echo("`verified` no longer points at this release.", file=stream)
    elif not list_only:
        click.echo("Nothing was signed.", file=stream)
    pointed = found.is_verified_pointer
    if decided:
        pointed = assurance.point_if_all_verified(settings.marts_dir, release)
    after = assurance.examine(settings.marts_dir, release)
    _say_pointer(after, pointed, stream)
    still_disputed = [view for view in chosen if view.state.is_disputed]
    code = DATA_FAILED if decided and not refuse and still_disputed else DONE
    if output_format == "json":
        print_json(_document(after, chosen, done, code, refuse))
    return code


def _show(found: "Verification", chosen: list["ScopeView"], list_only: bool, stream: Any) -> None:
    def say(line: str) -> None:
        click.echo(line, file=stream)

    say(f"Release {found.release_id}, as of {found.as_of}")
    for kind, title in (
        ("rows", "Rows read and accounted for, by file"),
        ("control total", "Control totals"),
        ("check", "Marts against each other, and checks that did not pass"),
        ("last release", "Marts that differ from the last release"),
    ):
        lines = [line for line in found.reconciled if line.kind == kind]
        agreed = sum(line.is_agreed is True for line in lines)
        apart = [line for line in lines if line.is_agreed is False]
        rest = len(lines) - agreed - len(apart)
        words = ("explained", "not explained") if kind == "last release" else ("agree", "do not")
        say(f"{title}: {agreed:,} {words[0]}, {len(apart):,} {words[1]}, {rest:,} not compared")
        if kind == "last release":
            apart = lines
        for line in apart[:_SHOWN_MAX]:
            say(f"  {_reconciled_line(line)}")
        if len(apart) > _SHOWN_MAX:
            say(f"  and {len(apart) - _SHOWN_MAX} more; --format json lists them all")
    say(f"Scopes chosen: {len(chosen):,} of {len(found.scopes):,}")
    for status, views in _by_standing(chosen).items():
        say(f"  {status}: {len(views):,}")
        if list_only or status.startswith("disagrees"):
            for view in views:
                say(f"    {view.state.scope} ({view.state.rows:,} rows)")


def _reconciled_line(line: "Reconciled") -> str:
    remark = f" ({line.remark})" if line.remark else ""
    return f"{line.subject}: expected {line.expected}, found {line.actual}{remark}"


def _by_standing(views: list["ScopeView"]) -> dict[str, list["ScopeView"]]:
    names = {
        "V": "verified",
        "refused": "refused",
        "fallen": "signed before, but the counts have changed",
        "P": "to be signed",
    }
    found: dict[str, list[ScopeView]] = {}
    for view in views:
        if not view.state.is_complete:
            name = "quarter not over: can't be signed"
        elif view.state.is_disputed:
            name = "disagrees with a control total: can't be signed"
        else:
            name = names[view.status]
        found.setdefault(name, []).append(view)
    return found


def _asked(found: "Verification", chosen: list["ScopeView"], refuse: bool, stream: Any) -> bool:
    due = chosen if refuse else [v for v in chosen if v.state.is_signable and v.status != "V"]
    if not due:
        click.echo("Nothing is left to sign in this scope.", file=stream)
        return False
    if not sys.stdin.isatty():
        click.echo("Add --yes to decide without a terminal.", file=stream)
        return False
    verb = "Refuse" if refuse else "Sign off"
    return click.confirm(f"{verb} {_number(len(due))} of release {found.release_id}?", err=True)


def _who_and_why(signer: str | None, note: str, refuse: bool, stream: Any) -> tuple[str, str]:
    can_ask = sys.stdin.isatty()
    who = signer or (click.prompt("Your name or role", err=True) if can_ask else "")
    words = note or (click.prompt("Note", default="", show_default=False, err=True) if can_ask else "")
    if not who.strip() or (refuse and not words.strip()):
        raise IqaError(
            "A refusal needs a reason." if who.strip() else "Nobody is named.",
            where="the options of `iqa verify`",
            expected="--by, and for a refusal --note",
            next_step="Repeat the command with them. Nothing was written.",
        )
    return who.strip(), words.strip()


def _say_pointer(found: "Verification", pointed: bool, stream: Any) -> None:
    if pointed and found.is_all_verified:
        click.echo(f"All {len(found.required):,} scopes are verified: `verified` points here.", file=stream)
        return
    verified = len(found.required) - len(found.outstanding)
    click.echo(
        f"{verified:,} of {len(found.required):,} scopes of quarters that are over are verified; "
        + (
            "`verified` points at a later release."
            if found.is_all_verified
            else "`verified` does not point here."
        ),
        file=stream,
    )


def _number(scopes: int) -> str:
    return f"{scopes:,} scope" + ("" if scopes == 1 else "s")


def _document(
    found: "Verification", chosen: list["ScopeView"], done: list[Any], code: int, refuse: bool
) -> dict[str, Any]:
    wanted = {view.state.scope for view in chosen}
    return {
        "command": "verify",
        "exit_code": code,
        "release_id": found.release_id,
        "as_of": found.as_of,
        "reconciliation": [asdict(line) for line in found.reconciled],
        "scopes": [
            {**asdict(view.state), "status": view.status}
            for view in found.scopes
            if view.state.scope in wanted
        ],
        ("refused" if refuse else "signed"): [asdict(state.scope) for state in done],
        "required": len(found.required),
        "outstanding": len(found.outstanding),
        "is_verified": found.is_all_verified,
    }
