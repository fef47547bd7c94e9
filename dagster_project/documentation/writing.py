"""Writes the pages into a folder, whole or not at all.

Belongs here: the folder. Does not: what stands in the pages. The one trap: the folder is replaced, so it must
be one that this module made (its marker file says so) or an empty one.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from dagster_project.errors import IqaError

MARKER = ".iqa-docs"


def write_pages(pages: Mapping[str, str], folder: Path) -> None:
    """Put `pages` into `folder` in place of those of an earlier run.

    Raises IqaError if the folder holds anything else.
    """
    if folder.exists() and not (folder / MARKER).exists() and any(folder.iterdir()):
        raise IqaError(
            "The folder for the pages holds other files, which would be lost.",
            where=str(folder),
            expected="a folder that is empty, new, or was written by `iqa docs`",
            next_step="Name another folder with --out.",
        )
    staging = folder.with_name(f".{folder.name}-new")
    shutil.rmtree(staging, ignore_errors=True)
    for name, text in pages.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (staging / MARKER).write_text("Written by `iqa docs`; replaced at every run.\n", encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    staging.rename(folder)
