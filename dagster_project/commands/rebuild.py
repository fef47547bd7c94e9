"""`iqa rebuild ID`: make a release again from its manifest and compare the content hashes, mart by mart.

The one trap: what is made goes to a folder of its own, and `current` stays where it is. With other code the
hashes may differ for that reason alone, so that is said first.
"""

from pathlib import Path

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    format_option,
    marts_option,
    print_json,
    raw_option,
    settings_from,
    warehouse_option,
)


@click.command("rebuild")
@click.argument("release_id")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to write [rebuilt, beside the warehouse]."
)
@raw_option
@marts_option
@warehouse_option
@format_option
def command(
    release_id: str,
    out: Path | None,
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    output_format: str,
) -> int:
    """Make RELEASE_ID again from the inputs that its manifest names; exit code 1 if the content differs."""
    from dagster_project.orchestration.rebuild import rebuild
    from dagster_project.settings import silence_telemetry

    silence_telemetry()
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse)
    made = rebuild(settings, release_id, out.absolute() if out else None)
    code = DATA_FAILED if made.differing else DONE
    if output_format == "json":
        print_json(
            {
                "command": "rebuild",
                "exit_code": code,
                "release_id": made.release_id,
                "path": str(made.path),
                "marts": made.marts,
                "differing": list(made.differing),
                "remarks": list(made.remarks),
            }
        )
        return code
    for remark in made.remarks:
        click.echo(remark)
    if made.differing:
        click.echo(f"Not the same: {len(made.differing)} of {made.marts} marts: {', '.join(made.differing)}")
    else:
        click.echo(f"The same: all {made.marts} marts have the content hashes of {made.release_id}.")
    click.echo(f"Made again in {made.path}")
    return code
