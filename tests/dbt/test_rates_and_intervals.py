"""Rounding (E14), normal quantiles and Wilson intervals, as the models compute them."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from tests.support.macros import render_macro

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "golden_examples.json").read_text())
Z_95 = repr(float(norm.ppf(0.975)))
TENTHS = render_macro("percent_tenths('k', 'n')")


def scalar(call: str, **variables: Any) -> Any:
    return duckdb.sql(f"select {render_macro(call, **variables)}").fetchall()[0][0]


@pytest.mark.parametrize("example", GOLDEN["E14_round"], ids=lambda case: f"{case['k']}_of_{case['n']}")
def test_per_cent_is_rounded_half_up_to_one_decimal_place(example: dict[str, Any]) -> None:
    text = scalar("percent_text(k, n)", k=str(example["k"]), n=str(example["n"]))

    assert text == f"{example['half_up']:.1f}"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=1,
        max_size=50,
    )
)
def test_rounding_agrees_with_exact_fractions_for_any_counts(counts: list[tuple[int, int]]) -> None:
    rows = ", ".join(str(pair) for pair in counts)
    found = duckdb.sql(f"select {TENTHS} from (values {rows}) as counts (k, n)").fetchall()

    assert [row[0] for row in found] == [int(Fraction(1000 * k, n) + Fraction(1, 2)) for k, n in counts]


def test_nothing_over_nothing_is_no_rate_at_all() -> None:
    assert scalar("rate(0, 0)") is None
    assert scalar("percent_text(0, 0)") is None
    assert scalar("wilson_low(0, 0, z)", z=Z_95) is None
    assert scalar("wilson_high(0, 0, z)", z=Z_95) is None


@pytest.mark.parametrize(
    "probability", [1e-9, 0.001, 0.05, 0.075, 0.3, 0.5, 0.9, 0.975, 0.995, 0.999, 1 - 1e-9]
)
def test_the_normal_quantile_is_exact_to_fourteen_figures(probability: float) -> None:
    expected = float(norm.ppf(probability))

    assert scalar("normal_quantile(p)", p=repr(probability)) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("numerator", "denominator"), [(53, 439), (6, 439), (0, 15), (15, 15), (2, 15), (1, 1), (7, 48), (3, 4)]
)
def test_wilson_limits_agree_with_statsmodels(numerator: int, denominator: int) -> None:
    low, high = proportion_confint(numerator, denominator, alpha=0.05, method="wilson")

    counts = {"k": str(numerator), "n": str(denominator), "z": Z_95}
    assert scalar("wilson_low(k, n, z)", **counts) == pytest.approx(low, abs=1e-12)
    assert scalar("wilson_high(k, n, z)", **counts) == pytest.approx(high, abs=1e-12)


def test_wilson_limits_of_the_reference_set_match_the_worked_example() -> None:
    assert scalar("wilson_low(53, 439, z)", z=Z_95) == pytest.approx(0.093496, abs=5e-7)
    assert scalar("wilson_high(53, 439, z)", z=Z_95) == pytest.approx(0.154542, abs=5e-7)


def test_limits_at_none_and_at_all_are_exactly_zero_and_one() -> None:
    assert scalar("wilson_low(0, 29, z)", z=Z_95) == 0
    assert scalar("wilson_high(29, 29, z)", z=Z_95) == 1


def test_benjamini_hochberg_reproduces_the_worked_example() -> None:
    duckdb.sql(
        "create or replace table tested as select unnest([.001, .012, .014, .04, .2, .6]) as p, 1 as family"
    )
    ratio = render_macro("benjamini_hochberg_ratio('p', ['family'], ['p'])")
    q_value = render_macro("benjamini_hochberg_q('ratio', 'p', ['family'], ['p'])")
    found = duckdb.sql(
        f"with ratios as (select *, {ratio} as ratio from tested) select {q_value} from ratios order by p"
    ).fetchall()

    assert [row[0] for row in found] == pytest.approx([0.006, 0.028, 0.028, 0.06, 0.24, 0.6], abs=1e-9)


def test_the_chance_of_drawing_none_of_an_assessors_files_is_hypergeometric() -> None:
    # C(18, 3) / C(20, 3): three of twenty drawn, two are the assessor's.
    assert scalar("chance_of_none(20, 2, 3)") == pytest.approx(816 / 1140, abs=1e-12)
    assert scalar("chance_of_none(5, 3, 3)") == 0
