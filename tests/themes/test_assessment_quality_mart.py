"""The assessment quality mart from extracts to figures: comments, feedback, actions."""

import json
from datetime import date
from pathlib import Path

import pytest

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())


def quarter_row(row_of, area: str, start: date):
    return row_of(
        "assessment_quality",
        level="area",
        area_code=area,
        period_type="quarter",
        period_start=start,
        assessment_type="casework",
    )


@pytest.fixture(scope="module")
def comments(row_of):
    return quarter_row(row_of, "NW", date(2024, 4, 1))


def counts(row, metric: str) -> tuple[int, int]:
    return row[f"{metric}_num"], row[f"{metric}_den"]


def test_the_worked_example_of_feedback_over_easter_comes_out_of_the_extracts(row_of):
    expected = GOLDEN["E15_feedback"]
    row = quarter_row(row_of, "SW", date(2024, 1, 1))
    assert row["t4_rate"] == pytest.approx(expected["response_rate"], abs=5e-7)
    assert row["t5_of_responses_rate"] == pytest.approx(expected["on_time_of_responses_cal"], abs=5e-7)
    assert row["t5_of_closed_rate"] == pytest.approx(expected["on_time_of_closed_cal"], abs=5e-7)


def test_only_answers_below_fully_met_need_a_comment_and_white_space_is_none(comments):
    # Three answers below fully met in the first assessment (one blank, one of spaces), one in the third.
    assert counts(comments, "q1") == (2, 4)
    assert counts(comments, "q2") == (5, 6)


def test_a_comment_is_substantive_if_it_is_long_enough_and_no_stock_phrase(comments):
    assert counts(comments, "q3") == (2, 7)


def test_a_welsh_comment_is_not_failed_by_english_patterns(comments):
    assert comments["q4_den"] == 6
    assert counts(comments, "q6") == (1, 1)


def test_a_date_makes_a_comment_specific(comments):
    assert comments["q4_num"] >= 1


def test_one_wording_in_three_assessments_of_an_assessor_is_repetition_whatever_its_dress(comments):
    assert counts(comments, "q5") == (3, 7)


def test_a_fully_met_answer_beside_a_failing_comment_is_listed_as_a_contradiction(comments):
    assert counts(comments, "q7") == (1, 5)


def test_an_open_assessment_is_neither_with_nor_without_a_recorded_conversation(comments):
    assert counts(comments, "q8") == (1, 2)


def test_open_assessments_lengthen_the_median_time_to_closing(comments):
    # Closed after 0 and 10 days, one open for 86: half of the three are closed on day 10.
    assert counts(comments, "t2") == (2, 3)
    assert comments["t2_median_days"] == 10
    assert comments["t2_p90_days"] is None and "t2_p90_days:not_reached" in comments["null_reason"]


def test_case_event_ages_are_said_not_to_be_collected(comments):
    assert comments["t6_rate"] is None and "t6_rate:not_collected" in comments["null_reason"]


def test_an_issue_has_an_action_of_its_own_question(comments):
    assert counts(comments, "x1") == (1, 2)


def test_an_action_due_today_is_due_and_not_yet_overdue(comments):
    assert counts(comments, "x2") == (1, 4)
    assert comments["x2_without_due_date"] == 1
    assert counts(comments, "x3") == (2, 3)
    assert comments["x3_median_days"] == 20


def test_follow_up_is_counted_over_completed_actions(comments):
    assert counts(comments, "x4") == (1, 1)


def test_a_flag_of_good_practice_counts_without_a_good_practice_theme(comments):
    assert counts(comments, "h5") == (1, 3)


def test_comments_of_a_quarter_before_they_were_collected_have_no_figure(row_of):
    row = quarter_row(row_of, "SW", date(2022, 7, 1))
    assert row["q1_num"] is None and row["q1_den"] is None and row["q1_rate"] is None
    assert "q1_rate:not_collected" in row["null_reason"]
    assert row["q8_rate"] == 1.0


def test_the_learning_loop_waits_until_the_time_of_every_theme_is_over(row_of):
    row = quarter_row(row_of, "WES", date(2024, 4, 1))
    assert counts(row, "h6") == (0, 0)
    assert row["h6_rate"] is None and "h6_rate:pending" in row["null_reason"]
    old = quarter_row(row_of, "WES", date(2023, 7, 1))
    assert "h6_rate:none_emerging" in old["null_reason"]


def test_rates_are_their_own_counts_and_the_nation_is_the_sum_of_its_areas(marts):
    metrics = [f"q{n}" for n in range(1, 11)] + [
        "t2",
        "t3",
        "t4",
        "t5",
        "x1",
        "x2",
        "x3",
        "x4",
        "x5",
        "x6",
        "h5",
        "h6",
    ]
    for metric in metrics:
        wrong = marts.sql(
            f"""
            select period_type, period_start
            from marts.assessment_quality
            where level <> 'unit'
            group by all
            having sum({metric}_num) filter (where level = 'national')
                <> sum({metric}_num) filter (where level = 'area')
                or sum({metric}_den) filter (where level = 'national')
                <> sum({metric}_den) filter (where level = 'area')
            """
        )
        assert wrong.fetchall() == [], metric
