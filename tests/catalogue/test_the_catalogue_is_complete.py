"""The catalogue against the project: every id registered, every registered column real, every table marked.

Nothing is built here: the registry is read from its seeds and the models from the parsed manifest. The one
trap: an id in the registry proves that a column exists, not that it is right; the golden tests do that.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_project.gate.suites import read_suites
from dagster_project.release.tables import released_tables
from dagster_project.settings import EXPECTATIONS_DIR, SEEDS_DIR, Settings
from dagster_project.warehouse.dbt_runner import load_manifest

# Families of the catalogue and how many metrics each has.
FAMILIES = {"C": 8, "D": 10, "L": 12, "A": 6, "K": 7, "Q": 10, "T": 6, "X": 6, "H": 6}
METRICS = [f"{family}{number}" for family, count in FAMILIES.items() for number in range(1, count + 1)]
TOLD = (
    *("metric_name", "definition", "unit", "owner", "version", "source", "worked_example"),
    "recomputation",
)
# Columns that stay inside: ids of people for joins, and a campaign's name, which is free text.
PRIVATE = {
    ("fct_requirement", "staff_id"),
    ("fct_requirement", "line_manager_id"),
    ("fct_iqa", "theme_campaign"),
}
Row = dict[str, Any]


def registry() -> list[dict[str, str]]:
    rows = []
    for path in sorted((SEEDS_DIR / "metrics").glob("metrics_*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows += [{"file": path.name, **row} for row in csv.DictReader(stream)]
    return rows


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Row:
    scratch: Path = tmp_path_factory.mktemp("manifest")
    return load_manifest(Settings(warehouse=scratch / "iqa.duckdb")).document


@pytest.fixture(scope="module")
def models(document: Row) -> dict[str, Row]:
    return {
        node["name"]: node
        for node in document["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def meta(node: Row) -> Row:
    return {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}


def columns(models: dict[str, Row]) -> Iterator[tuple[str, Row]]:
    for name, model in models.items():
        for column in model["columns"].values():
            yield name, column


@pytest.mark.parametrize("metric_id", METRICS)
def test_every_metric_of_the_catalogue_is_registered(metric_id: str) -> None:
    assert [row["metric_id"] for row in registry() if row["metric_id"] == metric_id]


def test_every_registered_metric_points_to_public_columns(models: dict[str, Row]) -> None:
    lost = []
    for row in registry():
        held = models[row["mart"]]["columns"] if row["mart"] in models else {}
        for name in row["column_name"].split(";"):
            if name not in held or meta(held[name]).get("public") is not True:
                lost.append(f"{row['metric_id']}: {row['mart']}.{name}")
    assert lost == []


def test_every_registered_metric_is_told_in_full() -> None:
    gaps = [
        f"{row['file']} {row['metric_id']} {row['mart']}: {name}"
        for row in registry()
        for name in TOLD
        if not (row[name] or "").strip()
    ]
    assert gaps == []


def test_no_metric_is_registered_twice_for_one_mart() -> None:
    keys = [(row["metric_id"], row["mart"], row["column_name"]) for row in registry()]
    assert len(keys) == len(set(keys))


def test_every_family_of_the_registry_is_in_the_mart(document: Row) -> None:
    read = {name.rsplit(".", 1)[-1] for name in document["parent_map"]["model.iqa.metric_registry"]}
    assert read == {path.stem for path in (SEEDS_DIR / "metrics").glob("metrics_*.csv")}


def test_metrics_that_columns_name_are_registered(models: dict[str, Row]) -> None:
    known = {row["metric_id"] for row in registry()}
    named = {
        (model, column["name"], metric)
        for model, column in columns(models)
        if (metric := meta(column).get("metric"))
    }
    # D2b is the activity basis of D2, told on its page.
    assert {item for item in named if re.sub(r"b$", "", str(item[2])) not in known} == set()


def test_every_table_says_what_it_is_and_where_it_may_go(models: dict[str, Row]) -> None:
    for name, model in models.items():
        marks = meta(model)
        assert model["config"]["contract"]["enforced"], name
        assert isinstance(marks.get("shareable"), bool), name
        assert marks.get("owner"), name
        assert marks.get("grain") and set(marks["grain"]) <= set(model["columns"]), name
        last = re.split(r"(?<=\.) ", " ".join(model["description"].split()))[-1]
        assert last.startswith("One row per ") and last.endswith("."), name


def test_every_column_is_described_and_public_or_kept_inside_on_purpose(models: dict[str, Row]) -> None:
    private = set()
    for model, column in columns(models):
        assert column["data_type"] and column["description"], f"{model}.{column['name']}"
        assert meta(column).get("unit"), f"{model}.{column['name']}"
        if meta(column).get("public") is not True:
            private.add((model, column["name"]))
    assert private == PRIVATE


def test_every_table_is_released(document: Row, models: dict[str, Row]) -> None:
    assert {table.name for table in released_tables(document)} == set(models)


def test_every_metric_mart_has_a_suite_of_expectations(models: dict[str, Row]) -> None:
    marts = {
        name
        for name, model in models.items()
        if "/marts/" in model["original_file_path"] and name not in ("metric_registry", "release_info")
    }
    assert {suite.mart for suite in read_suites(EXPECTATIONS_DIR / "marts")} == marts
