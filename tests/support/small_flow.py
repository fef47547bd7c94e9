"""A flow small enough to run many times: three marts over a handful of extracts.

Here: a dbt folder of a few models with the real profile and seeds, expectation suites and a disclosure policy
for it, and a few extracts. Not here: any assertion. The trap: its marts only look like the product's (the
columns the headlines read); figures are tested on the real models elsewhere.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from dagster_project.gate.expectations import import_quietly
from dagster_project.orchestration.runner import RunOutcome, run_flow
from dagster_project.settings import DBT_DIR, Settings
from tests.support.extracts import STAFF, write_extract

# Each mart is one query; `{{ ... }}` is dbt's.
_MODELS = {
    "leniency": """
        select
            'manager_v_inspector' as comparison, 'REF2018' as sample, 'casework' as assessment_type,
            'iqa' as basis, 'overall' as dimension, 444 as n_examined, 439 as n_compared, 53 as n_lenient,
            6 as n_harsh, 376 / cast(439 as double) as rated_score,
            329 / cast(439 as double) as reference_score
    """,
    "compliance": """
        select
            'national' as level, 'quarter' as period_type, '2024-25 Q1 (Apr-Jun 2024)' as period_label,
            date '2024-04-01' as period_start, 'casework' as assessment_type, 'half' as policy,
            cast(count(*) as integer) as iqas_assessed, 8 as prosecutors_required, 7 as prosecutors_covered
        from {{ source('raw', 'iqa') }} as iqa
    """,
    "dip_sampling": """
        select
            'national' as level, 'quarter' as period_type, '2024-25 Q1 (Apr-Jun 2024)' as period_label,
            date '2024-04-01' as period_start, 'casework' as assessment_type, 2 as dips_valid,
            3 as dips_required, cast(0.6666666666666666 as double) as fulfilment_rate, 1 as areas_met,
            2 as areas_with_iqas
    """,
}
_KEYS = {
    "leniency": ["comparison", "sample"],
    "compliance": ["level", "period_start", "policy"],
    "dip_sampling": ["level", "period_start"],
}
_SOURCES = ("iqa", "reassessments", "run_context")


@dataclass(frozen=True)
class SmallFlow:
    """Where a small flow lives; `run` runs it, and the methods break it."""

    settings: Settings
    dbt_dir: Path
    suites_dir: Path
    policy_file: Path

    def run(self, *, release: bool = True, **callbacks: object) -> RunOutcome:
        """Run it as `iqa run` does."""
        # Imported once for all runs of this process, which else start a process each for it.
        import_quietly()
        return run_flow(
            self.settings,
            release=release,
            dbt_dir=self.dbt_dir,
            suites_dir=self.suites_dir,
            policy_file=self.policy_file,
            **callbacks,  # type: ignore[arg-type]
        )

    def in_folder(self, folder: Path) -> "SmallFlow":
        """The same flow and extracts with releases and warehouse elsewhere."""
        settings = replace(
            self.settings, marts_dir=folder / "marts", warehouse=folder / "warehouse" / "iqa.duckdb"
        )
        return replace(self, settings=settings)

    def change_model(self, name: str, old: str, new: str) -> None:
        """Edit a model; `old` must be in it."""
        path = self.dbt_dir / "models" / "marts" / f"{name}.sql"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def show_everything(self) -> None:
        """A disclosure policy for the models as they are: few made-up figures, nothing withheld."""
        models = yaml.safe_load((self.dbt_dir / "models" / "schema.yml").read_text())["models"]
        shown = {
            model["name"]: {
                "shown": [
                    column["name"]
                    for column in model["columns"]
                    if column["name"] not in model["config"]["meta"]["grain"]
                ]
            }
            for model in models
            if model["config"]["meta"]["shareable"]
        }
        policy = {"areas_of_the_nation": "select null::varchar as area_code where false", "marts": shown}
        self.policy_file.write_text(yaml.safe_dump(policy))

    def change_suite(self, mart: str, expectation: dict[str, object]) -> None:
        """Replace the expectations of a mart by one."""
        (self.suites_dir / f"{mart}.yml").write_text(
            yaml.safe_dump({"mart": mart, "owner": "Testers", "expectations": [expectation]})
        )


def make_small_flow(folder: Path) -> SmallFlow:
    """A small flow in `folder`, complete and sound."""
    settings = Settings(
        raw_dir=folder / "raw", marts_dir=folder / "marts", warehouse=folder / "warehouse" / "iqa.duckdb"
    )
    _write_extracts(settings.raw_dir)
    flow = SmallFlow(settings, folder / "dbt", folder / "suites", folder / "disclosure.yml")
    _write_dbt(flow.dbt_dir)
    flow.show_everything()
    flow.suites_dir.mkdir()
    for mart, column in (("leniency", "n_lenient"), ("compliance", "iqas_assessed")):
        flow.change_suite(
            mart,
            {
                "id": f"{column}_is_a_count",
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": column, "min_value": 0},
                "reason": "A count is never negative.",
            },
        )
    return flow


def _write_extracts(raw_dir: Path) -> None:
    write_extract(raw_dir, "postings", "2024-07-26", [*STAFF, {"posting_id": "P9", "grade": "INSPECTOR"}])
    write_extract(raw_dir, "iqa", "2024-07-26", [{}, {}, {}])
    write_extract(raw_dir, "iqa_answers", "2024-07-26", [{}, {}])


def _write_dbt(dbt_dir: Path) -> None:
    (dbt_dir / "macros").mkdir(parents=True)
    (dbt_dir / "seeds").mkdir()
    (dbt_dir / "models" / "marts").mkdir(parents=True)
    (dbt_dir / "tests" / "generic").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(DBT_DIR / name, dbt_dir / name)
    shutil.copy(DBT_DIR / "macros" / "generate_schema_name.sql", dbt_dir / "macros")
    shutil.copy(DBT_DIR / "tests" / "generic" / "unique_key.sql", dbt_dir / "tests" / "generic")
    for name in ("areas", "inspections", "policies"):
        shutil.copy(DBT_DIR / "seeds" / f"{name}.csv", dbt_dir / "seeds")
    for name, sql in _MODELS.items():
        (dbt_dir / "models" / "marts" / f"{name}.sql").write_text(f"{sql}\n")
    (dbt_dir / "models" / "schema.yml").write_text(yaml.safe_dump(_schema()))


def _schema() -> dict[str, object]:
    return {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "database": "warehouse",
                "schema": "raw",
                "tables": [{"name": name} for name in _SOURCES],
            }
        ],
        "models": [
            {
                "name": name,
                "description": f"A small {name}. One row per key.",
                "config": {
                    "contract": {"enforced": False},
                    "meta": {
                        "grain": _KEYS[name],
                        "metrics": [],
                        "owner": "Testers",
                        "shareable": True,
                    },
                },
                "columns": [
                    {
                        "name": column,
                        "data_type": data_type,
                        "description": column,
                        "config": {"meta": {"public": True, "unit": "count"}},
                    }
                    for column, data_type in _COLUMNS[name].items()
                ],
                "data_tests": [{"unique_key": {"arguments": {"columns": _KEYS[name]}}}],
            }
            for name in _MODELS
        ],
    }


_COLUMNS = {
    "leniency": {
        "comparison": "varchar",
        "sample": "varchar",
        "n_compared": "integer",
        "n_lenient": "integer",
        "rated_score": "double",
    },
    "compliance": {
        "level": "varchar",
        "period_start": "date",
        "policy": "varchar",
        "iqas_assessed": "integer",
    },
    "dip_sampling": {"level": "varchar", "period_start": "date", "dips_valid": "integer"},
}
