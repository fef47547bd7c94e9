"""Writes a release: staged aside, flushed, put in place by one rename, then pointed at by one more.

The order of steps is the whole point of this module; what the files hold is decided in `tables.py`,
`exports.py` and `manifest.py`. The trap: until the last step nothing a reader can reach may change, and
after any crash the next run must find nothing that stands in its way.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.gate.decision import GateDecision
from dagster_project.release import dictionary, exports, leaks
from dagster_project.release.errors import ReleaseError
from dagster_project.release.exports import Source, literal, quoted
from dagster_project.release.files import flush, flush_tree, make_read_only, point, write_text
from dagster_project.release.hashing import Content, content_of
from dagster_project.release.identity import RELEASES, is_release_id, release_ids
from dagster_project.release.locks import WriterLock
from dagster_project.release.manifest import MANIFEST, content_hash, manifest_text
from dagster_project.release.provenance import CodeVersion, RunFacts, code_version, input_files
from dagster_project.release.tables import ReleasedTable, released_tables
from dagster_project.settings import Settings

STAGING = ".staging-"
CURRENT = "current"
CATALOG = "warehouse"


@dataclass(frozen=True)
class ReleaseInfo:
    """A release just written. `contents` maps a mart to its shareable and restricted content."""

    release_id: str
    path: Path
    content_hash: str
    contents: Mapping[str, tuple[Content | None, Content]]


def write_release(
    candidate: duckdb.DuckDBPyConnection | Path,
    dbt_manifest: Mapping[str, object],
    decision: GateDecision,
    settings: Settings,
    lock: WriterLock,
    *,
    shareable_schema: str,
    code: CodeVersion | None = None,
    add_files: Callable[[Path], None] | None = None,
    assurance: Mapping[str, object] | None = None,
    disclosure: Mapping[str, object] | None = None,
    at_step: Callable[[str], None] = lambda step: None,
) -> ReleaseInfo:
    """Write the candidate as a release and move `current` to it.

    candidate         the warehouse file, or a connection that has it attached as `warehouse`
    decision          of the gate, which must be open
    lock              proof of being the one writer of `settings.marts_dir` (`writer_lock`)
    shareable_schema  where the shareable rows come from: `published`, made by the suppression step, or
                      `marts` to share unsuppressed figures; every shareable table must be there
    code              version of the code, worked out if not given
    add_files         adds files to the staged release before it is sealed (the board pack, `report/`): from
                      its database, for the other table files are written meanwhile
    assurance         what the manifest says of sign-offs and waivers
    disclosure        what it says of withheld counts
    at_step           called with the name of each step once it is done, from whatever thread does it

    Raises ReleaseError, and then leaves `current` and all releases as they were.
    """
    _require(decision, settings.marts_dir, lock)
    with _candidate(candidate, settings) as connection:
        facts = RunFacts.read(connection, CATALOG)
        _require_new_id(facts.release_id, settings.marts_dir)
        tables = released_tables(dbt_manifest)
        restricted = _sources(connection, tables, "marts", shareable=False)
        shareable = _sources(
            connection, [table for table in tables if table.is_shareable], shareable_schema, shareable=True
        )
        _require_own_marts(connection, facts, tables)
        leaks.refuse_leaks(connection, _without_parts([*restricted, *shareable]), CATALOG)

        releases = settings.marts_dir / RELEASES
        staging = releases / f"{STAGING}{facts.release_id}"
        target = releases / facts.release_id
        with _explained(staging, target), ThreadPoolExecutor(max_workers=2) as side:
            remove_leftovers(settings.marts_dir)
            _make_folders(staging)
            at_step("staged")
            # DuckDB gives a table of a mart's size to one core: the other one hashes while this one writes.
            hashing = side.submit(_contents, connection.cursor(), shareable, restricted)
            with exports.new_database(connection, shareable, staging / exports.DATABASE) as ordered:
                at_step("database")
                # DuckDB writes the other files while Python makes what is added.
                writing = side.submit(
                    _write_files, connection.cursor(), ordered, shareable, restricted, staging, at_step
                )
                try:
                    write_text(staging / "data_dictionary.csv", dictionary.data_dictionary(tables))
                    if add_files is not None:
                        add_files(staging)
                finally:
                    wait([writing])
                writing.result()
            contents = hashing.result()
            inputs = input_files(connection, CATALOG)
            write_text(
                staging / MANIFEST,
                manifest_text(
                    facts=facts,
                    code=code or code_version(),
                    inputs=inputs,
                    contents=contents,
                    decision=decision,
                    assurance=assurance or {},
                    disclosure=disclosure or {},
                    folder=staging,
                ),
            )
            at_step("manifest")
            make_read_only(staging, private=staging / "restricted")
            flush_tree(staging)
            at_step("flushed")
            staging.rename(target)
            flush(releases)
            at_step("renamed")
            point(settings.marts_dir / CURRENT, f"{RELEASES}/{facts.release_id}")
            at_step("published")
    return ReleaseInfo(facts.release_id, target, content_hash(contents), contents)


def remove_leftovers(marts_dir: Path) -> list[str]:
    """Remove what a crashed run left: staging folders and half-made pointers. Returns their names.

    Only names that this module gives are touched. Call it under the writer's lock: then no staging folder
    can be somebody's work in progress.
    """
    removed = []
    releases = marts_dir / RELEASES
    if releases.is_dir():
        for entry in sorted(releases.iterdir()):
            if entry.name.startswith(STAGING) and is_release_id(entry.name.removeprefix(STAGING)):
                shutil.rmtree(entry)
                removed.append(entry.name)
    for entry in sorted(marts_dir.glob(".*-*")):
        if entry.is_symlink() and entry.readlink().parts[:1] == (RELEASES,):
            entry.unlink()
            removed.append(entry.name)
    return removed


def _require(decision: GateDecision, marts_dir: Path, lock: WriterLock) -> None:
    if not decision.may_release:
        raise ReleaseError(
            decision.sentence(),
            where=f"checks: {', '.join(check.id for check in decision.blocking[:5]) or 'none planned'}",
            expected="every planned check of severity error completed and passed",
            next_step="Correct the data or the check, then run again. The last release stays in place.",
        )
    if lock.marts_dir != marts_dir.resolve():
        raise ReleaseError(
            "The lock that is held is for another folder.",
            where=f"{lock.marts_dir} instead of {marts_dir}",
            expected="the writer's lock of the folder to be written to",
            next_step="Take `writer_lock` for the folder of releases, and write the release inside it.",
        )


def _require_new_id(release_id: str, marts_dir: Path) -> None:
    newest = (release_ids(marts_dir) or [""])[-1]
    if not is_release_id(release_id) or release_id <= newest:
        raise ReleaseError(
            f"{release_id!r} can't be the next release.",
            where=f"{CATALOG}.raw.run_context",
            expected=f"an id from `new_release_id`, later than {newest or 'any other'}",
            next_step="Run the whole pipeline again: the candidate was built for an earlier release.",
        )


def _require_own_marts(
    connection: duckdb.DuckDBPyConnection, facts: RunFacts, tables: list[ReleasedTable]
) -> None:
    if "release_info" not in {table.name for table in tables}:
        return
    found = connection.execute(f"select release_id from {CATALOG}.marts.release_info").fetchall()
    if found != [(facts.release_id,)]:
        raise ReleaseError(
            f"The marts were built for {', '.join(str(row[0]) for row in found) or 'no release'}.",
            where=f"{CATALOG}.marts.release_info",
            expected=f"one row, for release {facts.release_id}",
            next_step="Build the marts again with dbt, then release.",
        )


def _sources(
    connection: duckdb.DuckDBPyConnection, tables: list[ReleasedTable], schema: str, *, shareable: bool
) -> list[Source]:
    held: dict[str, dict[str, str]] = {}
    for table_name, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = $catalog and schema_name = $schema",
        {"catalog": CATALOG, "schema": schema},
    ).fetchall():
        held.setdefault(table_name, {})[column] = kind
    return [_source(table, schema, held.get(table.name, {}), shareable=shareable) for table in tables]


def _source(table: ReleasedTable, schema: str, held: Mapping[str, str], *, shareable: bool) -> Source:
    relation = f"{CATALOG}.{quoted(schema)}.{quoted(table.name)}"
    absent = [column.name for column in table.columns if column.name not in held]
    if absent:
        what = "The table is not there" if not held else f"The columns are not there: {', '.join(absent)}"
        raise ReleaseError(
            f"{what}, though its model marks it for release.",
            where=relation,
            expected="every public column of every released model in the candidate",
            next_step="Build the marts again"
            + (" and run the suppression step." if schema != "marts" else " with dbt."),
        )
    return Source(
        table=table,
        relation=relation,
        types=tuple((column.name, held[column.name]) for column in table.columns),
        condition=table.shareable_condition if shareable else "true",
    )


def _without_parts(sources: list[Source]) -> list[Source]:
    """The sources, without those that are some rows of another one: what holds for all holds for some."""
    whole = {source.relation for source in sources if source.condition == "true"}
    once = {(source.relation, source.condition): source for source in sources}
    return [source for source in once.values() if source.condition == "true" or source.relation not in whole]


def _write_files(
    connection: duckdb.DuckDBPyConnection,
    ordered: list[Source],
    shareable: list[Source],
    restricted: list[Source],
    staging: Path,
    at_step: Callable[[str], None],
) -> None:
    exports.write_parquet(connection, ordered, staging / "parquet")
    at_step("parquet")
    exports.write_csv(connection, ordered, staging / "csv")
    at_step("csv")
    _write_restricted(connection, shareable, restricted, staging)
    at_step("restricted")


def _write_restricted(
    connection: duckdb.DuckDBPyConnection, shareable: list[Source], restricted: list[Source], staging: Path
) -> None:
    folder = staging / "restricted" / "parquet"
    # Where nothing is held back the shared file is the restricted one; a copy spares a second sort.
    for source in restricted:
        if source in shareable:
            name = f"{source.table.name}.parquet"
            shutil.copyfile(staging / "parquet" / name, folder / name)
    exports.write_parquet(connection, [source for source in restricted if source not in shareable], folder)


def _contents(
    connection: duckdb.DuckDBPyConnection, shareable: list[Source], restricted: list[Source]
) -> dict[str, tuple[Content | None, Content]]:
    hashed = {
        (source.relation, source.condition): content_of(
            connection,
            source.relation,
            source.types,
            source.condition,
            # The row-level facts are among what is never shared: thirty million rows of them.
            by_engine=not source.table.is_shareable,
        )
        for source in dict.fromkeys([*shareable, *restricted])
    }
    shared = {source.table.name: hashed[source.relation, source.condition] for source in shareable}
    return {
        source.table.name: (shared.get(source.table.name), hashed[source.relation, source.condition])
        for source in restricted
    }


def _make_folders(staging: Path) -> None:
    staging.parent.mkdir(parents=True, exist_ok=True)
    staging.mkdir()
    (staging / "parquet").mkdir()
    (staging / "csv").mkdir()
    # Closed to others before the first file is in it; the umask may widen nothing here.
    (staging / "restricted").mkdir(mode=0o700)
    (staging / "restricted" / "parquet").mkdir(mode=0o700)


@contextmanager
def _candidate(
    candidate: duckdb.DuckDBPyConnection | Path, settings: Settings
) -> Iterator[duckdb.DuckDBPyConnection]:
    if isinstance(candidate, duckdb.DuckDBPyConnection):
        with candidate.cursor() as cursor:
            yield cursor
        return
    settings.spill_dir.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.spill_dir),
    }
    with duckdb.connect(":memory:", config=config) as connection:
        try:
            connection.execute(f"attach {literal(candidate)} as {CATALOG} (read_only)")
        except duckdb.Error as error:
            raise ReleaseError(
                f"The candidate can't be opened: {error}",
                where=str(candidate),
                expected="the warehouse file of a finished build, open nowhere else",
                next_step="Close whatever has it open, or run the whole pipeline again.",
            ) from error
        yield connection


@contextmanager
def _explained(staging: Path, target: Path) -> Iterator[None]:
    """Turn what the system says into a ReleaseError, and take back what was staged."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise ReleaseError(
            f"The release could not be written: {_cause(error)}",
            where=str(target),
            expected="a folder of releases on a disk with room, writable for this user",
            next_step="Free disk space or correct the permissions, then run again. The last release stays.",
        ) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _cause(error: OSError | duckdb.Error) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full."
    text = str(error)
    if os.strerror(errno.ENOSPC).lower() in text.lower():
        return f"the disk is full. ({text})"
    return text if text.endswith(".") else f"{text}."
