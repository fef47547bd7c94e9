"""The sign-off log: who verified which scope of which release, on what counts, and what they said.

Here: entries and which of them stands. Not here: asking for them, or what a status looks like in a mart. The
trap: a sign-off is about counts and not about a release. It holds for every later release whose counts in the
scope have the same hash, and for no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.assurance.chain import Entry, Head, append, head_of, log_path, read_log
from dagster_project.assurance.scopes import Scope, ScopeState

NAME = "sign_offs"
SIGNED, REFUSED = "sign_off", "refuse"


@dataclass(frozen=True)
class SignOff:
    """The last word on a scope."""

    scope: Scope
    is_signed: bool
    content_hash: str
    release_id: str
    by: str
    at: str
    note: str

    def holds_for(self, state: ScopeState) -> bool:
        """Whether these counts are the ones that were signed."""
        return self.is_signed and self.content_hash == state.content_hash


@dataclass(frozen=True)
class SignOffs:
    """What the log says: the last word on each scope, and the log's head."""

    standing: Mapping[Scope, SignOff]
    head: Head

    def status_of(self, state: ScopeState) -> str:
        """`V` verified, `refused`, `fallen` (signed, but the counts have changed since), or `P`."""
        word = self.standing.get(state.scope)
        if word is None:
            return "P"
        if word.holds_for(state):
            return "V"
        if word.is_signed:
            return "fallen"
        return "refused" if word.content_hash == state.content_hash else "P"


def read_sign_offs(marts_dir: Path, upto: Head | None = None) -> SignOffs:
    """The log of `marts_dir`, or its first entries up to `upto`. Raises AssuranceError if it is broken."""
    entries = read_log(log_path(marts_dir, NAME), upto)
    standing = {word.scope: word for word in map(_word, entries)}
    return SignOffs(standing, head_of(entries))


def record(
    marts_dir: Path, states: Sequence[ScopeState], *, release_id: str, is_signed: bool, by: str, note: str
) -> list[Entry]:
    """Write one entry for each of `states`. Raises AssuranceError if the log is broken or not writable."""
    return append(
        log_path(marts_dir, NAME),
        [
            {
                "action": SIGNED if is_signed else REFUSED,
                "family": state.scope.family,
                "area": state.scope.area,
                "quarter": state.scope.quarter,
                "content_hash": state.content_hash,
                "rows": state.rows,
                "release_id": release_id,
                "by": by,
                "note": note,
            }
            for state in states
        ],
    )


def signed_releases(marts_dir: Path) -> frozenset[str]:
    """The releases that the log names. Raises AssuranceError if it is broken."""
    return frozenset(str(entry["release_id"]) for entry in read_log(log_path(marts_dir, NAME)))


def _word(entry: Entry) -> SignOff:
    return SignOff(
        scope=Scope(str(entry["family"]), str(entry["area"]), str(entry["quarter"])),
        is_signed=entry["action"] == SIGNED,
        content_hash=str(entry["content_hash"]),
        release_id=str(entry["release_id"]),
        by=str(entry["by"]),
        at=str(entry["at"]),
        note=str(entry["note"]),
    )
