"""A small flow whose marts have Areas, quarters and statuses: enough to sign, to move and to sign again.

Its `compliance` counts the assessments of each Area and quarter; its `reconciliation` compares them with the
control totals. Each test gets a flow of its own with the release of one run in place; a run takes seconds.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pytest import MonkeyPatch

from dagster_project.cli import call
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow, make_small_flow

FIRST, SECOND = "2024-07-26", "2024-10-28"
_PLACE = """
    'area' as level, counted.area_code, counted.area_code as area_name, 'ALL' as unit_type,
    'quarter' as period_type, cast(counted.quarter_start as varchar) as period_label,
    counted.quarter_start as period_start,
    cast(counted.quarter_start + interval 3 month - interval 1 day as date) as period_end,
    'casework' as assessment_type, 'casework_2021' as regime, '1.0.0' as metric_version, 'ok' as reliability
"""
_COUNTED = """
    (select area_code, cast(date_trunc('quarter', assessed_on) as date) as quarter_start,
        cast(count(*) as integer) as iqas_assessed
    from {{ source('raw', 'iqa') }} where status <> 'withdrawn' group by all) as counted
"""
_MODELS = {
    "compliance": f"""
        select {_PLACE}, run_context.as_of, 'P' as figure_status, 'half' as policy, counted.iqas_assessed,
            counted.iqas_assessed as prosecutors_required, 0 as prosecutors_covered
        from {_COUNTED} cross join {{{{ source('raw', 'run_context') }}}} as run_context
    """,
    "reconciliation": """
        select totals.measure, totals.area_code, totals.unit_type, totals.assessment_type,
            cast(totals.quarter_start as varchar) as period_label, totals.quarter_start as period_start,
            cast(totals.quarter_start + interval 3 month - interval 1 day as date) as period_end,
            totals.value as expected, cast(compliance.iqas_assessed as double) as actual,
            totals.value = compliance.iqas_assessed as is_agreed, cast(null as varchar) as null_reason
        from {{ source('raw', 'control_totals') }} as totals
        inner join {{ ref('compliance') }} as compliance
            on totals.area_code = compliance.area_code and totals.quarter_start = compliance.period_start
    """,
}
_PLACED = {
    "level": "varchar",
    "area_code": "varchar",
    "area_name": "varchar",
    "unit_type": "varchar",
    "period_type": "varchar",
    "period_label": "varchar",
    "period_start": "date",
    "period_end": "date",
    "assessment_type": "varchar",
    "policy": "varchar",
    "as_of": "date",
    "figure_status": "varchar",
    "reliability": "varchar",
    "metric_version": "varchar",
}
_REVISIONS = _PLACED | {
    "release_id": "varchar",
    "regime": "varchar",
    "mart": "varchar",
    "column_name": "varchar",
    "figure_key": "varchar",
    "basis": "varchar",
    "old_value": "double",
    "new_value": "double",
    "difference": "double",
    "cause": "varchar",
    "signed_release_id": "varchar",
    "is_suppressed": "boolean",
}
_RECONCILED = {
    name: _PLACED[name]
    for name in ("area_code", "unit_type", "assessment_type", "period_label", "period_start", "period_end")
} | {
    "measure": "varchar",
    "expected": "double",
    "actual": "double",
    "is_agreed": "boolean",
    "null_reason": "varchar",
}


def iqa_rows(
    area: str, count: int, *, first: int = 1, day: str = "2024-05-02", **changes: str
) -> list[dict[str, str]]:
    """Assessments of one Area on one day."""
    dates = dict.fromkeys(("opened_on", "assessed_on", "conversation_on", "closed_on"), day)
    return [
        {"iqa_id": f"{area}-{number}", "urn": f"{area}-{number}", "area_code": area} | dates | changes
        for number in range(first, first + count)
    ]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallFlow:
    """The flow, run once."""
    return make_flow(tmp_path_factory.mktemp("assured"))


def make_flow(folder: Path) -> SmallFlow:
    """A flow in `folder` that was run once: three assessments in Wessex, two in the North East."""
    flow = make_small_flow(folder)
    for path in (flow.settings.raw_dir / "iqa").iterdir():
        path.unlink()
    for path in (flow.settings.raw_dir / "iqa_answers").iterdir():
        path.unlink()
    write_extract(flow.settings.raw_dir, "iqa", FIRST, [*iqa_rows("WES", 3), *iqa_rows("NE", 2)])
    write_extract(flow.settings.raw_dir, "control_totals", FIRST, [{"value": "3"}])
    _write_models(flow.dbt_dir)
    flow.show_everything()
    outcome = flow.run()
    assert outcome.exit_code == 0, outcome.error
    return flow


@pytest.fixture
def flow(template: SmallFlow, tmp_path: Path) -> SmallFlow:
    """A copy of the flow with its release and landing area."""
    for name in ("raw", "marts", "warehouse", "dbt", "suites"):
        shutil.copytree(template.settings.raw_dir.parent / name, tmp_path / name, symlinks=True)
    settings = replace(
        template.settings,
        raw_dir=tmp_path / "raw",
        marts_dir=tmp_path / "marts",
        warehouse=tmp_path / "warehouse" / template.settings.warehouse.name,
    )
    # The dbt folder stays the template's: its parse is cached under its path.
    return replace(template, settings=settings, suites_dir=tmp_path / "suites")


@pytest.fixture
def iqa(flow: SmallFlow, monkeypatch: MonkeyPatch) -> Callable[..., int]:
    """The command line over the flow's folders."""
    monkeypatch.setenv("IQA_RAW_DIR", str(flow.settings.raw_dir))
    monkeypatch.setenv("IQA_MARTS_DIR", str(flow.settings.marts_dir))
    monkeypatch.setenv("IQA_WAREHOUSE", str(flow.settings.warehouse))
    return lambda *arguments: call(list(arguments))


def _write_models(dbt_dir: Path) -> None:
    marts = dbt_dir / "models" / "marts"
    empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in _REVISIONS.items())
    for name, sql in {**_MODELS, "revisions": f"select {empty} where false"}.items():
        (marts / f"{name}.sql").write_text(sql)
    path = dbt_dir / "models" / "schema.yml"
    schema = yaml.safe_load(path.read_text())
    schema["sources"][0]["tables"].append({"name": "control_totals"})
    schema["models"] = [model for model in schema["models"] if model["name"] != "compliance"]
    for name, columns, grain, shareable in (
        (
            "compliance",
            _PLACED | {"iqas_assessed": "integer"},
            ["level", "area_code", "unit_type", "period_type", "period_start", "assessment_type", "policy"],
            True,
        ),
        ("revisions", _REVISIONS, ["mart", "column_name", "area_code", "period_start", "basis"], False),
        ("reconciliation", _RECONCILED, ["area_code", "period_start", "measure"], True),
    ):
        schema["models"].append(
            {
                "name": name,
                "description": f"A small {name}. One row per key.",
                "config": {
                    "contract": {"enforced": False},
                    "meta": {"grain": grain, "metrics": [], "owner": "Testers", "shareable": shareable},
                },
                "columns": [
                    {
                        "name": column,
                        "data_type": kind,
                        "description": column,
                        "config": {
                            "meta": {"public": True, "unit": "count" if kind == "integer" else "text"}
                        },
                    }
                    for column, kind in columns.items()
                ],
                "data_tests": [{"unique_key": {"name": f"{name}_key", "arguments": {"columns": grain}}}],
            }
        )
    path.write_text(yaml.safe_dump(schema))
