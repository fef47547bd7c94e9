"""The SQL that dbt compiled, run straight in DuckDB in dbt's order: what the same work costs without the
tools.

Works on a copy of a warehouse after a run, with everything dbt built dropped first; the statistics in
Python are registered, for the SQL calls them. With `models` only the tables and views are made, with `all`
each data test is run after. Seeds are left as they are: loading them is dbt's Python.

Call: python -m bench.direct WAREHOUSE COMPILED models|all
"""

import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml
from jinja2 import Template

from dagster_project.settings import DBT_DIR, Settings
from dagster_project.warehouse.dbt_runner import load_manifest
from dagster_project.warehouse.functions import register_functions


def in_order(nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The models, each after those that it reads."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()

    def visit(key: str) -> None:
        if key in seen or key not in nodes:
            return
        seen.add(key)
        for parent in nodes[key]["depends_on"]["nodes"]:
            visit(parent)
        found.append(nodes[key])

    for key in nodes:
        visit(key)
    return found


def profile_options(settings: Settings) -> dict[str, Any]:
    """DuckDB's own options of dbt's profile, with `settings` in place of its variables."""
    values = {
        "IQA_THREADS": str(settings.threads),
        "IQA_MEMORY_LIMIT": settings.memory_limit,
        "IQA_SPILL_DIR": str(settings.spill_dir),
    }
    text = (DBT_DIR / "profiles.yml").read_text(encoding="utf-8")
    profile = yaml.safe_load(Template(text).render(env_var=values.get))
    return dict(profile["iqa"]["outputs"]["duckdb"]["config_options"])


def main(warehouse: Path, compiled: Path, extent: str) -> None:
    """Build the models of a warehouse anew."""
    settings = Settings.from_environment(warehouse=warehouse)
    nodes = load_manifest(settings).document["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    settings.spill_dir.mkdir(parents=True, exist_ok=True)
    config = profile_options(settings)
    with duckdb.connect(config=config) as connection:
        connection.execute(f"attach '{warehouse}' as warehouse")
        register_functions(connection)
        # As dbt-duckdb does: names without a database are the warehouse's.
        connection.execute("use warehouse")
        for schema in sorted({node["schema"] for node in models.values()}):
            connection.execute(f'drop schema if exists "{schema}" cascade')
            connection.execute(f'create schema "{schema}"')
        for node in in_order(models):
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            sql = (compiled / "iqa" / node["original_file_path"]).read_text()
            connection.execute(f'create {kind} "{node["schema"]}"."{node["alias"]}" as {sql}')
        if extent == "all":
            for node in nodes.values():
                if node["resource_type"] == "test":
                    path = compiled / "iqa" / _test_path(node)
                    connection.execute(f"select count(*) from ({path.read_text()}) as failures").fetchall()


def _test_path(node: dict[str, Any]) -> str:
    original = node["original_file_path"]
    return original if original.endswith(".sql") else f"{original}/{node['path']}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    sys.stdout.flush()
    os._exit(0)
