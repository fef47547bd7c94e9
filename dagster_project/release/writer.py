"""Writes a release: staged aside, flushed, put in place by one rename, then pointed at by one more.

The order of steps is the whole point of this module; what the files hold is decided in `tables.py`,
`exports.py` and `manifest.py`, and `staging.py` makes the folder and the restricted part. The trap: until the
last step nothing a reader can reach may change, and after any crash the next run must find nothing that
stands in its way.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.gate.decision import GateDecision
from dagster_project.release import dictionary
from dagster_project.release.errors import ReleaseError
from dagster_project.release.files import flush, flush_tree, make_read_only, point, write_text
from dagster_project.release.hashing import Content
from dagster_project.release.identity import RELEASES
from dagster_project.release.manifest import MANIFEST, content_hash, manifest_text
from dagster_project.release.provenance import CodeVersion, code_version, input_files
from dagster_project.release.staging import CATALOG, Staged, explained

CURRENT = "current"


@dataclass(frozen=True)
class ReleaseInfo:
    """A release just written. `contents` maps a mart to its shareable and restricted content."""

    release_id: str
    path: Path
    content_hash: str
    contents: Mapping[str, tuple[Content | None, Content]]


def write_release(
    candidate: duckdb.DuckDBPyConnection,
    staged: Staged,
    decision: GateDecision,
    *,
    code: CodeVersion | None = None,
    add_files: Callable[[Path], None] | None = None,
    assurance: Mapping[str, object] | None = None,
    disclosure: Mapping[str, object] | None = None,
) -> ReleaseInfo:
    """Write the candidate as a release and move `current` to it.

    candidate   a connection that has it attached as `warehouse`
    staged      what `begin_release` began of it
    decision    of the gate, which must be open
    code        version of the code, worked out if not given
    add_files   adds files to the staged release before it is sealed (the board pack, `report/`): from its
                Parquet files, for the database is written meanwhile
    assurance   what the manifest says of sign-offs and waivers
    disclosure  what it says of withheld counts

    Raises ReleaseError, and then leaves `current` and all releases as they were.
    """
    if not decision.may_release:
        raise ReleaseError(
            decision.sentence(),
            where=f"checks: {', '.join(check.id for check in decision.blocking[:5]) or 'none planned'}",
            expected="every planned check of severity error completed and passed",
            next_step="Correct the data or the check, then run again. The last release stays in place.",
        )
    marts_dir, at_step = staged.marts_dir, staged.at_step
    with candidate.cursor() as connection:
        begun = staged.begun.result()
        facts, folder = begun.facts, begun.folder
        target = marts_dir / RELEASES / facts.release_id
        with explained(target):
            shared = staged.shared(connection)
            # DuckDB writes the database while Python makes what is added.
            database = staged.write_database(shared)
            try:
                write_text(folder / "data_dictionary.csv", dictionary.data_dictionary(begun.tables))
                if add_files is not None:
                    add_files(folder)
            finally:
                wait([database])
            database.result()
            at_step("database")
            contents = {
                name: (shared[name].content if name in shared else None, content)
                for name, content in staged.restricted.result().items()
            }
            write_text(
                folder / MANIFEST,
                manifest_text(
                    facts=facts,
                    code=code or code_version(),
                    inputs=input_files(connection, CATALOG),
                    contents=contents,
                    decision=decision,
                    assurance=assurance or {},
                    disclosure=disclosure or {},
                    folder=folder,
                ),
            )
            at_step("manifest")
            make_read_only(folder, private=folder / "restricted")
            flush_tree(folder)
            at_step("flushed")
            folder.rename(target)
            flush(target.parent)
            at_step("renamed")
            point(marts_dir / CURRENT, f"{RELEASES}/{facts.release_id}")
            at_step("published")
    return ReleaseInfo(facts.release_id, target, content_hash(contents), contents)
