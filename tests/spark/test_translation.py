"""What a model says to DuckDB, said to Spark.

Here: the rules that sqlglot lacks, each where it would change a figure or stop a build. Not here: whether
the figures agree (`test_spark_builds_the_same_marts`). The one trap: these run without Spark, so they show
words, not results.
"""

import re

import pytest
from sqlglot.errors import SqlglotError

from dagster_project.spark.patterns import java_pattern, java_replacement
from dagster_project.spark.translation import to_spark


def translated(sql: str) -> str:
    """On one line, without the spaces of the layout."""
    spaced = re.sub(r"\s+", " ", to_spark(f"select {sql} from facts"))
    return re.sub(r"(?<=[(\[]) | (?=[)\]])", "", spaced)


def test_null_sorts_last_as_on_duckdb() -> None:
    assert "ORDER BY assessed_on NULLS LAST" in translated("row_number() over (order by assessed_on)")


def test_a_number_with_a_point_is_a_double() -> None:
    assert "0.5e0" in translated("hits * 0.5")


def test_whole_division_stays_whole() -> None:
    assert "hits DIV 2" in translated("hits // 2")


def test_a_sum_in_a_stated_order_is_added_in_that_order() -> None:
    sql = translated("sum(weight order by unit_id)")
    assert "ARRAY_SORT(COLLECT_LIST(CASE WHEN NOT weight IS NULL THEN STRUCT(unit_id AS k0" in sql
    assert "(total, item) -> total + item" in sql


def test_a_sum_in_falling_order_is_refused() -> None:
    with pytest.raises(SqlglotError, match="rising"):
        translated("sum(weight order by unit_id desc)")


def test_the_latest_value_on_record_is_never_an_empty_one() -> None:
    assert "FILTER(WHERE NOT line_manager_id IS NULL)" in translated("max_by(line_manager_id, until_on)")


def test_an_empty_list_is_null() -> None:
    assert translated("list(theme_code order by theme_code)").startswith("SELECT NULLIF(")


def test_monday_is_the_first_day_of_the_week() -> None:
    assert "WEEKDAY(date_on) + 1" in translated("isodow(date_on)")


def test_a_date_cut_to_its_month_stays_a_date() -> None:
    assert "TRUNC(assessed_on, 'MONTH')" in translated("date_trunc('month', assessed_on)")


def test_months_apart_are_boundaries_crossed() -> None:
    sql = translated("datediff('month', first_on, last_on)")
    assert "(YEAR(last_on) - YEAR(first_on)) * 12 + MONTH(last_on) - MONTH(first_on)" in sql


def test_lists_side_by_side_are_unnested_together() -> None:
    sql = translated("unnest(['a', 'b']) as name, unnest([first, second]) as figure")
    assert "INLINE(ARRAYS_ZIP(ARRAY('a', 'b'), ARRAY(first, second)))" in sql


def test_a_query_within_a_query_keeps_its_own_names() -> None:
    sql = to_spark("with final as (with final as (select 1 as a) select * from final) select * from final")
    assert sql.count("WITH") == 2


def test_a_replacement_of_the_first_match_only_is_refused() -> None:
    with pytest.raises(SqlglotError, match="first match"):
        translated("regexp_replace(comment, 'a', 'b')")


def test_a_pattern_from_a_column_is_refused() -> None:
    with pytest.raises(SqlglotError, match="literal"):
        translated("regexp_matches(comment, pattern)")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"\bna\b", "na", True),
        (r"\bna\b", "naïve", True),
        (r"\bna\b", "nab", False),
        (r"a\sb", "a\x0bb", False),
        (r"[\s,]", "\x0b", False),
        (r"end$", "end\n", False),
        (r"[[]", "[", True),
        (r"\$5", "$5", True),
        (r"[$]5", "$5", True),
    ],
)
def test_a_pattern_matches_what_re2_matches(pattern: str, text: str, matches: bool) -> None:
    # Python reads what is left of the pattern as Java does, but for the flags and the end of the text.
    rewritten = java_pattern(pattern, ignore_case=False).removeprefix("(?d)").replace(r"\z", r"\Z")
    assert bool(re.search(rewritten, text)) is matches


def test_capitals_are_ignored_beyond_ascii() -> None:
    assert java_pattern("é", ignore_case=True).startswith("(?iud)")


def test_a_group_that_is_put_back_is_named_in_javas_way() -> None:
    assert java_replacement(r"\1, $") == r"$1, \$"
