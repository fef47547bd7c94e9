"""The patterns themselves, in the engine that runs them and in Python."""

import csv
import re

import duckdb
import pytest

from dagster_project.settings import SEEDS_DIR

KNOWN_OVERLAPS = {("IN-T01", "IN-T04"), ("IN-T01", "IN-T08")}


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS_DIR / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


THEMES = seed("theme_patterns")
NEGATIONS = [row["pattern"] for row in seed("theme_negations")]
COMMENT_PATTERNS = seed("comment_patterns")


def matches(text: str, pattern: str) -> bool:
    return which_match([text], pattern)[0]


def which_match(texts: list[str], pattern: str) -> list[bool]:
    """Whether each text matches, on a connection of its own: the shared one is other tests' too."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select regexp_matches(text, ?, 'i') from (select unnest(?) as text)", [pattern, texts]
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("theme", THEMES, ids=[row["theme_code"] for row in THEMES])
def test_a_theme_matches_its_own_example_and_the_example_is_not_negated(theme):
    assert matches(theme["example"], theme["pattern"])
    assert not any(matches(theme["example"], pattern) for pattern in NEGATIONS)


def test_an_example_raises_no_other_theme_of_its_category_but_the_known_overlaps():
    overlaps = {
        (other["theme_code"], theme["theme_code"])
        for theme in THEMES
        for other in THEMES
        if other["theme_category"] == theme["theme_category"]
        and other["theme_code"] != theme["theme_code"]
        and matches(theme["example"], other["pattern"])
    }
    assert overlaps == KNOWN_OVERLAPS


@pytest.mark.parametrize(
    "sentence",
    [
        "No issues with the case analysis",
        "No concerns about disclosure at charge",
        "Nothing to add on the lack of trial strategy",
        "All in order, no late review",
        "No action required on the missing schedule",
    ],
)
def test_a_sentence_that_says_there_is_nothing_to_say_is_negated(sentence):
    assert any(matches(sentence, pattern) for pattern in NEGATIONS)


def test_the_patterns_mean_the_same_in_the_database_and_in_python():
    texts = [theme["example"] for theme in THEMES] + [f"No issues: {theme['example']}" for theme in THEMES]
    for pattern in [theme["pattern"] for theme in THEMES] + NEGATIONS:
        found = which_match(texts, pattern)
        assert found == [bool(re.search(pattern, text, re.IGNORECASE | re.ASCII)) for text in texts]


@pytest.mark.parametrize("row", COMMENT_PATTERNS, ids=[row["pattern_code"] for row in COMMENT_PATTERNS])
def test_a_comment_pattern_matches_its_own_example(row):
    text = row["example"]
    if row["pattern_kind"] == "boilerplate":
        text = re.sub(r"\W+", " ", text).strip().lower()
    assert matches(text, row["pattern"])


def test_a_stock_phrase_is_the_whole_comment_and_not_a_part_of_one():
    boilerplate = [row["pattern"] for row in COMMENT_PATTERNS if row["pattern_kind"] == "boilerplate"]
    assert not any(
        matches("no issues identified with bail but the letter to the victim was late", pattern)
        for pattern in boilerplate
    )
