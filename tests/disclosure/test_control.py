"""The step on a warehouse: what becomes of the tables, and an audit that is attacked itself."""

import dataclasses
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dagster_project.disclosure import control, suppression
from dagster_project.disclosure.audit import AuditResult, Onlooker
from dagster_project.disclosure.control import DisclosureResult, begin_control, disclosure_checks
from dagster_project.disclosure.errors import DisclosureError
from dagster_project.disclosure.policy import read_policy, require_cover
from dagster_project.disclosure.publishing import PUBLISHED
from dagster_project.disclosure.recovery import CannotSolve
from dagster_project.disclosure.suppression import Limits
from dagster_project.errors import IqaError
from dagster_project.release.tables import ReleasedColumn
from tests.disclosure.made_marts import SAFE, Units, fill, make_policy, released_tables, warehouse

RANGES = "disclosure:small_cells_keep_their_range"
BESIDE = "disclosure:nothing_is_shown_beside_what_it_is_made_of"
LAST = "disclosure:the_last_release_gives_nothing_away"
SMALL = {**SAFE, ("EM", "CC"): (3, 13, 14, 15)}


def controlled(
    connection: duckdb.DuckDBPyConnection, folder: Path, last: Path | None = None, **policy: object
) -> DisclosureResult:
    with begin_control(connection, make_policy(folder, **policy), released_tables(), last) as control:
        return control.finish()


def verdicts(result: DisclosureResult) -> dict[str, str]:
    return {check.id: str(check.verdict) for check in result.checks}


def hidden(connection: duckdb.DuckDBPyConnection, column: str = "done") -> list[tuple[str, ...]]:
    return connection.execute(
        f"select level, area_code, unit_type, period_type, extract(month from period_start) "
        f"from {PUBLISHED}.counts where {column} is null order by all"
    ).fetchall()


def attacked(connection: duckdb.DuckDBPyConnection, folder: Path) -> AuditResult:
    onlooker = Onlooker(connection, make_policy(folder), released_tables(), Limits())
    onlooker.look()
    return onlooker.audit()


def test_every_planned_check_is_completed(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        result = controlled(connection, tmp_path)
    assert {check.id for check in result.checks} == {check.id for check in disclosure_checks()}
    assert set(verdicts(result).values()) == {"passed"}


def test_a_mart_without_small_counts_is_published_as_it_is(tmp_path: Path) -> None:
    with warehouse(SAFE) as connection:
        controlled(connection, tmp_path)
        assert hidden(connection) == []
        differences = connection.execute(
            f"select count(*) from (from warehouse.marts.counts except all from {PUBLISHED}.counts)"
        ).fetchone()
    assert differences == (0,)


def test_a_small_unit_is_covered_in_its_area_and_over_the_year(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        assert hidden(connection) == [
            ("unit", "EM", "CC", "quarter", 4),
            ("unit", "EM", "CC", "year", 4),
            ("unit", "EM", "MC", "quarter", 4),
            ("unit", "EM", "MC", "year", 4),
        ]


def test_a_withheld_cell_is_empty_named_and_takes_its_rate_along(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        row = connection.execute(
            "select done, due, done_rate, is_suppressed, suppressed_columns, null_reason, reliability "
            f"from {PUBLISHED}.counts where unit_type = 'CC' and area_code = 'EM' "
            "and period_start = date '2023-04-01' and period_type = 'quarter'"
        ).fetchone()
    assert row == (None, 16, None, True, "done;done_rate", "done:suppressed;done_rate:suppressed", "ok")


def test_what_is_judged_on_some_quarters_goes_with_each_of_them(tmp_path: Path) -> None:
    derived = [{"columns": ["done_rate"], "from": ["done", "due"], "quarters": 2}]
    units = {("EM", "A"): (3, 20, 20, 20), ("EM", "B"): (7, 20, 20, 20), ("NE", "A"): (40, 40, 40, 40)}
    with warehouse(units) as connection:
        controlled(connection, tmp_path, derived=derived)
        withheld = connection.execute(
            f"select level || ' ' || area_code || ' ' || unit_type, period_type, "
            f"list(extract(month from period_end) order by period_start) from {PUBLISHED}.counts "
            "where done_rate is null and area_code = 'EM' group by all order by all"
        ).fetchall()
        counts_withheld = hidden(connection)
    assert ("unit", "EM", "A", "quarter", 7) not in counts_withheld
    assert ("unit EM A", "quarter", [6, 9]) in withheld
    assert ("unit EM B", "quarter", [6, 9]) in withheld


def test_a_row_whose_denominator_is_withheld_is_called_suppressed(tmp_path: Path) -> None:
    due = {key: tuple(2 * count + 10 for count in counts) for key, counts in SAFE.items()}
    due["EM", "CC"] = (3, 40, 40, 40)
    done = {**SAFE, ("EM", "CC"): (2, 13, 14, 15)}
    with warehouse(done, due) as connection:
        controlled(connection, tmp_path)
        found = connection.execute(
            f"select distinct reliability, done is null from {PUBLISHED}.counts where due is null"
        ).fetchall()
    assert found == [("suppressed", True)]


def test_a_reason_that_speaks_of_the_counts_goes_and_a_structural_one_stays(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        connection.execute(
            "update warehouse.marts.counts set done_rate = null, null_reason = 'note:no_requirement;"
            "done_rate:no_variation' where unit_type = 'CC' and area_code = 'EM' and period_type = 'quarter'"
        )
        controlled(connection, tmp_path)
        row = connection.execute(
            f"select null_reason from {PUBLISHED}.counts where unit_type = 'CC' and area_code = 'EM' "
            "and period_start = date '2023-04-01' and period_type = 'quarter'"
        ).fetchone()
    assert row == ("note:no_requirement;done:suppressed;done_rate:suppressed",)


def test_what_is_empty_for_a_structural_reason_is_not_said_to_be_withheld(tmp_path: Path) -> None:
    of_the_unit = "unit_type = 'CC' and area_code = 'EM' and period_type = 'quarter'"
    with warehouse(SMALL) as connection:
        connection.execute(
            "update warehouse.marts.counts set done_rate = null, null_reason = 'done_rate:no_requirement' "
            f"where {of_the_unit}"
        )
        controlled(connection, tmp_path)
        row = connection.execute(
            "select done, done_rate, is_suppressed, suppressed_columns, null_reason "
            f"from {PUBLISHED}.counts where {of_the_unit} and period_start = date '2023-04-01'"
        ).fetchone()
    assert row == (None, None, True, "done", "done_rate:no_requirement;done:suppressed")


def test_a_test_area_neither_covers_nor_is_covered_by_the_nation(tmp_path: Path) -> None:
    units = {**SAFE, ("REF", "MC"): (5, 6, 7, 8), ("NE", "CC"): (3, 8, 7, 6)}
    with warehouse(units) as connection:
        result = controlled(connection, tmp_path)
        assert ("unit", "REF", "MC", "quarter", 4) not in hidden(connection)
    assert verdicts(result)[RANGES] == "passed"


def test_a_small_team_in_which_nobody_was_assessed_is_withheld(tmp_path: Path) -> None:
    done = {**SAFE, ("EM", "CC"): (0, 13, 14, 15)}
    due = {key: tuple(2 * count + 10 for count in counts) for key, counts in SAFE.items()}
    due["EM", "CC"] = (8, 40, 40, 40)
    with warehouse(done, due) as connection:
        controlled(connection, tmp_path)
        assert ("unit", "EM", "CC", "quarter", 4) in hidden(connection)


# --- attacks: each plants a leak behind the suppressor's back, and the audit must find it ---


def test_a_cell_that_is_shown_by_mistake_gives_its_neighbour_away(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        connection.execute(
            f"update {PUBLISHED}.counts set done = 20, suppressed_columns = 'done_rate' "
            "where unit_type = 'MC' and area_code = 'EM' and period_start = date '2023-04-01' "
            "and period_type = 'quarter'"
        )
        result = attacked(connection, tmp_path)
    assert [(weak.column, weak.row["unit_type"], weak.least, weak.largest) for weak in result.weak] == [
        ("done", "CC", 3.0, 3.0)
    ]


def test_sums_over_time_that_let_one_subtract_are_found(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        connection.execute(
            f"update {PUBLISHED}.counts as shown "
            "set done = held.done, suppressed_columns = 'done_rate' "
            "from warehouse.marts.counts as held where shown.period_type = 'year' "
            "and shown.done is null and shown.unit_type = held.unit_type "
            "and shown.area_code = held.area_code and held.period_type = 'year'"
        )
        result = attacked(connection, tmp_path)
    assert {weak.row["unit_type"] for weak in result.weak} == {"CC"}


def test_a_rate_beside_a_withheld_count_is_found(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        connection.execute(
            f"update {PUBLISHED}.counts set done_rate = 0.1875, suppressed_columns = 'done' "
            "where done is null and unit_type = 'CC' and period_type = 'quarter'"
        )
        result = attacked(connection, tmp_path)
    assert result.beside == {"counts.done_rate": 1}


@pytest.mark.filterwarnings("error")
def test_a_number_that_is_withheld_in_one_place_and_shown_in_another_is_found(tmp_path: Path) -> None:
    units = {("EM", "MC"): (20, 21, 22, 23), ("EM", "CC"): (12, 13, 14, 15), ("NE", "MC"): (3, 31, 32, 33)}
    same = {
        "column": "done",
        "mart": "counts",
        "other_column": "done",
        "where": "level = 'unit' and area_code = 'NE'",
        "other_where": "level = 'area'",
        "matching": ["area_code", "period_type", "period_start"],
    }
    policy = make_policy(tmp_path, same_as=[same])
    with warehouse(units) as connection:
        with begin_control(connection, policy, released_tables()) as control:
            control.finish()
        onlooker = Onlooker(connection, policy, released_tables(), Limits())
        onlooker.look()
        assert onlooker.audit().weak == ()
        connection.execute(
            f"update {PUBLISHED}.counts set done = 3, suppressed_columns = 'done_rate' "
            "where level = 'area' and area_code = 'NE' and period_type = 'quarter' and done is null"
        )
        onlooker.look()
        found = onlooker.audit().weak
    assert [(weak.row["level"], weak.least, weak.largest) for weak in found] == [("unit", 3, 3)]


def test_a_planted_leak_shuts_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(cells: suppression.Cells, limits: Limits, *further: object) -> suppression.Plan:
        small = (cells.values > 0) & (cells.values <= limits.count_max)
        return suppression.Plan(small, small, small & False, np.arange(cells.size))

    monkeypatch.setattr(control, "protect", careless)
    with warehouse(SMALL) as connection:
        result = controlled(connection, tmp_path)
    failed = next(check for check in result.checks if check.id == RANGES)
    assert failed.verdict == "failed" and failed.is_blocking
    assert failed.examples[0]["between"] == "3 and 3"


def test_figures_that_do_not_add_up_as_the_policy_says_are_said_to(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        connection.execute("update warehouse.marts.counts set done = done + 1 where level = 'national'")
        result = controlled(connection, tmp_path)
    found = verdicts(result)
    assert found["disclosure:figures_add_up"] == "failed"


def test_an_onlooker_looks_again_at_what_was_written_again(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        onlooker = Onlooker(connection, make_policy(tmp_path), released_tables(), Limits())
        onlooker.look()
        connection.execute(
            f"update {PUBLISHED}.counts as seen "
            "set done = truth.done, suppressed_columns = 'done_rate' "
            "from warehouse.marts.counts as truth where seen.done is null and seen.unit_type = 'MC' "
            "and truth.level = 'unit' and truth.area_code = seen.area_code and truth.unit_type = 'MC' "
            "and truth.period_type = seen.period_type and truth.period_start = seen.period_start"
        )
        assert onlooker.audit().weak == ()
        onlooker.look_at("counts")
        onlooker.put_together()
        assert onlooker.audit().weak


def test_an_audit_that_cannot_be_carried_out_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(*arguments: object, **options: object) -> AuditResult:
        raise CannotSolve("bounds contradict each other")

    monkeypatch.setattr(control.Onlooker, "audit", stuck)
    with warehouse(SMALL) as connection:
        found = verdicts(controlled(connection, tmp_path))
    assert found[RANGES] == found[BESIDE] == found[LAST] == "crashed"


RandomCells = list[tuple[int, int, bool]]
random_cells = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 9), st.booleans()), min_size=32, max_size=32
)


def random_units(cells: RandomCells) -> tuple[Units, Units]:
    """Done and due of eight units in four quarters."""
    units = [(area, unit) for area in ("EM", "NE", "SW") for unit in ("CC", "MC", "RASSO")][:8]
    quarters = [cells[4 * place : 4 * place + 4] for place in range(8)]
    done = {unit: tuple(cell[0] for cell in row) for unit, row in zip(units, quarters, strict=True)}
    due = {
        unit: tuple(count + more + (20 if wide else 0) for count, more, wide in row)
        for unit, row in zip(units, quarters, strict=True)
    }
    return done, due


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=random_cells)
def test_the_audit_with_every_inequality_gets_nowhere_on_random_tables(
    cells: RandomCells, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with warehouse(*random_units(cells)) as connection:
        result = controlled(connection, tmp_path_factory.mktemp("policy"))
    failed = [check for check in result.checks if check.verdict != "passed" and check.is_blocking]
    assert not failed, [(check.id, check.detail, check.examples[:2]) for check in failed]


# --- the last release ---


def write_last(connection: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """What is published now, as a release that readers keep."""
    for schema, place in (
        (PUBLISHED, folder / "parquet"),
        ("warehouse.marts", folder / "restricted" / "parquet"),
    ):
        place.mkdir(parents=True, exist_ok=True)
        for table in ("counts", "dim_area"):
            connection.execute(f"copy {schema}.{table} to '{place / table}.parquet' (format parquet)")
    thresholds = {"suppress_count_max": 4, "suppress_secondary_width_min": 3, "uniform_group_below": 10}
    (folder / "manifest.json").write_text(json.dumps({"disclosure": {"thresholds": thresholds}}))
    return folder


def test_the_same_figures_again_are_withheld_in_the_same_cells(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        before = hidden(connection)
        last = write_last(connection, tmp_path / "last")
        result = controlled(connection, tmp_path, last)
        assert hidden(connection) == before
    assert result.rounds == 1 and verdicts(result)[LAST] == "passed"


def test_row_level_facts_of_the_last_release_are_not_read(tmp_path: Path) -> None:
    counts, areas = released_tables()
    facts = dataclasses.replace(counts, name="facts", is_shareable=False)
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        last = write_last(connection, tmp_path / "last")
        # Whoever opened this file would fail.
        (last / "restricted/parquet/facts.parquet").write_text("not a table", encoding="utf-8")
        tables = [counts, areas, facts]
        with begin_control(connection, make_policy(tmp_path), tables, last) as control:
            result = control.finish()
    assert verdicts(result)[LAST] == "passed"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=random_cells, chosen=st.sets(st.integers(0, 200), min_size=1, max_size=4))
def test_what_another_release_shows_helps_as_much_as_if_this_one_showed_it(
    cells: RandomCells, chosen: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("policy")
    key = "level, area_code, unit_type, period_type, period_start"
    with warehouse(*random_units(cells)) as connection:
        controlled(connection, folder)
        withheld = connection.execute(
            f"select {key}, 'done' from {PUBLISHED}.counts where done is null "
            f"union all select {key}, 'due' from {PUBLISHED}.counts where due is null order by all"
        ).fetchall()
        assume(withheld)
        connection.execute("create schema memory.elsewhere")
        connection.execute(
            "create table memory.elsewhere.counts as "
            "select * replace (null::bigint as done, null::bigint as due) from warehouse.marts.counts"
        )
        onlooker = Onlooker(connection, make_policy(folder), released_tables(), Limits())
        onlooker.look()
        told = {withheld[place % len(withheld)] for place in chosen}
        for *row, column in told:
            same_row = " and ".join(f"{name} = ?" for name in key.split(", "))
            ((value,),) = connection.execute(
                f"select {column} from warehouse.marts.counts where {same_row}", row
            ).fetchall()
            connection.execute(f"update memory.elsewhere.counts set {column} = {value} where {same_row}", row)
            connection.execute(
                f"update {PUBLISHED}.counts set {column} = {value}, suppressed_columns = array_to_string("
                f"list_filter(string_split(suppressed_columns, ';'), lambda n: n <> '{column}'), ';') "
                f"where {same_row}",
                row,
            )
        with_the_other = onlooker.audit(also_seen="memory.elsewhere")
        shown_here = attacked(connection, folder)
    assert weak_places(with_the_other) == weak_places(shown_here)


def weak_places(result: AuditResult) -> set[tuple[str, str, int]]:
    return {(*column, int(row)) for column, rows in result.weak_cells.items() for row in rows}


def test_a_revision_that_moves_the_cover_does_not_give_the_old_cell_away(tmp_path: Path) -> None:
    units = {
        ("EM", "A"): (3, 20, 20, 20),
        ("EM", "B"): (7, 20, 20, 20),
        ("EM", "C"): (12, 20, 20, 20),
        ("EM", "D"): (30, 20, 20, 20),
        ("NE", "A"): (40, 40, 40, 40),
    }
    with warehouse(units) as connection:
        controlled(connection, tmp_path)
        assert ("unit", "EM", "B", "quarter", 4) in hidden(connection)
        last = write_last(connection, tmp_path / "last")
        # C turns out to be 5: it covers A now, and B, unchanged, would be shown: 22 - 7 - 12 = 3.
        fill(connection, {**units, ("EM", "C"): (5, 20, 20, 20)})
        without = controlled(connection, tmp_path)
        assert ("unit", "EM", "B", "quarter", 4) not in hidden(connection)
        result = controlled(connection, tmp_path, last)
        assert ("unit", "EM", "B", "quarter", 4) in hidden(connection)
    assert without.rounds == 1 and result.rounds == 2
    assert verdicts(result)[LAST] == "passed"


def test_a_figure_of_a_quarter_that_was_under_way_is_not_taken_for_the_same_later(tmp_path: Path) -> None:
    units = {
        ("EM", "A"): (20, 20, 20, 3),
        ("EM", "B"): (20, 20, 20, 7),
        ("EM", "C"): (20, 20, 20, 12),
        ("EM", "D"): (20, 20, 20, 30),
        ("NE", "A"): (40, 40, 40, 40),
    }
    later = {**units, ("EM", "C"): (20, 20, 20, 5)}
    with warehouse(units) as connection:
        fill(connection, units, as_of="2024-02-26")
        controlled(connection, tmp_path)
        last = write_last(connection, tmp_path / "last")
        fill(connection, later)
        controlled(connection, tmp_path)
        alone = hidden(connection)
        result = controlled(connection, tmp_path, last)
        assert hidden(connection) == alone
    assert result.rounds == 1 and verdicts(result)[LAST] == "passed"


@pytest.mark.parametrize("disclosure", ["null", '{"thresholds": {"suppress_count_max": 2}}'])
def test_what_a_weaker_policy_has_shown_stops_no_release_and_is_said(tmp_path: Path, disclosure: str) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        before = hidden(connection)
        last = write_last(connection, tmp_path / "last")
        # Everything was shown then.
        shutil.copytree(last / "restricted" / "parquet", last / "parquet", dirs_exist_ok=True)
        (last / "manifest.json").write_text(f'{{"disclosure": {disclosure}}}')
        result = controlled(connection, tmp_path, last)
        assert hidden(connection) == before
    assert verdicts(result)[LAST] == "passed"
    assert "can't be taken back" in result.note
    assert "withheld less" in next(check for check in result.checks if check.id == LAST).detail


def test_what_a_policy_that_knew_less_has_shown_stops_no_release_and_is_said(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        # Without its lines the policy does not know that units make the Area: nothing covers the small one.
        controlled(connection, tmp_path, lines=[], windows=[])
        last = write_last(connection, tmp_path / "last")
        result = controlled(connection, tmp_path, last)
        then = hidden(connection)
        controlled(connection, tmp_path)
        assert hidden(connection) == then
    assert set(verdicts(result).values()) == {"passed"}
    assert "can't be taken back" in result.note


@pytest.mark.parametrize("method", [None, control.METHOD - 1, control.METHOD])
def test_what_a_weaker_method_has_shown_stops_no_release_and_is_said(
    tmp_path: Path, method: int | None
) -> None:
    with warehouse(SMALL) as connection:
        # A release that is not safe, and says that it was made by today's policy.
        controlled(connection, tmp_path, lines=[], windows=[])
        last = write_last(connection, tmp_path / "last")
        facts = json.loads((last / "manifest.json").read_text())
        facts["disclosure"] |= {"policy_sha256": make_policy(tmp_path).sha256, "method": method}
        (last / "manifest.json").write_text(json.dumps(facts))
        result = controlled(connection, tmp_path, last)
    assert ("can't be taken back" in result.note) == (method != control.METHOD)


def test_the_last_release_is_compared_although_the_policy_has_changed_since(tmp_path: Path) -> None:
    with warehouse(SMALL) as connection:
        controlled(connection, tmp_path)
        last = write_last(connection, tmp_path / "last")
        result = controlled(connection, tmp_path, last, headline=["done"])
    assert verdicts(result)[LAST] == "passed" and result.note == ""
    assert next(check for check in result.checks if check.id == LAST).detail == (
        "0 small counts among 0 withheld ones"
    )


def test_another_layout_of_the_policy_is_the_same_policy(tmp_path: Path) -> None:
    policy = make_policy(tmp_path)
    file = tmp_path / "disclosure.yml"
    file.write_text("# A remark.\n" + file.read_text())
    assert read_policy(file).sha256 == policy.sha256
    assert make_policy(tmp_path, headline=["done"]).sha256 != policy.sha256


# --- opting in ---


def test_a_new_public_column_stops_the_step_until_the_policy_names_it(tmp_path: Path) -> None:
    tables = released_tables()
    grown = dataclasses.replace(
        tables[0], columns=(*tables[0].columns, ReleasedColumn("late", "bigint", "late", "count", ""))
    )
    with pytest.raises(DisclosureError) as raised:
        require_cover(make_policy(tmp_path), [grown])
    assert "counts.late: not covered" in str(raised.value)


def test_a_new_shareable_table_stops_the_step_until_the_policy_names_it(tmp_path: Path) -> None:
    grown = dataclasses.replace(released_tables()[0], name="new_counts")
    with pytest.raises(DisclosureError, match="new_counts: the whole table"):
        require_cover(make_policy(tmp_path), [grown])


def test_a_policy_that_names_a_column_which_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match=r"counts\.gone: not there"):
        require_cover(make_policy(tmp_path, shown=["note", "gone"]), released_tables())


def test_a_policy_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "disclosure.yml"
    path.write_text("marts: [not, a, mapping]")
    with pytest.raises(DisclosureError, match="cannot be read"):
        read_policy(path)


def test_a_missing_threshold_is_refused(tmp_path: Path) -> None:
    with warehouse(SAFE) as connection:
        connection.execute("delete from warehouse.seeds.policies where policy_key = 'suppress_count_max'")
        with pytest.raises(IqaError, match="suppress_count_max"):
            controlled(connection, tmp_path)
