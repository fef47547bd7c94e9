"""dbt's tests as checks: the plan from dbt's manifest, the verdicts from dbt's results.

Reads dbt's own structures and nothing else; running dbt belongs to `warehouse/`.
The trap: a test that dbt skipped, and a model that dbt never built, report no failure. The first is
`not_run`; for the second there is the check `integrity:models_built`, which covers models without tests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from dagster_project.gate.checks import EXAMPLES_MAX, Check, Kind, Severity

MODELS_BUILT = "integrity:models_built"
DEFAULT_OWNER = "Performance analysis"

_BUILT = frozenset({"success", "no-op", "reused"})


@dataclass(frozen=True)
class DbtOutcome:
    """What dbt says of one node: its status word, failing rows, message and, for a test, its compiled SQL."""

    unique_id: str
    status: str
    failures: int | None = None
    message: str | None = None
    compiled_code: str | None = None


def outcomes(results: Iterable[object]) -> list[DbtOutcome]:
    """The outcomes in dbt's run results (`dbtRunner().invoke(...).result`)."""
    found = []
    for result in results:
        node = getattr(result, "node", None)
        status = getattr(result, "status", "")
        found.append(
            DbtOutcome(
                unique_id=str(getattr(node, "unique_id", "")),
                status=str(getattr(status, "value", status)),
                failures=getattr(result, "failures", None),
                message=getattr(result, "message", None),
                compiled_code=getattr(node, "compiled_code", None),
            )
        )
    return found


def planned_dbt_checks(manifest: Mapping[str, object]) -> list[Check]:
    """One check for each data test and unit test of the project, and one for the models as a whole."""
    return [*_test_checks(manifest).values(), _models_check()]


def completed_dbt_checks(
    manifest: Mapping[str, object],
    results: Sequence[DbtOutcome],
    connection: duckdb.DuckDBPyConnection | None = None,
) -> list[Check]:
    """The verdicts in `results`, for the tests that have one, and for the models as a whole.

    `connection` has the warehouse attached as `warehouse`; with it a failed test brings a few failing rows.
    """
    planned = _test_checks(manifest)
    completed = [
        _completed(planned[outcome.unique_id], outcome, connection)
        for outcome in results
        if outcome.unique_id in planned
    ]
    return [*completed, _models_built(manifest, results)]


def tests_named(manifest: Mapping[str, object], check_ids: Iterable[str]) -> frozenset[str]:
    """dbt's ids of the tests whose checks are called `check_ids`."""
    wanted = set(check_ids)
    if not wanted:
        return frozenset()
    return frozenset(key for key, check in _test_checks(manifest).items() if check.id in wanted)


def _test_checks(manifest: Mapping[str, object]) -> dict[str, Check]:
    nodes = _section(manifest, "nodes")
    tests = {key: node for key, node in nodes.items() if node.get("resource_type") == "test"}
    tests |= _section(manifest, "unit_tests")
    checks: dict[str, Check] = {}
    used: set[str] = set()
    for unique_id in sorted(tests):
        node = tests[unique_id]
        subject = _subject(node, nodes)
        name = str(node.get("name"))
        # Unit tests are named within their model, so two models may use one name.
        check_id = f"dbt:{name}" if f"dbt:{name}" not in used else f"dbt:{subject.get('name', '')}.{name}"
        used.add(check_id)
        config = _mapping(node.get("config"))
        meta = {**_mapping(node.get("meta")), **_mapping(config.get("meta"))}
        subject_meta = _mapping(_mapping(subject.get("config")).get("meta"))
        checks[unique_id] = Check(
            id=check_id,
            kind=Kind.DBT_TEST,
            subject=str(subject.get("name", "project")),
            severity=Severity.WARN
            if str(config.get("severity", "error")).lower() == "warn"
            else Severity.ERROR,
            owner=str(meta.get("owner") or subject_meta.get("owner") or DEFAULT_OWNER),
            reason=_reason(node, meta, subject),
        )
    return checks


def _completed(planned: Check, outcome: DbtOutcome, connection: duckdb.DuckDBPyConnection | None) -> Check:
    rows = outcome.failures or 0
    match outcome.status:
        case "pass":
            # A test may tolerate some rows (`error_if: ">5"`): it passed, and how many stays on record.
            return planned.passed(rows_failed=rows)
        case "warn" if planned.severity is Severity.ERROR:
            return planned.passed(f"{rows} rows, within the tolerance of the test", rows_failed=rows)
        case "fail" | "warn":
            examples, remark = _examples(outcome, connection)
            message = outcome.message or f"{rows} rows failed"
            return planned.failed(f"{message}{remark}", rows_failed=rows, examples=examples)
        case "skipped":
            return planned.not_run("dbt skipped it: something it depends on failed or was not built")
        case _:
            return planned.crashed(outcome.message or f"dbt ended it with status {outcome.status!r}")


def _examples(
    outcome: DbtOutcome, connection: duckdb.DuckDBPyConnection | None
) -> tuple[list[dict[str, object]], str]:
    if connection is None or not outcome.compiled_code:
        return [], ""
    try:
        cursor = connection.cursor()
        cursor.execute(f"select * from ({outcome.compiled_code}\n) as failing limit {EXAMPLES_MAX}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()], ""
    except duckdb.Error as error:
        return [], f" (no example rows: {error})"


def _models_check() -> Check:
    return Check(
        id=MODELS_BUILT,
        kind=Kind.INTEGRITY,
        subject="project",
        severity=Severity.ERROR,
        owner=DEFAULT_OWNER,
        reason="Every seed and model was built in this run, so that no table is left over from another.",
    )


def _models_built(manifest: Mapping[str, object], results: Sequence[DbtOutcome]) -> Check:
    expected = {
        unique_id: str(node.get("name"))
        for unique_id, node in _section(manifest, "nodes").items()
        if node.get("resource_type") in ("model", "seed")
        and _mapping(node.get("config")).get("materialized") != "ephemeral"
    }
    status = {outcome.unique_id: outcome for outcome in results}
    missing: list[dict[str, object]] = [
        {
            "name": name,
            "status": status[unique_id].status if unique_id in status else "absent from dbt's results",
            "message": (status[unique_id].message if unique_id in status else None) or "",
        }
        for unique_id, name in sorted(expected.items())
        if unique_id not in status or status[unique_id].status not in _BUILT
    ]
    check = _models_check()
    if not missing:
        return check.passed(f"{len(expected)} built")
    names = ", ".join(f"{row['name']} ({row['status']})" for row in missing[:EXAMPLES_MAX])
    more = f" and {len(missing) - EXAMPLES_MAX} more" if len(missing) > EXAMPLES_MAX else ""
    detail = f"{len(missing)} of {len(expected)} not built: {names}{more}"
    # A model that broke is a broken build, not bad data. One that dbt skipped is a consequence of something
    # else, which has its own verdict: judging it as a crash would hide a failed test behind exit code 2.
    if all(row["status"] == "skipped" for row in missing):
        return check.not_run(detail)
    return check.crashed(detail)


def _subject(node: Mapping[str, object], nodes: Mapping[str, Mapping[str, object]]) -> Mapping[str, object]:
    attached = node.get("attached_node")
    if isinstance(attached, str) and attached in nodes:
        return nodes[attached]
    needed = _mapping(node.get("depends_on")).get("nodes")
    models = [nodes[key] for key in needed if key in nodes] if isinstance(needed, list) else []
    # A singular test often reads several models: it speaks of the mart among them.
    for model in models:
        if model.get("schema") == "marts":
            return model
    return models[0] if models else {}


def _reason(node: Mapping[str, object], meta: Mapping[str, object], subject: Mapping[str, object]) -> str:
    stated = meta.get("reason") or node.get("description")
    if stated:
        return " ".join(str(stated).split())
    test = str(_mapping(node.get("test_metadata")).get("name") or node.get("name")).replace("_", " ")
    column = node.get("column_name")
    place = f"{subject.get('name', 'the project')}{f'.{column}' if column else ''}"
    return f"The test '{test}' holds for {place}."


def _section(manifest: Mapping[str, object], name: str) -> dict[str, Mapping[str, object]]:
    return {str(key): _mapping(node) for key, node in _mapping(manifest.get(name)).items()}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
