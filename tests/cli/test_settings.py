"""What a run may use of the machine is the operator's to say."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import IqaError
from dagster_project.orchestration.pipeline import Pipeline
from dagster_project.settings import Settings


def test_memory_threads_and_spill_folder_are_what_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IQA_MEMORY_LIMIT", "3GB")
    monkeypatch.setenv("IQA_THREADS", "1")
    monkeypatch.setenv("IQA_SPILL", str(tmp_path / "elsewhere"))
    settings = Settings.from_environment(
        warehouse=tmp_path / "wh" / "iqa.duckdb", marts_dir=tmp_path / "marts"
    )
    limits = Pipeline(settings)._limits()
    with duckdb.connect(config=limits) as connection:
        said = dict(
            connection.execute(
                "select name, value from duckdb_settings() where name in "
                "('memory_limit', 'threads', 'temp_directory')"
            ).fetchall()
        )
    assert said["threads"] == "1"
    assert said["memory_limit"] == "2.7 GiB"
    assert said["temp_directory"] == str(tmp_path / "elsewhere")


def test_without_a_word_a_run_spills_beside_its_work_file(tmp_path: Path) -> None:
    settings = Settings.from_environment(warehouse=tmp_path / "iqa.duckdb")
    assert settings.spill_dir == tmp_path / "spill"
    assert settings.memory_limit == "4GB" and settings.threads == 2


@pytest.mark.parametrize(("name", "value"), [("IQA_AS_OF", "31 March 2024"), ("IQA_THREADS", "two")])
def test_what_cannot_be_read_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(IqaError, match=f"{name} is '{value}'") as caught:
        Settings.from_environment()
    assert caught.value.where == f"the environment variable {name}"
