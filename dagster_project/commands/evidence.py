"""`iqa evidence`: the assessments without recorded comments, as lists to send to each Area.

Here: options and what is printed. The one trap: case references go to files of their owner's only, never to
the terminal.
"""

from pathlib import Path

import click

from dagster_project.commands.common import (
    DONE,
    format_option,
    print_json,
    settings_from,
    warehouse_option,
)


@click.command("evidence")
@click.option("--quarter", help="A quarter, as '2024-25 Q1' or its first day [the last complete one].")
@click.option("--inspection", metavar="CODE", help="The sample of an inspection instead of a quarter.")
@click.option(
    "--out", "out_dir", type=click.Path(path_type=Path), help="Folder [evidence beside the warehouse]."
)
@warehouse_option
@format_option
def command(
    quarter: str | None,
    inspection: str | None,
    out_dir: Path | None,
    warehouse: Path | None,
    output_format: str,
) -> int:
    """List the assessments without recorded comments: a workbook and a CSV file for each Area."""
    from dagster_project.explain.holder import held_run, opened
    from dagster_project.handback.evidence import missing_evidence, write_evidence

    if quarter and inspection:
        raise click.UsageError("Name a quarter or an inspection, not both.")
    settings = settings_from(warehouse=warehouse)
    with opened(settings) as connection:
        held_run(connection, settings)
        evidence = missing_evidence(connection, quarter=quarter, inspection=inspection)
    folder = out_dir or settings.warehouse.parent / "evidence" / evidence.as_of.isoformat()
    written = write_evidence(evidence, folder)
    if output_format == "json":
        print_json(
            {
                "exit_code": DONE,
                "sample": evidence.sample,
                "assessments": evidence.iqas,
                "before_comments_were_collected": evidence.not_collected,
                "without_comments": {area: len(rows) for area, rows in evidence.missing.items()},
                "files": [str(path) for path in written],
            }
        )
        return DONE
    click.echo(
        f"{evidence.sample}: {evidence.total:,} of {evidence.iqas:,} assessments have no recorded comment."
    )
    if evidence.not_collected:
        click.echo(f"{evidence.not_collected:,} were done before comments were collected and are not listed.")
    for area, rows in evidence.missing.items():
        click.echo(f"  {area:<6}{len(rows):>6}")
    if written:
        click.echo(f"Files to send, restricted: {folder}")
    return DONE
