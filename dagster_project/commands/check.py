"""`iqa check`: the whole flow without a release.

The one trap: it builds the candidate in the same warehouse file as `iqa run`, so the two cannot run at once.
"""

from datetime import datetime
from pathlib import Path

import click

from dagster_project.commands.common import (
    as_of_option,
    format_option,
    marts_option,
    raw_option,
    reread_option,
    settings_from,
    warehouse_option,
)
from dagster_project.commands.run import execute


@click.command("check")
@raw_option
@marts_option
@warehouse_option
@as_of_option
@reread_option
@format_option
def command(
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    as_of: datetime | None,
    reread: tuple[str, ...],
    output_format: str,
) -> int:
    """Ingest the extracts, build the marts and check them; release nothing."""
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse, as_of=as_of)
    return execute("check", settings, output_format, reread)
