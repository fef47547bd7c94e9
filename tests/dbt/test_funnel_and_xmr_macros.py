"""The worked examples E7, E7b and E10 through the very macros that the models call."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.macros import render_macro

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "golden_examples.json").read_text())
E7_NUMERATORS = GOLDEN["E7_funnel"]["inp"]["k"]
E7_DENOMINATORS = GOLDEN["E7_funnel"]["inp"]["n"]
Z_95 = "1.959963984540054"
Z_998 = "3.090232306167813"


def near(value: Any) -> Any:
    return pytest.approx(value, abs=5e-7)


def funnel(numerators: list[int], denominators: list[int], transform: str) -> list[dict[str, Any]]:
    connection = duckdb.connect()
    connection.execute("create table units(family varchar, unit varchar, k integer, n integer)")
    for position, (numerator, denominator) in enumerate(zip(numerators, denominators, strict=True), start=1):
        connection.execute(
            "insert into units values ('one', ?, ?, ?)", [f"U{position:02d}", numerator, denominator]
        )
    sql = render_macro(
        "funnel_points('units', ['family'], 'unit', 'k', 'n', transform=transform)", transform=transform
    )
    return connection.sql(f"select * from ({sql}) order by unit").to_arrow_table().to_pylist()


def limits(
    centre: float, denominator: int, tau2: float, transform: str, multiplier: str
) -> tuple[float, float]:
    sides = [
        render_macro(
            "funnel_limit(centre, denominator, multiplier, tau2, transform)",
            centre=repr(centre),
            denominator=str(denominator),
            multiplier=f"({sign}{multiplier})",
            tau2=repr(tau2),
            transform=transform,
        )
        for sign in ("-", "")
    ]
    return duckdb.sql(f"select {sides[0]}, {sides[1]}").fetchall()[0]


@pytest.mark.parametrize(
    ("transform", "example", "winsor", "scores"),
    [
        ("'arcsine'", GOLDEN["E7_funnel"]["out"], ("winsor_lo", "winsor_hi"), ("z", "z_adj")),
        ("'anscombe'", GOLDEN["E7b_funnel_anscombe"], None, ("z", "z_adj")),
    ],
)
def test_funnel_scores_and_over_dispersion_reproduce_the_worked_example(
    transform: str, example: dict[str, Any], winsor: tuple[str, str] | None, scores: tuple[str, str]
) -> None:
    rows = funnel(E7_NUMERATORS, E7_DENOMINATORS, transform)
    low, high = (example[winsor[0]], example[winsor[1]]) if winsor else example["winsor"]
    assert rows[0]["centre_rate"] == near(0.120729)
    assert rows[0]["winsor_low"] == near(low)
    assert rows[0]["winsor_high"] == near(high)
    assert rows[0]["phi"] == near(example["phi"])
    assert rows[0]["tau2"] == near(example["tau2"])
    assert [row["z_score"] for row in rows] == near(example[scores[0]])
    assert [row["adjusted_z_score"] for row in rows] == near(example[scores[1]])


@pytest.mark.parametrize(
    ("transform", "example", "tau2_of", "names"),
    [
        (
            "'arcsine'",
            GOLDEN["E7_funnel"]["out"],
            0,
            ("lim95_n30_naive", "lim998_n30_naive", "lim95_n30_adj", "lim998_n30_adj"),
        ),
        (
            "'anscombe'",
            GOLDEN["E7b_funnel_anscombe"],
            0,
            ("lim95_n30", "lim998_n30", "lim95_n30_adj", "lim998_n30_adj"),
        ),
    ],
)
def test_funnel_limits_at_thirty_reproduce_the_worked_example(
    transform: str, example: dict[str, Any], tau2_of: int, names: tuple[str, str, str, str]
) -> None:
    row = funnel(E7_NUMERATORS, E7_DENOMINATORS, transform)[tau2_of]
    centre, tau2 = row["centre_rate"], row["tau2"]
    assert limits(centre, 30, 0.0, transform, Z_95) == near(tuple(example[names[0]]))
    assert limits(centre, 30, 0.0, transform, Z_998) == near(tuple(example[names[1]]))
    assert limits(centre, 30, tau2, transform, Z_95) == near(tuple(example[names[2]]))
    assert limits(centre, 30, tau2, transform, Z_998) == near(tuple(example[names[3]]))


def test_ten_of_thirty_breaches_the_95_limit_but_not_the_998_limit() -> None:
    centre = funnel(E7_NUMERATORS, E7_DENOMINATORS, "'anscombe'")[0]["centre_rate"]
    assert (
        limits(centre, 30, 0.0, "'anscombe'", Z_95)[1]
        < 10 / 30
        < limits(centre, 30, 0.0, "'anscombe'", Z_998)[1]
    )


def test_fewer_than_ten_units_have_scores_but_no_over_dispersion_estimate() -> None:
    rows = funnel([4, 1, 2], [30, 30, 30], "'anscombe'")
    assert all(row["phi"] is None and row["tau2"] is None and row["adjusted_z_score"] is None for row in rows)
    assert all(row["z_score"] is not None for row in rows)


def test_when_no_unit_has_any_no_unit_is_unusual() -> None:
    rows = funnel([0] * 12, [30] * 12, "'anscombe'")
    assert {row["z_score"] for row in rows} == {0.0}
    assert {row["tau2"] for row in rows} == {0.0}


def xmr(
    values: list[float], baseline: str = "true", run_break: str = "false", screened: str = "true"
) -> list[Any]:
    connection = duckdb.connect()
    connection.execute("create table points(series varchar, position integer, plotted double)")
    for position, value in enumerate(values, start=1):
        connection.execute("insert into points values ('one', ?, ?)", [position, value])
    sql = render_macro(
        "xmr_chart('points', ['series'], 'position', 'plotted', baseline, run_break, screened)",
        baseline=baseline,
        run_break=run_break,
        screened=screened,
    )
    return connection.sql(f"select * from ({sql}) order by position").to_arrow_table().to_pylist()


def flagged(rows: list[Any], flag: str) -> list[int]:
    return [row["position"] for row in rows if row[flag]]


E10 = GOLDEN["E10_xmr"]


def test_xmr_limits_and_signals_reproduce_the_worked_example() -> None:
    rows = xmr(E10["inp"])
    out = E10["out"]
    assert rows[0]["centre_line"] == near(out["mean"])
    assert rows[0]["average_moving_range"] == near(out["amr_screened"])
    assert (rows[0]["limit_low"], rows[0]["limit_high"]) == near((out["lpl"], out["upl"]))
    assert (rows[0]["near_low"], rows[0]["near_high"]) == near((out["near_l"], out["near_u"]))
    assert flagged(rows, "is_outside_limits") == out["flag_out"]
    assert flagged(rows, "is_in_run") == out["flag_run"]
    assert flagged(rows, "is_in_trend") == out["flag_trend"]
    assert flagged(rows, "is_in_two_of_three") == out["flag_2of3"]


def test_xmr_with_a_baseline_fixed_on_the_first_seven_reproduces_the_worked_example() -> None:
    rows = xmr(E10["inp"], baseline="position <= 7")
    out = E10["out"]["fixed7"]
    assert rows[0]["centre_line"] == near(out["mean"])
    assert rows[0]["average_moving_range"] == near(out["amr"])
    assert (rows[0]["limit_low"], rows[0]["limit_high"]) == near((out["lpl"], out["upl"]))
    assert flagged(rows, "is_outside_limits") == out["out"]
    assert flagged(rows, "is_in_run") == out["run"]
    assert flagged(rows, "is_in_two_of_three") == out["two"]


def test_two_more_points_below_the_mean_make_the_low_run_of_the_fixed_baseline() -> None:
    rows = xmr([*E10["inp"], 75.0, 75.2], baseline="position <= 7")
    assert flagged(rows, "is_in_run") == [8, 9, 10, 11, 12, 13, 14]


def test_a_constant_series_raises_no_signal() -> None:
    rows = xmr([0.9] * 13)
    assert not any(flagged(rows, flag) for flag in ("is_outside_limits", "is_in_run", "is_in_two_of_three"))


def test_six_successive_rises_flag_seven_points_and_a_tie_breaks_them() -> None:
    assert flagged(xmr([5, 1, 2, 3, 4, 5, 6, 7, 3]), "is_in_trend") == [2, 3, 4, 5, 6, 7, 8]
    assert flagged(xmr([5, 1, 2, 3, 3, 4, 5, 6, 3]), "is_in_trend") == []


def test_a_point_on_the_mean_breaks_a_run() -> None:
    values = [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    assert xmr(values)[0]["centre_line"] == near(2.0)
    assert flagged(xmr(values), "is_in_run") == []


def test_one_wild_moving_range_is_left_out_of_the_average_unless_screening_is_off() -> None:
    values = [10.0, 11.0, 10.0, 11.0, 10.0, 11.0, 40.0, 41.0, 40.0, 41.0, 40.0, 41.0]
    assert xmr(values)[0]["average_moving_range"] == near(1.0)
    assert xmr(values, screened="false")[0]["average_moving_range"] == near((10 + 29) / 11)


def test_a_break_starts_runs_afresh_but_keeps_the_limits() -> None:
    values = [3.0] * 7 + [1.0] * 7
    broken = xmr(values, run_break="position = 4")
    assert flagged(broken, "is_in_run") == [8, 9, 10, 11, 12, 13, 14]
    assert broken[0]["centre_line"] == near(2.0)


def test_a_single_point_has_a_centre_but_no_limits() -> None:
    (row,) = xmr([5.0])
    assert row["centre_line"] == near(5.0)
    assert row["limit_low"] is None and row["average_moving_range"] is None
    assert not row["is_outside_limits"]
