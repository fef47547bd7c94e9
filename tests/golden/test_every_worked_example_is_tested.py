"""A table from worked example to the tests that reproduce it, so that none is dropped without a trace.

Here only the table is tested: that each example has a test, that the test exists, and that its file reads the
example. The one trap: a test that is renamed has to be renamed here too.
"""

import ast
import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
EXAMPLES = json.loads((TESTS / "golden" / "golden_examples.json").read_text(encoding="utf-8"))

MARTS = "leniency/test_golden_marts.py"
STATISTICS = "statistics/test_golden_examples.py"
CHARTS = "dbt/test_funnel_and_xmr_macros.py"
MACROS = "dbt/test_leniency_macros.py"
STAR = "dbt/test_star_schema_and_charts.py"
DIPS = "marts/test_worked_examples_of_compliance_and_dips.py"
TESTED = {
    "E1_ref2018_2x2": [
        (MARTS, "test_e1_the_reference_set_gives_12_1_and_14_3_per_cent"),
        (STATISTICS, "test_e1_mcnemar_is_exact_and_mid_p_is_smaller"),
        (MACROS, "test_e1_and_e3_intervals_of_the_gap"),
    ],
    "E1b_answers": [(MARTS, "test_e1b_the_reference_answers_tell_the_same_story")],
    "E2_ordinal_3x3": [
        (MARTS, "test_e2_three_point_answers"),
        (STATISTICS, "test_e2_stuart_maxwell_and_bowker"),
    ],
    "E3_kappa_paradox": [(MARTS, "test_e3_kappa_collapses_where_ac1_does_not")],
    "E4_dip": [(DIPS, "test_each_area_owes_a_tenth_rounded_up")],
    "E5_required": [(DIPS, "test_half_policy_requires_those_available_for_half_the_quarter")],
    "E6_catch": [(MARTS, "test_e6_what_the_dip_sample_catches")],
    "E7_funnel": [(CHARTS, "test_funnel_scores_and_over_dispersion_reproduce_the_worked_example")],
    "E7b_funnel_anscombe": [
        (STAR, "test_the_funnel_of_the_reference_set_reproduces_the_worked_example"),
        (CHARTS, "test_funnel_limits_at_thirty_reproduce_the_worked_example"),
    ],
    "E8_shrink": [
        (MARTS, "test_e8_units_of_the_reference_set_are_shrunk_towards_each_other"),
        (MACROS, "test_e8_shrinkage_of_the_reference_units"),
    ],
    "E9_BH": [(MACROS, "test_e9_multiplicity")],
    "E10_xmr": [
        (CHARTS, "test_xmr_limits_and_signals_reproduce_the_worked_example"),
        (CHARTS, "test_xmr_with_a_baseline_fixed_on_the_first_seven_reproduces_the_worked_example"),
    ],
    "E11_emerging": [
        (
            "themes/test_themes_mart.py",
            "test_the_worked_example_of_an_emerging_theme_comes_out_of_the_extracts",
        ),
        (STATISTICS, "test_e11_one_sided_tails"),
    ],
    "E12_alpha": [
        (MARTS, "test_e12_three_raters_with_missing_dips"),
        (STATISTICS, "test_e12_three_raters_with_missing_dips"),
    ],
    "E13_cluster": [
        (MARTS, "test_e13_answers_of_one_assessment_move_together"),
        (MACROS, "test_e13_cluster_interval"),
    ],
    "E14_round": [
        ("dbt/test_rates_and_intervals.py", "test_per_cent_is_rounded_half_up_to_one_decimal_place")
    ],
    "E15_feedback": [
        (
            "themes/test_assessment_quality_mart.py",
            "test_the_worked_example_of_feedback_over_easter_comes_out_of_the_extracts",
        )
    ],
    "E16_signflip": [
        (MARTS, "test_e16_whole_assessments_flip_sign"),
        (STATISTICS, "test_e16_sign_flip_counts_clusters_not_answers"),
    ],
    "E17_weighted": [
        (MARTS, "test_e17_the_quarter_is_weighted_to_its_assessments"),
        (MACROS, "test_e17_weighted_rate"),
    ],
    "E18_suppression": [
        (
            "disclosure/test_suppression.py",
            "test_e18_hides_the_small_unit_and_the_smallest_other_and_keeps_a_zero",
        )
    ],
}


def test_every_worked_example_is_in_the_table() -> None:
    assert set(TESTED) == set(EXAMPLES)


@pytest.mark.parametrize("example", TESTED)
def test_the_tests_of_an_example_exist_and_read_it(example: str) -> None:
    for file, test in TESTED[example]:
        text = (TESTS / file).read_text(encoding="utf-8")
        names = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        assert test in names, f"{file} has no {test}"
        assert example in text, f"{file} does not read {example}"
