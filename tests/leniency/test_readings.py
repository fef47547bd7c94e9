"""The settled readings of leniency and catch that no worked example covers, each by a handful of cases."""

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.leniency.builder import Cases
from tests.support.pipeline import (
    build_marts,
    build_prepared,
    copy_seeded_warehouse,
    pipeline_settings,
    prepare_run,
)


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    cases = Cases()
    add_answers_without_values(cases)
    add_standing_references(cases)
    add_dips(cases)
    folder = tmp_path_factory.mktemp("readings")
    cases.write(folder / "raw")
    with build_marts(
        folder, folder / "raw", select=["+leniency", "+dip_catch", "+question_quality", "+fct_comparison"]
    ) as opened:
        yield opened


def add_answers_without_values(cases: Cases) -> None:
    """One assessment on a scale of two, one on a scale of three; the inspector mostly gives no value."""
    cases.add(
        manager_answers={
            **{"CR01": "Y", "CR02": "N", "CR03": "NA", "CR04": "NA", "CR05": "NA", "CR06": "Y", "CR07": "Y"},
            **{"CR08": "Y", "CP01": "N", "CP02": ""},
        },
        inspector_answers={
            **{"CR01": False, "CR02": False, "CR03": False, "CR04": "N", "CR05": True, "CR06": "NA"},
            **{"CR07": True, "CR08": "Y", "CP01": True, "CP02": {"agrees": "false", "answer": ""}},
        },
    )
    cases.add(
        instrument="CW-2015",
        inspection="REF2018",
        manager_answers={"CR01": "M", "CR02": "P", "CR03": "N", "CR04": "P", "CR05": "M", "CR06": "P"},
        inspector_answers={
            "CR01": False,
            "CR02": False,
            "CR03": False,
            "CR04": True,
            "CR05": "N",
            "CR06": {"agrees": "false", "answer": "M"},
        },
    )


def add_standing_references(cases: Cases) -> None:
    """Advocacy REF2024: several re-assessments of one assessment, of which one stands."""
    later = cases.add(instrument="AD-2023", manager="Y", inspector="Y")
    cases.inspect(later, "REF2024", "N", on="2024-07-16")
    same_day = cases.add(instrument="AD-2023", manager="Y", inspector="N")
    cases.inspect(same_day, "REF2024", "Y", on="2024-07-15")
    checked = cases.add(instrument="AD-2023", manager="Y", inspector="Y")
    cases.inspect(checked, "REF2024", "N", on="2024-07-20", purpose="quality_assurance")
    calibrated = cases.add(instrument="AD-2023", manager="Y")
    cases.inspect(calibrated, "REF2024", "N", purpose="calibration")
    cases.add(instrument="AD-2023", manager="Y", inspector="N", status="withdrawn")
    cases.add(instrument="AD-2023", manager="NA", inspector="N")


def add_dips(cases: Cases) -> None:
    """Casework 2024-25 Q1 and the triples of REF2024: dips with and without rating, unmarked and repeated."""
    cases.add(manager="Y", inspector="N", opinion="challenge", dip={"action_for_assessor": "Look again"})
    cases.add(manager="Y", inspector="N", sampler="N", dip={"is_marked": "false"})
    cases.add(manager="N", inspector="Y", sampler="N", opinion="agree")
    cases.add(manager="Y", inspector="Y", sampler="Y", unit_type="CC")
    cases.add(
        manager="Y",
        inspector="N",
        sampler="Y",
        dip={"comment": "There was limited analysis of the identification evidence."},
    )
    cases.add(manager="Y", inspector="Y", opinion="unclear")


def answer(marts: duckdb.DuckDBPyConnection, question: str, sample: str = "REF2024") -> tuple[Any, ...]:
    return marts.execute(
        """
        select rated_value, reference_value, direction, is_comparable from marts.fct_comparison
        where basis = 'answer' and comparison = 'manager_v_inspector' and sample = ? and question_code = ?
        """,
        [sample, question],
    ).fetchall()[0]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("CR01", ("Y", "N", "lenient", True)),
        ("CR02", ("N", "Y", "harsh", True)),
        ("CR03", ("NA", None, "na_mismatch", False)),
        ("CR04", ("NA", "N", "na_mismatch", False)),
        ("CR05", ("NA", "NA", "agree", False)),
        ("CR06", ("Y", "NA", "na_mismatch", False)),
        ("CR07", ("Y", "Y", "agree", True)),
        ("CR08", ("Y", "Y", "agree", True)),
        ("CP01", ("N", "N", "agree", True)),
        ("CP02", (None, None, "unknown", False)),
    ],
)
def test_on_a_yes_or_no_scale_disagreement_alone_gives_the_value(marts, question, expected):
    assert answer(marts, question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("CR01", ("M", None, "lenient", True)),
        ("CR02", ("P", None, "unknown", False)),
        ("CR03", ("N", None, "harsh", True)),
        ("CR04", ("P", "P", "agree", True)),
        ("CR05", ("M", "N", "lenient", True)),
        ("CR06", ("P", "M", "harsh", True)),
    ],
)
def test_on_a_longer_scale_disagreement_alone_gives_a_direction_at_the_ends_only(marts, question, expected):
    assert answer(marts, question, "REF2018") == expected


def overall(marts: duckdb.DuckDBPyConnection, columns: str, **keys: str) -> tuple[Any, ...]:
    wanted = {
        "comparison": "manager_v_inspector",
        "sample": "REF2024",
        "assessment_type": "casework",
        "dimension": "overall",
    } | keys
    where = " and ".join(f"{column} = ?" for column in wanted)
    rows = marts.execute(
        f"select {columns} from marts.leniency where {where}", list(wanted.values())
    ).fetchall()
    assert len(rows) == 1
    return rows[0]


def test_counts_add_up_to_what_the_reference_examined(marts):
    counts = (
        "n_examined, n_compared, n_lenient, n_harsh, n_agree, n_na_mismatch, n_unknown_direction, n_both_na"
    )
    assert overall(marts, counts, basis="answer") == (10, 5, 1, 1, 3, 3, 1, 1)
    assert overall(marts, counts, basis="answer", sample="REF2018") == (6, 5, 2, 2, 1, 0, 1, 0)


def test_unknown_values_stay_out_of_the_score_but_not_of_the_rates(marts):
    row = overall(
        marts,
        "n_valued, rated_score_num, reference_score_num, score_den, lenient_rate, n_two_steps",
        basis="answer",
        sample="REF2018",
    )
    # Valued: CR04 P-P, CR05 M-N, CR06 P-M.
    assert row == (3, 1 + 2 + 1, 1 + 0 + 2, 6, pytest.approx(2 / 5), 1)


def test_not_applicable_hides_failure_only_where_the_reference_gave_a_value(marts):
    numerator, denominator = overall(marts, "na_leniency_num, na_leniency_den", basis="answer")
    # Applicable and recorded: CR01, CR02, CR04 (NA against N), CR07, CR08, CP01; CR03 gives no value.
    assert (numerator, denominator) == (1, 6)


def test_agreement_with_not_applicable_as_a_value_counts_both_saying_so(marts):
    rate, with_na = overall(marts, "agreement_rate, agreement_with_na_rate", basis="answer")
    assert (rate, with_na) == (pytest.approx(3 / 5), pytest.approx(4 / 9))


def test_the_last_re_assessment_of_the_inspection_stands_and_other_purposes_never_do(marts):
    counts = overall(marts, "n_examined, n_compared, n_lenient", assessment_type="advocacy", basis="iqa")
    # Later one stands (lenient), of one day the higher id (agree), quality assurance and calibration not,
    # withdrawn not; "not applicable" is examined but not compared.
    assert counts == (4, 3, 1)


def test_a_dip_without_a_rating_counts_in_the_triples_by_its_opinion(marts):
    row = marts.execute(
        """
        select n_triple, n_inspector_lenient, n_caught, n_caught_by_rule, n_caught_inclusive,
            n_rubber_stamped, n_inspector_disagrees, n_fed_back, n_sampler_comparable
        from marts.dip_catch
        where sample = 'REF2024' and assessment_type = 'casework' and basis = 'iqa' and level = 'national'
        """
    ).fetchall()[0]
    # The unmarked dip is no view. Lenient: the challenge (caught, fed back) and the comment (raised by rule).
    assert row == (5, 2, 1, 1, 2, 2, 3, 1, 3)


def test_a_period_compares_ratings_only_and_examines_every_recorded_dip(marts):
    keys = {"comparison": "manager_v_dip_sampler", "sample": "2024-25 Q1"}
    counts = overall(marts, "n_examined, n_compared, n_lenient, n_harsh", basis="iqa", **keys)
    assert counts == (5, 3, 0, 0)
    reasons, p_value = overall(marts, "null_reason, p_value", basis="iqa", **keys)
    assert p_value is None
    assert "p_value:no_discordance" in reasons


def test_every_dimension_adds_up_to_the_overall_row(marts):
    broken = marts.execute(
        """
        with sums as (
            select comparison, sample, assessment_type, basis, dimension,
                sum(n_compared) as compared, sum(n_lenient) as lenient
            from marts.leniency
            group by all
        )
        select parts.* from sums as parts inner join sums as whole
            on parts.comparison = whole.comparison and parts.sample = whole.sample
            and parts.assessment_type = whole.assessment_type and parts.basis = whole.basis
            and whole.dimension = 'overall'
        where parts.compared <> whole.compared or parts.lenient <> whole.lenient
        """
    ).fetchall()
    assert broken == []


def test_assessors_appear_under_a_pseudonym_and_are_not_tested(marts):
    rows = marts.execute(
        "select distinct dimension_value, p_value, q_value from marts.leniency where dimension = 'assessor'"
    ).fetchall()
    assert rows
    assert all(value.startswith("stf_") and p is None and q is None for value, p, q in rows)
    assert not marts.execute(
        "select 1 from marts.leniency where dimension = 'assessor' and comparison = 'dip_sampler_v_inspector'"
    ).fetchall()


def test_a_rating_is_derived_only_where_the_instrument_says_how(marts):
    assert not marts.execute("select 1 from marts.leniency where basis = 'iqa_derived'").fetchall()


@pytest.mark.parametrize(
    ("rule", "expected"), [("score_at_least:0.8", (2, 0, 2, 0)), ("no_critical_short", (2, 1, 1, 0))]
)
def test_a_rule_of_the_instrument_derives_ratings_and_keeps_them_apart(tmp_path, rule, expected):
    from dagster_project.extracts import ingest

    cases = Cases()
    five = [f"CR0{number}" for number in range(1, 6)]
    # Manager 5 of 5, inspector 3 of 5 and short on CR01, which is critical.
    met = dict.fromkeys(five, "Y")
    cases.add(
        manager="Y", inspector="Y", manager_answers=met, inspector_answers=met | {"CR01": "N", "CR03": "N"}
    )
    # Manager 4 of 5; the inspector agrees but for CR04, so 3 of 4; both short on CR05, which is not critical.
    cases.add(
        manager_answers=met | {"CR05": "N"}, inspector_answers=dict.fromkeys(five, True) | {"CR04": "NA"}
    )
    cases.write(tmp_path / "raw")
    settings = pipeline_settings(tmp_path, tmp_path / "raw")
    copy_seeded_warehouse(settings)
    with contextlib.closing(duckdb.connect(str(settings.warehouse))) as connection:
        connection.execute(
            "update seeds.instruments set rating_rule = ? where instrument_version = 'CW-2023'", [rule]
        )
        prepare_run(connection, ingest(settings, connection).as_of)
    with build_prepared(settings, "+leniency") as opened:
        counts = "n_examined, n_agree, n_lenient, n_harsh"
        derived = overall(opened, counts, basis="iqa_derived")
        recorded = overall(opened, "n_examined, n_compared", basis="iqa")
    assert derived == expected
    assert recorded == (2, 1)
