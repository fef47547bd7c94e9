"""`iqa releases`: the releases there are, newest first, and which one each pointer names.

The one trap: a damaged release is listed with what is wrong with it, and never left out.
"""

from dataclasses import asdict
from pathlib import Path

import click

from dagster_project.commands.common import DONE, format_option, marts_option, print_json, settings_from


@click.command("releases")
@marts_option
@format_option
def command(marts_dir: Path | None, output_format: str) -> int:
    """List the releases, newest first."""
    from dagster_project.release.history import releases

    settings = settings_from(marts_dir=marts_dir)
    rows = releases(settings.marts_dir)
    if output_format == "json":
        print_json({"exit_code": DONE, "releases": [asdict(row) for row in rows]})
        return DONE
    if not rows:
        click.echo(f"There is no release in {settings.marts_dir} yet. Make one with `iqa run`.")
    for row in rows:
        pointers = [
            name for name, holds in (("current", row.is_current), ("verified", row.is_verified)) if holds
        ]
        notes = [
            f"<- {', '.join(pointers)}" if pointers else "",
            "demo key" if row.is_demo_key else "",
            f"DAMAGED: {row.problem}" if row.problem else "",
        ]
        click.echo(
            f"{row.release_id}  as of {row.as_of or '?':<10}  {row.status or '?'}  "
            + "  ".join(note for note in notes if note)
        )
    return DONE
