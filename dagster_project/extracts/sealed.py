"""Files that are written once, under a name that says what is in them, and checked before they are used.

Belongs here: writing aside, putting in place, and noticing a damaged file. Does not: what the files hold.
The trap: the seal (a JSON file beside the file, with its sha256) goes in place last, so a file without a
seal is the remains of a crash and is made again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

_CHUNK = 1 << 22


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def aside(target: Path) -> Path:
    """Where to write before `seal`; one process writes at a time, so leftovers are overwritten."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(target.name + ".part")


def seal(target: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Put the file written at `aside(target)` in place, with its seal; returns the facts."""
    written = aside(target)
    sealed_facts = {"sha256": sha256_of(written), **facts}
    written.replace(target)
    seal_written = aside(_seal_of(target))
    seal_written.write_text(json.dumps(sealed_facts, sort_keys=True), encoding="utf-8")
    seal_written.replace(_seal_of(target))
    return sealed_facts


def unsealed(target: Path, version: int) -> dict[str, Any] | None:
    """The facts of a sealed file of this version, or None if it is absent, damaged or of another version."""
    try:
        facts = json.loads(_seal_of(target).read_text(encoding="utf-8"))
        if facts["version"] == version and facts["sha256"] == sha256_of(target):
            return dict(facts)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def sealed_sha256(target: Path) -> str | None:
    """The sha256 that the seal of a file names, or None if there is no seal that can be read."""
    try:
        return str(json.loads(_seal_of(target).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def drop(target: Path) -> None:
    """Take a file away, its seal first: what is left after a crash is then made again."""
    _seal_of(target).unlink(missing_ok=True)
    target.unlink(missing_ok=True)


def _seal_of(target: Path) -> Path:
    return target.with_name(target.name + ".json")
