"""The models built on Spark, from what ingest accepted.

Here: handing over the schemas `raw` and `seeds` as Parquet, and one invocation of dbt. Not here: ingest,
expectations, gate, disclosure control and release, which stay on DuckDB. The one trap: dbt-spark sends a
statement to the session as it is, and turns ANSI mode off; the boundary set up here translates the SQL of
models, and keeps ANSI mode on.
"""

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pyspark.sql import SparkSession

from dagster_project.settings import DBT_DIR, silence_telemetry
from dagster_project.spark.session import local_session
from dagster_project.spark.translation import to_spark

HANDED_OVER = ("raw", "seeds")
BUILT = ("staging", "intermediate", "marts")
# What `models_sql_mark` of dbt/macros/dialect/spark.sql writes.
_MARK = re.compile(r"/\* a model's SQL \*/")


@dataclass(frozen=True)
class SparkBuild:
    """What became of a build. `failures` names each node that was not built, with dbt's message."""

    models: int
    failures: tuple[str, ...]
    seconds: float
    session_seconds: float
    slowest: tuple[tuple[str, float], ...]


def build_on_spark(
    warehouse: Path,
    work_dir: Path,
    *,
    threads: int = 2,
    memory: str = "3g",
    select: str | None = None,
    dbt_dir: Path = DBT_DIR,
) -> SparkBuild:
    """Build every model under `work_dir`, from the schemas `raw` and `seeds` of the DuckDB file `warehouse`.

    `work_dir` is emptied first. Where a table lies afterwards: `table_files`.
    """
    shutil.rmtree(work_dir, ignore_errors=True)
    work_dir.mkdir(parents=True)
    started = time.perf_counter()
    tables = hand_over(warehouse, work_dir / "handed-over")
    session = local_session(work_dir, threads=threads, memory=memory)
    ready = time.perf_counter()
    try:
        for schema in (*HANDED_OVER, *BUILT):
            session.sql(f"create schema if not exists {schema}")
        for name, path in tables.items():
            session.sql(f"create table {name} using parquet location '{path.as_uri()}'")
        outcome = _run_dbt(work_dir, dbt_dir, select)
    finally:
        session.stop()
    results = getattr(outcome.result, "results", None) or []
    failures = [
        f"{result.node.name}: {result.status}: {result.message}"
        for result in results
        if str(getattr(result.status, "value", result.status)) not in ("success", "no-op")
    ]
    if outcome.exception is not None:
        failures.append(f"dbt gave up: {outcome.exception}")
    by_time = sorted(results, key=lambda result: -(result.execution_time or 0))
    return SparkBuild(
        models=len(results) - len(failures),
        failures=tuple(failures),
        seconds=time.perf_counter() - started,
        session_seconds=ready - started,
        slowest=tuple((result.node.name, result.execution_time) for result in by_time[:10]),
    )


def hand_over(warehouse: Path, folder: Path) -> dict[str, Path]:
    """Write `raw` and `seeds` of the warehouse file as Parquet: `schema.table` -> file."""
    files: dict[str, Path] = {}
    with contextlib.closing(duckdb.connect(str(warehouse), read_only=True)) as connection:
        found = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where list_contains($schemas, table_schema) order by all",
            {"schemas": list(HANDED_OVER)},
        ).fetchall()
        for schema, name in found:
            path = folder / schema / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f'copy "{schema}"."{name}" to $path (format parquet)', {"path": str(path)})
            files[f"{schema}.{name}"] = path
    return files


def table_files(work_dir: Path, schema: str, table: str) -> str:
    """The Parquet files of a table that was built, as a glob."""
    return str(work_dir / "tables" / f"{schema}.db" / table / "*.parquet")


def _run_dbt(work_dir: Path, dbt_dir: Path, select: str | None) -> Any:
    silence_telemetry()
    from dbt.adapters.factory import cleanup_connections, reset_adapters
    from dbt.cli.main import dbtRunner

    arguments = [
        *("run", "--target", "spark", "--quiet", "--no-use-colors", "--no-partial-parse", "--no-write-json"),
        *("--project-dir", str(dbt_dir), "--profiles-dir", str(dbt_dir)),
        *("--target-path", str(work_dir / "dbt" / "target"), "--log-path", str(work_dir / "dbt" / "logs")),
        *("--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats"),
        *(("--select", select) if select else ()),
    ]
    with translated():
        try:
            return dbtRunner().invoke(arguments)
        finally:
            cleanup_connections()
            reset_adapters()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """While open, the SQL of models is translated on its way from dbt-spark to the session."""
    from dbt.adapters.spark import session as dbt_spark
    from dbt_common.exceptions import DbtRuntimeError

    class Cursor(dbt_spark.Cursor):
        def execute(self, sql: str, *parameters: Any) -> None:
            statement = sql % parameters if parameters else sql
            mark = _MARK.search(statement)
            try:
                if mark is not None:
                    statement = statement[: mark.start()] + to_spark(statement[mark.end() :])
                # The session that stands: dbt-spark's own way would turn ANSI mode off on it.
                self._df = SparkSession.builder.getOrCreate().sql(statement)
            except Exception as error:
                raise DbtRuntimeError(str(error)) from error

    before = dbt_spark.Cursor
    dbt_spark.Cursor = Cursor  # type: ignore[misc]
    try:
        yield
    finally:
        dbt_spark.Cursor = before  # type: ignore[misc]
