"""Extracts in, marts out: the harness of the golden tests.

What belongs here: running ingest and dbt on a small folder of extracts, without gate and release. The one
trap: dbt's own tests are not run unless asked for (`with_tests=True`); a golden test asserts on the figures.
"""

import contextlib
import shutil
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb

from dagster_project.settings import DBT_DIR, Settings
from dagster_project.warehouse.dbt_runner import DbtResult, cache_dir, load_manifest, run_dbt
from dagster_project.warehouse.run_context import RunContext, write_run_context


def build_marts(
    tmp_path: Path,
    raw_dir: Path,
    select: str | Sequence[str] | None = None,
    as_of: date | str | None = None,
    *,
    with_tests: bool = False,
    dbt_dir: Path = DBT_DIR,
) -> duckdb.DuckDBPyConnection:
    """Ingest `raw_dir`, build the selected models (all without `select`) and open the result to read.

    `select` is dbt's: name the mart with its ancestors, as `+compliance`. Files go under `tmp_path`.
    Read with `connection.sql("select ... from marts.compliance")`. `dbt_dir` is another dbt folder, for a
    test with seeds of its own.
    """
    from dagster_project.extracts import ingest

    settings = pipeline_settings(tmp_path, raw_dir, as_of)
    copy_seeded_warehouse(settings, dbt_dir)
    with contextlib.closing(duckdb.connect(str(settings.warehouse))) as connection:
        result = ingest(settings, connection, seeds_dir=dbt_dir / "seeds")
        prepare_run(connection, settings.as_of or result.as_of)
    return build_prepared(settings, select, with_tests=with_tests, dbt_dir=dbt_dir)


def build_prepared(
    settings: Settings,
    select: str | Sequence[str] | None = None,
    *,
    with_tests: bool = False,
    dbt_dir: Path = DBT_DIR,
) -> duckdb.DuckDBPyConnection:
    """Build the models on a warehouse that already holds schema `raw`, and open the result to read."""
    outcome = run_dbt(
        settings,
        select=select,
        dbt_dir=dbt_dir,
        exclude_resource_types=["seed"] if with_tests else ["seed", "test", "unit_test"],
    )
    assert outcome.success, explain(outcome)
    return duckdb.connect(str(settings.warehouse), read_only=True)


def explain(outcome: DbtResult) -> str:
    """What went wrong in dbt, for the message of a failing test."""
    lines = [outcome.crash] if outcome.crash else []
    lines += [f"{node.name}: {node.status}: {node.message}" for node in outcome.with_status("error", "fail")]
    return "\n".join(lines) or "dbt failed without saying why"


def pipeline_settings(tmp_path: Path, raw_dir: Path, as_of: date | str | None = None) -> Settings:
    """Settings whose every path lies under `tmp_path`, but for the extracts."""
    return Settings(
        raw_dir=raw_dir,
        marts_dir=tmp_path / "marts",
        warehouse=tmp_path / "warehouse" / "iqa.duckdb",
        as_of=date.fromisoformat(as_of) if isinstance(as_of, str) else as_of,
    )


def prepare_run(connection: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Write what the orchestration adds to schema `raw` after ingest: run context and staff pseudonyms."""
    write_run_context(
        connection,
        RunContext(
            as_of=as_of,
            release_id="20200101T000000Z-000000",
            code_version="test",
            created_at=datetime(2020, 1, 1),
            is_demo_key=True,
            pseudonym_key_id="demo",
        ),
    )
    connection.execute(
        """
        create or replace table raw.staff_pseudonyms as
        select staff_id, 'stf_' || left(sha256(staff_id), 16) as staff_key
        from (
            select staff_id from raw.postings union select line_manager_id from raw.postings
            union select staff_id from raw.absences
            union select subject_id from raw.iqa union select assessor_id from raw.iqa
            union select sampler_id from raw.dip_samples
            union select inspector_id from raw.reassessments
            union select owner_id from raw.actions union select verified_by_id from raw.actions
        ) as staff
        where staff_id is not null
        """
    )


def copy_seeded_warehouse(settings: Settings, dbt_dir: Path = DBT_DIR) -> None:
    """Start `settings.warehouse` as a copy of one that holds the seeds; loading them takes a second."""
    manifest = load_manifest(settings, dbt_dir=dbt_dir)
    template = cache_dir(settings) / f"seeded-{manifest.key}.duckdb"
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        for old in template.parent.glob("seeded-*"):
            if old.name != template.name:
                old.unlink(missing_ok=True)
        aside = template.parent / f"seeding-{uuid.uuid4().hex}"
        seeded = Settings(warehouse=aside / "iqa.duckdb")
        outcome = run_dbt(seeded, "seed", manifest=manifest, dbt_dir=dbt_dir)
        assert outcome.success, explain(outcome)
        # Workers may race here: each makes the same file, and the last one to finish wins.
        seeded.warehouse.replace(template)
        shutil.rmtree(aside)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, settings.warehouse)
