"""`iqa releases`: the releases there are, newest first, and which one each pointer names.

The one trap: a damaged release is listed with what is wrong with it, and never left out.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_project.commands.common import DONE, format_option, marts_option, print_json, settings_from

if TYPE_CHECKING:
    from dagster_project.assurance.sign_offs import SignOffs


@click.command("releases")
@click.option("--keep", type=int, metavar="N", help="Remove all but the N newest (see below).")
@click.option("--yes", is_flag=True, help="With --keep: remove them; without it they are only listed.")
@marts_option
@format_option
def command(keep: int | None, yes: bool, marts_dir: Path | None, output_format: str) -> int:
    """List the releases, newest first, with how far each is verified.

    --keep never removes the current release, the verified one, or one that the sign-off log names.
    """
    from dagster_project.assurance.sign_offs import read_sign_offs
    from dagster_project.release.history import releases

    settings = settings_from(marts_dir=marts_dir)
    if keep is not None:
        return _remove(settings.marts_dir, keep, yes, output_format)
    rows = releases(settings.marts_dir)
    words = read_sign_offs(settings.marts_dir)
    standing = {row.release_id: _standing(row.path, words) for row in rows}
    if output_format == "json":
        print_json(
            {
                "exit_code": DONE,
                "releases": [asdict(row) | {"scopes": standing[row.release_id]} for row in rows],
            }
        )
        return DONE
    if not rows:
        click.echo(f"There is no release in {settings.marts_dir} yet. Make one with `iqa run`.")
    for row in rows:
        pointers = [
            name for name, holds in (("current", row.is_current), ("verified", row.is_verified)) if holds
        ]
        notes = [
            _standing_text(standing[row.release_id]),
            f"<- {', '.join(pointers)}" if pointers else "",
            "demo key" if row.is_demo_key else "",
            f"DAMAGED: {row.problem}" if row.problem else "",
        ]
        click.echo(
            f"{row.release_id}  as of {row.as_of or '?':<10}  {row.status or '?'}  "
            + "  ".join(note for note in notes if note)
        )
    return DONE


def _standing(release: Path, words: "SignOffs") -> dict[str, int] | None:
    """How many scopes of a release are verified, of how many; None where that can't be read."""
    from dagster_project.assurance.errors import AssuranceError
    from dagster_project.assurance.scopes import read_scopes

    try:
        required = [state for state in read_scopes(release) if state.is_complete]
    except AssuranceError:
        return None
    verified = sum(state.is_signable and words.status_of(state) == "V" for state in required)
    return {"verified": verified, "required": len(required)}


def _standing_text(standing: dict[str, int] | None) -> str:
    if standing is None:
        return ""
    return f"{standing['verified']:,} of {standing['required']:,} scopes verified"


def _remove(marts_dir: Path, keep: int, yes: bool, output_format: str) -> int:
    from dagster_project.assurance.retention import removable, remove

    due = removable(marts_dir, keep)
    removed = remove(marts_dir, keep, due) if yes else []
    if output_format == "json":
        print_json({"exit_code": DONE, "removable": due, "removed": removed})
        return DONE
    for release_id in due:
        click.echo(f"{'Removed' if release_id in removed else 'Would be removed'}: {release_id}")
    if not due:
        click.echo("No release can be removed.")
    elif not yes:
        click.echo("Nothing was removed: add --yes.")
    return DONE
