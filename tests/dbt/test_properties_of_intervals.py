"""Properties of the SQL intervals over every small table, not a sample of them.

Each test writes the property as a query whose rows are the exceptions; there are none. The one trap: limits
are doubles, so order is asked for to 1e-12, far below anything shown.
"""

import random
from collections.abc import Iterator

import duckdb
import pytest

from dagster_project.warehouse.functions import register_functions
from tests.support.macros import render_macro

Z = "1.959963984540054e0"


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register_functions(opened)
        opened.execute(
            f"""
            create table shares as
            select
                hits,
                total,
                {render_macro(f"wilson_low('hits', 'total', '{Z}')")} as low,
                {render_macro(f"wilson_high('hits', 'total', '{Z}')")} as high
            from range(1, 81) as totals(total) cross join range(0, 81) as counts(hits)
            where hits <= total
            """
        )
        opened.execute(
            f"""
            create table gaps as
            select
                lenient,
                harsh,
                total,
                {render_macro(f"bonett_price_low('lenient', 'harsh', 'total', '{Z}')")} as low,
                {render_macro(f"bonett_price_high('lenient', 'harsh', 'total', '{Z}')")} as high
            from range(0, 31) as first(lenient) cross join range(0, 31) as second(harsh)
            cross join (select unnest([1, 5, 30, 60]) as total) as totals
            where lenient + harsh <= total
            """
        )
        yield opened


def exceptions(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.sql(f"{query} limit 5").fetchall()


def test_wilson_limits_lie_within_0_and_1_and_hold_the_rate(connection: duckdb.DuckDBPyConnection) -> None:
    assert (
        exceptions(
            connection,
            "select * from shares where not (0 <= low and low <= hits / total + 1e-12"
            " and hits / total <= high + 1e-12 and high <= 1)",
        )
        == []
    )


def test_wilson_limits_rise_with_the_count(connection: duckdb.DuckDBPyConnection) -> None:
    assert (
        exceptions(
            connection,
            "select fewer.* from shares as fewer inner join shares as more"
            " on fewer.total = more.total and fewer.hits + 1 = more.hits"
            " where more.low <= fewer.low or more.high <= fewer.high",
        )
        == []
    )


def test_wilson_limits_of_the_others_are_the_mirror_image(connection: duckdb.DuckDBPyConnection) -> None:
    assert (
        exceptions(
            connection,
            "select these.* from shares as these inner join shares as others"
            " on these.total = others.total and these.hits + others.hits = these.total"
            " where abs(these.low + others.high - 1) > 1e-12",
        )
        == []
    )


def test_twice_the_evidence_never_widens_the_interval(connection: duckdb.DuckDBPyConnection) -> None:
    assert (
        exceptions(
            connection,
            "select once.* from shares as once inner join shares as twice"
            " on once.total * 2 = twice.total and once.hits * 2 = twice.hits"
            " where twice.high - twice.low >= once.high - once.low",
        )
        == []
    )


def test_the_gap_interval_holds_the_gap_moves_with_it_and_mirrors(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # Two half-pairs are added, so the interval is about (b - c) / (n + 2); the gap itself lies inside too.
    assert (
        exceptions(connection, "select * from gaps where not (-1 <= low and low < high and high <= 1)") == []
    )
    assert (
        exceptions(
            connection,
            "select * from gaps where not"
            " ((lenient - harsh) / (total + 2) between low - 1e-12 and high + 1e-12)",
        )
        == []
    )
    assert (
        exceptions(
            connection,
            "select these.* from gaps as these inner join gaps as swapped"
            " on these.total = swapped.total and these.lenient = swapped.harsh"
            " and these.harsh = swapped.lenient where abs(these.low + swapped.high) > 1e-12",
        )
        == []
    )


def test_clustering_never_narrows_an_interval(connection: duckdb.DuckDBPyConnection) -> None:
    low = render_macro(f"cluster_low('hits', 'total', 'effect', '{Z}')")
    high = render_macro(f"cluster_high('hits', 'total', 'effect', '{Z}')")
    assert (
        exceptions(
            connection,
            f"select * from (select shares.*, effect, {low} as wider_low, {high} as wider_high"
            " from shares cross join (select unnest([0.5, 1.0, 2.5, 9.0]) as effect) as effects)"
            " where wider_high - wider_low < high - low - 1e-12",
        )
        == []
    )


def test_one_cluster_has_no_interval(connection: duckdb.DuckDBPyConnection) -> None:
    effect = render_macro("design_effect('1', '3', '10', '9', '30', '100')")
    low = render_macro(f"cluster_low('3', '10', '({effect})', '{Z}')")
    high = render_macro(f"cluster_high('3', '10', '({effect})', '{Z}')")
    assert connection.sql(f"select {low}, {high}").fetchall() == [(None, None)]


@pytest.mark.parametrize("seed", range(5))
def test_shrunk_rates_lie_between_a_units_own_rate_and_that_of_all(
    connection: duckdb.DuckDBPyConnection, seed: int
) -> None:
    draw = random.Random(seed)
    units = [(unit, total := draw.randint(1, 60), draw.randint(0, total)) for unit in range(20)]
    values = ", ".join(f"('f', {unit}, {hits}, {total})" for unit, total, hits in units)
    connection.execute(
        "create or replace table counted as"
        f" select * from (values {values}) as made(family, unit, hits, total)"
    )
    query = render_macro("anova_shrinkage('counted', ['family'], 'unit', 'hits', 'total')")
    assert (
        exceptions(
            connection,
            f"select unit, shrunk_rate from ({query}) where not (shrunk_rate"
            " between least(hits / total, pooled_rate) - 1e-12"
            " and greatest(hits / total, pooled_rate) + 1e-12)",
        )
        == []
    )


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_values_keep_their_order_whatever_the_order_of_rows(
    connection: duckdb.DuckDBPyConnection, seed: int
) -> None:
    draw = random.Random(seed)
    tests = [(number, round(draw.random() ** 3, 3)) for number in range(25)]

    def adjusted(rows: list[tuple[int, float]], method: str) -> dict[int, float]:
        values = ", ".join(f"('f', {number}, {p}::double)" for number, p in rows)
        connection.execute(
            f"create or replace table tests as select * from (values {values}) as made(family, number, p)"
        )
        query = render_macro(f"adjusted_p('tests', ['family'], ['number'], 'p', '{method}')")
        return dict(connection.sql(f"select number, adjusted_p from ({query})").fetchall())

    for method in ("benjamini_hochberg", "benjamini_yekutieli", "holm"):
        first = adjusted(tests, method)
        assert first == adjusted(draw.sample(tests, len(tests)), method)
        ordered = [first[number] for number, _ in sorted(tests, key=lambda test: test[1])]
        assert ordered == sorted(ordered)
        assert all(p <= first[number] <= 1 for number, p in tests)
