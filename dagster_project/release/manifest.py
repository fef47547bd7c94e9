"""`manifest.json`: what a release is, what it was made from, and how each of its files and checks stands.

Builds, seals and reads the document; it knows no database. Its keys (schema version 1):
    schema_version, release_id, created_at, as_of
    status             `P`, provisional: how a release starts (a sign-off is kept outside it)
    is_demo_key, pseudonym_key_id      the pseudonyms of staff; true = the public demo key, made-up data only
    code               version (label in the marts), package, commit, is_dirty, tree_hash, seeds_hash
    libraries          name: version
    inputs             one an extract file: source_file, dataset, file_sha256, status, rows_*
    marts              name: is_shareable, shareable {rows, content_hash} or null, restricted {the same}
    content_hash       the hash over the content hashes of all marts: the release in one value
    gate               exit_code, counts of verdicts, unplanned (ids)
    assurance          how far the logs of sign-offs and waivers were read, and scopes verified
    disclosure         audited_against (what readers had before), rounds, thresholds,
                       policy_sha256, method, counts withheld
    checks             one a check: id, kind, subject, severity, owner, reason, verdict, rows_failed
    files              relative path: sha256, bytes (all files of the release but this one)
    manifest_sha256    the hash of all of the above, as JSON with sorted keys and no spaces
The trap: what checks quote (example rows, observed values) is unsuppressed, so none of it is in here.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from dagster_project.gate.decision import GateDecision
from dagster_project.release.errors import ReleaseError
from dagster_project.release.files import files_under, sha256_of
from dagster_project.release.hashing import Content
from dagster_project.release.provenance import CodeVersion, RunFacts, library_versions

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
PROVISIONAL = "P"
_SEAL = "manifest_sha256"


def manifest_text(
    *,
    facts: RunFacts,
    code: CodeVersion,
    inputs: list[dict[str, object]],
    contents: Mapping[str, tuple[Content | None, Content]],
    decision: GateDecision,
    assurance: Mapping[str, object],
    disclosure: Mapping[str, object],
    folder: Path,
) -> str:
    """The manifest of the release staged in `folder`, whose other files are all written.

    `contents` maps a mart to the content of its shareable rows (None if it has none to share) and of its
    restricted ones.
    """
    document: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "release_id": facts.release_id,
        "created_at": facts.created_at,
        "as_of": facts.as_of,
        "status": PROVISIONAL,
        "is_demo_key": facts.is_demo_key,
        "pseudonym_key_id": facts.pseudonym_key_id,
        "code": {
            "version": facts.code_version,
            "package": code.package,
            "commit": code.commit,
            "is_dirty": code.is_dirty,
            "tree_hash": code.tree_hash,
            "seeds_hash": code.seeds_hash,
        },
        "libraries": library_versions(),
        "inputs": inputs,
        "marts": {
            name: {
                "is_shareable": shareable is not None,
                "shareable": None if shareable is None else _content(shareable),
                "restricted": _content(restricted),
            }
            for name, (shareable, restricted) in sorted(contents.items())
        },
        "content_hash": content_hash(contents),
        "gate": {
            "exit_code": decision.exit_code,
            "counts": decision.counts,
            "unplanned": list(decision.unplanned),
        },
        "assurance": dict(assurance),
        "disclosure": dict(disclosure),
        "checks": [check.public_record() for check in decision.checks],
        "files": {
            path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
            for path in files_under(folder)
        },
    }
    plain = json.loads(json.dumps(document, default=_plain))
    plain[_SEAL] = _seal(plain)
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def content_hash(contents: Mapping[str, tuple[Content | None, Content]]) -> str:
    """One hash for all marts of a release."""
    lines = [
        f"{name} {'-' if shareable is None else shareable.content_hash} {restricted.content_hash}"
        for name, (shareable, restricted) in sorted(contents.items())
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_manifest(release: Path) -> dict[str, object]:
    """The manifest of the release in the folder `release`.

    Raises ReleaseError when it is missing, unreadable, changed since it was sealed, or another release's.
    """
    path = release / MANIFEST
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, f"The manifest can't be read: {error}.") from error
    if not isinstance(document, dict) or document.get(_SEAL) != _seal(document):
        raise _damaged(path, "The manifest was changed after the release was written.")
    if document.get("release_id") != release.name:
        raise _damaged(path, f"The manifest is that of release {document.get('release_id')}.")
    return document


def _seal(document: Mapping[str, object]) -> str:
    unsealed = {key: value for key, value in document.items() if key != _SEAL}
    return hashlib.sha256(json.dumps(unsealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _content(content: Content) -> dict[str, object]:
    return {"rows": content.rows, "content_hash": content.content_hash}


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a manifest")


def _damaged(path: Path, what: str) -> ReleaseError:
    return ReleaseError(
        what,
        where=str(path),
        expected="the manifest as the release wrote it",
        next_step="Go back to another release (`iqa rollback ID`), or restore this folder from a backup.",
    )
