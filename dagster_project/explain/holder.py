"""The warehouse opened to be read, and whether it still holds what a release was made of.

Belongs here: opening, and comparing the warehouse with a release's manifest. Does not: any figure. The one
trap: the warehouse holds one run at a time. A later run replaces it, and then an earlier release can only be
explained after it was built again from its extracts.
"""

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import IqaError
from dagster_project.release.history import release_folder
from dagster_project.release.identity import RELEASES
from dagster_project.release.manifest import read_manifest
from dagster_project.settings import Settings


@dataclass(frozen=True)
class Held:
    """The run that the warehouse holds, and the release that it stands for (None: never released)."""

    run_id: str
    as_of: str
    code_version: str
    release_id: str | None
    release: Path | None


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the warehouse attached to read. What is made on it lives in memory and ends with it.

    Raises IqaError when there is no warehouse, a run has it open, or it holds no finished build.
    """
    if not settings.warehouse.is_file():
        raise IqaError(
            "There is no warehouse here, so there are no rows to explain a figure from.",
            where=str(settings.warehouse),
            expected="the DuckDB work file of the run: it holds the rows, which a release does not",
            next_step="Name it with --warehouse or IQA_WAREHOUSE, or make it from the extracts: `iqa check`.",
        )
    with contextlib.closing(duckdb.connect(":memory:", config={"threads": settings.threads})) as connection:
        path = str(settings.warehouse).replace("'", "''")
        try:
            connection.execute(f"attach '{path}' as warehouse (read_only)")
        except duckdb.Error as error:
            raise IqaError(
                f"The warehouse cannot be opened: {str(error).splitlines()[0]}",
                where=str(settings.warehouse),
                expected="a DuckDB file that no run has open for writing",
                next_step="Wait until the run has ended. If none is under way, make it again: `iqa check`.",
            ) from error
        connection.execute("use warehouse")
        yield connection


def held_run(
    connection: duckdb.DuckDBPyConnection, settings: Settings, release_id: str | None = None
) -> Held:
    """The run in the warehouse; with `release_id`, once it is certain that it stands for that release.

    Raises IqaError when the warehouse was not built to its end, or holds other extracts than the release.
    """
    run_id, as_of, code_version = _context(connection, settings)
    if release_id is None:
        folder = settings.marts_dir / RELEASES / run_id
        is_released = folder.is_dir()
        return Held(
            run_id, as_of, code_version, run_id if is_released else None, folder if is_released else None
        )
    folder = release_folder(settings.marts_dir, release_id)
    if release_id != run_id:
        manifest = read_manifest(folder)
        differences = _differences(connection, manifest, as_of)
        if differences:
            raise IqaError(
                f"The warehouse does not hold what release {release_id} was made of: "
                f"{'; '.join(differences)}.",
                where=str(settings.warehouse),
                expected=f"the extracts of release {release_id}, as of {manifest.get('as_of')}",
                next_step=_rebuild(manifest, release_id),
            )
    return Held(run_id, as_of, code_version, release_id, folder)


def _context(connection: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[str, str, str]:
    try:
        row = connection.execute(
            "select release_id, cast(as_of as varchar), code_version from raw.run_context"
        ).fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        raise IqaError(
            "The warehouse holds no finished run.",
            where=str(settings.warehouse),
            expected="schemas raw, intermediate and marts, as a run leaves them",
            next_step="Build it from the extracts: `iqa check`.",
        )
    return str(row[0]), str(row[1]), str(row[2])


def _differences(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], as_of: str) -> list[str]:
    differences = []
    if manifest.get("as_of") != as_of:
        differences.append(f"it is as of {as_of}, the release as of {manifest.get('as_of')}")
    inputs = manifest.get("inputs")
    expected = {
        (str(file["dataset"]), str(file["file_sha256"])): str(file["source_file"])
        for file in (inputs if isinstance(inputs, list) else [])
        if file.get("status") == "loaded"
    }
    found = {
        (str(dataset), str(digest)): str(source_file)
        for dataset, digest, source_file in connection.execute(
            "select dataset, file_sha256, source_file from raw.files where status = 'loaded'"
        ).fetchall()
    }
    missing = sorted(expected[key] for key in expected.keys() - found.keys())
    added = sorted(found[key] for key in found.keys() - expected.keys())
    if missing:
        differences.append(f"it lacks {_some(missing)}")
    if added:
        differences.append(f"it has {_some(added)} besides")
    return differences


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more files"


def _rebuild(manifest: Mapping[str, Any], release_id: str) -> str:
    code = manifest.get("code")
    version = code.get("version") if isinstance(code, dict) else None
    name = f"{release_id}.duckdb"
    return (
        f"Build it aside from the extracts of its manifest, with code {version}: "
        f"`iqa check --as-of {manifest.get('as_of')} --warehouse rebuilt/{name}`; then add "
        f"{shlex.join(['--warehouse', f'rebuilt/{name}', '--release', release_id])} to this command."
    )
