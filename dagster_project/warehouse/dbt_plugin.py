"""The dbt-duckdb plugin that puts this project's statistical functions on the connection.

What belongs here: only the registration. The mathematics is in `dagster_project.statistics`, the SQL names
are in `dagster_project.warehouse.functions`. The one trap: dbt loads this module by its dotted name and asks
for a class called `Plugin`.
"""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from dagster_project.warehouse.functions import register_functions


class Plugin(BasePlugin):
    """Registers the functions on dbt's connection."""

    def configure_connection(self, conn: Any) -> None:
        """Called once by dbt-duckdb with the new `DuckDBPyConnection`."""
        register_functions(conn)
