"""dbt in this process: one parse per version of the dbt folder, one invocation per run.

What belongs here: calling dbt and closing what it opened. What the results mean for a release is the gate's
business. The one trap: dbt-duckdb keeps its connection, and with it the lock on the warehouse file, until the
process ends; `run_dbt` closes it, so nothing else may keep a dbt adapter alive.

Parsing costs seconds and running a warm manifest half of one, so the parsed manifest is kept on disk under
the hash of everything it was parsed from. The profile attaches the warehouse under a fixed alias, which makes
one manifest right for every warehouse file.
"""

import hashlib
import importlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_project.errors import IqaError
from dagster_project.settings import DBT_DIR, Settings, silence_telemetry

# Raise it when the form of the cached files changes.
_CACHE_FORMAT = 1
_NOT_PARSED = {"target", "logs", "dbt_packages", ".user.yml"}
# What dbt says of each node that ended. Of a run's 6,000 events these are built in full, and no others.
_HEARD = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult", "NodeFinished"})
# dbt keeps flags, adapters and loggers in module globals: two invocations at once would mix them.
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class DbtManifest:
    """A parsed dbt project.

    `document` is the manifest as dbt writes it to manifest.json. `was_parsed` tells whether it had to be
    parsed this time, and `seconds` what getting it took.
    """

    key: str
    document: dict[str, Any] = field(repr=False)
    packed: bytes = field(repr=False)
    was_parsed: bool
    seconds: float
    _ahead: list[Future[Any]] = field(default_factory=list, repr=False, compare=False)

    def unpack_ahead(self) -> None:
        """Have a thread do what the next `unpack` would, and load dbt, while Python has little to do."""
        side = ThreadPoolExecutor(max_workers=1)
        self._ahead.append(side.submit(self._unpacked))
        side.submit(_load_dbt)
        side.shutdown(wait=False)

    def unpack(self) -> Any:
        """A fresh dbt `Manifest`; fresh each time because a run writes compiled SQL into it."""
        return self._ahead.pop().result() if self._ahead else self._unpacked()

    def _unpacked(self) -> Any:
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        manifest = Manifest.from_msgpack(self.packed, decoder=extended_mashumuro_decoder)  # type: ignore[attr-defined]
        manifest.build_flat_graph()
        return manifest


@dataclass(frozen=True)
class NodeResult:
    """What became of one seed, model or test.

    `status` is dbt's: success, pass, warn, fail, error, skipped. `compiled_sql` is filled for tests, so that
    failing rows can be shown.
    """

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    failures: int | None
    message: str | None
    compiled_sql: str | None


@dataclass(frozen=True)
class DbtResult:
    """One invocation of dbt: its nodes in the order they ended. `crash` is set when dbt itself gave up."""

    success: bool
    nodes: tuple[NodeResult, ...]
    crash: str | None
    seconds: float

    def with_status(self, *statuses: str) -> list[NodeResult]:
        """The nodes that ended in one of `statuses`."""
        return [node for node in self.nodes if node.status in statuses]


def cache_dir(settings: Settings) -> Path:
    """Where parsed manifests are kept: IQA_CACHE_DIR, else beside the warehouse file."""
    named = os.environ.get("IQA_CACHE_DIR")
    return Path(named).absolute() if named else settings.warehouse.parent / "cache"


def manifest_key(dbt_dir: Path = DBT_DIR) -> str:
    """Hash of all that a parse depends on: the files, where they are, and the versions that read them."""
    digest = hashlib.sha256()
    for part in (_CACHE_FORMAT, dbt_dir.resolve(), version("dbt-core"), version("dbt-duckdb")):
        digest.update(f"{part}\0".encode())
    for path in _source_files(dbt_dir):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(dbt_dir).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def _source_files(dbt_dir: Path) -> list[Path]:
    found: list[Path] = []
    for folder, names, files in os.walk(dbt_dir):
        if Path(folder) == dbt_dir:
            names[:] = [name for name in names if name not in _NOT_PARSED]
        found.extend(Path(folder, name) for name in files if name not in _NOT_PARSED)
    return sorted(found)


def load_manifest(settings: Settings, *, dbt_dir: Path = DBT_DIR) -> DbtManifest:
    """The parsed project, from the cache where nothing changed.

    Safe for processes that run at once: an entry is written aside and put in place whole; one that cannot be
    read is made again.

    Raises:
        IqaError: the project cannot be parsed.
    """
    started = time.perf_counter()
    key = manifest_key(dbt_dir)
    cache = cache_dir(settings)
    packed_file = cache / f"dbt-{key}.msgpack"
    document_file = cache / f"dbt-{key}.json"
    try:
        document = json.loads(document_file.read_text(encoding="utf-8"))
        packed = packed_file.read_bytes()
    except (OSError, ValueError):
        packed, document = _parse(settings, dbt_dir)
        cache.mkdir(parents=True, exist_ok=True)
        # The document goes last: where it is, the other one is too.
        _put(packed_file, packed)
        _put(document_file, json.dumps(document, default=str).encode())
        _forget_old_entries(cache)
        return DbtManifest(key, document, packed, True, time.perf_counter() - started)
    return DbtManifest(key, document, packed, False, time.perf_counter() - started)


def _parse(settings: Settings, dbt_dir: Path) -> tuple[bytes, dict[str, Any]]:
    silence_telemetry()
    from dbt.cli.main import dbtRunner
    from dbt.parser.manifest import extended_mashumaro_encoder

    # In a folder of its own: dbt's partial-parse file is not safe for two processes.
    with tempfile.TemporaryDirectory(prefix="iqa-dbt-parse-") as scratch, _invocation(settings):
        outcome = dbtRunner().invoke(
            ["parse", "--no-partial-parse", "--no-write-json", *_options(dbt_dir, Path(scratch))]
        )
    if outcome.exception is not None or not outcome.success:
        raise IqaError(
            f"dbt could not read the models: {_first_lines(str(outcome.exception))}",
            where=str(dbt_dir),
            expected="a dbt project that parses",
            next_step="Correct the file that the message names, or go back to the last commit that worked.",
        )
    manifest = outcome.result
    packed = manifest.to_msgpack(extended_mashumaro_encoder)  # type: ignore[union-attr]
    document = manifest.writable_manifest().to_dict(omit_none=False)  # type: ignore[union-attr]
    return packed, json.loads(json.dumps(document, default=str))


def _put(target: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    Path(aside).replace(target)


def _forget_old_entries(cache: Path, keep: int = 5) -> None:
    documents = sorted(cache.glob("dbt-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for document in documents[keep:]:
        document.unlink(missing_ok=True)
        document.with_suffix(".msgpack").unlink(missing_ok=True)


def run_dbt(
    settings: Settings,
    command: str = "build",
    *,
    manifest: DbtManifest | None = None,
    select: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    exclude_resource_types: Sequence[str] = (),
    dbt_dir: Path = DBT_DIR,
    tolerated: Collection[str] = (),
    on_event: Callable[[Any], None] | None = None,
) -> DbtResult:
    """Run `dbt <command>` on `settings.warehouse`, in this process, without a word on the terminal.

    A data test whose id is in `tolerated` only warns when it fails, so that what depends on its model is
    built all the same. `on_event` gets the events of dbt that tell how a node ended, as they happen (each an
    `EventMsg`). No connection to the warehouse file may be open in this process when it is called, and none
    is open when it returns.

    Raises:
        IqaError: the project cannot be parsed. A failed node is no exception: it is in the result.
    """
    silence_telemetry()
    started = time.perf_counter()
    with _ONE_AT_A_TIME:
        parsed = manifest or load_manifest(settings, dbt_dir=dbt_dir)
        from dbt.cli.main import dbtRunner

        arguments = [command, *_options(dbt_dir, settings.warehouse.parent / "dbt"), "--no-write-json"]
        if command in ("build", "seed"):
            # Without it dbt fills the table of an earlier run, and a seed that gained a column fails.
            arguments.append("--full-refresh")
        for flag, values in (("--select", select), ("--exclude", exclude)):
            if values:
                arguments += [flag, *([values] if isinstance(values, str) else values)]
        for resource_type in exclude_resource_types:
            arguments += ["--exclude-resource-type", resource_type]
        settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        _clear(settings.warehouse.parent / "dbt" / "target")
        with _invocation(settings):
            outcome = dbtRunner(
                manifest=_with_tolerance(parsed.unpack(), tolerated),
                callbacks=[on_event] if on_event is not None else [],
            ).invoke(arguments)
    results = getattr(outcome.result, "results", None) or []
    return DbtResult(
        success=bool(outcome.success),
        nodes=tuple(_node_result(result) for result in results),
        crash=None if outcome.exception is None else _first_lines(str(outcome.exception)),
        seconds=time.perf_counter() - started,
    )


def _clear(folder: Path) -> None:
    """Put what an earlier run left in `folder` out of the way, and delete it beside this run.

    dbt writes hundreds of small files. New ones cost next to nothing, where a file system has every one that
    is overwritten wait for the disk.
    """
    if folder.exists():
        folder.replace(folder.with_name(f".{folder.name}-{time.time_ns()}"))
    for old in folder.parent.glob(f".{folder.name}-*"):
        threading.Thread(target=shutil.rmtree, args=(old,), kwargs={"ignore_errors": True}).start()


def generate_docs(settings: Settings, manifest: DbtManifest, work_dir: Path) -> Path | None:
    """Have dbt compile every model and write its documentation into `work_dir`, as one page without data.

    Returns the page, or None if dbt failed. `settings.warehouse` may be a file that does not exist yet.
    """
    silence_telemetry()
    with _ONE_AT_A_TIME:
        from dbt.cli.main import dbtRunner

        with _invocation(settings):
            outcome = dbtRunner(manifest=manifest.unpack()).invoke(
                ["docs", "generate", "--static", "--empty-catalog", *_options(DBT_DIR, work_dir)]
            )
    page = work_dir / "target" / "static_index.html"
    return page if outcome.success and page.is_file() else None


def _with_tolerance(manifest: Any, tolerated: Collection[str]) -> Any:
    for unique_id in tolerated:
        node = manifest.nodes.get(unique_id)
        if node is not None:
            node.config.severity = "warn"
    return manifest


def _node_result(result: Any) -> NodeResult:
    node = result.node
    resource_type = str(getattr(node.resource_type, "value", node.resource_type))
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=resource_type,
        status=str(getattr(result.status, "value", result.status)),
        seconds=float(result.execution_time or 0),
        failures=result.failures,
        message=result.message,
        compiled_sql=getattr(node, "compiled_code", None) if resource_type == "test" else None,
    )


def _options(dbt_dir: Path, work_dir: Path) -> list[str]:
    return [
        *("--project-dir", str(dbt_dir)),
        *("--profiles-dir", str(dbt_dir)),
        *("--target-path", str(work_dir / "target")),
        *("--log-path", str(work_dir / "logs")),
        *("--log-level", "none"),
        *("--log-level-file", "none"),
        "--quiet",
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
    ]


@contextmanager
def _invocation(settings: Settings) -> Iterator[None]:
    """The environment the profile reads, for one invocation; afterwards dbt's connections are closed."""
    wanted = {
        "IQA_WAREHOUSE": str(settings.warehouse),
        "IQA_THREADS": str(settings.threads),
        "IQA_MEMORY_LIMIT": settings.memory_limit,
        "IQA_SPILL_DIR": str(settings.spill_dir),
    }
    before = {name: os.environ.get(name) for name in wanted}
    with _ONE_AT_A_TIME:
        os.environ.update(wanted)
        try:
            with _few_events():
                yield
        finally:
            _close_connections()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def _few_events() -> Iterator[None]:
    """Have dbt leave out the events that nobody hears: to put one together takes longer than to log it."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

    class FewEvents(EventManager):
        def fire_event(self, e: Any, level: Any = None, *rest: Any, **options: Any) -> None:
            # A warning may be an error, by dbt's settings: that is for dbt to say.
            if type(e).__name__ in _HEARD or (level or e.level_tag()) == EventLevel.WARN:
                super().fire_event(e, level, *rest, **options)

    usual = get_event_manager()
    ctx_set_event_manager(FewEvents())
    try:
        yield
    finally:
        ctx_set_event_manager(usual)


def _load_dbt() -> None:
    for name in ("dbt.cli.main", "dbt.adapters.duckdb", "dagster_project.warehouse.dbt_plugin"):
        importlib.import_module(name)


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections, reset_adapters

    cleanup_connections()
    reset_adapters()
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


def _first_lines(message: str, lines: int = 12) -> str:
    return "\n".join(message.strip().splitlines()[:lines])
