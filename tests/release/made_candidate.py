"""A small hand-made candidate: a warehouse file and the part of a dbt manifest that releases read."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.gate.decision import GateDecision, decide
from dagster_project.release.locks import WriterLock
from dagster_project.release.staging import MARTS, begin_release
from dagster_project.release.writer import ReleaseInfo, write_release

RELEASE_INFO_SQL = "select release_id, as_of, created_at as refreshed_at from raw.run_context"


def make_candidate(path: Path, release_id: str, *, backwards: bool = False, iqas: int = 40) -> Path:
    """A warehouse file with marts of `release_id`; `backwards` stores the same rows in another order."""
    order = "desc" if backwards else "asc"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw")
        connection.execute("create schema marts")
        connection.execute(
            "create table raw.run_context as select $id as release_id, date '2024-10-28' as as_of, "
            "'abc123' as code_version, timestamp '2024-10-28 10:15:00' as created_at, "
            "true as is_demo_key, 'demo' as pseudonym_key_id",
            {"id": release_id},
        )
        connection.execute(
            "create table raw.files as select 'iqa/iqa_2024-10-01.csv' as source_file, 'iqa' as dataset, "
            "'ab12' as file_sha256, 'loaded' as status, 40::bigint as rows_read, 40::bigint as rows_accepted"
        )
        connection.execute(
            "create table raw.iqa as select 'IQA' || number as iqa_id, 'URN-' || number as urn, "
            "'S' || 10000 + number as subject_id, 'S20001' as assessor_id "
            f"from range({iqas}) as made(number) order by number {order}"
        )
        connection.execute(
            "create table raw.postings as "
            "select distinct subject_id as staff_id, assessor_id as line_manager_id from raw.iqa"
        )
        connection.execute(
            "create table marts.fct_iqa as select "
            "(select release_id from raw.run_context) as release_id, 'iqa_' || md5(iqa_id) as iqa_key, urn, "
            "(row_number() over (order by iqa_id) / 7.0)::double as score "
            f"from raw.iqa order by iqa_id {order}"
        )
        connection.execute(
            "create table marts.compliance as "
            "select release_id, as_of, area_code, note, iqas_assessed, gap, secret "
            "from raw.run_context cross join (values "
            "('EM', '=1+1', 12, -0.25::double, 'x'), ('NE', '-2', 3, 0.5, 'x'), "
            "('SW', 'Café, \"bar\"', 0, null, 'x')"
            f") as made(area_code, note, iqas_assessed, gap, secret) order by area_code {order}"
        )
        connection.execute(
            "create table marts.leniency as select release_id, dimension, dimension_value, n_compared "
            "from raw.run_context cross join (values "
            "('overall', 'ALL', 439), ('assessor', 'stf_0123456789abcdef', 7), (null, 'unknown', 1)"
            f") as made(dimension, dimension_value, n_compared) order by dimension_value {order}"
        )
        connection.execute(f"create table marts.release_info as {RELEASE_INFO_SQL}")
        connection.execute("create table marts.unmarked as select 1 as number")
    return path


@contextmanager
def attached(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of one thread that has a candidate attached to read, as `warehouse`."""
    limits = {"threads": 1, "memory_limit": "500MB", "temp_directory": str(path.parent / "spill")}
    with duckdb.connect(config=limits) as connection:
        connection.execute(f"attach '{path}' as warehouse (read_only)")
        yield connection


def release_made(
    connection: duckdb.DuckDBPyConnection, marts_dir: Path, lock: WriterLock, **options: Any
) -> ReleaseInfo:
    """Release the candidate that `connection` has attached, through an open gate and unsuppressed.

    `options` are those of `write_release`, and of `begin_release` if no `staged` is among them.
    """
    decision = options.pop("decision", open_gate())
    with ExitStack() as held:
        staged = options.pop("staged", None) or held.enter_context(
            begin_release(
                connection,
                options.pop("manifest", made_manifest()),
                marts_dir,
                lock,
                shareable=options.pop("shareable", MARTS),
                at_step=options.pop("at_step", lambda step: None),
            )
        )
        return write_release(connection, staged, decision, **options)


def made_manifest() -> dict[str, object]:
    """The models of the candidate, with the marks of the project's conventions."""

    def column(name: str, *, public: bool = True, **meta: str) -> dict[str, object]:
        return {
            "name": name,
            "data_type": "varchar",
            "description": f"The {name}.",
            "config": {"meta": ({"public": True} if public else {}) | meta},
        }

    def model(name: str, columns: list[dict[str, object]], **meta: object) -> dict[str, object]:
        return {
            "resource_type": "model",
            "name": name,
            "schema": "marts",
            "description": f"What {name} holds. One row per key.",
            "config": {"meta": {"owner": "Performance analysis", **meta}, "materialized": "table"},
            "columns": {str(item["name"]): item for item in columns},
        }

    models = [
        model(
            "compliance",
            [
                column("release_id"),
                column("as_of"),
                column("area_code", unit="code"),
                column("note", unit="text"),
                column("iqas_assessed", unit="count", metric="C1"),
                column("gap", unit="rate"),
                column("secret", public=False),
            ],
            grain=["area_code"],
            metrics=["C1"],
            shareable=True,
        ),
        model(
            "leniency",
            [column("release_id"), column("dimension"), column("dimension_value"), column("n_compared")],
            grain=["dimension", "dimension_value"],
            shareable=True,
            restricted_when="dimension = 'assessor'",
        ),
        model(
            "fct_iqa",
            [column("release_id"), column("iqa_key"), column("urn", public=False), column("score")],
            grain=["iqa_key"],
            shareable=False,
        ),
        model(
            "release_info",
            [column("release_id"), column("as_of"), column("refreshed_at")],
            grain=["release_id"],
            shareable=True,
        ),
        model("unmarked", [column("number", public=False)], shareable=False, kept_inside=True),
    ]
    return {"nodes": {f"model.iqa.{item['name']}": item for item in models}, "unit_tests": {}}


def open_gate() -> GateDecision:
    """The decision of a gate whose one check passed."""
    check = Check(
        "expect:compliance.has_rows", Kind.EXPECTATION, "compliance", Severity.ERROR, "Analysis", "Some rows."
    )
    return decide([check], [check.passed()])
