"""The log of sign-offs and waivers: every way of tampering with it that we could think of shows."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagster_project.assurance.chain import Head, append, head_of, log_path, read_log
from dagster_project.assurance.errors import AssuranceError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = log_path(tmp_path, "sign_offs")
    append(path, [{"note": "first"}, {"note": "second"}])
    append(path, [{"note": "third"}])
    return path


def notes(path: Path) -> list[object]:
    return [entry["note"] for entry in read_log(path)]


def test_entries_come_back_in_order_and_name_the_one_before(log: Path) -> None:
    entries = read_log(log)
    assert notes(log) == ["first", "second", "third"]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert [entry["prev_hash"] for entry in entries[1:]] == [entry["hash"] for entry in entries[:-1]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0].replace("first", "First"), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [*lines, "{}\n"],
        lambda lines: ["not json\n", *lines[1:]],
        lambda lines: [],
    ],
    ids=["edited", "first cut", "last cut", "swapped", "doubled", "forged", "garbled", "emptied"],
)
def test_a_log_that_was_tampered_with_is_not_believed_and_not_written_to(log: Path, damage) -> None:  # type: ignore[no-untyped-def]
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(damage(lines)))
    held = log.read_bytes()
    with pytest.raises(AssuranceError) as caught:
        read_log(log)
    assert caught.value.exit_code == 2
    with pytest.raises(AssuranceError):
        append(log, [{"note": "on top of it"}])
    assert log.read_bytes() == held


def test_an_entry_forged_with_a_right_hash_breaks_the_one_after_it(log: Path) -> None:
    from dagster_project.assurance.chain import _hash

    lines = log.read_text().splitlines(keepends=True)
    forged = json.loads(lines[1]) | {"note": "refused"}
    lines[1] = json.dumps(forged | {"hash": _hash(forged)}) + "\n"
    log.write_text("".join(lines))
    with pytest.raises(AssuranceError, match="line 3 does not follow"):
        read_log(log)


def test_a_deleted_log_is_noticed(log: Path) -> None:
    log.unlink()
    with pytest.raises(AssuranceError):
        read_log(log)


def test_a_line_cut_short_by_a_crash_is_passed_over_and_then_removed(log: Path) -> None:
    with log.open("a") as file:
        file.write('{"seq": 4, "note": "never ackno')
    assert notes(log) == ["first", "second", "third"]
    append(log, [{"note": "fourth"}])
    assert notes(log) == ["first", "second", "third", "fourth"]


def test_writers_at_the_same_time_all_have_their_place_in_the_chain(tmp_path: Path) -> None:
    path = log_path(tmp_path, "sign_offs")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append(path, [{"note": number}]), range(24)))
    assert sorted(notes(path)) == list(range(24))  # type: ignore[type-var]


def test_the_log_can_be_read_as_an_earlier_run_read_it(log: Path) -> None:
    then = head_of(read_log(log)[:2])
    assert [entry["note"] for entry in read_log(log, then)] == ["first", "second"]
    with pytest.raises(AssuranceError):
        read_log(log, Head(2, "0" * 64))


def test_nobody_else_may_read_the_logs(log: Path) -> None:
    assert log.stat().st_mode & 0o077 == 0
    assert log.parent.stat().st_mode & 0o077 == 0
