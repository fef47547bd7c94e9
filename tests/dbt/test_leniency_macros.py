"""The statistics that are SQL: each macro on its worked example, and against its Python twin."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from dagster_project.statistics import agreement
from dagster_project.warehouse.functions import register_functions
from tests.support.macros import render_macro

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())
Z = "1.959963984540054e0"


@pytest.fixture(scope="module")
def connection():
    opened = duckdb.connect()
    register_functions(opened)
    yield opened
    opened.close()


def close(value: float) -> object:
    return pytest.approx(value, abs=5e-7)


def two_by_two(inp) -> list[int]:
    keys = ("both_met", "lenient", "harsh", "both_not")
    return [inp[key] for key in keys] if isinstance(inp, dict) else inp


def scalar(connection, call: str) -> float:
    return connection.sql(f"select {render_macro(call)}").fetchall()[0][0]


def cells_of(table) -> str:
    counts = np.asarray(table)
    rows = [
        f"select 'g' as family, {len(counts)} as category_count, {rated} as rated_rank, "
        f"{reference} as reference_rank, {count} as pair_count"
        for (rated, reference), count in np.ndenumerate(counts)
    ]
    return "(" + " union all ".join(rows) + ")"


def agreement_row(connection, table) -> dict[str, float]:
    sums = render_macro("agreement_sums('cells', ['family'])")
    alpha = render_macro("krippendorff_alpha('both_orders', ['family'])")
    shift = render_macro("stuart_maxwell('cells', ['family'])")
    coefficients = {
        "kappa": "cohens_kappa('observed_nominal', 'expected_nominal', 'pair_total')",
        "kappa_linear": "cohens_kappa('observed_linear', 'expected_linear', 'pair_total')",
        "kappa_quadratic": "cohens_kappa('observed_quadratic', 'expected_quadratic', 'pair_total')",
        "ac1": "gwet_ac1('raw_agreement', 'spread', 'category_count')",
        "ac2_linear": "gwet_ac('linear_agreement', 'spread', 'category_count', "
        "linear_weight_sum('category_count'))",
        "ac2_quadratic": "gwet_ac('quadratic_agreement', 'spread', 'category_count', "
        "quadratic_weight_sum('category_count'))",
    }
    columns = ", ".join(f"{render_macro(call)} as {name}" for name, call in coefficients.items())
    connection.sql(f"create or replace temp table cells as select * from {cells_of(table)}")
    connection.sql(
        """
        create or replace temp table both_orders as
        select family, rated_rank as value_rank, reference_rank as other_rank, pair_count as coincidence_count
        from cells union all select family, reference_rank, rated_rank, pair_count from cells
        """
    )
    found = connection.sql(
        f"select {columns}, raw_agreement as agreement, alpha.*, shift.* from ({sums}) as sums"
        f" cross join ({alpha}) as alpha cross join ({shift}) as shift"
    )
    return dict(zip(found.columns, found.fetchall()[0], strict=True))


def test_e1_and_e3_intervals_of_the_gap(connection):
    for name in ("E1_ref2018_2x2", "E3_kappa_paradox"):
        inp, out = GOLDEN[name]["inp"], GOLDEN[name]["out"]
        both, lenient, harsh, _ = two_by_two(inp)
        total = sum(two_by_two(inp))
        for bound, index in (("low", 0), ("high", 1)):
            points = scalar(connection, f"bonett_price_{bound}({lenient}, {harsh}, {total}, '{Z}')")
            assert points == close(out["gap_points_bonett_price95"][index])
            relative = scalar(
                connection,
                f"relative_gap_{bound}({both + lenient}, {both + harsh}, {lenient + harsh}, '{Z}')",
            )
            assert relative == close(out["gap_relative_log95"][index])
        gap = scalar(connection, f"relative_gap({both + lenient}, {both + harsh})")
        assert gap == close(out["gap_relative"])


def test_e1_e2_and_e3_agreement(connection):
    inp = GOLDEN["E1_ref2018_2x2"]["inp"]
    e1 = [[inp["both_not"], inp["harsh"]], [inp["lenient"], inp["both_met"]]]
    a, b, c, d = GOLDEN["E3_kappa_paradox"]["inp"]
    for table, out in (
        (e1, GOLDEN["E1_ref2018_2x2"]["out"]),
        ([[d, c], [b, a]], GOLDEN["E3_kappa_paradox"]["out"]),
    ):
        row = agreement_row(connection, table)
        for name in ("agreement", "kappa", "ac1"):
            assert row[name] == close(out[name])
        assert row["alpha_nominal"] == close(out["kripp_alpha_nominal"])
    row, out = agreement_row(connection, GOLDEN["E2_ordinal_3x3"]["inp"]), GOLDEN["E2_ordinal_3x3"]["out"]
    for name in (
        *("agreement", "kappa", "kappa_linear", "kappa_quadratic", "ac1", "ac2_linear", "ac2_quadratic"),
        *("alpha_nominal", "alpha_ordinal", "alpha_interval", "stuart_maxwell_chi2"),
    ):
        assert row[name] == close(out[name]), name
    assert row["stuart_maxwell_df"] == out["sm_df"]
    tail = scalar(connection, f"chi_squared_tail('{row['stuart_maxwell_chi2']}', '2')")
    assert tail == close(out["sm_p"])


@pytest.mark.parametrize("seed", range(12))
def test_sql_and_python_agree_on_random_tables_with_empty_values(connection, seed):
    generator = np.random.default_rng(seed)
    width = 2 + seed % 3
    table = generator.integers(0, 9, size=(width, width)) * (generator.random((width, width)) < 0.7)
    table[0, 0] += 1
    row = agreement_row(connection, table)
    expected = {
        "kappa": agreement.cohens_kappa(table),
        "kappa_linear": agreement.cohens_kappa(table, "linear"),
        "kappa_quadratic": agreement.cohens_kappa(table, "quadratic"),
        "ac1": agreement.gwet_ac(table),
        "ac2_linear": agreement.gwet_ac(table, "linear"),
        "ac2_quadratic": agreement.gwet_ac(table, "quadratic"),
        "alpha_nominal": agreement.alpha_from_table(table),
        "alpha_ordinal": agreement.alpha_from_table(table, "ordinal"),
        "alpha_interval": agreement.alpha_from_table(table, "interval"),
    }
    if width <= 3:
        expected["stuart_maxwell_chi2"] = agreement.stuart_maxwell(table)[0]
    for name, value in expected.items():
        found = np.nan if row[name] is None else row[name]
        assert found == pytest.approx(float(value), abs=1e-9, nan_ok=True), name


def test_e12_alpha_of_three_raters_with_gaps(connection):
    ratings, out = GOLDEN["E12_alpha"]["inp"], GOLDEN["E12_alpha"]["out"]
    rows = []
    for unit in zip(*ratings, strict=True):
        given = [value for value in unit if value is not None]
        for first, value in enumerate(given):
            for second, other in enumerate(given):
                if first != second:
                    rows.append(f"('g', {value}, {other}, {2 // (len(given) - 1)})")
    connection.sql(
        "create or replace temp table three as select * from (values "
        + ", ".join(rows)
        + ") as pairs (family, value_rank, other_rank, coincidence_count)"
    )
    found = connection.sql(render_macro("krippendorff_alpha('three', ['family'], 2)")).fetchall()[0]
    assert found == ("g", 27.0, close(out["nominal"]), close(out["ordinal"]), close(out["interval"]))


def test_e8_shrinkage_of_the_reference_units(connection):
    inp, out = GOLDEN["E7_funnel"]["inp"], GOLDEN["E8_shrink"]["out"]
    values = ", ".join(
        f"('f', {unit}, {hits}, {total})"
        for unit, (hits, total) in enumerate(zip(inp["k"], inp["n"], strict=True))
    )
    connection.sql(
        f"create or replace temp table units15 as select * from (values {values}) "
        "as units (family, unit, hits, total)"
    )
    query = render_macro("anova_shrinkage('units15', ['family'], 'unit', 'hits', 'total')")
    found = connection.sql(query)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    for column, golden in (
        *(("anova_msb", "MSB"), ("anova_msw", "MSW"), ("anova_n0", "n0"), ("anova_rho", "rho")),
        *(("prior_strength", "M"), ("prior_alpha", "alpha"), ("prior_beta", "beta")),
    ):
        assert rows[0][column] == close(out[golden])
    shrunk = {(row["hits"], row["total"]): row["shrunk_rate"] for row in rows}
    assert shrunk[10, 30] == close(out["post_n30_k10"])
    assert shrunk[0, 29] == close(out["post_n29_k0"])
    assert shrunk[4, 30] == close(out["post_n30_k4"])
    unit = next(row for row in rows if row["hits"] == 10)
    low = scalar(connection, f"beta_quantile('0.025', {unit['posterior_alpha']}, {unit['posterior_beta']})")
    assert low == close(out["cri_n30_k10"][0])


def test_units_that_do_not_differ_are_pooled_fully(connection):
    connection.sql(
        "create or replace temp table alike as select * from (values ('f', 1, 5, 50), ('f', 2, 5, 50), "
        "('lone', 1, 3, 10)) as units (family, unit, hits, total)"
    )
    query = render_macro("anova_shrinkage('alike', ['family'], 'unit', 'hits', 'total')")
    found = connection.sql(
        f"select family, shrunk_rate, posterior_alpha from ({query}) order by 1"
    ).fetchall()
    assert found == [("f", close(0.1), None), ("f", close(0.1), None), ("lone", close(0.3), None)]


def test_one_case_never_makes_a_unit_wholly_lenient(connection):
    values = ", ".join(f"('f', {unit}, {int(unit == 0)}, {2 if unit == 9 else 1})" for unit in range(10))
    connection.sql(
        f"create or replace temp table singles as select * from (values {values}) "
        "as units (family, unit, hits, total)"
    )
    query = render_macro("anova_shrinkage('singles', ['family'], 'unit', 'hits', 'total', '1')")
    found = connection.sql(
        f"select anova_rho, prior_strength, shrunk_rate from ({query}) where hits = 1"
    ).fetchall()
    assert found == [(close(1.0), close(1.0), close((1 / 11 + 1) / 2))]


def test_e9_multiplicity(connection):
    inp, out = GOLDEN["E9_BH"]["inp"], GOLDEN["E9_BH"]["out"]
    values = ", ".join(f"('f', {key}, {p})" for key, p in enumerate(inp)) + ", ('f', 99, null)"
    connection.sql(
        f"create or replace temp table tests6 as select * from (values {values}) as tests (family, unit, p)"
    )
    for method, golden in (
        ("benjamini_hochberg", "bh_q"),
        ("benjamini_yekutieli", "by_q"),
        ("holm", "holm"),
    ):
        query = render_macro(f"adjusted_p('tests6', ['family'], ['unit'], 'p', '{method}')")
        found = connection.sql(f"select adjusted_p, family_size from ({query}) order by unit").fetchall()
        assert [row[0] for row in found] == [*(close(value) for value in out[golden]), None]
        assert {row[1] for row in found} == {6}


def test_e13_cluster_interval(connection):
    inp, out = GOLDEN["E13_cluster"]["inp"], GOLDEN["E13_cluster"]["out"]
    hits, totals = np.array(inp["lenient"]), np.array(inp["answers"])
    sums = ", ".join(
        f"'{value}'"
        for value in (len(hits), hits.sum(), totals.sum(), hits @ hits, hits @ totals, totals @ totals)
    )
    assert scalar(connection, f"cluster_variance({sums})") ** 0.5 == close(out["se_cluster"])
    effect = scalar(connection, f"design_effect({sums})")
    assert effect == close(out["deff"])
    for bound, index in (("low", 0), ("high", 1)):
        value = scalar(connection, f"cluster_{bound}('{hits.sum()}', '{totals.sum()}', '{effect}', '{Z}')")
        assert value == close(out["wilson_neff"][index])


def test_e16_sign_flip_and_mcnemar_on_the_connection(connection):
    assert scalar(connection, "sign_flip_p('[0, 3, 1, -1, 5, 1, 2, 0]', 20, 9999, 1)") == close(0.125)
    assert scalar(connection, "sign_flip_p('[0, 0]', 20, 9999, 1)") is None
    assert scalar(connection, "sign_flip_p('null', 20, 9999, 1)") is None
    assert scalar(connection, "mcnemar_exact_p(0, 0)") is None
    assert scalar(connection, "mcnemar_exact_p('null', 3)") is None


def test_e17_weighted_rate(connection):
    out = GOLDEN["E17_weighted"]["out"]
    connection.sql(
        """
        create or replace temp table strata2 as
        select
            *,
            stratum_total as stratum_clusters,
            stratum_hits as stratum_hits_squared,
            stratum_hits as stratum_hits_total,
            stratum_total as stratum_total_squared
        from (values ('g', 'MC', 6400, 140, 15), ('g', 'CC', 1600, 70, 12))
            as strata (family, stratum, stratum_population, stratum_total, stratum_hits)
        """
    )
    query = render_macro("weighted_rate('strata2', ['family'], ['stratum'])")
    assert connection.sql(query).fetchall() == [("g", 2, close(out["weighted"]), close(out["se"]))]
