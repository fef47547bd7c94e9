"""The release that clients open, and environments with the clients.

Belongs here: making both. Does not: what a client has to show. The one trap: the environments are kept in
`.venv` under the hash of their requirements, so a changed file makes a new one and an unchanged one is free.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT
from tests.support.sample_release import sample_release as made

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def sample_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory)


@pytest.fixture(scope="session")
def home(sample_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `data/marts/current` is a release, as in the repository, and may be written to.

    What holds a client back from writing must be how the page opens the file, not the file's mode.
    """
    home = tmp_path_factory.mktemp("readers")
    current = home / "data" / "marts" / "current"
    (current / "parquet").mkdir(parents=True)
    for name in ("iqa_marts.duckdb", "data_dictionary.csv", "parquet/compliance.parquet"):
        shutil.copyfile(sample_release / name, current / name)
    return home


@pytest.fixture(scope="session")
def clients() -> Path:
    """The folder of programs of an environment that holds every client."""
    return environment(HERE / "requirements.txt")


@pytest.fixture(scope="session")
def oldest_client() -> Path:
    return environment(HERE / "requirements-oldest.txt")


@pytest.fixture(scope="session")
def superset() -> Path:
    return environment(HERE / "requirements-superset.txt")


def environment(requirements: Path) -> Path:
    """An environment with `requirements`, made at most once; the folder of its programs."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    parent = PROJECT_ROOT / ".venv" / "clients"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f"{requirements.stem}-{digest}"
    with (parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, requirements)
            (folder / ".complete").touch()
    return folder / "bin"


def _install(folder: Path, requirements: Path) -> None:
    python = folder / "bin" / "python"
    uv = shutil.which("uv") or next(
        (str(path) for path in [PROJECT_ROOT / ".venv" / "bin" / "uv"] if path.exists()), None
    )
    if uv:
        _call(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _call(uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements))
    else:
        _call(sys.executable, "-m", "venv", str(folder))
        _call(str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements))


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode != 0:
        pytest.fail(
            f"The clients of tests/bi could not be installed: {done.stderr[-2000:]}\n"
            "They come from the package index that `make test` itself needs. Make it reachable and try again."
        )
