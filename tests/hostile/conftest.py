"""A folder of extracts to attack, and the bounded process that reads it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

GIGABYTE = 1 << 30


@dataclass
class Attack:
    """Extracts under `raw`; `read` ingests them in a process of limited memory and time."""

    root: Path
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    def put(self, dataset: str, name: str, data: bytes) -> Path:
        path = self.raw / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def read(self, *, seconds: int = 120, memory: int = 4 * GIGABYTE, **environment: str) -> dict[str, Any]:
        """What became of every file; no stack trace, no signal, and every row accounted for."""
        ended = subprocess.run(
            [sys.executable, "-m", "tests.hostile.bounded_ingest", str(memory), str(self.root)],
            capture_output=True,
            check=False,
            env={**os.environ, **environment},
            text=True,
            timeout=seconds,
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        assert "Traceback" not in ended.stderr
        self.answer = json.loads(ended.stdout)
        assert all(is_balanced for *_, is_balanced in self.answer["files"].values())
        return self.answer

    def verdict(self, source_file: str) -> tuple[str, str]:
        """The rule and the message with which a file was refused."""
        status, rule, message, _ = self.answer["files"][source_file]
        assert status == "refused", (source_file, status)
        return rule, message


@pytest.fixture
def attack(tmp_path: Path) -> Attack:
    return Attack(tmp_path)
