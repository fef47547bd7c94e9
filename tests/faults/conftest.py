"""A small warehouse with a release in it, and the real command to attack it with."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.release.history import check_release_files, current_release
from tests.support.extracts import write_complete

PARTS = ("Error: ", "  where:     ", "  expected:  ", "  what next: ")


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code and all that it printed."""

    code: int
    text: str


@dataclass(frozen=True)
class Home:
    """Extracts, releases and work file below one folder, whose name no shell or SQL would like."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def marts(self) -> Path:
        return self.root / "marts"

    @property
    def warehouse(self) -> Path:
        return self.root / "work" / "iqa.duckdb"

    @property
    def user(self) -> Path:
        return self.root / "user"

    def command(self, name: str = "run", *, fault: str = "none", marts: Path | None = None) -> list[str]:
        places = ["--raw", self.raw, "--marts", marts or self.marts, "--warehouse", self.warehouse]
        return [sys.executable, "-m", "tests.faults.launch", fault, name, *map(str, places)]

    def run(
        self, name: str = "run", *, fault: str = "none", marts: Path | None = None, **environment: str
    ) -> Ended:
        """The command, to its end or its death."""
        ended = subprocess.run(
            self.command(name, fault=fault, marts=marts),
            capture_output=True,
            check=False,
            env={**os.environ, "HOME": str(self.user), **environment},
            text=True,
            timeout=300,
        )
        # Dagster keeps its usage reports below the user's folder, where it may report at all.
        assert not (self.user / ".dagster").exists()
        text = ended.stdout + ended.stderr
        assert "Traceback" not in text, text
        return Ended(ended.returncode, text)

    def refused(self, code: int = 2, **options: object) -> str:
        """Run, and expect a refusal with this exit code, in four parts; what it said."""
        before = self.bytes_of_release()
        ended = self.run(**options)  # type: ignore[arg-type]
        assert ended.code == code, ended.text
        assert all(part in ended.text for part in PARTS), ended.text
        assert "not foreseen" not in ended.text
        assert self.bytes_of_release() == before
        return ended.text

    def killed(self, fault: str) -> None:
        """Run into a SIGKILL, and expect the last release to be as it was."""
        before = self.bytes_of_release()
        ended = self.run(fault=fault)
        assert ended.code == -signal.SIGKILL, ended.text
        assert self.bytes_of_release() == before

    def bytes_of_release(self) -> dict[str, str]:
        """The name and hash of every file of the release that `current` names."""
        folder = current_release(self.marts)
        assert check_release_files(folder) == []
        return {
            f"{folder.name}/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="session")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one release."""
    home = Home(tmp_path_factory.mktemp("faults") / "it's an [odd] folder; -- 100%")
    write_complete(home.raw)
    ended = home.run()
    assert ended.code == 0, ended.text
    return home


@pytest.fixture
def home(first_release: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy of the home with one release, to be spoilt."""
    copied = Home(tmp_path / first_release.root.name)
    shutil.copytree(first_release.root, copied.root, symlinks=True)
    yield copied


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Mount a file system; skips the test where this user may not."""
    places: list[Path] = []

    def mount(place: Path, *arguments: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        done = shutil.which("mount") and subprocess.run(
            ["mount", *arguments, str(place)], capture_output=True, check=False
        )
        if not done or done.returncode != 0:
            pytest.skip("mounting needs root; tests/release simulates a full disk without it")
        places.append(place)

    yield mount
    for place in reversed(places):
        subprocess.run(["umount", "-l", str(place)], check=False)
