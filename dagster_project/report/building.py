"""Writing the board pack and the workbook of one release into a folder.

Here: reading the release, and files. Not here: pages and sheets. The trap: the report of a release is a part
of it and never changes after; a report made later goes to a folder of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_project.report.blocks import Headline
from dagster_project.report.errors import ReportError
from dagster_project.report.figures import NATIONAL, REQUIRED_TABLES, Figures
from dagster_project.report.pages import INDEX, NATION, all_headlines, pack
from dagster_project.report.workbook import write_tables

TABLES = "parquet"
REPORT = "report"
WORKBOOK = "iqa_tables.xlsx"


@dataclass(frozen=True)
class Report:
    """A report that was written: its folder, and the names of its files."""

    folder: Path
    files: tuple[str, ...]

    @property
    def index(self) -> Path:
        """The page to open first."""
        return self.folder / INDEX


def build_report(release: Path, folder: Path, *, before: Path | None = None) -> Report:
    """Write the pages and the workbook of the release in `release` into the new folder `folder`.

    `before` is the folder of the release that readers had before it, if there is one to compare with.
    Raises ReportError when the release can't be read, or `folder` can't be written.
    """
    with Figures(release / TABLES) as figures:
        heads = all_headlines(figures)
        then = _headlines_of(before)
        before_id = None if before is None or not then else before.name
        pages = pack(figures, heads, then, before_id)
        names = {NATIONAL: NATION, **{area.code: area.name for area in figures.areas}}
        try:
            folder.mkdir(parents=True)
            for name, page in pages.items():
                (folder / name).write_text(page, encoding="utf-8", newline="\n")
            write_tables(figures, {names[code]: items for code, items in heads.items()}, folder / WORKBOOK)
        except OSError as error:
            raise ReportError(
                f"The report can't be written: {error.strerror or error}.",
                where=str(folder),
                expected="a folder that is not there yet, on a disk with room, writable for this user",
                next_step="Name another folder with --out, or free disk space, then try again.",
            ) from error
    return Report(folder, (*pages, WORKBOOK))


def load_libraries() -> None:
    """Import what a report is made with, which takes longer than making it. Safe to call from a thread."""
    import gptables
    import jinja2
    import pandas

    assert gptables and jinja2 and pandas


def can_report(tables: set[str]) -> bool:
    """Whether a release with these tables has what every report needs."""
    return tables >= REQUIRED_TABLES


def _headlines_of(release: Path | None) -> Mapping[str, list[Headline]]:
    if release is None:
        return {}
    try:
        with Figures(release / TABLES) as figures:
            return all_headlines(figures)
    except ReportError:
        # An older release may lack what is compared; then there is nothing to say about it.
        return {}
