"""Rounding of the figures people read: half up, from integers."""

import pytest

from dagster_project.orchestration.headlines import percent, percent_of_rate


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (1, 16, "6.3%"),
        (5, 80, "6.3%"),
        (1, 400, "0.3%"),
        (23, 160, "14.4%"),
        (53, 439, "12.1%"),
        (54, 444, "12.2%"),
        (47, 329, "14.3%"),
        (0, 7, "0.0%"),
        (7, 7, "100.0%"),
        (-1, 16, "-6.3%"),
    ],
)
def test_percentages_are_rounded_half_up_from_counts(numerator: int, denominator: int, text: str) -> None:
    assert percent(numerator, denominator) == text


def test_a_rate_of_nothing_is_said_to_be_none() -> None:
    assert percent(0, 0) == "no rate (nothing to count)"


def test_a_stored_rate_is_rounded_half_up_too() -> None:
    assert percent_of_rate(0.0625) == "6.3%"
    assert percent_of_rate(19 / 21) == "90.5%"
