"""Fixtures of the pages and of the release that their figures are recomputed from."""

from pathlib import Path

import pytest

from tests.support.sample_release import sample_release as made


@pytest.fixture(scope="session")
def sample_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory)
