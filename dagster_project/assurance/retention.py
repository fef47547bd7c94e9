"""Which releases may go: all but the newest few, those pointed at, and those that somebody signed.

Here: deciding and deleting. The trap: a signed release is evidence. What was signed can be shown only as long
as its counts are there, and `revisions` reads the old values of a fallen sign-off from it; so a release that
the log names is kept for ever, whatever else is asked.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from dagster_project.assurance.errors import AssuranceError
from dagster_project.assurance.sign_offs import signed_releases
from dagster_project.release.files import flush
from dagster_project.release.history import VERIFIED, pointed_at
from dagster_project.release.identity import RELEASES, release_ids
from dagster_project.release.locks import writer_lock
from dagster_project.release.staging import STAGING
from dagster_project.release.writer import CURRENT


def removable(marts_dir: Path, keep: int) -> list[str]:
    """The releases that `keep` newest ones leave over, oldest first, without the protected ones.

    Raises AssuranceError if the sign-off log is broken: then nobody knows what is protected.
    """
    if keep < 1:
        raise AssuranceError(
            f"{keep} releases can't be kept.",
            where="--keep",
            expected="a whole number, at least 1",
            next_step="Name how many of the newest releases stay.",
        )
    protected = {pointed_at(marts_dir, CURRENT), pointed_at(marts_dir, VERIFIED), *signed_releases(marts_dir)}
    return [release_id for release_id in release_ids(marts_dir)[:-keep] if release_id not in protected]


def remove(marts_dir: Path, keep: int, expected: Sequence[str]) -> list[str]:
    """Delete the removable releases among `expected` (what a person was shown). Returns their ids.

    Raises ReleaseError if a run is writing.
    """
    with writer_lock(marts_dir):
        # Asked again under the lock: a release may have been signed or pointed at since it was shown.
        due = [release_id for release_id in removable(marts_dir, keep) if release_id in expected]
        folder = marts_dir / RELEASES
        for release_id in due:
            # Out of readers' sight by one rename; the next run clears what a crash leaves.
            aside = folder / f"{STAGING}{release_id}"
            (folder / release_id).rename(aside)
            flush(folder)
            shutil.rmtree(aside)
    return due
