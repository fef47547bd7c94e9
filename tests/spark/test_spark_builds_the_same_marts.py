"""Spark builds what DuckDB builds: every mart, fact and dimension of the checked-in sample.

Here: that nothing is left unbuilt and no cell differs. Counts, texts, dates and NULL are the same; doubles
to 1e-9. The one trap: a table is known by its file in `dbt/models`, so one that Spark does not make fails
by name.
"""

import pytest

from dagster_project.settings import DBT_DIR
from tests.spark.conftest import BothBuilds

PUBLISHED = sorted(
    path.stem for folder in ("facts", "marts") for path in (DBT_DIR / "models" / folder).glob("*.sql")
)


def test_every_model_is_built_on_spark(both_builds: BothBuilds) -> None:
    assert not both_builds.failures
    assert sorted(both_builds.grains) == PUBLISHED


@pytest.mark.parametrize("table", PUBLISHED)
def test_every_cell_of_the_table_is_the_same_on_both_engines(both_builds: BothBuilds, table: str) -> None:
    comparison = both_builds.compare(table)
    assert comparison.is_equal, comparison.line()
    assert comparison.rows > 0
