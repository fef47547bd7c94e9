"""An append-only log of JSON lines, each holding the hash of the one before: a change anywhere shows.

Here: reading with the whole chain checked, and appending one batch at a time, flushed. Not here: what an
entry says. A small file beside the log (`<name>.head`) holds the length and last hash, so that a log cut
short is noticed too. The trap: a crash may leave a last line without its line end. It was never acknowledged
to anybody, so it is passed over by readers and cut off by the next writer; any other damage is an error.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.assurance.errors import AssuranceError

FOLDER = "assurance"
START = "0" * 64
Entry = Mapping[str, object]


@dataclass(frozen=True)
class Head:
    """How long a log is and the hash of its last entry: enough to find the same entries again."""

    entries: int
    last_hash: str


def log_path(marts_dir: Path, name: str) -> Path:
    """Where the log `name` is kept: outside any release, in a folder that only its owner may enter."""
    return marts_dir / FOLDER / f"{name}.jsonl"


def head_of(entries: Sequence[Entry]) -> Head:
    """The head of a log that holds `entries`."""
    return Head(len(entries), str(entries[-1]["hash"]) if entries else START)


def read_log(path: Path, upto: Head | None = None) -> list[Entry]:
    """Every entry, oldest first, or those up to `upto`. No file means no entries.

    Raises AssuranceError when an entry was changed, removed or put in, or when `upto` is not in the log.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        text = b""
    except OSError as error:
        raise _unreadable(path, error) from error
    entries = _checked(path, text)
    known = _recorded_head(path)
    for head in filter(None, (known, upto)):
        if head_of(entries[: head.entries]) != head:
            raise _broken(
                path,
                f"the {head.entries} entries up to {head.last_hash[:12]} are not in it",
            )
    return entries if upto is None else entries[: upto.entries]


def append(path: Path, records: Sequence[Mapping[str, object]], now: datetime | None = None) -> list[Entry]:
    """Append `records` in order, as one write flushed to disk; returns them as entries.

    Waits for another writer to finish, so that both have their place in the chain. Raises AssuranceError when
    the log is broken (nothing is then appended) or cannot be written.
    """
    try:
        with _exclusive(path):
            before = read_log(path)
            _cut_unfinished_line(path)
            made = _chained(before, records, (now or datetime.now(UTC)).isoformat(timespec="seconds"))
            with path.open("ab") as file:
                file.write("".join(_line(entry) for entry in made).encode())
                file.flush()
                os.fsync(file.fileno())
            path.chmod(0o600)
            _record_head(path, head_of([*before, *made]))
    except OSError as error:
        raise AssuranceError(
            f"The log can't be written: {error.strerror}.",
            where=str(path),
            expected="a folder this user may write to, on a disk with room",
            next_step="Correct the permissions or free some space, then repeat the command.",
        ) from error
    return made


def _chained(before: Sequence[Entry], records: Sequence[Mapping[str, object]], at: str) -> list[Entry]:
    made: list[Entry] = []
    last = head_of(before)
    for number, record in enumerate(records, start=last.entries + 1):
        previous = str(made[-1]["hash"]) if made else last.last_hash
        entry: dict[str, object] = {"seq": number, "at": at, **record, "prev_hash": previous}
        made.append({**entry, "hash": _hash(entry)})
    return made


def _checked(path: Path, text: bytes) -> list[Entry]:
    entries: list[Entry] = []
    previous = START
    # What follows the last line end is an unfinished write.
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise _broken(path, f"line {number} is not an entry") from error
        if not isinstance(entry, dict) or entry.get("hash") != _hash(entry):
            raise _broken(path, f"line {number} was changed after it was written")
        if entry.get("prev_hash") != previous or entry.get("seq") != number:
            raise _broken(path, f"line {number} does not follow the line before it")
        entries.append(entry)
        previous = str(entry["hash"])
    return entries


def _hash(entry: Entry) -> str:
    content = {key: value for key, value in entry.items() if key != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _line(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _cut_unfinished_line(path: Path) -> None:
    if not path.exists():
        return
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        os.truncate(path, whole)


def _head_path(path: Path) -> Path:
    return path.with_suffix(".head")


def _recorded_head(path: Path) -> Head | None:
    try:
        recorded = json.loads(_head_path(path).read_text(encoding="utf-8"))
        return Head(int(recorded["entries"]), str(recorded["last_hash"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, f"the record of its length can't be read ({_head_path(path).name})") from error


def _record_head(path: Path, head: Head) -> None:
    aside = _head_path(path).with_suffix(".head-new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"entries": head.entries, "last_hash": head.last_hash}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.chmod(0o600)
    aside.replace(_head_path(path))


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hashes of small counts could be guessed from, so the logs are as private as `restricted/`.
    path.parent.chmod(0o700)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unreadable(path: Path, error: OSError) -> AssuranceError:
    return AssuranceError(
        f"The log can't be read: {error.strerror}.",
        where=str(path),
        expected="a file that this user may read",
        next_step="Correct its permissions, then repeat the command.",
    )


def _broken(path: Path, what: str) -> AssuranceError:
    return AssuranceError(
        f"The log is broken: {what}.",
        where=str(path),
        expected="the entries as they were written, each holding the hash of the one before",
        next_step="Restore the log from a backup and find out who changed it. Nothing is added to it until "
        "then.",
    )
