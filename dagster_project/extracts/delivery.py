"""What was delivered: the files under `data/raw/`, and what their names say.

Belongs here: walking the folder, reading dates and part numbers out of names, refusing strangers by name.
Does not: opening a file. The trap: nothing may be skipped in silence, so everything found is returned,
except the three names of `IGNORED_NAMES`, which keep empty folders in version control.
"""

import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.extracts.errors import ExtractError, Refusal

IGNORED_NAMES = frozenset({".gitkeep", ".gitignore", ".gitattributes"})
ENDINGS = ("csv.gz", "csv", "xlsx", "parquet")
_DATE = re.compile(r"(?<![0-9])([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})(?![0-9])")
_PART = re.compile(r"[_-](?:part|p)?[_-]?([0-9]{1,9})", re.IGNORECASE)


@dataclass(frozen=True)
class Delivered:
    """One entry under the raw folder; `refusal` is None if its name can be used."""

    path: Path
    source_file: str
    dataset: str | None
    extract_date: date | None = None
    part: int | None = None
    file_format: str | None = None
    refusal: Refusal | None = None

    @property
    def order(self) -> tuple[date, int, str]:
        """Later wins: extract date, then part (none first), then file name in code-point order."""
        return (self.extract_date or date.min, -1 if self.part is None else self.part, self.path.name)


def discover(raw_dir: Path, datasets: Collection[str]) -> list[Delivered]:
    """Everything under `raw_dir`, in the code-point order of the relative path.

    Raises ExtractError if the folder cannot be listed.
    """
    if not raw_dir.is_dir():
        raise ExtractError(
            f"The folder of extracts {raw_dir} does not exist: expected one folder per dataset in it. "
            "Create it, or name another with --raw or IQA_RAW_DIR."
        )
    found: list[Delivered] = []
    for entry in _entries(raw_dir):
        if entry.is_symlink() or not entry.is_dir(follow_symlinks=False):
            found.append(_stranger(entry, raw_dir, None))
        elif entry.name not in datasets:
            found += _unknown_folder(Path(entry.path), raw_dir, datasets)
        else:
            for inner in _entries(Path(entry.path)):
                found.append(_file(inner, raw_dir, entry.name))
    return sorted(found, key=lambda delivered: delivered.source_file)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if entry.name not in IGNORED_NAMES or entry.is_symlink()),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise ExtractError(
            f"The folder {folder} cannot be listed ({error.strerror}): expected a readable folder. "
            "Correct its permissions."
        ) from error


def _file(entry: os.DirEntry[str], raw_dir: Path, dataset: str) -> Delivered:
    path = Path(entry.path)
    source_file = _shown(path.relative_to(raw_dir))
    try:
        _refuse_strangers(entry)
        file_format = _format(entry.name)
        extract_date, part = read_name(entry.name, file_format)
    except Refusal as refusal:
        return Delivered(path, source_file, dataset, refusal=refusal)
    return Delivered(path, source_file, dataset, extract_date, part, file_format)


def _stranger(entry: os.DirEntry[str], raw_dir: Path, dataset: str | None) -> Delivered:
    path = Path(entry.path)
    try:
        _refuse_strangers(entry)
        refusal = Refusal(
            "unknown_folder",
            "it lies outside any dataset's folder. Move it into the folder of its dataset.",
        )
    except Refusal as found:
        refusal = found
    return Delivered(path, _shown(path.relative_to(raw_dir)), dataset, refusal=refusal)


def _unknown_folder(folder: Path, raw_dir: Path, datasets: Collection[str]) -> list[Delivered]:
    message = (
        f"the folder {_shown(Path(folder.name))!r} is not a dataset. Expected one of "
        f"{', '.join(sorted(datasets))}; rename or remove the folder."
    )
    files = [path for path in folder.rglob("*") if path.name not in IGNORED_NAMES and not path.is_dir()]
    return [
        Delivered(path, _shown(path.relative_to(raw_dir)), None, refusal=Refusal("unknown_folder", message))
        for path in files or [folder]
    ]


def _refuse_strangers(entry: os.DirEntry[str]) -> None:
    name = entry.name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("stranger", "its name cannot be read as text. Rename it.") from None
    if entry.is_symlink():
        raise Refusal("link", "it is a link. Put the file itself here.")
    if entry.is_dir(follow_symlinks=False):
        raise Refusal("sub_folder", "it is a folder within a dataset's folder. Move its files up.")
    if name.startswith("~$") or name.startswith(".~lock"):
        raise Refusal("lock_file", "it is the lock file of an open workbook. Close the workbook.")
    if name.startswith("."):
        raise Refusal("stranger", "it is a hidden file. Remove it.")
    try:
        is_regular = stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    except OSError as error:
        # It was there when the folder was listed: taken away, or on a share that went away.
        raise Refusal("unreadable", f"it cannot be looked at ({error.strerror}). Run again.") from None
    if not is_regular:
        raise Refusal("stranger", "it is not a regular file. Remove it.")


def _format(name: str) -> str:
    lowered = name.lower()
    for ending in ENDINGS:
        if lowered.endswith("." + ending):
            return ending
    raise Refusal("unknown_ending", f"its ending is not one of {', '.join(ENDINGS)}. Save it as one of them.")


def read_name(name: str, file_format: str) -> tuple[date, int | None]:
    """The extract date and the part number that a file name holds; the last date counts.

    Raises Refusal if there is no date or the last one is not in the calendar.
    """
    stem = name[: -len(file_format) - 1]
    for found in reversed(list(_DATE.finditer(stem))):
        text = found.group(1)
        try:
            extract_date = date.fromisoformat(text)
        except ValueError:
            if "-" in text:
                raise Refusal(
                    "no_date", f"{text} is not a date. Expected YYYY-MM-DD in the name; rename the file."
                ) from None
            continue
        part = _PART.fullmatch(stem[found.end() :])
        return extract_date, int(part.group(1)) if part else None
    raise Refusal(
        "no_date",
        "its name holds no date. Expected <anything>_YYYY-MM-DD[_<part>] before the ending; rename the file.",
    )


def _shown(path: Path) -> str:
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")
