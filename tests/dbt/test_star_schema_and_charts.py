"""The star schema, charts, funnels, registry and semantic layer, from extracts to tables in one build.

The extracts hold the 2018 funnel of the worked example E7b on the test Areas (assessed in 2017), and monthly
assessments of Wessex on both sides of October 2021, when the regime changes.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.warehouse.dbt_runner import load_manifest
from tests.support.extracts import STAFF, write_extract
from tests.support.pipeline import build_marts, pipeline_settings

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "golden_examples.json").read_text())
AREAS = [f"U{number:02d}" for number in range(1, 15)] + ["CPSD"]
EXTRACT_DATE = "2022-02-10"
COMMENT = "Weighed the identification evidence with care"
# Assessments of Wessex by month. December 2021 has none, February 2022 is not over on the reporting date.
MONTHS = {
    "2021-07": 2,
    "2021-08": 3,
    "2021-09": 1,
    "2021-10": 4,
    "2021-11": 2,
    "2022-01": 3,
    "2022-02": 1,
}


def near(value: Any) -> Any:
    return pytest.approx(value, abs=5e-7)


def dated(day: str) -> dict[str, str]:
    return {
        "opened_on": day,
        "assessed_on": day,
        "conversation_on": day,
        "closed_on": day,
        "instrument_version": "CW-2015" if day < "2021-10-01" else "CW-2021",
    }


def inspected_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    iqas: list[dict[str, Any]] = []
    reassessments: list[dict[str, Any]] = []
    inputs = GOLDEN["E7_funnel"]["inp"]
    for area, lenient, total in zip(AREAS, inputs["k"], inputs["n"], strict=True):
        for number in range(total):
            iqa_id = f"REF-{area}-{number}"
            unit = "CPSD" if area == "CPSD" else "MC"
            iqas.append({"iqa_id": iqa_id, "area_code": area, "unit_type": unit, **dated("2017-06-01")})
            reassessments.append(
                {
                    "reassessment_id": f"R-{iqa_id}",
                    "inspection_code": "REF2018",
                    "iqa_id": iqa_id,
                    "reassessed_on": "2017-11-15",
                    "overall_rating": "N" if number < lenient else "Y",
                }
            )
    return iqas, reassessments


def write_scenario(raw_dir: Path) -> None:
    iqas, reassessments = inspected_rows()
    answers: list[dict[str, Any]] = []
    for month, count in MONTHS.items():
        for number in range(1, count + 1):
            iqa_id = f"{month}-{number}"
            iqas.append({"iqa_id": iqa_id, **dated(f"{month}-0{number}")})
            mark = ("M" if number > 1 else "P") if month < "2021-10" else ("Y" if number > 1 else "N")
            answers.append({"iqa_id": iqa_id, "question_code": "CR01", "answer": mark, "comment": COMMENT})
    iqas.append(
        {"iqa_id": "DIRECT", "area_code": "CPSD", "unit_type": "CPSD", **dated("2021-10-05")},
    )
    iqas.append({"iqa_id": "GONE", **dated("2021-10-05"), "status": "withdrawn"})
    answers += [
        {"iqa_id": "2021-10-1", "question_code": "CR02", "answer": "NA"},
        {"iqa_id": "2021-10-1", "question_code": "CR03", "answer": ""},
        {"iqa_id": "DIRECT", "question_code": "CR01", "answer": "Y"},
        {"iqa_id": "DIRECT", "question_code": "CP01", "answer": "NA"},
    ]
    write_extract(raw_dir, "postings", EXTRACT_DATE, STAFF)
    write_extract(raw_dir, "iqa", EXTRACT_DATE, iqas)
    write_extract(raw_dir, "iqa_answers", EXTRACT_DATE, answers)
    write_extract(raw_dir, "reassessments", EXTRACT_DATE, reassessments)
    write_extract(
        raw_dir,
        "dip_samples",
        EXTRACT_DATE,
        [{"iqa_id": "2021-10-2", "sampled_on": "2021-11-05", "comment": COMMENT}],
    )
    write_extract(
        raw_dir,
        "actions",
        EXTRACT_DATE,
        [
            {
                "iqa_id": "2021-10-1",
                "raised_on": "2021-10-05",
                "due_on": "2021-11-05",
                "description": COMMENT,
            },
            {"iqa_id": "2021-10-1", "raised_on": "2021-10-05", "due_on": "", "completed_on": "2021-10-25"},
        ],
    )


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("star")
    write_scenario(folder / "raw")
    connection = build_marts(
        folder,
        folder / "raw",
        select=[
            "+control_charts",
            "+funnel_limits",
            "+metric_registry",
            "+release_info",
            "+dim_staff",
            "+dim_unit",
            "+dim_date",
            "+dim_theme",
            "+dim_question",
            "+dim_instrument",
            "+fct_iqa",
            "+fct_answer",
            "+fct_dip_sample",
            "+fct_action",
        ],
    )
    yield connection
    connection.close()


def rows(marts: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return marts.sql(sql).to_arrow_table().to_pylist()


def answer(marts: duckdb.DuckDBPyConnection, iqa_id: str, question: str) -> dict[str, Any]:
    (found,) = rows(
        marts, f"select * from marts.fct_answer where iqa_id = '{iqa_id}' and question_code = '{question}'"
    )
    return found


def test_the_absences_of_an_answer_stay_apart(marts: duckdb.DuckDBPyConnection) -> None:
    assert answer(marts, "2021-10-1", "CR01")["answer_state"] == "answered"
    assert answer(marts, "2021-10-1", "CR02")["answer_state"] == "not_applicable"
    assert answer(marts, "2021-10-1", "CR03")["answer_state"] == "missing", "an empty answer"
    assert answer(marts, "2021-10-1", "CR04")["answer_state"] == "missing", "a question without a row"
    assert answer(marts, "2021-10-1", "CP05")["not_asked_reason"] == "not_for_this_court"
    assert answer(marts, "2021-07-1", "DI01")["not_asked_reason"] == "not_in_version"
    for iqa_id, question in (
        ("2021-10-1", "CP05"),
        ("2021-07-1", "DI01"),
        ("DIRECT", "CP01"),
        ("DIRECT", "CP02"),
    ):
        assert answer(marts, iqa_id, question)["answer_state"] == "not_collected"


def test_cps_direct_is_asked_crown_court_questions_but_no_case_progression(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert answer(marts, "DIRECT", "DI04")["answer_state"] == "missing"
    assert answer(marts, "DIRECT", "CP05")["not_asked_reason"] == "category_not_collected"


def test_a_partly_met_answer_has_a_point_of_two_and_is_not_met(marts: duckdb.DuckDBPyConnection) -> None:
    found = answer(marts, "2021-07-1", "CR01")
    assert (found["answer_value"], found["answer_points"], found["max_points"], found["is_met"]) == (
        "P",
        1,
        2,
        False,
    )


def test_an_assessment_counts_its_questions_and_answers(marts: duckdb.DuckDBPyConnection) -> None:
    (found,) = rows(marts, "select * from marts.fct_iqa where iqa_id = '2021-10-1'")
    # Of the 32 casework questions three are for the Crown Court only.
    assert found["questions_asked"] == 29
    assert (found["answers_answered"], found["answers_not_applicable"], found["answers_missing"]) == (
        1,
        1,
        27,
    )
    assert found["answers_not_collected"] == 3
    assert found["score"] == 0.0
    assert found["actions_raised"] == 2


def test_a_withdrawn_assessment_is_in_no_fact(marts: duckdb.DuckDBPyConnection) -> None:
    assert rows(marts, "select iqa_id from marts.fct_iqa where iqa_id = 'GONE'") == []
    assert rows(marts, "select iqa_id from marts.fct_answer where iqa_id = 'GONE'") == []


def test_facts_and_dimensions_hold_no_staff_id_urn_or_comment(marts: duckdb.DuckDBPyConnection) -> None:
    tables = ["fct_iqa", "fct_answer", "fct_dip_sample", "fct_action", "dim_staff"]
    for table in tables:
        text = str(rows(marts, f"select * from marts.{table} limit 2000"))
        assert COMMENT not in text
        assert "URN" not in text
        assert not re.search(r"'S[123]'", text), f"a raw staff id in {table}"


def test_actions_are_overdue_only_with_a_due_date(marts: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        marts, "select is_overdue, is_done_on_time, age_days from marts.fct_action order by action_id"
    )
    assert [row["is_overdue"] for row in found] == [True, None]
    assert [row["is_done_on_time"] for row in found] == [False, None]
    assert found[1]["age_days"] == 20


def test_every_code_of_the_facts_has_its_row_in_the_dimensions(marts: duckdb.DuckDBPyConnection) -> None:
    for fact, column, dimension, key in (
        ("fct_iqa", "unit_key", "dim_unit", "unit_key"),
        ("fct_iqa", "area_code", "dim_area", "area_code"),
        ("fct_iqa", "assessed_on", "dim_date", "date_on"),
        ("fct_iqa", "instrument_version", "dim_instrument", "instrument_version"),
        ("fct_iqa", "assessor_key", "dim_staff", "staff_key"),
        ("fct_answer", "question_code", "dim_question", "question_code"),
        ("fct_dip_sample", "sampler_key", "dim_staff", "staff_key"),
        ("fct_action", "due_on", "dim_date", "date_on"),
    ):
        missing = rows(
            marts,
            f"select distinct {column} from marts.{fact} where {column} is not null "
            f"and {column} not in (select {key} from marts.{dimension})",
        )
        assert missing == [], f"{fact}.{column}"


def test_the_calendar_knows_financial_quarters_and_working_days(marts: duckdb.DuckDBPyConnection) -> None:
    good_friday, tuesday = rows(
        marts,
        "select * from marts.dim_date where date_on in ('2021-04-02', '2021-04-06') order by date_on",
    )
    assert good_friday["is_bank_holiday"] and not good_friday["is_working_day"]
    assert tuesday["is_working_day"]
    assert tuesday["quarter_label"] == "2021-22 Q1 (Apr-Jun 2021)"
    assert tuesday["financial_year_end"] == date(2022, 3, 31)


def chart(marts: duckdb.DuckDBPyConnection, metric: str, area: str = "WES") -> list[dict[str, Any]]:
    return rows(
        marts,
        f"select * from marts.control_charts where metric = '{metric}' and area_code = '{area}' "
        "and assessment_type = 'casework' order by month",
    )


def test_a_chart_starts_afresh_at_a_new_regime_and_says_why(marts: duckdb.DuckDBPyConnection) -> None:
    points = chart(marts, "iqas_assessed")
    assert [(point["value"], point["phase"]) for point in points] == [
        (2.0, 1), (3.0, 1), (1.0, 1), (4.0, 2), (2.0, 2), (3.0, 2),
    ]  # fmt: skip
    assert {point["rebase_reason"] for point in points[:3]} == {None}
    assert all("R2021" in point["rebase_reason"] for point in points[3:])
    assert points[0]["centre_line"] == near(2.0)
    assert points[0]["average_moving_range"] == near(1.5)
    assert points[0]["limit_high"] == near(2.0 + 2.66 * 1.5)
    assert points[3]["centre_line"] == near(3.0)


def test_a_month_without_any_assessment_is_closed_up_and_reported(marts: duckdb.DuckDBPyConnection) -> None:
    january = chart(marts, "iqas_assessed")[-1]
    assert january["month"] == date(2022, 1, 1)
    assert january["months_missing_before"] == 1
    assert january["chart_warning"] == "few_points;months_missing"


def test_the_month_that_is_not_over_has_no_point(marts: duckdb.DuckDBPyConnection) -> None:
    assert max(point["month"] for point in chart(marts, "iqas_assessed", "ALL")) == date(2022, 1, 1)


def test_the_monthly_met_rate_counts_top_marks(marts: duckdb.DuckDBPyConnection) -> None:
    october = next(point for point in chart(marts, "met_rate") if point["month"] == date(2021, 10, 1))
    assert (october["value_num"], october["value_den"], october["value"]) == (3, 4, near(0.75))


def test_the_funnel_of_the_reference_set_reproduces_the_worked_example(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    golden = GOLDEN["E7b_funnel_anscombe"]
    points = rows(
        marts,
        "select * from marts.funnel_limits where sample = 'REF2018' and metric = 'lenient_rate' "
        "and row_kind = 'area' order by replace(area_code, 'CPSD', 'X')",
    )
    assert [point["area_code"] for point in points] == AREAS
    assert points[0]["centre_rate"] == near(0.120729)
    assert [point["z_score"] for point in points] == near(golden["z"])
    assert [point["adjusted_z_score"] for point in points] == near(golden["z_adj"])
    assert [point["p_value"] for point in points] == near(golden["p_exact_midp"])
    assert min(point["q_value"] for point in points) == near(golden["bh_q_min"])
    assert points[0]["phi"] == near(golden["phi"])
    assert points[0]["tau2"] == near(golden["tau2"])
    assert (points[0]["winsor_low"], points[0]["winsor_high"]) == near(tuple(golden["winsor"]))
    assert [point["area_code"] for point in points if point["is_flagged"]] == ["U04"]
    assert points[3]["funnel_place"] == "outside_95"


def test_the_limits_at_thirty_reproduce_the_worked_example(marts: duckdb.DuckDBPyConnection) -> None:
    golden = GOLDEN["E7b_funnel_anscombe"]
    (row,) = rows(
        marts,
        "select * from marts.funnel_limits where sample = 'REF2018' and metric = 'lenient_rate' "
        "and row_kind = 'limit' and n = 30",
    )
    assert (row["low_95"], row["high_95"]) == near(tuple(golden["lim95_n30"]))
    assert (row["low_998"], row["high_998"]) == near(tuple(golden["lim998_n30"]))
    assert (row["adjusted_low_95"], row["adjusted_high_95"]) == near(tuple(golden["lim95_n30_adj"]))
    assert (row["adjusted_low_998"], row["adjusted_high_998"]) == near(tuple(golden["lim998_n30_adj"]))
    assert row["level"] == "national" and row["period_type"] is None


def test_two_areas_make_no_funnel(marts: duckdb.DuckDBPyConnection) -> None:
    # Wessex and CPS Direct are the only Areas of the nation with answers in the quarter.
    assert (
        rows(marts, "select * from marts.funnel_limits where sample = '2021-22 Q3' and metric = 'met_rate'")
        == []
    )


def test_the_release_row_names_the_release_and_its_terms(marts: duckdb.DuckDBPyConnection) -> None:
    (found,) = rows(marts, "select * from marts.release_info")
    assert found["as_of"] == date(2022, 2, 10)
    assert found["status"] == "P"
    assert found["is_demo_key"] and found["has_test_areas"]


def test_every_metric_of_the_registry_names_a_mart_and_columns_that_exist(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    document = load_manifest(pipeline_settings(Path(), Path())).document
    columns = {
        node["name"]: set(node["columns"])
        for node in document["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    found = rows(marts, "select metric_id, mart, column_name from marts.metric_registry")
    assert {"SPC", "FUN", "M1"} <= {row["metric_id"] for row in found}
    for row in found:
        assert row["mart"] in columns, row
        names = {name.strip() for name in row["column_name"].split(";")}
        assert names <= columns[row["mart"]], f"{row['metric_id']}: {names - columns[row['mart']]}"


def semantic_figure(marts: duckdb.DuckDBPyConnection, metric: str, condition: str) -> float | None:
    """The metric as its own semantic definition says, over the rows that meet `condition`."""
    document = load_manifest(pipeline_settings(Path(), Path())).document
    definition = document["metrics"][f"metric.iqa.{metric}"]
    parameters = definition["type_params"]
    if definition["type"] == "ratio":
        top = semantic_figure(marts, parameters["numerator"]["name"], condition)
        bottom = semantic_figure(marts, parameters["denominator"]["name"], condition)
        return top / bottom if top is not None and bottom else None
    wanted = parameters["measure"]["name"]
    model, measure = next(
        (model, measure)
        for model in document["semantic_models"].values()
        for measure in model["measures"]
        if measure["name"] == wanted
    )
    dimensions = {item["name"]: item["expr"] or item["name"] for item in model["dimensions"]}
    filters = [
        re.sub(
            r"\{\{\s*Dimension\('\w+?__(\w+)'\)\s*\}\}",
            lambda match: dimensions[match[1]],
            item["where_sql_template"],
        )
        for item in (definition["filter"] or {}).get("where_filters", [])
    ]
    where = " and ".join([condition, *filters])
    table = model["node_relation"]["alias"]
    (found,) = rows(
        marts, f"select {measure['agg']}({measure['expr']}) as figure from marts.{table} where {where}"
    )
    return None if found["figure"] is None else float(found["figure"])


@pytest.mark.parametrize(
    ("metric", "condition", "mart_sql"),
    [
        (
            "dip_raw_rate",
            "assessment_type = 'casework' and quarter_start = date '2021-10-01' and not is_test_area",
            "select raw_rate as figure from marts.dip_sampling where level = 'national' "
            "and assessment_type = 'casework' and period_type = 'quarter' and period_start = '2021-10-01'",
        ),
        (
            "coverage_rate",
            "assessment_type = 'casework' and period_start = '2021-10-01'",
            "select coverage_rate as figure from marts.compliance where level = 'national' "
            "and policy = 'half' and assessment_type = 'casework' and period_type = 'quarter' "
            "and period_start = '2021-10-01'",
        ),
        (
            "met_rate",
            "assessed_on between date '2021-10-01' and date '2021-10-31' and area_code = 'WES'",
            "select value as figure from marts.control_charts where metric = 'met_rate' "
            "and area_code = 'WES' and month = date '2021-10-01'",
        ),
        (
            "lenient_rate",
            "sample = 'REF2018'",
            "select lenient_rate as figure from marts.leniency where sample = 'REF2018' and basis = 'iqa' "
            "and comparison = 'manager_v_inspector' and dimension = 'overall' and assessment_type = 'ALL'",
        ),
    ],
)
def test_the_semantic_layer_gives_the_figure_of_the_mart(
    marts: duckdb.DuckDBPyConnection, metric: str, condition: str, mart_sql: str
) -> None:
    (expected,) = rows(marts, mart_sql)
    assert expected["figure"] is not None
    assert semantic_figure(marts, metric, condition) == near(expected["figure"])
