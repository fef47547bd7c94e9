"""Extracts that several test files read, written once."""

from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.synth.generate import generate

SAMPLE_DIR = PROJECT_ROOT / "data" / "raw"


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE_DIR


@pytest.fixture(scope="session")
def flawless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smaller set without planted faults, in which no rule of the contract may be broken."""
    folder = tmp_path_factory.mktemp("flawless")
    generate(folder, years=2, scale=0.12, seed=7, faults=False)
    return folder
