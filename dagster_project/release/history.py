"""The releases there are: list them, verify their files, find the one to read, move a pointer back.

Nothing here changes a release. The trap for readers: `current` may move between two reads. Resolve it once
with `current_release` and read everything below the folder it returns.
"""

import difflib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_project.release.errors import ReleaseError
from dagster_project.release.files import files_under, point, sha256_of
from dagster_project.release.identity import RELEASES, is_release_id, release_ids
from dagster_project.release.locks import writer_lock
from dagster_project.release.manifest import MANIFEST, read_manifest
from dagster_project.release.writer import CURRENT

VERIFIED = "verified"


@dataclass(frozen=True)
class ReleaseRow:
    """One release as `iqa releases` lists it. `problem` says why its manifest can't be trusted, if so."""

    release_id: str
    path: Path
    created_at: str
    as_of: str
    status: str
    content_hash: str
    is_demo_key: bool
    is_current: bool
    is_verified: bool
    problem: str | None = None


def releases(marts_dir: Path) -> list[ReleaseRow]:
    """Every release in `marts_dir`, newest first. A damaged one is listed with its problem."""
    current, verified = pointed_at(marts_dir, CURRENT), pointed_at(marts_dir, VERIFIED)
    rows = []
    for release_id in reversed(release_ids(marts_dir)):
        path = marts_dir / RELEASES / release_id
        document: Mapping[str, object] = {}
        problem = None
        try:
            document = read_manifest(path)
        except ReleaseError as error:
            problem = error.what
        rows.append(
            ReleaseRow(
                release_id=release_id,
                path=path,
                created_at=str(document.get("created_at", "")),
                as_of=str(document.get("as_of", "")),
                status=str(document.get("status", "")),
                content_hash=str(document.get("content_hash", "")),
                is_demo_key=document.get("is_demo_key") is True,
                is_current=release_id == current,
                is_verified=release_id == verified,
                problem=problem,
            )
        )
    return rows


def pointed_at(marts_dir: Path, pointer: str) -> str | None:
    """The id of the release that `pointer` (`current` or `verified`) names, or None if there is none."""
    link = marts_dir / pointer
    return link.readlink().name if link.is_symlink() else None


def current_release(marts_dir: Path, pointer: str = CURRENT) -> Path:
    """The folder of the release that `pointer` names, resolved once: later moves don't affect it.

    Raises ReleaseError if nothing was released yet or the folder is gone.
    """
    release_id = pointed_at(marts_dir, pointer)
    if release_id is None:
        raise ReleaseError(
            f"There is no {pointer} release.",
            where=str(marts_dir),
            expected=f"a pointer `{pointer}` to a release",
            next_step="Make one with `iqa run`." if pointer == CURRENT else "Sign one off with `iqa verify`.",
        )
    return release_folder(marts_dir, release_id)


def release_folder(marts_dir: Path, release_id: str) -> Path:
    """The folder of a release. Raises ReleaseError when the id is malformed or there is no such release."""
    folder = marts_dir / RELEASES / release_id
    if is_release_id(release_id) and folder.is_dir():
        return folder
    known = release_ids(marts_dir)
    near = difflib.get_close_matches(release_id, known, n=1)
    if near:
        advice = f"Did you mean {near[0]}? `iqa releases` lists them all."
    elif known:
        advice = f"Choose one that `iqa releases` lists; the newest is {known[-1]}."
    else:
        advice = "Make one with `iqa run`."
    raise ReleaseError(
        f"There is no release {release_id!r}.",
        where=str(marts_dir / RELEASES),
        expected=f"one of {len(known)} releases" if known else "a release (there are none yet)",
        next_step=advice,
    )


def rollback(marts_dir: Path, release_id: str) -> Path:
    """Move `current` to an earlier (or later) release, once its files are verified. Returns its folder.

    Raises ReleaseError when the release is unknown or damaged, or another run is writing.
    """
    return move_pointer(marts_dir, CURRENT, release_id)


def move_pointer(marts_dir: Path, pointer: str, release_id: str) -> Path:
    """Point `current` or `verified` at a release whose files are all as they were written."""
    folder = release_folder(marts_dir, release_id)
    with writer_lock(marts_dir):
        problems = check_release_files(folder)
        if problems:
            raise ReleaseError(
                f"Release {release_id} is damaged: {'; '.join(problems[:5])}"
                + (f"; and {len(problems) - 5} more." if len(problems) > 5 else "."),
                where=str(folder),
                expected="every file as the manifest records it",
                next_step="Choose another release, or restore this folder from a backup.",
            )
        try:
            point(marts_dir / pointer, f"{RELEASES}/{release_id}")
        except OSError as error:
            raise ReleaseError(
                f"The pointer `{pointer}` can't be moved: {error}.",
                where=str(marts_dir / pointer),
                expected="a folder this user may write to, and a symbolic link or nothing of that name",
                next_step="Correct the permissions, or move away what has that name.",
            ) from error
    return folder


def check_release_files(release: Path) -> list[str]:
    """What is wrong with the files of a release, one sentence each; empty when all is as it was written.

    Files in `report/` that the manifest doesn't know are fine: a report may be made again later.
    """
    try:
        document = read_manifest(release)
    except ReleaseError as error:
        return [error.what.rstrip(".")]
    recorded = document.get("files")
    files: Mapping[str, object] = recorded if isinstance(recorded, Mapping) else {}
    found = {path.relative_to(release).as_posix(): path for path in files_under(release)}
    problems = [f"{name} is missing" for name in files if name not in found]
    for name, path in found.items():
        record = files.get(name)
        if isinstance(record, Mapping):
            if path.stat().st_size != record.get("bytes") or sha256_of(path) != record.get("sha256"):
                problems.append(f"{name} was changed")
        elif name != MANIFEST and not name.startswith("report/"):
            problems.append(f"{name} doesn't belong to it")
    private = release / "restricted"
    if private.is_dir() and private.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        problems.append("restricted/ is open to other users")
    return sorted(problems)
