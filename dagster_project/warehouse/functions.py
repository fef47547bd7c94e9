"""SQL names of the statistics that SQL cannot compute, backed by `dagster_project.statistics`.

Each function is vectorised over Arrow arrays and pure. One function a statistic; the macro of the same name in
`dbt/macros/statistics/` is what models call, so that another engine can register its own.
"""

import duckdb


def register_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Register every function on `connection`. Registering twice on one connection is an error of DuckDB's."""
