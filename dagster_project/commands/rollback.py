"""`iqa rollback ID`: move `current` to another release whose files are all as they were written.

The one trap: it moves a pointer and deletes nothing; the next `iqa run` makes a newer release all the same.
"""

from pathlib import Path

import click

from dagster_project.commands.common import DONE, format_option, marts_option, print_json, settings_from


@click.command("rollback")
@click.argument("release_id")
@marts_option
@format_option
def command(release_id: str, marts_dir: Path | None, output_format: str) -> int:
    """Move `current` to RELEASE_ID (see `iqa releases`)."""
    from dagster_project.release.history import rollback

    settings = settings_from(marts_dir=marts_dir)
    path = rollback(settings.marts_dir, release_id)
    if output_format == "json":
        print_json({"exit_code": DONE, "release_id": release_id, "path": path})
    else:
        click.echo(f"{release_id} is current: {path}")
    return DONE
