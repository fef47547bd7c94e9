"""Runs the expectation suites on a candidate with Great Expectations.

Marts are small, so each is read into a pandas frame once and all its expectations are verified on that;
large facts are the business of dbt tests. Nothing is written: the context lives in memory.
The trap: Great Expectations reports its own exceptions as `success: false`. Here they are `crashed`.
Conditions on rows go into derived columns: its string conditions are deprecated.

Its import takes 5 s warm and 9-12 s cold, so it happens inside functions; a run has it done in a process of
its own (`side_process.py`).
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.gate.checks import EXAMPLES_MAX, Check
from dagster_project.gate.suites import Expectation, Suite
from dagster_project.settings import silence_telemetry

if TYPE_CHECKING:
    import pandas

_RESULT_FORMAT: dict[str, object] = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": EXAMPLES_MAX,
    "include_unexpected_rows": False,
}


def run_suites(
    suites: list[Suite],
    connection: duckdb.DuckDBPyConnection,
    schema: str = "warehouse.marts",
) -> list[Check]:
    """One completed check for each expectation of each suite, and one for each suite's own readability.

    `connection` has the candidate attached as `warehouse`. Whatever goes wrong ends in a verdict: nothing
    that a suite or a frame can do raises from here.
    """
    completed: list[Check] = []
    for suite in suites:
        if suite.problem is not None:
            completed.append(suite.readable_check.crashed(suite.problem))
            continue
        completed.append(suite.readable_check.passed())
        completed.extend(_run_suite(suite, connection, schema))
    return completed


def _run_suite(suite: Suite, connection: duckdb.DuckDBPyConnection, schema: str) -> list[Check]:
    frames = dict.fromkeys(expectation.frame for expectation in suite.expectations)
    return [
        check
        for name in frames
        for check in _run_on_frame(
            suite,
            name,
            [expectation for expectation in suite.expectations if expectation.frame == name],
            connection,
            schema,
        )
    ]


def _run_on_frame(
    suite: Suite,
    name: str | None,
    expectations: list[Expectation],
    connection: duckdb.DuckDBPyConnection,
    schema: str,
) -> list[Check]:
    # Great Expectations raises errors of its own, of pydantic, pandas and SQLAlchemy: all of them mean that
    # a check broke, so none may pass for bad data or stop the other checks. Hence the broad excepts.
    try:
        frame = _frame(suite, name, connection, schema)
        batch = _batch(frame)
    except Exception as error:
        return [expectation.check.crashed(_said(error)) for expectation in expectations]
    checks = []
    configured: dict[str, tuple[Expectation, Any]] = {}
    for expectation in expectations:
        try:
            configured[expectation.check.id] = (expectation, _configured(expectation, connection))
        except Exception as error:
            checks.append(expectation.check.crashed(_said(error)))
    try:
        # All at once: each call hashes the whole frame, which one by one took five times as long.
        outcomes = _validated(suite.mart, batch, [ready for _, ready in configured.values()])
    except Exception as error:
        return [*checks, *(expectation.check.crashed(_said(error)) for expectation, _ in configured.values())]
    for check_id, (expectation, _) in configured.items():
        outcome = outcomes.get(check_id)
        if outcome is None:
            checks.append(expectation.check.not_run("Great Expectations returned no result for it"))
        else:
            checks.append(_verdict(expectation, outcome, frame))
    return checks


def _frame(
    suite: Suite, name: str | None, connection: duckdb.DuckDBPyConnection, schema: str
) -> "pandas.DataFrame":
    if name is not None:
        return connection.cursor().execute(suite.frames[name]).df()
    derived = "".join(f", ({sql}) as {_quoted(column)}" for column, sql in suite.derived.items())
    rows = f"(select *{derived} from {schema}.{_quoted(suite.mart)})"
    held = [row[0] for row in connection.cursor().execute(f"describe select * from {rows}").fetchall()]
    # Only what the suite speaks of: a mart of 80,000 rows has 40 columns, and text is dear in pandas. A
    # column that is not held is left to Great Expectations, where it crashes its own expectation only.
    columns = ", ".join(_quoted(column) for column in held if column in _named(suite)) or "*"
    return connection.cursor().execute(f"select {columns} from {rows}").df()


def _named(suite: Suite) -> set[str]:
    """The columns that the expectations about the mart itself speak of."""
    named: set[str] = set()
    for expectation in suite.expectations:
        if expectation.frame is None:
            for key in ("column", "column_A", "column_B", "column_list"):
                value = expectation.kwargs.get(key)
                named.update([value] if isinstance(value, str) else value if isinstance(value, list) else [])
    return named


def _batch(frame: "pandas.DataFrame") -> Any:
    return _whole_frame().get_batch({"dataframe": frame})


@cache
def _whole_frame() -> Any:
    """What Great Expectations calls a batch definition, made once: each one costs a rewrite of YAML."""
    asset = _context().data_sources.add_pandas("candidate").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _context() -> Any:
    great_expectations = import_quietly()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def import_quietly() -> Any:
    """Great Expectations, told first not to report on its use."""
    silence_telemetry()
    import great_expectations

    return great_expectations


def _configured(expectation: Expectation, connection: duckdb.DuckDBPyConnection) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kwargs = {name: _resolved(value, connection) for name, value in expectation.kwargs.items()}
    return ExpectationConfiguration(
        type=expectation.type, kwargs=kwargs, meta={"check_id": expectation.check.id}
    ).to_domain_obj()


def _validated(mart: str, batch: Any, ready: list[Any]) -> dict[str, Any]:
    from great_expectations import ExpectationSuite

    outcome = batch.validate(ExpectationSuite(name=mart, expectations=ready), result_format=_RESULT_FORMAT)
    return {result.expectation_config.meta["check_id"]: result for result in outcome.results}


def _verdict(expectation: Expectation, outcome: Any, frame: "pandas.DataFrame") -> Check:
    raised = _raised(outcome.exception_info)
    if raised is not None:
        return expectation.check.crashed(_short(raised))
    if outcome.success:
        return expectation.check.passed()
    return _failed(expectation, dict(outcome.result), frame)


def _resolved(value: object, connection: duckdb.DuckDBPyConnection) -> object:
    if isinstance(value, Mapping) and set(value) == {"query"}:
        return [row[0] for row in connection.cursor().execute(str(value["query"])).fetchall()]
    return value


def _raised(info: object) -> str | None:
    """The message of an exception in `exception_info`, which is one record or one record a metric."""
    if not isinstance(info, Mapping):
        return None
    if info.get("raised_exception"):
        return str(info.get("exception_message") or info.get("exception_traceback"))
    for record in info.values():
        if isinstance(record, Mapping) and record.get("raised_exception"):
            return str(record.get("exception_message") or record.get("exception_traceback"))
    return None


def _failed(expectation: Expectation, result: dict[str, Any], frame: "pandas.DataFrame") -> Check:
    indices = result.get("unexpected_index_list") or []
    count = result.get("unexpected_count")
    if indices:
        rows = frame.loc[indices[:EXAMPLES_MAX]]
    elif expectation.frame is not None:
        # A frame of its own is a list of offenders: the rows themselves are the examples.
        rows, count = frame.head(EXAMPLES_MAX), len(frame)
    else:
        rows = frame.head(0)
    records = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
    examples = [{str(name): value for name, value in record.items()} for record in records]
    if result.get("partial_missing_list"):
        detail = f"missing: {', '.join(map(str, result['partial_missing_list']))}"
    elif count is not None:
        detail = f"{count} of {len(frame)} rows" if expectation.frame is None else f"{count} rows"
        values = result.get("partial_unexpected_list") or []
        detail += f", such as {_short(', '.join(map(str, values[:3])), 200)}" if values else ""
    else:
        detail = f"found {result.get('observed_value')}"
    return expectation.check.failed(detail, rows_failed=count, examples=examples)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {_short(str(error))}"


def _short(text: str, limit: int = 400) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]} ..."


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
