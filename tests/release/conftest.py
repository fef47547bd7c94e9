"""Fixtures of a folder of releases and a publisher for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_candidate import attached, make_candidate, release_made

from dagster_project.release.identity import new_release_id
from dagster_project.release.locks import writer_lock
from dagster_project.release.writer import ReleaseInfo
from dagster_project.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        raw_dir=tmp_path / "raw",
        marts_dir=tmp_path / "marts",
        warehouse=tmp_path / "work" / "iqa.duckdb",
        threads=1,
        memory_limit="500MB",
    )


@pytest.fixture
def publish(settings: Settings) -> Callable[..., ReleaseInfo]:
    """Build a candidate and release it."""

    def publish_one(content: str = "a", **options: object) -> ReleaseInfo:
        settings.warehouse.parent.mkdir(exist_ok=True)
        made = {name: options.pop(name) for name in ("backwards", "iqas") if name in options}
        with writer_lock(settings.marts_dir, settings.warehouse) as lock:
            settings.warehouse.unlink(missing_ok=True)
            release_id = new_release_id(settings.marts_dir, content)
            make_candidate(settings.warehouse, release_id, **made)  # type: ignore[arg-type]
            with attached(settings.warehouse) as connection:
                return release_made(connection, settings.marts_dir, lock, **options)

    return publish_one
