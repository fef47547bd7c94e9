"""What the pages are made of: registry rows, released tables with their ancestors, contracts, policies.

Belongs here: reading and joining. Does not: Markdown. The one trap: a policy is read by a macro several
models away from the mart, so ancestors are followed to the extracts before policies are listed.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.release.tables import ReleasedTable, released_tables
from dagster_project.settings import EXPECTATIONS_DIR, SEEDS_DIR
from dagster_project.yaml_files import read_yaml

_POLICY_CALL = re.compile(r"policy(?:_text|_date)?\('([a-z0-9_]+)'\)")
# Families of the catalogue by the letter their ids begin with; charts have no letter of their own.
FAMILIES = {
    "C": "C Compliance",
    "D": "D Dip samples",
    "L": "L Leniency and quality gap",
    "A": "A Agreement",
    "K": "K What the dip sample catches",
    "Q": "Q Comments and feedback",
    "T": "T Timeliness",
    "X": "X Actions",
    "H": "H Themes",
    "": "Charts and funnels",
}
_FAMILY_AND_NUMBER = re.compile(r"([A-Z]+)(\d*)")


@dataclass(frozen=True)
class MetricEntry:
    """One row of the registry: a metric in one mart."""

    metric_id: str
    values: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The mart's columns that hold it."""
        return tuple(name for name in self.values["column_name"].split(";") if name)


@dataclass(frozen=True)
class Model:
    """A dbt model as pages cite it: where its SQL is, what it is built from, which policies that reads."""

    name: str
    path: str
    description: str
    parents: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """Everything the pages need."""

    metrics: tuple[MetricEntry, ...]
    tables: Mapping[str, ReleasedTable]
    models: Mapping[str, Model]
    contracts: tuple[Mapping[str, Any], ...]
    policies: tuple[Mapping[str, str], ...]
    by_id: Mapping[str, tuple[MetricEntry, ...]] = field(default_factory=dict)

    def family(self, metric_id: str) -> str:
        """The key in FAMILIES of a metric."""
        letter = metric_order(metric_id)[0]
        return letter if letter in FAMILIES else ""


def read_sources(manifest: Mapping[str, Any], macro_text: str) -> Sources:
    """Join the seeds and contracts of the project with dbt's manifest.

    `macro_text` is the text of the project's own macros, in which policies may be read too.
    """
    metrics = tuple(_metrics())
    by_id: dict[str, tuple[MetricEntry, ...]] = {}
    for entry in metrics:
        by_id[entry.metric_id] = (*by_id.get(entry.metric_id, ()), entry)
    return Sources(
        metrics=metrics,
        tables={table.name: table for table in released_tables(manifest)},
        models=_models(manifest, macro_text),
        contracts=tuple(read_yaml(path) for path in sorted((EXPECTATIONS_DIR / "extracts").glob("*.yml"))),
        policies=tuple(_rows(SEEDS_DIR / "policies.csv")),
        by_id=dict(sorted(by_id.items(), key=lambda item: _place(item[0]))),
    )


def _place(metric_id: str) -> tuple[int, int, str]:
    """Families in the order of the catalogue, metrics by number."""
    letter, number, _ = metric_order(metric_id)
    known = list(FAMILIES)
    return (known.index(letter if letter in FAMILIES else ""), number, metric_id)


def metric_order(metric_id: str) -> tuple[str, int, str]:
    """Families by letter, metrics by number: D2 before D10."""
    match = _FAMILY_AND_NUMBER.match(metric_id)
    family, number = match.groups() if match else (metric_id, "")
    return family, int(number or 0), metric_id


def _metrics() -> list[MetricEntry]:
    rows = [row for path in sorted((SEEDS_DIR / "metrics").glob("metrics_*.csv")) for row in _rows(path)]
    entries = [MetricEntry(row["metric_id"], row) for row in rows]
    return sorted(entries, key=lambda entry: (metric_order(entry.metric_id), entry.values["mart"]))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _models(manifest: Mapping[str, Any], macro_text: str) -> dict[str, Model]:
    nodes = {
        unique_id: node for unique_id, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    macros = _policies_of_macros(macro_text)
    own = {
        unique_id: set(_POLICY_CALL.findall(node["raw_code"]))
        | {key for name, keys in macros.items() if f"{name}(" in node["raw_code"] for key in keys}
        for unique_id, node in nodes.items()
    }
    return {
        node["name"]: Model(
            name=node["name"],
            path=f"dbt/{node['original_file_path']}",
            description=" ".join(node["description"].split()),
            parents=tuple(sorted(parent.rsplit(".", 1)[-1] for parent in node["depends_on"]["nodes"])),
            policies=tuple(
                sorted(set().union(*(own[ancestor] for ancestor in _with_ancestors(unique_id, nodes))))
            ),
        )
        for unique_id, node in sorted(nodes.items())
    }


def _with_ancestors(unique_id: str, nodes: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        current = waiting.pop()
        if current in found or current not in nodes:
            continue
        found.add(current)
        waiting.extend(nodes[current]["depends_on"]["nodes"])
    return found


def _policies_of_macros(text: str) -> dict[str, set[str]]:
    """Macro -> policies that it reads, itself or through another macro of the project."""
    bodies = dict(re.findall(r"{%-?\s*macro\s+(\w+)\(.*?-?%}(.*?){%-?\s*endmacro", text, re.DOTALL))
    read = {name: set(_POLICY_CALL.findall(body)) for name, body in bodies.items()}
    while True:
        wider = {
            name: keys.union(
                *(read[other] for other in bodies if other != name and f"{other}(" in bodies[name])
            )
            for name, keys in read.items()
        }
        if wider == read:
            return {name: keys for name, keys in read.items() if keys}
        read = wider
