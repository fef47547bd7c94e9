"""The sets of extracts that are measured, made when first asked for and kept for the next time.

Here: which sets there are, and the same set without its newest quarter. Not here: how extracts are made up
(`dagster_project.synth`). The one trap: the plain scripts know no rules, so they can only be given sets
without planted faults; the checked-in sample has some, and goes without the scripts.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT


@dataclass(frozen=True)
class ExtractSet:
    """One set: `years` and `scale` for `iqa synth` (1 is national), or the checked-in sample without them.

    Of a set that `is_brief` only the run, its SQL and a new quarter are measured: the rest would take hours.
    """

    title: str
    years: int = 0
    scale: float = 0.0
    runs: int = 3
    is_brief: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether no fault is planted in it."""
        return self.years > 0


SETS: Mapping[str, ExtractSet] = {
    "sample": ExtractSet("The checked-in sample (2 years at 0.3 of national volumes)"),
    "small": ExtractSet("10 years at 0.01 of national volumes", 10, 0.01),
    "national": ExtractSet("10 years at national volumes", 10, 1, runs=1),
    "ten": ExtractSet("10 years at ten times national volumes", 10, 10, runs=1, is_brief=True),
}


def folder_of(extracts: ExtractSet, cache: Path) -> Path:
    """The folder of a set, made if it is not there or if the generator has changed since."""
    if not extracts.is_clean:
        return PROJECT_ROOT / "data" / "raw"
    source = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "dagster_project" / "synth").glob("*.py")):
        source.update(path.read_bytes())
    folder = cache / f"{extracts.years}x{extracts.scale:g}-{source.hexdigest()[:12]}"
    if not folder.exists():
        from dagster_project.synth.generate import generate

        aside = cache / f".{folder.name}"
        shutil.rmtree(aside, ignore_errors=True)
        generate(aside, years=extracts.years, scale=extracts.scale, faults=False)
        aside.rename(folder)
    return folder


def without_newest_quarter(raw: Path, target: Path) -> Path:
    """A copy of a set without the files of its newest extract date."""
    newest = max(_extract_date(path) for path in raw.glob("*/*"))
    for path in sorted(raw.glob("*/*")):
        if _extract_date(path) != newest:
            copy = target / path.relative_to(raw)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return target


def _extract_date(path: Path) -> str:
    return path.name.split(".")[0][-10:]
