"""The whole reference in one call: what `iqa docs` writes and what the documentation site shows.

Belongs here: putting the sources, the commands, the settings and the plan of checks together. Does not: any
wording. The one trap: it needs the parsed dbt project (seconds when nothing is cached) and no warehouse.
"""

from dagster_project.documentation.pages import all_pages
from dagster_project.documentation.sources import Sources, read_sources
from dagster_project.documentation.usage import check_pages, command_page, settings_page
from dagster_project.settings import DBT_DIR, EXPECTATIONS_DIR, Settings
from dagster_project.warehouse.dbt_runner import load_manifest


def reference_pages(settings: Settings, dbt_docs: str | None = None) -> tuple[Sources, dict[str, str]]:
    """The sources, and path -> text of every page of the reference.

    `dbt_docs` is where the pages of dbt lie, seen from the reference's own folder; with it the metric pages
    lead to the compiled SQL.
    """
    from dagster_project.cli import iqa
    from dagster_project.gate.suites import planned_checks, read_suites
    from dagster_project.orchestration.intake import ingest_checks

    manifest = load_manifest(settings).document
    macros = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((DBT_DIR / "macros").rglob("*.sql"))
    )
    sources = read_sources(manifest, macros)
    checks = planned_checks(manifest, read_suites(EXPECTATIONS_DIR / "marts"), ingest_checks())
    return sources, {
        **all_pages(sources, dbt_docs),
        "commands.md": command_page(iqa),
        "settings.md": settings_page(),
        **check_pages(checks),
    }
