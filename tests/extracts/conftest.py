"""What every test of the extracts needs: an empty delivery, and a warehouse to load it into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.extracts import IngestResult, ingest
from dagster_project.settings import Settings


@dataclass
class Warehouse:
    """A raw folder with a warehouse beside it; `load` ingests the one into the other."""

    root: Path
    connection: duckdb.DuckDBPyConnection

    @property
    def raw_dir(self) -> Path:
        return self.root / "raw"

    @property
    def settings(self) -> Settings:
        return Settings(raw_dir=self.raw_dir, marts_dir=self.root / "marts", warehouse=self.root / "w.duckdb")

    def load(self, as_of: date | None = None, **options: Any) -> IngestResult:
        settings = Settings(
            raw_dir=self.raw_dir,
            marts_dir=self.root / "marts",
            warehouse=self.root / "w.duckdb",
            as_of=as_of,
        )
        return ingest(settings, self.connection, **options)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def quarantined(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select dataset, primary_key, rule_id from raw.quarantine order by dataset, primary_key, rule_id"
        )


@pytest.fixture
def new_warehouse(tmp_path: Path) -> Iterator[Callable[[str], Warehouse]]:
    opened: list[duckdb.DuckDBPyConnection] = []

    def make(name: str = "one") -> Warehouse:
        root = tmp_path / name
        (root / "raw").mkdir(parents=True)
        connection = duckdb.connect(str(root / "w.duckdb"))
        opened.append(connection)
        return Warehouse(root, connection)

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def warehouse(new_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return new_warehouse("one")
