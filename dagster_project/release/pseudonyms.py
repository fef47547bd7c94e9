"""Keyed pseudonyms of staff: HMAC-SHA256 under a key that stays outside the repository.

Here: reading the key, making pseudonyms, and the table `raw.staff_pseudonyms` that dbt joins to.
The trap: without a secret key a pseudonym is no protection, for staff ids can be counted through. So a key
that is named but unusable stops the run, and the demo key, which is public, labels everything it touches.
"""

import hashlib
import hmac
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.release.errors import ReleaseError

KEY_BYTES_MIN = 32  # the length of a SHA-256 output; HMAC gains nothing from a longer key
_STAFF_KEY_HEX = 16  # 64 bits: a collision among 100,000 staff has a chance of about 1 in 4 billion
_DEMO_KEY = b"demonstration key: public, protects nobody, for made-up data only"

# The columns of the extracts that hold a staff id.
STAFF_COLUMNS = (
    "staff_id",
    "line_manager_id",
    "subject_id",
    "assessor_id",
    "sampler_id",
    "inspector_id",
    "owner_id",
    "verified_by_id",
)


@dataclass(frozen=True)
class PseudonymKey:
    """The key of the pseudonyms. `key_id` names it without giving it away; it may be published."""

    secret: bytes
    is_demo: bool

    @property
    def key_id(self) -> str:
        """A short name of the key: two releases with the same one have the same pseudonyms."""
        return hashlib.sha256(b"iqa key id:" + self.secret).hexdigest()[:12]

    def __repr__(self) -> str:
        """Names the key by its id, so that no log can hold the secret."""
        return f"PseudonymKey(key_id={self.key_id!r}, is_demo={self.is_demo})"

    def staff_key(self, staff_id: str) -> str:
        """The pseudonym of one member of staff."""
        digest = hmac.new(self.secret, b"staff:" + staff_id.encode(), hashlib.sha256).hexdigest()
        return f"stf_{digest[:_STAFF_KEY_HEX]}"


def pseudonym_key(key_file: Path | None) -> PseudonymKey:
    """The key in `key_file`; the demo key if no file is named.

    Line ends at the end of the file do not count. Raises ReleaseError when the file is missing, unreadable,
    shorter than 32 bytes, or open to other users.
    """
    if key_file is None:
        return PseudonymKey(_DEMO_KEY, is_demo=True)
    try:
        status = key_file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refused(key_file, "The pseudonym key is not a file.")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise _refused(key_file, "The pseudonym key is open to other users of this machine.")
        secret = key_file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise _refused(key_file, f"The pseudonym key can't be read: {error.strerror}.") from error
    if len(secret) < KEY_BYTES_MIN:
        raise _refused(key_file, f"The pseudonym key has only {len(secret)} bytes.")
    if secret == _DEMO_KEY:
        return PseudonymKey(secret, is_demo=True)
    return PseudonymKey(secret, is_demo=False)


def write_staff_pseudonyms(
    connection: duckdb.DuckDBPyConnection, key: PseudonymKey, catalog: str | None = None
) -> int:
    """Make `raw.staff_pseudonyms(staff_id, staff_key)` for every staff id in the schema `raw`.

    Superseded versions count too, as do datasets added later. `catalog` is the attached database (the
    current one by default). Returns the number of staff. Raises ReleaseError on a collision.
    """
    staff_ids = _staff_ids(connection, catalog)
    rows = _keyed(staff_ids, key)
    schema = "raw" if catalog is None else f'"{catalog}".raw'
    connection.execute(
        f"create or replace table {schema}.staff_pseudonyms "
        "(staff_id varchar not null, staff_key varchar not null)"
    )
    connection.execute(
        f"insert into {schema}.staff_pseudonyms select unnest($ids), unnest($keys)",
        {"ids": [staff_id for staff_id, _ in rows], "keys": [staff_key for _, staff_key in rows]},
    )
    return len(rows)


def _keyed(staff_ids: Iterable[str], key: PseudonymKey) -> list[tuple[str, str]]:
    owner: dict[str, str] = {}
    for staff_id in staff_ids:
        staff_key = key.staff_key(staff_id)
        if staff_key in owner:
            raise ReleaseError(
                f"Two staff ids have the same pseudonym {staff_key}.",
                where="raw.staff_pseudonyms",
                expected="one pseudonym for each member of staff",
                next_step="Run again with another pseudonym key.",
            )
        owner[staff_key] = staff_id
    return [(staff_id, staff_key) for staff_key, staff_id in owner.items()]


def _staff_ids(connection: duckdb.DuckDBPyConnection, catalog: str | None) -> list[str]:
    found = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'raw' "
        "and database_name = coalesce($catalog, current_database()) "
        "and table_name <> 'staff_pseudonyms' and list_contains($names, column_name) "
        "order by table_name, column_name",
        {"catalog": catalog, "names": list(STAFF_COLUMNS)},
    ).fetchall()
    if not found:
        return []
    schema = "raw" if catalog is None else f'"{catalog}".raw'
    union = " union ".join(
        f'select "{column}"::varchar as staff_id from {schema}."{table}" where "{column}" is not null'
        for table, column in found
    )
    rows = connection.execute(f"select staff_id from ({union}) as staff order by staff_id").fetchall()
    return [row[0] for row in rows]


def _refused(key_file: Path, what: str) -> ReleaseError:
    return ReleaseError(
        what,
        where=str(key_file),
        expected=f"a file of at least {KEY_BYTES_MIN} random bytes that only its owner can read (mode 0600)",
        next_step="Put the key there and `chmod 600` it; for made-up data, name no key to use the demo key.",
    )
