"""Adds to the documentation site what is made and not written: reference, pages of other tools, menu.

MkDocs calls `on_files` once the hand-written pages of `docs/` are found. The one trap: the menu is made from
the folders, so a page that is put into a known folder is in it without being listed anywhere.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dagster_project.documentation.data_docs import data_docs
from dagster_project.documentation.dbt_docs import static_dbt_docs
from dagster_project.documentation.reference import reference_pages
from dagster_project.documentation.sources import FAMILIES, Sources
from dagster_project.gate.suites import read_suites
from dagster_project.settings import EXPECTATIONS_DIR, Settings

SUITES_DIR = EXPECTATIONS_DIR / "marts"
DBT_PAGE = "dbt/index.html"
# Folder -> title, in the order of the menu; the pages of each in the order of PAGE_ORDER, then by name.
SECTIONS = {
    "how-to": "How to",
    "tools": "Tools",
    "explanation": "Explanation",
    "methods": "Methods",
    "assurance": "Assurance",
}
PAGE_ORDER = (
    "verify-a-release",
    "explain-a-figure",
    "hand-back-an-error-workbook",
    "draw-a-sample",
    "run-from-dagster",
    "index",
    "power-bi",
    "leniency",
    "rap-self-assessment",
)
# Pages at the top of docs/ -> the section they close.
TOP_PAGES = {"releases.md": "Reference", "sample-data.md": "Assurance", "guarantees.md": "Assurance"} | {
    "decisions.md": "Assurance"
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and set the menu."""
    settings = Settings.from_environment()
    sources, pages = reference_pages(settings, dbt_docs=f"../{DBT_PAGE}")
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    for name, text in data_docs(read_suites(SUITES_DIR)).items():
        files.append(File.generated(config, f"reference/data-docs/{name}", content=text))
    files.append(File.generated(config, DBT_PAGE, content=static_dbt_docs(settings)))
    config.nav = menu([file.src_uri for file in files.documentation_pages()], sources)
    return files


def menu(written: Iterable[str], sources: Sources) -> list[dict[str, Any]]:
    """The menu: start, tutorial, a section a folder, the reference."""
    pages = sorted(written)
    sections: dict[str, list[Any]] = {}
    for folder, title in SECTIONS.items():
        found = [page for page in pages if page.startswith(f"{folder}/")]
        sections[title] = sorted(found, key=_place)
    top = [page for page in pages if "/" not in page and page not in ("index.md", "tutorial.md")]
    reference = _reference(pages, sources)
    for page in top:
        section = TOP_PAGES.get(page, "Methods")
        (reference if section == "Reference" else sections[section]).append(page)
    return [
        {"Start": "index.md"},
        {"Tutorial": "tutorial.md"},
        *({title: found} for title, found in sections.items() if found),
        {"Reference": reference},
    ]


def _place(page: str) -> tuple[int, str]:
    stem = Path(page).stem
    return (PAGE_ORDER.index(stem) if stem in PAGE_ORDER else len(PAGE_ORDER), page)


def _reference(pages: Iterable[str], sources: Sources) -> list[Any]:
    generated = {page for page in pages if page.startswith("reference/")}
    families: dict[str, list[Any]] = {}
    for metric_id in sources.by_id:
        page = f"reference/metrics/{metric_id.lower()}.md"
        families.setdefault(FAMILIES[sources.family(metric_id)], []).append(page)
    metrics = [{"All": "reference/metrics/index.md"}, *({title: held} for title, held in families.items())]
    return [
        {"Overview": "reference/index.md"},
        {"Metrics": metrics},
        *(
            {title: [{"All": f"reference/{folder}/index.md"}, *_others(generated, folder)]}
            for folder, title in (
                ("tables", "Tables of a release"),
                ("extracts", "Extracts"),
                ("checks", "Checks"),
                ("data-docs", "Expectations (Great Expectations)"),
            )
        ),
        {"Policies": "reference/policies.md"},
        {"Commands": "reference/commands.md"},
        {"Settings": "reference/settings.md"},
        {"Models and their SQL (dbt)": DBT_PAGE},
    ]


def _others(pages: Iterable[str], folder: str) -> list[str]:
    return sorted(
        page
        for page in pages
        if page.startswith(f"reference/{folder}/") and not page.endswith(f"{os.sep}index.md")
    )
