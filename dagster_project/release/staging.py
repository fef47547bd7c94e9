"""A release in the making: the folder it is staged in, and its table files, which are written ahead.

The restricted part follows from the marts alone. So a run begins it beside the expectations and disclosure
control, and before the gate has decided: nobody can reach it until the release is sealed. A table that may
be shared is written once disclosure control has made it, and again if it is made anew. The database, and the
sealing, are in `writer.py`. The trap: a thread does this. What goes wrong in it is raised where the release
is written and not before; what is not sealed in the end was never there.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from dagster_project.release import exports, leaks
from dagster_project.release.errors import ReleaseError
from dagster_project.release.exports import Source, quoted
from dagster_project.release.hashing import Content, content_of
from dagster_project.release.identity import RELEASES, is_release_id, release_ids
from dagster_project.release.locks import WriterLock
from dagster_project.release.provenance import RunFacts
from dagster_project.release.tables import ReleasedTable, released_tables
from dagster_project.warehouse.threads import stop

_Made = TypeVar("_Made")

STAGING = ".staging-"
CATALOG = "warehouse"
MARTS = f"{CATALOG}.marts"


@dataclass(frozen=True)
class Begun:
    """A staging folder, for the release `facts` names, of these tables of the candidate."""

    facts: RunFacts
    tables: list[ReleasedTable]
    restricted: list[Source]
    folder: Path


@dataclass(frozen=True)
class Shared:
    """A table that may be shared, in its files. `source` is one; `mark` tells if it has changed since."""

    source: Source
    content: Content
    mark: Content


class Staged:
    """What a thread makes, one thing after the other: the folder, the restricted files, those to be shared.

    marts_dir   where the release will be
    begun       the folder
    restricted  the content of each table, once its restricted file is written
    at_step     called with the name of each step once it is done, from whatever thread does it
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        dbt_manifest: Mapping[str, object],
        marts_dir: Path,
        shareable: str,
        at_step: Callable[[str], None],
    ) -> None:
        self.marts_dir = marts_dir
        self.at_step = at_step
        self._connection = connection
        self._shareable = shareable
        self._side = ThreadPoolExecutor(max_workers=1)
        self._asked: list[Future[Any]] = []
        self._shared: dict[str, Future[Shared]] = {}
        self.begun = self._ask(_begin, connection, dbt_manifest, marts_dir, at_step)
        self.restricted = self._ask(_restricted, connection, self.begun, at_step)

    def share(self, name: str) -> None:
        """Write the files of a table that may be shared, as it then is. Call it again when that changes."""
        if name in self._shared:
            self._shared[name].cancel()
        self._shared[name] = self._ask(
            _share, self._connection, self.begun, name, self._shareable, self.at_step
        )

    def shared(self, connection: duckdb.DuckDBPyConnection) -> dict[str, Shared]:
        """The tables that may be shared, in files as they are now: what was not written, or has changed, is
        written now.

        Raises ReleaseError if one of them is not there, or holds what may not leave.
        """
        begun = self.begun.result()
        tables = [table for table in begun.tables if table.is_shareable]
        found = sources(connection, tables, self._shareable, shareable=True)
        leaks.refuse_leaks(connection, found, CATALOG)
        marks = {source.table.name: _mark(connection, source) for source in found}
        for name, mark in marks.items():
            if name not in self._shared or self._shared[name].result().mark != mark:
                self.share(name)
        return {name: self._shared[name].result() for name in marks}

    def write_database(self, shared: Mapping[str, Shared]) -> Future[None]:
        """Write the database of the tables that may be shared, from their files."""
        held = [table.source for table in shared.values()]
        target = self.begun.result().folder / exports.DATABASE
        return self._ask(exports.write_database, self._connection, held, target)

    def stop(self) -> None:
        """Leave off, and take the folder away unless it was sealed."""
        stop([self._side], self._asked, [self._connection])
        if self.begun.exception() is None:
            shutil.rmtree(self.begun.result().folder, ignore_errors=True)

    def _ask(self, work: Callable[..., _Made], *arguments: Any) -> "Future[_Made]":
        asked = self._side.submit(work, *arguments)
        self._asked.append(asked)
        return asked


@contextmanager
def begin_release(
    connection: duckdb.DuckDBPyConnection,
    dbt_manifest: Mapping[str, object],
    marts_dir: Path,
    lock: WriterLock,
    *,
    shareable: str,
    at_step: Callable[[str], None] = lambda step: None,
) -> Iterator[Staged]:
    """Begin the release of the candidate that `connection` has attached as `warehouse`, in a thread.

    lock       proof of being the one writer of `marts_dir` (`writer_lock`)
    shareable  the schema of the rows to be shared, with its database: that of disclosure control, or
               `warehouse.marts` to share unsuppressed figures
    at_step    called with the name of each step once it is done, from whatever thread does it

    The marts must be as they are to be released; whatever else the connection does goes on meanwhile. In the
    end the thread is stopped, and its folder taken away unless `write_release` has sealed it.

    Raises ReleaseError if `lock` is not for `marts_dir`.
    """
    lock.require(marts_dir)
    with connection.cursor() as cursor:
        staged = Staged(cursor, dbt_manifest, marts_dir, shareable, at_step)
        try:
            yield staged
        finally:
            staged.stop()


def remove_leftovers(marts_dir: Path) -> list[str]:
    """Remove what a crashed run left: staging folders and half-made pointers. Returns their names.

    Only names that this package gives are touched. Call it under the writer's lock: then no staging folder
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


def sources(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleasedTable], schema: str, *, shareable: bool
) -> list[Source]:
    """Where the rows of `tables` come from; with `shareable` those that may be shared.

    Raises ReleaseError when a table or a public column is not in `schema`, which is named with its database.
    """
    database, _, name = schema.partition(".")
    held: dict[str, dict[str, str]] = {}
    for table_name, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = $database and schema_name = $schema",
        {"database": database, "schema": name},
    ).fetchall():
        held.setdefault(table_name, {})[column] = kind
    return [_source(table, schema, held.get(table.name, {}), shareable=shareable) for table in tables]


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn what the system says while the release `target` is written into a ReleaseError."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise ReleaseError(
            f"The release could not be written: {_cause(error)}",
            where=str(target),
            expected="a folder of releases on a disk with room, writable for this user",
            next_step="Free disk space or correct the permissions, then run again. The last release stays.",
        ) from error


def _begin(
    connection: duckdb.DuckDBPyConnection,
    dbt_manifest: Mapping[str, object],
    marts_dir: Path,
    at_step: Callable[[str], None],
) -> Begun:
    facts = RunFacts.read(connection, CATALOG)
    _require_new_id(facts.release_id, marts_dir)
    tables = released_tables(dbt_manifest)
    restricted = sources(connection, tables, MARTS, shareable=False)
    _require_own_marts(connection, facts, tables)
    leaks.refuse_leaks(connection, restricted, CATALOG)
    releases = marts_dir / RELEASES
    folder = releases / f"{STAGING}{facts.release_id}"
    with explained(_target(folder)):
        remove_leftovers(marts_dir)
        _make_folders(folder)
    at_step("staged")
    return Begun(facts, tables, restricted, folder)


def _restricted(
    connection: duckdb.DuckDBPyConnection, begun: Future[Begun], at_step: Callable[[str], None]
) -> dict[str, Content]:
    folder, restricted = begun.result().folder, begun.result().restricted
    with explained(_target(folder)):
        for source in restricted:
            exports.write_parquet(connection, source, folder / "restricted" / "parquet")
        at_step("restricted")
        return {
            source.table.name: content_of(
                connection,
                source.relation,
                source.types,
                # The row-level facts are among what is never shared: thirty million rows of them.
                by_engine=not source.table.is_shareable,
            )
            for source in restricted
        }


def _share(
    connection: duckdb.DuckDBPyConnection,
    begun: Future[Begun],
    name: str,
    schema: str,
    at_step: Callable[[str], None],
) -> Shared:
    folder = begun.result().folder
    tables = [table for table in begun.result().tables if table.name == name]
    # All of it from one state of the table, which disclosure control may make anew meanwhile.
    connection.execute("begin transaction")
    try:
        (source,) = sources(connection, tables, schema, shareable=True)
        with explained(_target(folder)):
            mark = _mark(connection, source)
            written = exports.write_parquet(connection, source, folder / "parquet")
            at_step("parquet")
            exports.write_csv(connection, written, folder / "csv")
            at_step("csv")
            content = content_of(connection, source.relation, source.types, source.condition)
    finally:
        connection.execute("rollback")
    return Shared(written, content, mark)


def _mark(connection: duckdb.DuckDBPyConnection, source: Source) -> Content:
    return content_of(connection, source.relation, source.types, source.condition, by_engine=True)


def _target(folder: Path) -> Path:
    """Where a staging folder will be in the end."""
    return folder.with_name(folder.name.removeprefix(STAGING))


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
    connection: duckdb.DuckDBPyConnection, facts: RunFacts, tables: Sequence[ReleasedTable]
) -> None:
    if "release_info" not in {table.name for table in tables}:
        return
    found = connection.execute(f"select release_id from {MARTS}.release_info").fetchall()
    if found != [(facts.release_id,)]:
        raise ReleaseError(
            f"The marts were built for {', '.join(str(row[0]) for row in found) or 'no release'}.",
            where=f"{MARTS}.release_info",
            expected=f"one row, for release {facts.release_id}",
            next_step="Build the marts again with dbt, then release.",
        )


def _source(table: ReleasedTable, schema: str, held: Mapping[str, str], *, shareable: bool) -> Source:
    relation = f"{schema}.{quoted(table.name)}"
    absent = [column.name for column in table.columns if column.name not in held]
    if absent:
        what = "The table is not there" if not held else f"The columns are not there: {', '.join(absent)}"
        raise ReleaseError(
            f"{what}, though its model marks it for release.",
            where=relation,
            expected="every public column of every released model in the candidate",
            next_step="Build the marts again"
            + (" and run the suppression step." if schema != MARTS else " with dbt."),
        )
    return Source(
        table=table,
        relation=relation,
        types=tuple((column.name, held[column.name]) for column in table.columns),
        condition=table.shareable_condition if shareable else "true",
    )


def _make_folders(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    try:
        (folder / "parquet").mkdir()
        (folder / "csv").mkdir()
        # Closed to others before the first file is in it; the umask may widen nothing here.
        (folder / "restricted").mkdir(mode=0o700)
        (folder / "restricted" / "parquet").mkdir(mode=0o700)
    except OSError:
        with suppress(OSError):
            shutil.rmtree(folder)
        raise


def _cause(error: OSError | duckdb.Error) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full."
    text = str(error)
    if os.strerror(errno.ENOSPC).lower() in text.lower():
        return f"the disk is full. ({text})"
    return text if text.endswith(".") else f"{text}."
