"""The sample built on DuckDB and on Spark, once for all tests of this folder.

Here: both builds, and the report at the end. Not here: how tables are compared. The one trap: the
environment of `make test` has no Spark, so there nothing of this folder is collected; `make test-spark` has
an environment with it.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.warehouse.dbt_runner import load_manifest
from tests.spark.comparing import Comparison, compare_table
from tests.support.pipeline import build_prepared, copy_seeded_warehouse, pipeline_settings, prepare_run

HAS_SPARK = find_spec("pyspark") is not None
collect_ignore = [] if HAS_SPARK else ["test_spark_builds_the_same_marts.py"]
_REPORT: list[str] = []


@dataclass(frozen=True)
class BothBuilds:
    """The marts of the sample as DuckDB and as Spark made them. `grains`: table -> its key columns."""

    connection: duckdb.DuckDBPyConnection
    spark_dir: Path
    failures: tuple[str, ...]
    models: int
    grains: dict[str, list[str]]

    def compare(self, table: str) -> Comparison:
        """Cell by cell, noted for the report."""
        from dagster_project.spark.building import table_files

        files = table_files(self.spark_dir, "marts", table)
        comparison = compare_table(
            self.connection,
            table,
            f'warehouse.marts."{table}"',
            f"read_parquet('{files}')",
            self.grains[table],
        )
        _REPORT.append(comparison.line())
        return comparison


@pytest.fixture(scope="session")
def both_builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothBuilds]:
    """Ingest once, then dbt on either engine. Neither assurance nor the gate has touched the marts."""
    from dagster_project.extracts import ingest
    from dagster_project.spark.building import build_on_spark

    folder = tmp_path_factory.mktemp("both")
    settings = pipeline_settings(folder, PROJECT_ROOT / "data" / "raw")
    copy_seeded_warehouse(settings)
    with contextlib.closing(duckdb.connect(str(settings.warehouse))) as connection:
        prepare_run(connection, ingest(settings, connection).as_of)
    started = time.perf_counter()
    build_prepared(settings).close()
    duckdb_seconds = time.perf_counter() - started

    spark = build_on_spark(settings.warehouse, folder / "spark")
    _REPORT.extend(
        [
            f"dbt on DuckDB {duckdb_seconds:.0f} s, on Spark {spark.seconds:.0f} s "
            f"({spark.session_seconds:.0f} s of it until the session stood): "
            f"{spark.seconds / duckdb_seconds:.1f} times as long",
            "slowest on Spark: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in spark.slowest),
        ]
    )
    nodes: list[dict[str, Any]] = list(load_manifest(settings).document["nodes"].values())
    grains = {
        node["name"]: node["config"]["meta"]["grain"]
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        connection.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        yield BothBuilds(connection, folder / "spark", spark.failures, spark.models, grains)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a table."""
    if _REPORT:
        terminalreporter.section("DuckDB and Spark, cell by cell")
        for line in _REPORT:
            terminalreporter.write_line(line)
