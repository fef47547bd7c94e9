"""The pages of the board pack: one for the nation, one for each Area.

Here: which sections a page has, and their rendering. Not here: what a section says. The trap: a page must
work from a folder on a memory stick, years on: no script, no font, no picture, no address outside the pack.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.report.activity import (
    compliance_section,
    control_section,
    dips_section,
    funnel_section,
    reporting_dates,
)
from dagster_project.report.agreement import ambiguity_section, catch_section, leniency_section
from dagster_project.report.blocks import Headline, Section
from dagster_project.report.comments import quality_section, themes_section
from dagster_project.report.figures import NATIONAL, Figures
from dagster_project.report.headlines import headlines
from dagster_project.report.records import excluded_section, moved_section, page_status, status_sentence
from dagster_project.report.values import SHORTHAND_MEANINGS, long_date

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
INDEX = "index.html"
NATION = "England and Wales"


def pack(
    figures: Figures,
    heads: Mapping[str, list[Headline]],
    before: Mapping[str, list[Headline]],
    before_id: str | None,
) -> dict[str, str]:
    """File name -> page. `heads` has the headlines by Area code, `before` those of a release before."""
    pages = {INDEX: _page(figures, NATIONAL, NATION, heads[NATIONAL], before, before_id)}
    for area in figures.areas:
        pages[f"{area.slug}.html"] = _page(figures, area.code, area.name, heads[area.code], before, before_id)
    return pages


def all_headlines(figures: Figures) -> dict[str, list[Headline]]:
    """Area code -> its headline figures, the nation included."""
    return {code: headlines(figures, code) for code in (NATIONAL, *(area.code for area in figures.areas))}


def _page(
    figures: Figures,
    area_code: str,
    title: str,
    heads: list[Headline],
    before: Mapping[str, list[Headline]],
    before_id: str | None,
) -> str:
    status = page_status(figures, area_code)
    return _template().render(
        title=title,
        is_national=area_code == NATIONAL,
        is_synthetic=figures.is_synthetic,
        status=status,
        status_class="verified"
        if status == "Verified"
        else "revised"
        if "revised" in status
        else "provisional",
        status_sentence=status_sentence(figures, area_code),
        standing=str(figures.info["status_note"] or "Management information").rstrip("."),
        as_of=long_date(figures.as_of),
        covers=reporting_dates(figures),
        release_id=figures.info["release_id"],
        metric_version=figures.info["metric_version"] or "not recorded",
        headlines=heads,
        sections=_sections(figures, area_code, title, heads, before.get(area_code, []), before_id),
        areas=figures.areas,
        shorthand=SHORTHAND_MEANINGS,
        style=_style(),
    )


def _sections(
    figures: Figures,
    area_code: str,
    title: str,
    heads: list[Headline],
    before: list[Headline],
    before_id: str | None,
) -> list[Section]:
    is_national = area_code == NATIONAL
    sections = [
        compliance_section(figures, area_code),
        dips_section(figures, area_code),
        funnel_section(figures, area_code),
        leniency_section(figures, area_code),
        catch_section(figures, area_code),
    ]
    if is_national:
        sections.append(ambiguity_section(figures))
    sections += [
        control_section(figures, area_code),
        themes_section(figures, area_code),
        quality_section(figures, area_code),
        excluded_section(figures, area_code),
    ]
    if before_id is not None:
        sections.append(moved_section(heads, before, before_id, title))
    return sections


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html")


@cache
def _style() -> object:
    from markupsafe import Markup

    return Markup((TEMPLATES / "page.css").read_text(encoding="utf-8").strip())
