"""Verifying a release: what agrees and what does not, signing scopes off, and the pointer `verified`.

Here: reading a release's evidence and writing what Operational Assurance says of it. Not here: asking
(`commands/verify.py`). The trap: a release may be damaged or hold other counts than the ones shown. Its files
are checked against the manifest before anything is signed, and what is signed is the hash that it recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.assurance import sign_offs as log
from dagster_project.assurance.comparing import compare
from dagster_project.assurance.errors import AssuranceError
from dagster_project.assurance.scopes import FAMILIES, Scope, ScopeState, matching, read_scopes
from dagster_project.assurance.sign_offs import SignOffs, read_sign_offs
from dagster_project.release.errors import ReleaseError
from dagster_project.release.exports import literal
from dagster_project.release.files import point
from dagster_project.release.history import VERIFIED, check_release_files, pointed_at, release_folder
from dagster_project.release.identity import RELEASES, release_ids
from dagster_project.release.locks import writer_lock
from dagster_project.release.manifest import read_manifest


@dataclass(frozen=True)
class Reconciled:
    """One comparison: what was expected and found. `is_agreed` is None if the two can't be compared."""

    kind: str
    subject: str
    expected: object
    actual: object
    is_agreed: bool | None
    remark: str = ""


@dataclass(frozen=True)
class ScopeView:
    """A scope as a person sees it before deciding."""

    state: ScopeState
    status: str


@dataclass(frozen=True)
class Verification:
    """A release with its evidence, its scopes and how they stand."""

    release_id: str
    folder: Path
    as_of: str
    reconciled: tuple[Reconciled, ...]
    scopes: tuple[ScopeView, ...]
    is_verified_pointer: bool

    @property
    def required(self) -> list[ScopeView]:
        """The scopes that must be signed before `verified` moves here."""
        return [view for view in self.scopes if view.state.is_complete]

    @property
    def outstanding(self) -> list[ScopeView]:
        """The required scopes that are not verified."""
        return [view for view in self.required if not _is_verified(view)]

    @property
    def is_all_verified(self) -> bool:
        """Whether nothing is outstanding, and there is something."""
        return bool(self.required) and not self.outstanding


def examine(marts_dir: Path, release_id: str) -> Verification:
    """The evidence and standing of a release.

    Raises ReleaseError or AssuranceError if its files are not as written, or the log can't be trusted.
    """
    folder = release_folder(marts_dir, release_id)
    problems = check_release_files(folder)
    if problems:
        raise AssuranceError(
            f"Release {release_id} is damaged: {'; '.join(problems[:5])}.",
            where=str(folder),
            expected="every file as the manifest records it",
            next_step="Verify another release, or restore this folder from a backup.",
        )
    words = read_sign_offs(marts_dir)
    states = read_scopes(folder)
    manifest = read_manifest(folder)
    return Verification(
        release_id=release_id,
        folder=folder,
        as_of=str(manifest["as_of"]),
        reconciled=(
            *_files(manifest),
            *_totals(folder),
            *_checks(manifest),
            *_last_release(marts_dir, release_id),
        ),
        scopes=tuple(ScopeView(state, words.status_of(state)) for state in states),
        is_verified_pointer=pointed_at(marts_dir, VERIFIED) == release_id,
    )


def choose(verification: Verification, scope: Scope) -> list[ScopeView]:
    """The scopes that match `scope`. Raises AssuranceError if none does."""
    chosen = set(matching([view.state for view in verification.scopes], scope))
    if not chosen:
        known = sorted({view.state.scope.quarter for view in verification.required})
        raise AssuranceError(
            f"No scope matches {scope}.",
            where=f"release {verification.release_id}",
            expected=f"a family ({', '.join(FAMILIES)}), an Area's code or ALL,"
            f" and a quarter such as {known[-1] if known else '2024-25 Q1'}; * stands for any",
            next_step="Run `iqa verify --list` to see the scopes.",
        )
    return [view for view in verification.scopes if view.state in chosen]


def sign(
    marts_dir: Path, verification: Verification, views: Sequence[ScopeView], *, by: str, note: str
) -> list[ScopeState]:
    """Sign off the scopes of `views` that can be and are not yet; returns them.

    Raises AssuranceError if the log is broken.
    """
    due = [view.state for view in views if view.state.is_signable and view.status != "V"]
    log.record(marts_dir, due, release_id=verification.release_id, is_signed=True, by=by, note=note)
    return due


def refuse(
    marts_dir: Path, verification: Verification, views: Sequence[ScopeView], *, by: str, note: str
) -> list[ScopeState]:
    """Refuse the scopes of `views`: what was signed no longer is. Returns them."""
    due = [view.state for view in views]
    log.record(marts_dir, due, release_id=verification.release_id, is_signed=False, by=by, note=note)
    return due


def point_if_all_verified(marts_dir: Path, release_id: str) -> bool:
    """Move `verified` to a release if all its scopes are signed; whether it points there now.

    Raises ReleaseError if a run is writing.
    """
    with writer_lock(marts_dir):
        # Read under the lock: a refusal may have come in since.
        verification = examine(marts_dir, release_id)
        if not verification.is_all_verified:
            return False
        newest = pointed_at(marts_dir, VERIFIED)
        if newest is None or newest <= release_id:
            point(marts_dir / VERIFIED, f"{RELEASES}/{release_id}")
        return pointed_at(marts_dir, VERIFIED) == release_id


def withdraw_pointer(marts_dir: Path, release_id: str) -> bool:
    """Take `verified` away from a release of which a scope was refused; whether it was there.

    It goes back to the newest earlier release whose scopes are all signed, or is removed.
    """
    with writer_lock(marts_dir):
        if pointed_at(marts_dir, VERIFIED) != release_id:
            return False
        words = read_sign_offs(marts_dir)
        earlier = [
            folder.name
            for folder in sorted((marts_dir / RELEASES).iterdir(), reverse=True)
            if folder.name < release_id and _is_signed(folder, words)
        ]
        if earlier:
            point(marts_dir / VERIFIED, f"{RELEASES}/{earlier[0]}")
        else:
            (marts_dir / VERIFIED).unlink()
        return True


def _is_signed(folder: Path, words: SignOffs) -> bool:
    try:
        required = [state for state in read_scopes(folder) if state.is_complete]
    except AssuranceError:
        return False
    return bool(required) and all(state.is_signable and words.status_of(state) == "V" for state in required)


def _is_verified(view: ScopeView) -> bool:
    return view.status == "V" and view.state.is_signable


def _files(manifest: dict[str, object]) -> list[Reconciled]:
    """Rows in against rows accounted for, file by file."""
    inputs = manifest.get("inputs")
    found = []
    for record in inputs if isinstance(inputs, list) else []:
        if record.get("status") not in ("loaded", "repeat"):
            continue
        parts = {
            name: int(record.get(f"rows_{name}") or 0)
            for name in ("accepted", "quarantined", "superseded", "repeated")
        }
        read = int(record.get("rows_read") or 0)
        found.append(
            Reconciled(
                kind="rows",
                subject=str(record["source_file"]),
                expected=read,
                actual=sum(parts.values()),
                is_agreed=read == sum(parts.values()),
                remark=", ".join(f"{number:,} {name}" for name, number in parts.items() if number),
            )
        )
    return found


def _totals(folder: Path) -> list[Reconciled]:
    """The application's control totals against the marts."""
    path = folder / "restricted" / "parquet" / "reconciliation.parquet"
    if not path.exists():
        return []
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            "select area_code, unit_type, period_label, assessment_type, measure, expected, actual, "
            f"is_agreed, coalesce(null_reason, '') from read_parquet({literal(path)}) "
            "order by is_agreed nulls last, area_code, unit_type, period_start, assessment_type, measure"
        ).fetchall()
    return [
        Reconciled(
            kind="control total",
            subject=f"{area} {unit}, {period}, {assessment_type}, {measure}",
            expected=expected,
            actual=actual,
            is_agreed=agreed,
            remark=reason.rsplit(":", 1)[-1],
        )
        for area, unit, period, assessment_type, measure, expected, actual, agreed, reason in rows
    ]


def _checks(manifest: dict[str, object]) -> list[Reconciled]:
    """The checks that compare marts with each other, or that did not simply pass."""
    checks = manifest.get("checks")
    return [
        Reconciled(
            kind="check",
            subject=str(check["id"]),
            expected="passed",
            actual=check["verdict"],
            is_agreed=check["verdict"] == "passed",
            remark=str(check["reason"]),
        )
        for check in (checks if isinstance(checks, list) else [])
        if check["verdict"] != "passed" or check["kind"] == "reconciliation" or _compares_marts(check)
    ]


def _last_release(marts_dir: Path, release_id: str) -> list[Reconciled]:
    """This release against the one before: a count may move for a reason, and for none it may not."""
    earlier = [held for held in release_ids(marts_dir) if held < release_id]
    if not earlier:
        return []
    try:
        found = compare(marts_dir, earlier[-1], release_id, limit=0)
    except (ReleaseError, duckdb.Error, OSError) as error:
        # A damaged neighbour is no reason not to verify this one.
        return [Reconciled("last release", earlier[-1], "a whole release", str(error).splitlines()[0], None)]
    reasons = "; ".join(found.reasons)
    return [
        Reconciled(
            kind="last release",
            subject=f"{mart.mart} against {earlier[-1]}",
            expected="no change without a reason",
            actual=f"{mart.figures_moved:,} counts moved",
            is_agreed=bool(reasons),
            remark=reasons or "same extracts, code, policies and reporting date",
        )
        for mart in found.marts
    ]


def _compares_marts(check: dict[str, object]) -> bool:
    return any(word in str(check["id"]) for word in ("add_up", "count_the_same"))
