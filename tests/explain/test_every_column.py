"""Every column of every metric mart is explained, and its rows add up to it.

On a small synthetic nation a row of each first cut is taken; the slow sweep takes two rows of every cut of
the checked-in sample.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dagster_project.explain.explanation import Explainer, grain_of
from dagster_project.explain.holder import opened
from dagster_project.explain.lineage import STANDARD_COLUMNS, explained_marts, lineage_of, parse_lineage
from dagster_project.explain.question import Figure
from dagster_project.settings import DBT_DIR, PROJECT_ROOT, Settings
from dagster_project.synth.generate import generate
from tests.support.pipeline import build_marts

# The cuts of which one row each is explained.
CUTS = {
    "assessment_quality": ("level", "period_type", "assessment_type"),
    "compliance": ("level", "period_type", "assessment_type", "policy"),
    "control_charts": ("metric", "level", "assessment_type"),
    "data_quality": ("level", "dataset"),
    "dip_catch": ("level", "basis", "assessment_type"),
    "dip_representativeness": ("characteristic", "level", "period_type"),
    "dip_sampling": ("level", "period_type", "assessment_type"),
    "funnel_limits": ("metric", "row_kind", "assessment_type"),
    "inspector_agreement": ("basis", "assessment_type"),
    "leniency": ("comparison", "basis", "dimension", "assessment_type"),
    "marking_consistency": ("measure", "within_unit_type", "period_type"),
    "question_quality": ("comparison", "assessment_type", "is_critical"),
    "reconciliation": ("level", "measure", "assessment_type"),
    "revisions": ("mart", "level", "period_type"),
    "themes": ("level", "period_type", "assessment_type", "is_emerging"),
}
NOT_METRICS = {"metric_registry", "release_info"}


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("nation")
    generate(folder / "raw", years=2, scale=0.12, seed=11)
    build_marts(folder, folder / "raw").close()
    with opened(Settings(warehouse=folder / "warehouse" / "iqa.duckdb", threads=1)) as connection:
        yield connection
    shutil.rmtree(folder)


def models() -> dict[str, list[str]]:
    """mart -> its columns, as the models' contracts say."""
    found = {}
    for path in sorted((DBT_DIR / "models" / "marts").glob("_*.yml")):
        for model in yaml.safe_load(path.read_text())["models"]:
            if model["name"] not in NOT_METRICS:
                found[model["name"]] = [column["name"] for column in model["columns"]]
    return found


def rows(
    connection: duckdb.DuckDBPyConnection, mart: str, cuts: tuple[str, ...], each: int
) -> list[dict[str, Any]]:
    key = ", ".join(grain_of(mart))
    cursor = connection.execute(
        f"select * from marts.{mart} qualify row_number() over "
        f"(partition by {', '.join(cuts)} order by md5(concat_ws('|', {key}))) <= {each}"
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def check_all(
    connection: duckdb.DuckDBPyConnection, mart: str, cuts: tuple[str, ...], each: int
) -> Counter[str]:
    verdicts: Counter[str] = Counter()
    wrong = []
    for row in rows(connection, mart, cuts, each):
        explainer = Explainer(connection, limit=0)
        for column in row:
            explanation = explainer.explain(Figure(mart, column, grain_of(mart), row))
            verdicts[explanation.verdict] += 1
            if not explanation.is_sound:
                wrong.append(f"{explanation.figure.command()}: {explanation.sentence}")
    assert not wrong, "\n".join(wrong[:10])
    return verdicts


def test_every_metric_mart_has_a_lineage_and_every_column_a_place_in_it() -> None:
    marts = models()

    assert set(explained_marts()) == set(marts)
    for mart, columns in marts.items():
        known = {*lineage_of(mart).columns, *STANDARD_COLUMNS}
        assert set(columns) <= known, mart
        assert set(lineage_of(mart).columns) <= set(columns), mart


@pytest.mark.parametrize("mart", sorted(CUTS))
def test_the_rows_of_every_column_add_up_to_the_figure(nation: duckdb.DuckDBPyConnection, mart: str) -> None:
    verdicts = check_all(nation, mart, CUTS[mart][:1], 1)

    assert verdicts["agrees"], "no figure of the mart was compared"


@pytest.mark.parametrize(
    ("mart", "column"),
    [
        ("assessment_quality", "h5_rate"),
        ("assessment_quality", "q1_rate"),
        ("assessment_quality", "q2_rate"),
        ("assessment_quality", "q3_rate"),
        ("assessment_quality", "q4_rate"),
        ("assessment_quality", "q5_rate"),
        ("assessment_quality", "q6_rate"),
        ("assessment_quality", "q7_rate"),
        ("assessment_quality", "q8_rate"),
        ("assessment_quality", "q9_rate"),
        ("assessment_quality", "q9_dcp_rate"),
        ("assessment_quality", "q9_sampler_rate"),
        ("assessment_quality", "q10_rate"),
        ("assessment_quality", "q10_received"),
        ("assessment_quality", "t2_median_days"),
        ("assessment_quality", "t3_rate"),
        ("assessment_quality", "t4_rate"),
        ("assessment_quality", "t5_of_closed_rate"),
        ("assessment_quality", "x1_rate"),
        ("assessment_quality", "x5_rate"),
        ("assessment_quality", "x6_rate"),
        ("compliance", "late_closed_share"),
        ("compliance", "themed_share"),
        ("compliance", "volume_ratio_required_only"),
    ],
)
def test_the_rule_tells_assessments_that_count_from_those_that_do_not(
    nation: duckdb.DuckDBPyConnection, mart: str, column: str
) -> None:
    (row,) = [
        found
        for found in rows(nation, mart, grain_of(mart), 1)
        if (found["level"], found["period_label"]) == ("national", "2023-24 Q4 (Jan-Mar 2024)")
        and found["assessment_type"] == "casework"
        and found.get("policy", "half") == "half"
    ]
    explanation = Explainer(nation, limit=0).explain(Figure(mart, column, grain_of(mart), row))

    parts: dict[str, set[str]] = {}
    for count in explanation.counts:
        if count.unit == "assessments":
            parts.setdefault(count.rule, set()).add(count.part)
    assert len(parts) > 1
    assert [rule for rule, found in parts.items() if len(found) > 1] == []


@pytest.mark.slow
def test_the_checked_in_sample_adds_up_cut_by_cut(tmp_path: Path) -> None:
    build_marts(tmp_path, PROJECT_ROOT / "data" / "raw").close()
    with opened(Settings(warehouse=tmp_path / "warehouse" / "iqa.duckdb")) as connection:
        for mart, cuts in CUTS.items():
            check_all(connection, mart, cuts, 2)


def test_a_lineage_file_that_names_an_unknown_amount_is_refused() -> None:
    document = {
        "mart": "compliance",
        "populations": {"people": {"unit": "people", "sql": "select 1"}},
        "amounts": {"required": {"of": "people", "value": 1}},
        "columns": {"coverage_rate": {"ratio": ["covered", "required"]}},
    }

    with pytest.raises(ValueError, match=r"compliance\.coverage_rate speaks of 'covered'"):
        parse_lineage(document)
