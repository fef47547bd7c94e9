"""`iqa diff A B`: rows and figures that differ between two releases, with the cause.

The one trap: it compares what was published. A figure withheld in one of the two is shown as withheld; only
`--restricted`, for those who may read that part, compares the unsuppressed figures.
"""

from dataclasses import asdict
from pathlib import Path

import click

from dagster_project.commands.common import DONE, format_option, marts_option, print_json, settings_from


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--max", "limit", default=20, show_default=True, type=click.IntRange(min=0), help="Figures shown."
)
@click.option("--restricted", is_flag=True, help="Compare the unsuppressed figures.")
@marts_option
@format_option
def command(
    old: str, new: str | None, limit: int, restricted: bool, marts_dir: Path | None, output_format: str
) -> int:
    """Show what differs in NEW (the current release if left out) against OLD."""
    from dagster_project.assurance.comparing import compare
    from dagster_project.release.history import current_release

    settings = settings_from(marts_dir=marts_dir)
    newer = new or current_release(settings.marts_dir).name
    found = compare(settings.marts_dir, old, newer, limit=limit, restricted=restricted)
    if output_format == "json":
        print_json({"command": "diff", "exit_code": DONE, **asdict(found)})
        return DONE
    click.echo(f"{found.new} against {found.old}")
    if found.is_same_content:
        click.echo("The content is the same.")
    for reason in found.reasons:
        click.echo(f"Differs: {reason}")
    for mart in found.marts:
        click.echo(
            f"{mart.mart}: {mart.rows_added:,} rows added, {mart.rows_removed:,} removed, "
            f"{mart.figures_moved:,} counts moved"
        )
    for figure in found.figures:
        key = " ".join(f"{name}={value}" for name, value in figure.key.items())
        click.echo(
            f"  {figure.mart}.{figure.column} {_value(figure.old)} -> {_value(figure.new)}  {key}"
            f"  ({figure.cause})"
        )
    if found.figures_total > len(found.figures):
        click.echo(f"  and {found.figures_total - len(found.figures):,} more counts (--max)")
    return DONE


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
