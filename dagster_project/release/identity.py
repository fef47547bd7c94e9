"""Release ids: `20241028T101500Z-3fa9c1`, the instant in UTC and six hex digits of what went in.

Only the making and reading of ids. The trap: the clock. Two runs may fall in one second and the clock may
go back, yet ids must sort in the order of publication; so an id is always later than the newest release.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

RELEASES = "releases"
_FORM = re.compile(r"^(\d{8}T\d{6}Z)-([0-9a-f]{6})$")
_INSTANT = "%Y%m%dT%H%M%SZ"


def new_release_id(marts_dir: Path, content: str, now: datetime | None = None) -> str:
    """The id of the next release: later than every one in `marts_dir`, whatever the clock says.

    `content` is any text that stands for what goes in (input hashes, code version, as_of). Take the id under
    the writer's lock, so that nobody else takes it too. `now` is for tests; it needs a time zone.
    """
    instant = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    existing = release_ids(marts_dir)
    if existing:
        instant = max(instant, _instant(existing[-1]) + timedelta(seconds=1))
    return f"{instant.strftime(_INSTANT)}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"


def release_ids(marts_dir: Path) -> list[str]:
    """The ids of the folders in `marts_dir/releases`, oldest first."""
    folder = marts_dir / RELEASES
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if is_release_id(entry.name) and entry.is_dir())


def is_release_id(text: str) -> bool:
    """Whether `text` has the form of a release id (and so is safe as the name of a folder)."""
    match = _FORM.match(text)
    if match is None:
        return False
    try:
        datetime.strptime(match.group(1), _INSTANT)
    except ValueError:
        return False
    return True


def _instant(release_id: str) -> datetime:
    return datetime.strptime(release_id.split("-")[0], _INSTANT).replace(tzinfo=UTC)
