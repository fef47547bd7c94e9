"""The keyed pseudonyms of staff."""

import hashlib
import hmac
from pathlib import Path

import duckdb
import pytest

from dagster_project.release.errors import ReleaseError
from dagster_project.release.pseudonyms import PseudonymKey, pseudonym_key, write_staff_pseudonyms

SECRET = b"a secret of this test, long enough to be used"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(SECRET + b"\n")
    path.chmod(0o600)
    return path


def test_a_pseudonym_is_the_keyed_hash_of_the_staff_id(key_file: Path) -> None:
    key = pseudonym_key(key_file)
    expected = hmac.new(SECRET, b"staff:S10003", hashlib.sha256).hexdigest()[:16]
    assert key.staff_key("S10003") == f"stf_{expected}"
    assert not key.is_demo


def test_another_key_gives_other_pseudonyms_and_another_key_id() -> None:
    one, two = PseudonymKey(b"a" * 32, is_demo=False), PseudonymKey(b"b" * 32, is_demo=False)
    assert one.staff_key("S1") != two.staff_key("S1")
    assert one.key_id != two.key_id


def test_no_key_means_the_demo_key_which_says_so() -> None:
    key = pseudonym_key(None)
    assert key.is_demo
    assert key.key_id == pseudonym_key(None).key_id


def test_the_secret_is_never_printed(key_file: Path) -> None:
    assert SECRET.decode() not in repr(pseudonym_key(key_file))


def missing(path: Path) -> None:
    path.unlink()


def short(path: Path) -> None:
    path.write_bytes(b"k" * 31 + b"\n")


def open_to_the_group(path: Path) -> None:
    path.chmod(0o640)


def open_to_the_world(path: Path) -> None:
    path.chmod(0o604)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (missing, "can't be read: No such file"),
        (short, "only 31 bytes"),
        (open_to_the_group, "open to other users"),
        (open_to_the_world, "open to other users"),
        (folder, "is not a file"),
    ],
)
def test_a_named_key_that_is_unusable_stops_the_run(key_file: Path, spoil: object, said: str) -> None:
    spoil(key_file)  # type: ignore[operator]
    with pytest.raises(ReleaseError, match=said) as refusal:
        pseudonym_key(key_file)
    assert refusal.value.exit_code == 2
    assert str(key_file) in str(refusal.value)


@pytest.fixture
def raw() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema raw")
    connection.execute(
        "create table raw.postings as select 'S1' as staff_id, null::varchar as line_manager_id"
    )
    connection.execute(
        "create table raw.postings_versions as select 'S0' as staff_id, 'S2' as line_manager_id"
    )
    connection.execute("create view raw.iqa as select 'S1' as subject_id, 'S3' as assessor_id, 'U1' as urn")
    connection.execute("create table raw.actions as select 'S4' as owner_id, 'S5' as verified_by_id")
    return connection


def test_every_staff_id_of_every_extract_gets_one_pseudonym(raw: duckdb.DuckDBPyConnection) -> None:
    key = pseudonym_key(None)
    assert write_staff_pseudonyms(raw, key) == 6
    rows = dict(raw.execute("select staff_id, staff_key from raw.staff_pseudonyms").fetchall())
    assert rows == {f"S{number}": key.staff_key(f"S{number}") for number in range(6)}


def test_writing_pseudonyms_twice_changes_nothing(raw: duckdb.DuckDBPyConnection) -> None:
    write_staff_pseudonyms(raw, pseudonym_key(None))
    before = raw.execute("from raw.staff_pseudonyms").fetchall()
    write_staff_pseudonyms(raw, pseudonym_key(None))
    assert raw.execute("from raw.staff_pseudonyms").fetchall() == before


def test_no_staff_gives_an_empty_table(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        assert write_staff_pseudonyms(connection, pseudonym_key(None)) == 0
        assert connection.execute("from raw.staff_pseudonyms").fetchall() == []


def test_two_staff_with_one_pseudonym_stop_the_run(
    raw: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PseudonymKey, "staff_key", lambda self, staff_id: "stf_same")
    with pytest.raises(ReleaseError, match="same pseudonym"):
        write_staff_pseudonyms(raw, pseudonym_key(None))
