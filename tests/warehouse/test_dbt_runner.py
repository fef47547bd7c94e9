"""dbt in process: no second parse, the right file, and no lock left behind."""

import shutil
from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import IqaError
from dagster_project.settings import DBT_DIR, Settings
from dagster_project.warehouse import dbt_runner


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IQA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def settings_in(folder: Path) -> Settings:
    return Settings(warehouse=folder / "iqa.duckdb")


def test_an_unchanged_dbt_folder_is_parsed_once(fresh_cache: Path, tmp_path: Path) -> None:
    first = dbt_runner.load_manifest(settings_in(tmp_path))
    second = dbt_runner.load_manifest(settings_in(tmp_path))
    assert (first.was_parsed, second.was_parsed) == (True, False)
    assert first.document["nodes"].keys() == second.document["nodes"].keys()


def test_a_damaged_cache_entry_is_made_again(fresh_cache: Path, tmp_path: Path) -> None:
    dbt_runner.load_manifest(settings_in(tmp_path))
    next(fresh_cache.glob("*.json")).write_text('{"nodes": ')
    assert dbt_runner.load_manifest(settings_in(tmp_path)).was_parsed


def test_a_changed_model_gives_another_key_and_dbts_own_output_does_not(tmp_path: Path) -> None:
    copy = tmp_path / "dbt"
    shutil.copytree(DBT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    before = dbt_runner.manifest_key(copy)
    (copy / "target").mkdir()
    (copy / "target" / "run_results.json").write_text("{}")
    assert dbt_runner.manifest_key(copy) == before
    seed = copy / "seeds" / "policies.csv"
    seed.write_text(seed.read_text() + "another,1,,unit,source,2014-10-01\n")
    assert dbt_runner.manifest_key(copy) != before


def test_one_manifest_serves_two_warehouse_files_and_leaves_neither_locked(tmp_path: Path) -> None:
    for name in ("one", "two"):
        settings = Settings(warehouse=tmp_path / f"{name}.duckdb")
        outcome = dbt_runner.run_dbt(settings, "seed", select="regimes")
        assert outcome.success, outcome
        with duckdb.connect(str(settings.warehouse)) as connection:
            assert connection.execute("select count(*) from seeds.regimes").fetchone() != (0,)


def test_a_broken_project_is_an_error_in_four_parts(fresh_cache: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dbt"
    shutil.copytree(DBT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    (copy / "models" / "staging" / "stg_iqa.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(IqaError) as caught:
        dbt_runner.load_manifest(settings_in(tmp_path), dbt_dir=copy)
    assert "nowhere" in caught.value.what
    assert all(caught.value.as_dict().values())
