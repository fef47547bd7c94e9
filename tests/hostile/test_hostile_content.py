"""Names and values that try to be something else: SQL, paths, commands of a terminal, look-alikes, damage."""

import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagster_project.commands.common import error_text, printable
from dagster_project.extracts import ingest, ingestion, landing
from dagster_project.extracts.errors import ExtractError
from dagster_project.settings import Settings
from tests.extracts.conftest import Warehouse
from tests.hostile.conftest import Attack
from tests.support.extracts import DATASETS, csv_text, extract_row, write_base, write_complete, write_extract

SQL = (
    "'; drop table raw.iqa; --",
    '"; drop schema raw cascade; --',
    "$$; attach '/tmp/x'; --",
    "1); copy (select 1) to '/tmp/x'; --",
    "{{ env_var('HOME') }}",
    "%s ? $1 :expected",
    "\\'; --",
)
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", '=HYPERLINK("http://x")')


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    root = tmp_path / "one"
    (root / "raw").mkdir(parents=True)
    with duckdb.connect(str(root / "w.duckdb")) as connection:
        yield Warehouse(root, connection)


def test_sql_and_formulas_in_values_are_values(warehouse: Warehouse) -> None:
    texts = [*SQL, *FORMULAS]
    write_base(warehouse.raw_dir)
    write_extract(
        warehouse.raw_dir,
        "actions",
        rows=[{"action_id": text, "description": text, "owner_id": text} for text in texts],
    )
    warehouse.load()
    kept = warehouse.rows("select action_id, trim(description, chr(9)) from raw.actions order by source_row")
    assert kept == [(text.strip(), text.strip()) for text in texts]


def test_sql_in_codes_and_areas_is_an_unknown_code_and_nothing_else(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(
        warehouse.raw_dir,
        "governance_items",
        rows=[{"area_code": text, "body": text} for text in SQL],
    )
    warehouse.load()
    assert warehouse.rows("select count(*) from raw.governance_items") == [(0,)]
    assert warehouse.rows("select offending_value from raw.quarantine order by source_row") == [
        (text,) for text in SQL
    ]


def test_sql_in_headers_and_file_names_is_reported_as_drift(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    for number, text in enumerate(SQL):
        name = text.replace("/", "_")
        write_extract(
            warehouse.raw_dir,
            "absences",
            rows=[{"absence_id": f"A{number}", text: "x"}],
            name=f"{name}_2024-07-26.csv",
        )
    result = warehouse.load()
    assert warehouse.rows("select count(*) from raw.absences") == [(len(SQL),)]
    drift = {outcome.extra_columns for outcome in result.files if outcome.dataset == "absences"}
    assert drift == {(text,) for text in SQL}


def test_look_alikes_are_not_taken_for_codes_and_wide_letters_are(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    cyrillic, zero_width, wide = "WЕS", "W\u200bES", "ＷＥＳ"
    write_extract(
        warehouse.raw_dir,
        "governance_items",
        rows=[{"area_code": area} for area in (cyrillic, zero_width, wide, "W\u202eSE")],
    )
    warehouse.load()
    assert warehouse.rows("select item_id, area_code from raw.governance_items") == [("G3", "WES")]
    assert {rule for _, _, rule in warehouse.quarantined()} == {"unknown_area"}


ABSURD = (
    "0000-00-00",
    "2024-02-30",
    "9999-12-31",
    "-4713-11-24",
    "99999-01-01",
    "1e9",
    "45000",
    "02/30/2024",
    "2024-06-03T10:00:00Z",
    "２０２４-06-03x",
    "0001-01-01",
    "infinity",
    "epoch",
    "today",
    "20240603",
)


def test_absurd_dates_are_quarantined_one_by_one(warehouse: Warehouse) -> None:
    write_base(warehouse.raw_dir)
    write_extract(warehouse.raw_dir, "governance_items", rows=[{"held_on": text} for text in ABSURD])
    warehouse.load()
    kept = warehouse.rows("select held_on::varchar from raw.governance_items")
    assert set(kept) <= {("2024-06-03",)}
    assert len(kept) + len(warehouse.quarantined()) == len(ABSURD)


def test_links_and_strangers_lead_nowhere(attack: Attack, tmp_path: Path) -> None:
    write_base(attack.raw)
    secret = tmp_path / "secret_2024-07-26.csv"
    secret.write_text(csv_text([list(extract_row("iqa", 7)), extract_row("iqa", 7).values()]))
    (attack.raw / "iqa" / "link_2024-07-26.csv").symlink_to(secret)
    (attack.raw / "iqa" / "up_2024-07-26.csv").symlink_to("../../secret_2024-07-26.csv")
    os.link(secret, attack.raw / "iqa" / ".hidden_2024-07-26.csv")
    (attack.raw / "iqa" / "dangling_2024-07-26.csv").symlink_to("nowhere")
    (attack.raw / "iqa" / "loop_2024-07-26.csv").symlink_to("loop_2024-07-26.csv")
    (attack.raw / "actions").symlink_to(tmp_path)
    (attack.raw / "..secret").mkdir()
    (attack.raw / "..secret" / "iqa_2024-07-26.csv").write_bytes(secret.read_bytes())
    os.mkfifo(attack.raw / "iqa" / "pipe_2024-07-26.csv")

    answer = attack.read()

    assert answer["accepted"]["iqa"] == 1
    assert {name: verdict[1] for name, verdict in answer["files"].items() if verdict[0] == "refused"} == {
        "..secret/iqa_2024-07-26.csv": "unknown_folder",
        "actions": "link",
        "iqa/.hidden_2024-07-26.csv": "stranger",
        "iqa/dangling_2024-07-26.csv": "link",
        "iqa/link_2024-07-26.csv": "link",
        "iqa/loop_2024-07-26.csv": "link",
        "iqa/pipe_2024-07-26.csv": "stranger",
        "iqa/up_2024-07-26.csv": "link",
    }


def test_a_file_replaced_between_hashing_and_reading_is_refused_and_never_taken_for_the_other(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_base(warehouse.raw_dir)
    path = write_extract(warehouse.raw_dir, "absences", rows=[{"absence_type": "leave"}])
    hashed, land = path.read_bytes(), ingestion.land

    def replaced_before_reading(delivered: Any, *arguments: Any) -> Any:
        if delivered.path == path:
            other = path.with_suffix(".new")
            other.write_bytes(hashed.replace(b"leave", b"siege"))
            before = path.stat()
            os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
            other.replace(path)
        return land(delivered, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(ingestion, "land", replaced_before_reading)
        (refused,) = warehouse.load().refusals
    assert "changed while it was read" in (refused.message or "")
    path.write_bytes(hashed)
    warehouse.load()
    assert warehouse.rows("select absence_type from raw.absences") == [("leave",)]


def test_a_disk_that_fills_up_while_a_file_is_copied_stops_the_run_and_refuses_no_file(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> Any:
        raise OSError(28, "No space left on device")

    write_base(warehouse.raw_dir)
    with monkeypatch.context() as patched:
        patched.setattr(landing, "_write", full)
        with pytest.raises(ExtractError, match="The disk is full"):
            warehouse.load()
    assert warehouse.load().refusals == ()


def test_a_name_cannot_write_on_the_terminal() -> None:
    name = "x\x1b[2J\nRelease 1 is current\u202etxt.csv"
    assert printable(name) == "x\\x1b[2J\\nRelease 1 is current\\u202etxt.csv"
    assert printable("Café, 12.1% – naïve “quotes” 🙂") == "Café, 12.1% – naïve “quotes” 🙂"
    parts = {"what": name, "where": "a", "expected": "b", "what_next": "c"}
    assert "\x1b" not in error_text(parts)


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "NaN", "inf", "1e400", "true", "2024-06-31", "WES", "I1", "S1", *SQL]
    ),
    st.text(max_size=12),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(DATASETS),
        st.lists(st.tuples(st.integers(0, 30), CELLS), max_size=4),
        st.sampled_from(["whole", "cut", "flipped", "ragged", "no header", "cp1252", "twice"]),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=6,
)


def damaged(dataset: str, cells: list[tuple[int, str]], damage: str, where: int) -> bytes:
    """The bytes of a file of one or two rows, spoilt in one way."""
    row = extract_row(dataset)
    values = [str(value) for value in row.values()]
    for position, text in cells:
        values[position % len(values)] = text
    records: list[list[str]] = [list(row), values]
    if damage == "twice":
        records.append([*values[:-1], "other"])
    elif damage == "ragged":
        records.append(values[: where % len(values)] + ["x"] * (where % 3))
    elif damage == "no header":
        records.pop(0)
    text = csv_text(records)
    data = text.encode("cp1252", "replace") if damage == "cp1252" else text.encode("utf-8", "surrogatepass")
    at = where % len(data)
    if damage == "cut":
        return data[:at]
    if damage == "flipped":
        return data[:at] + bytes([data[at] ^ (1 + where % 255)]) + data[at + 1 :]
    return data


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES)
@example(changes=[("iqa", [(0, "a\x00b")], "whole", 0), ("iqa", [(1, "\r\n")], "cut", 40)])
@example(changes=[(dataset, [(0, "")], "twice", 0) for dataset in DATASETS[:6]])
def test_whatever_the_bytes_every_file_has_a_verdict_and_every_row_is_accounted_for(
    changes: list[tuple[str, list[tuple[int, str]], str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_complete(root / "raw", "2024-07-19")
        for number, (dataset, cells, damage, where) in enumerate(changes):
            data = damaged(dataset, cells, damage, where)
            (root / "raw" / dataset / f"f_2024-07-26_{number}.csv").write_bytes(data)
        options = Settings(raw_dir=root / "raw", warehouse=root / "w.duckdb", threads=1)
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            result = ingest(options, connection)
            counted = connection.execute(
                "select sum(rows_read), sum(rows_accepted + rows_quarantined + rows_superseded "
                "+ rows_repeated) from raw.files where status <> 'refused'"
            ).fetchone()
        assert len(result.files) == 13 + len(changes)
        assert counted is not None and counted[0] == counted[1]
        for outcome in result.refusals:
            assert outcome.message and outcome.rule_id
