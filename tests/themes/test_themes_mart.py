"""The themes mart from extracts to figures: rates, baselines, what emerges and why not."""

import json
from datetime import date
from pathlib import Path

import pytest
from statsmodels.stats.proportion import proportion_confint

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())
QUARTER = {"period_type": "quarter", "period_start": date(2024, 4, 1), "assessment_type": "casework"}


def area_row(row_of, area: str, category: str, theme: str, **other):
    key = QUARTER | {"level": "area", "area_code": area, "question_category": category, "theme_code": theme}
    return row_of("themes", **(key | other))


def test_the_worked_example_of_an_emerging_theme_comes_out_of_the_extracts(row_of):
    expected = GOLDEN["E11_emerging"]["out"]
    row = area_row(row_of, "WES", "charging_and_review", "CR-T01")
    assert (row["iqas_with_theme"], row["iqas_eligible"]) == (14, 400)
    assert (row["baseline_num"], row["baseline_den"], row["baseline_source"]) == (30, 2000, "own")
    assert row["theme_rate"] == pytest.approx(expected["rate_now"], abs=5e-7)
    assert row["baseline_rate"] == pytest.approx(expected["rate_base"], abs=5e-7)
    assert row["rate_ratio"] == pytest.approx(expected["rr"], abs=5e-7)
    assert row["rate_ratio_low"] == pytest.approx(expected["rr_ci90"][0], abs=5e-7)
    assert row["shrunk_ratio"] == pytest.approx(expected["shrunk_rr_gamma2"], abs=5e-7)
    assert row["p_value"] == pytest.approx(expected["midp"], abs=5e-7)
    assert row["is_emerging"] and row["emerging_reason"] == "above_baseline"
    assert row["in_governance"] is True


def test_the_rate_comes_with_its_wilson_interval(row_of):
    row = area_row(row_of, "WES", "charging_and_review", "CR-T01")
    assert (row["low"], row["high"]) == pytest.approx(proportion_confint(14, 400, method="wilson"), abs=5e-7)


def test_a_theme_that_one_assessor_raises_is_called_an_artefact(row_of):
    row = area_row(row_of, "EM", "victims_and_witnesses", "VW-T07")
    assert row["q_value"] < 0.1 and row["shrunk_ratio"] > 1.5 and row["rate_ratio_low"] > 1
    assert row["is_emerging"] is False
    assert row["emerging_reason"] == "single_assessor_artefact"


def test_a_campaign_raises_the_rate_but_no_alarm(row_of):
    row = area_row(row_of, "LS", "disclosure", "DI-T02")
    assert (row["iqas_with_theme"], row["iqas_eligible"]) == (42, 100)
    assert (row["compared_num"], row["compared_den"]) == (2, 60)
    assert row["emerging_reason"] == "too_few_iqas"


def test_an_area_without_history_is_compared_with_the_nation_and_its_theme_is_new(row_of):
    row = area_row(row_of, "NE", "charging_and_review", "CR-T06")
    national = row_of(
        "themes",
        **QUARTER,
        level="national",
        question_category="charging_and_review",
        theme_code="CR-T06",
    )
    assert row["baseline_source"] == "national"
    assert (row["baseline_num"], row["baseline_den"]) == (national["baseline_num"], national["baseline_den"])
    assert row["is_emerging"] and row["emerging_reason"] == "new"
    assert row["rate_ratio"] is None and "rate_ratio:no_hits" in row["null_reason"]
    # The time for the Area's meetings runs to the end of the second quarter after.
    assert row["in_governance"] is None and "in_governance:pending" in row["null_reason"]


def test_a_theme_above_the_funnel_quarter_after_quarter_is_persistent(row_of):
    loud = area_row(row_of, "LN", "case_progression", "CP-T09")
    quiet = area_row(row_of, "CYM", "case_progression", "CP-T09")
    assert loud["is_persistent"] is True and loud["is_emerging"] is False
    assert quiet["is_persistent"] is False
    rolling = row_of(
        "themes",
        level="area",
        area_code="LN",
        question_category="case_progression",
        theme_code="CP-T09",
        period_type="rolling_12m",
        period_start=date(2023, 7, 1),
    )
    assert rolling["iqas_with_theme"] == 100 and rolling["is_persistent"] is True
    assert "is_emerging:quarter_only" in rolling["null_reason"]


def test_a_theme_nobody_raised_stands_with_a_zero(row_of):
    row = area_row(row_of, "WES", "charging_and_review", "CR-T02")
    assert (row["iqas_with_theme"], row["iqas_eligible"], row["theme_rate"]) == (0, 400, 0.0)


@pytest.mark.parametrize("theme", ["CP-T07", "DI-T02"], ids=["the category's own", "of another category"])
def test_a_theme_of_a_unit_stays_persistent_in_the_quarter_in_which_nobody_raised_it(row_of, theme: str):
    key = QUARTER | {"level": "unit", "area_code": "EM", "question_category": "case_progression"}
    row = row_of("themes", **key, unit_type="CC", theme_code=theme)
    assert (row["iqas_with_theme"], row["iqas_eligible"], row["theme_rate"]) == (0, 50, 0.0)
    assert (row["low"], row["high"]) == pytest.approx(proportion_confint(0, 50, method="wilson"), abs=5e-7)
    assert row["is_persistent"] is True
    assert row["is_emerging"] is False and row["emerging_reason"] == "too_few_iqas"
    assert row["p_value"] is not None and row["null_reason"].endswith("in_governance:not_emerging")


def test_a_unit_has_the_rows_of_its_area_but_for_good_practice_it_did_not_note(marts):
    """Of every theme that the Area has a row for, and of every unit with a comment in the category."""
    differences = marts.sql(
        """
        with units as (
            select area_code, period_type, period_start, assessment_type, question_category, unit_type
            from marts.themes
            where level = 'unit'
            group by all
        ),

        expected as (
            select units.*, areas.theme_code
            from units
            inner join marts.themes as areas
                using (area_code, period_type, period_start, assessment_type, question_category)
            where areas.level = 'area' and not areas.is_good_practice
        ),

        found as (
            select
                area_code, period_type, period_start, assessment_type, question_category, unit_type,
                theme_code
            from marts.themes
            where level = 'unit' and not is_good_practice
        )

        (select * from expected except select * from found)
        union all
        (select * from found except select * from expected)
        """
    )
    assert differences.fetchall() == []
    assert marts.sql(
        """
        select count(*) from marts.themes as areas
        where level = 'area' and not is_good_practice and iqas_eligible <> (
            select sum(units.iqas_eligible) from marts.themes as units
            where
                units.level = 'unit'
                and units.area_code = areas.area_code
                and units.period_type = areas.period_type
                and units.period_start = areas.period_start
                and units.assessment_type = areas.assessment_type
                and units.question_category = areas.question_category
                and units.theme_code = areas.theme_code
        )
        """
    ).fetchall() == [(0,)]
    assert marts.sql(
        "select count(*) from marts.themes where level = 'unit' and is_good_practice and iqas_with_theme = 0"
    ).fetchall() == [(0,)]


def test_every_row_has_somebody_who_could_have_raised_the_theme(marts):
    assert marts.sql("select count(*) from marts.themes where iqas_eligible = 0").fetchall() == [(0,)]


def test_a_comment_from_before_they_were_collected_raises_nothing(marts):
    assert marts.sql(
        "select count(*) from marts.fct_theme_hit where assessed_on < '2022-10-03'"
    ).fetchall() == [(0,)]
    assert marts.sql("select count(*) from marts.themes where period_end < '2022-10-03'").fetchall() == [(0,)]


def test_a_negated_sentence_raises_no_theme(marts):
    hits = marts.sql(
        "select theme_code from marts.fct_theme_hit where area_code = 'NW' and question_code = 'CR02'"
    )
    assert hits.fetchall() == []


def test_the_nation_is_the_sum_of_its_areas_and_an_area_of_its_units(marts):
    unequal = marts.sql(
        """
        with totals as (
            select
                period_type, period_start, assessment_type, question_category, theme_code, level,
                sum(iqas_with_theme) as hits
            from marts.themes
            group by all
        )

        select upper_level.level
        from totals as upper_level
        inner join totals as lower_level using (
            period_type, period_start, assessment_type, question_category, theme_code
        )
        where
            (upper_level.level, lower_level.level) in (('national', 'area'), ('area', 'unit'))
            and upper_level.hits <> lower_level.hits
        """
    )
    assert unequal.fetchall() == []


def test_the_facts_carry_pseudonyms_and_no_words(marts):
    columns = [row[0] for row in marts.sql("describe marts.fct_theme_hit").fetchall()]
    assert not {"comment", "sentence", "subject_id", "assessor_id", "urn"} & set(columns)
    keys = marts.sql("select distinct subject_key, assessor_key from marts.fct_theme_hit").fetchall()
    assert all(subject.startswith("stf_") and assessor.startswith("stf_") for subject, assessor in keys)
