"""A Spark session that computes what DuckDB computes: its settings and the statistics in Python.

Here: what every session of this project needs, local or on a cluster. Not here: what it reads and builds.
The one trap: dbt-spark takes the session that stands (`getOrCreate`), so this one has to be made before dbt
is called.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.functions import arrow_udf

from dagster_project.errors import IqaError
from dagster_project.warehouse.functions import sql_functions

# Settings that the meaning of the models rests on; a cluster needs them too.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.sources.default": "parquet",
    "spark.sql.legacy.createHiveTableByDefault": "false",
}
_SPARK_TYPES = {"BIGINT": "bigint", "DOUBLE": "double"}
_ARROW_TYPES = {"BIGINT": pa.int64(), "DOUBLE": pa.float64()}


def local_session(work_dir: Path, *, threads: int = 2, memory: str = "3g") -> SparkSession:
    """A session in this process, its tables under `work_dir`, with the statistics registered."""
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise IqaError(
            "Spark cannot start: there is no Java.",
            where="the PATH, and JAVA_HOME",
            expected="Java 17 or later",
            next_step="Install it (Debian: apt install openjdk-17-jre-headless), or set JAVA_HOME.",
        )
    # Workers are children of this interpreter, whatever `python3` is on the path.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        **MEANING,
        "spark.driver.memory": memory,
        "spark.sql.warehouse.dir": (work_dir / "tables").absolute().as_uri(),
        "spark.local.dir": str((work_dir / "spill").absolute()),
        # Small data: the work of a partition is less than that of starting it.
        "spark.sql.shuffle.partitions": str(threads),
        "spark.ui.enabled": "false",
        # Code made for each query, and plans made anew on the way, pay on large data only: without them the
        # models of the sample take half the time.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
        # Most of the time of a short run is Java compiling itself: one quick pass does.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("iqa")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    register_functions(session)
    return session


def register_functions(session: SparkSession) -> None:
    """Register every statistic under the name that the macros call, from the same functions as DuckDB's."""
    for name, (_, parameters, returns) in sql_functions().items():
        session.udf.register(name, arrow_udf(_function(name, tuple(parameters)), _spark_type(returns)))
    session.udf.register("lgamma", arrow_udf(_log_gamma, "double"))


def _function(name: str, parameters: tuple[str, ...]) -> Any:
    """The statistic over Arrow arrays. It is looked up where it runs: only names travel to the workers."""
    types = [_arrow_type(parameter) for parameter in parameters]

    def apply(*columns: pa.Array) -> pa.Array:
        from dagster_project.warehouse.functions import sql_functions

        function = sql_functions()[name][0]
        given = [pa.chunked_array([column.cast(type_)]) for column, type_ in zip(columns, types, strict=True)]
        return function(*given)

    # Spark counts the parameters of what it is given, and counts `*columns` as one.
    if len(parameters) == 2:
        return lambda first, second: apply(first, second)
    if len(parameters) == 3:
        return lambda first, second, third: apply(first, second, third)
    if len(parameters) == 4:
        return lambda first, second, third, fourth: apply(first, second, third, fourth)
    return lambda first, second, third, fourth, fifth: apply(first, second, third, fourth, fifth)


def _log_gamma(values: pa.Array) -> pa.Array:
    """DuckDB has this one built in."""
    from scipy.special import gammaln

    return pa.array(gammaln(values.cast(pa.float64()).to_numpy(zero_copy_only=False)), from_pandas=True)


def _spark_type(name: str) -> str:
    if name.endswith("[]"):
        return f"array<{_spark_type(name[:-2])}>"
    return _SPARK_TYPES[name]


def _arrow_type(name: str) -> pa.DataType:
    return pa.list_(_arrow_type(name[:-2])) if name.endswith("[]") else _ARROW_TYPES[name]
