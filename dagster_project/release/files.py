"""Durable files: flushing to disk, hashing, and moving a pointer in one step.

Generic helpers over paths, without knowledge of what a release holds.
The trap: a rename is atomic but not durable. After a power cut the name may be there and the content not,
so files are flushed before the rename and the folder after it.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def files_under(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, in the order of relative paths."""
    yield from sorted(path for path in folder.rglob("*") if not path.is_dir())


def flush(path: Path) -> None:
    """Have the system write a file or folder to disk before anything relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_tree(folder: Path) -> None:
    """Flush every file below `folder`, then every folder, inner ones first."""
    for path in files_under(folder):
        flush(path)
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        flush(path)
    flush(folder)


def write_text(path: Path, text: str) -> None:
    """Write a new UTF-8 file with Unix line ends, flushed."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def make_read_only(folder: Path, *, private: Path) -> None:
    """Take the right to write from every file below `folder`; those below `private` become 0600."""
    for path in files_under(folder):
        mode = 0o600 if path.is_relative_to(private) else path.stat().st_mode & 0o555
        path.chmod(mode)


def point(link: Path, target: str) -> None:
    """Make `link` a symbolic link to the relative path `target`, in one step that no reader can fall into."""
    made = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    made.symlink_to(target)
    try:
        made.replace(link)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    flush(link.parent)
