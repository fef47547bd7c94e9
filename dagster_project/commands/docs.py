"""`iqa docs`: writes the reference pages: metrics, tables, extracts, policies, checks, commands, settings.

`make docs` builds them into the documentation site. The one trap: the pages come from the project's files,
not from a release; they describe the next run.
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
from dagster_project.settings import PROJECT_ROOT


@click.command("docs")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=PROJECT_ROOT / "site" / "reference",
    show_default="site/reference",
    help="Folder for the pages; its former pages are replaced.",
)
@warehouse_option
@format_option
def command(out: Path, warehouse: Path | None, output_format: str) -> int:
    """Write a page for every metric, table and dataset, and of policies, checks, commands and settings."""
    from dagster_project.documentation.reference import reference_pages
    from dagster_project.documentation.writing import write_pages

    sources, pages = reference_pages(settings_from(warehouse=warehouse))
    write_pages(pages, out.absolute())
    counts = {
        "metrics": len(sources.by_id),
        "tables": len(sources.tables),
        "extracts": len(sources.contracts),
        "policies": len(sources.policies),
    }
    if output_format == "json":
        print_json({"exit_code": DONE, "folder": str(out.absolute()), "pages": len(pages), **counts})
        return DONE
    click.echo(f"{len(pages)} pages in {out}: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return DONE
