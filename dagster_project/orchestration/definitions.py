"""The product as Dagster sees it: extracts -> models -> disclosure control -> gate -> release.

Here: the assets, checks and jobs over `Pipeline`, and the resource that holds a run's settings. Not here: any
stage's work. The one trap: a run is one writer in one process. The executor is in process, and the pipeline
is one resource, initialised once a run; a step selected alone finds no verdicts from the others, so the gate
stays shut: that is meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from dagster_project.disclosure.control import disclosure_checks
from dagster_project.errors import four_parts, parts_text
from dagster_project.gate.checks import Check, Severity, Verdict
from dagster_project.gate.decision import COULD_NOT_CHECK
from dagster_project.gate.suites import Suite, read_suites
from dagster_project.orchestration.dbt_assets import Translator, build_dbt_assets, team
from dagster_project.orchestration.endings import Ending, conclude, in_the_way, problem_of, refusal
from dagster_project.orchestration.freshness import (
    FILES,
    freshness_days,
    mart_freshness,
    newest_extract_check,
)
from dagster_project.orchestration.intake import OWNER
from dagster_project.orchestration.notices import tell
from dagster_project.orchestration.pipeline import SUITES_DIR, Pipeline
from dagster_project.orchestration.shown import (
    check_line,
    explained,
    failure,
    headlines_metadata,
    intake_metadata,
    listing,
    table,
)
from dagster_project.orchestration.triggers import extracts_sensor, monthly_schedule
from dagster_project.settings import Settings, iso_date, silence_telemetry
from dagster_project.warehouse.dbt_runner import load_manifest

RUN_JOB = "iqa_run"
CHECK_JOB = "iqa_check"
DISCLOSURE = dg.AssetKey("disclosure_control")
GATE = dg.AssetKey("gate")
RELEASE = dg.AssetKey("release")


_OPTIONAL_TEXT = dg.Field(dg.Noneable(str), is_required=False, default_value=None)


@dg.resource(
    config_schema=dict.fromkeys(("raw_dir", "marts_dir", "warehouse", "as_of"), _OPTIONAL_TEXT),
    description="A run's settings. What is empty comes from the environment (IQA_*) or the defaults.",
)
def pipeline_resource(context: dg.InitResourceContext) -> Iterator[Pipeline]:
    """A pipeline that holds the writer's lock for as long as the run lasts."""
    config: dict[str, str | None] = context.resource_config
    paths = {name: Path(text) for name in ("raw_dir", "marts_dir", "warehouse") if (text := config[name])}
    day = config["as_of"]
    with ExitStack() as held:
        with explained():
            as_of = iso_date("as_of", day, "the run's settings, resources.pipeline.config") if day else None
            settings = Settings.from_environment(**paths, as_of=as_of)
            try:
                pipeline = held.enter_context(Pipeline(settings, is_to_release=_is_to_release(context.run)))
            except Exception as error:
                _log(context, _told(context, None, Ending(COULD_NOT_CHECK, error)))
                raise
        try:
            yield pipeline
        finally:
            _say_how_it_ended(context, pipeline)


def _say_how_it_ended(context: dg.InitResourceContext, pipeline: Pipeline) -> None:
    """The last line of the log of a run of the whole flow: Dagster's own are about steps, not figures."""
    if not _is_whole(context.run) or context.log is None:
        return
    if pipeline.crash is not None and not isinstance(pipeline.crash, Exception):
        context.log.warning("The run was stopped. Nothing was released; the last release stays in place.")
        return
    ending = conclude(pipeline)
    _log(context, _told(context, pipeline, ending))
    problem = problem_of(pipeline, ending)
    if problem is not None:
        context.log.error(f"Nothing was released. {parts_text(four_parts(problem))}")
    elif pipeline.release is not None:
        context.log.info(f"Release {pipeline.release.release_id} is current: {pipeline.release.path}")


def _told(context: dg.InitResourceContext, pipeline: Pipeline | None, ending: Ending) -> list[str]:
    """Tell people of a run that was to release; a check is watched by who asked for it."""
    return tell(pipeline, ending) if _is_to_release(context.run) else []


def _log(context: dg.InitResourceContext, lines: list[str]) -> None:
    for line in lines:
        if context.log is not None:
            context.log.info(line)


def _is_whole(run: dg.DagsterRun | None) -> bool:
    """Whether a run goes from the extracts to the gate at least, as far as its job says."""
    return run is not None and run.job_name in (RUN_JOB, CHECK_JOB) and not run.asset_selection


def _is_to_release(run: dg.DagsterRun | None) -> bool:
    """Whether a run of the whole flow is to release what it finds in order."""
    return run is not None and run.job_name == RUN_JOB and _is_whole(run)


def build_definitions(
    document: Mapping[str, Any], suites: list[Suite], pipeline: Pipeline | None = None
) -> dg.Definitions:
    """The definitions over a dbt manifest and the expectation suites.

    `pipeline` is the open pipeline of a run in this process; without it each run makes one from its settings.
    """
    marts = _mart_keys(document)
    days = freshness_days()
    assets = [
        _extract_assets(document),
        build_dbt_assets(document),
        _disclosure_asset(marts),
        _gate_asset([DISCLOSURE, *marts, *_source_keys(document)]),
        _release_asset(mart_freshness(days)),
    ]
    known = {key for asset in assets for key in asset.keys}
    everything = dg.AssetSelection.all()
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            *_suite_checks([suite for suite in suites if _mart_key(suite) in known]),
            *([newest_extract_check(days)] if FILES in known else []),
        ],
        jobs=[
            dg.define_asset_job(
                RUN_JOB,
                selection=everything,
                config=run_config(),
                description="Ingest, build, check and release: what `iqa run` does.",
            ),
            dg.define_asset_job(
                CHECK_JOB,
                selection=everything - dg.AssetSelection.assets(RELEASE),
                config=run_config(),
                description="The same without a release: what `iqa check` does.",
            ),
        ],
        sensors=[extracts_sensor(RUN_JOB)],
        schedules=[monthly_schedule(RUN_JOB)],
        resources={"pipeline": pipeline or pipeline_resource},
        executor=dg.in_process_executor,
    )


class ExtractsConfig(dg.Config):
    """What a run of the extracts may be told."""

    reread: list[str] = Field(
        default=[],
        description="Extracts to read again although their bytes are known, as dataset/file below the raw "
        "folder. What was kept of them is dropped first.",
    )


def run_config(reread: Sequence[str] = ()) -> dict[str, Any]:
    """The configuration of a run; what the launchpad shows is the one without any choice."""
    return {"ops": {"extracts": {"config": {"reread": list(reread)}}}}


def _extract_assets(document: Mapping[str, Any]) -> dg.AssetsDefinition:
    translator = Translator()
    sources = sorted(document["sources"].values(), key=lambda source: source["name"])

    @dg.multi_asset(
        name="extracts",
        specs=[
            dg.AssetSpec(
                translator.get_asset_key(source),
                group_name="extracts",
                description=source.get("description") or None,
                owners=[team(OWNER)],
                kinds={"duckdb", "csv"},
            )
            for source in sources
        ],
        can_subset=False,
    )
    def extracts(
        config: ExtractsConfig, pipeline: dg.ResourceParam[Pipeline]
    ) -> Iterator[dg.MaterializeResult]:
        """Files of the raw folder into typed tables, with every row accounted for."""
        with explained():
            result = pipeline.ingest(config.reread)
            rows = pipeline.row_counts()
            broken = pipeline.broken_rules()
        for source in sources:
            name = source["name"]
            count = rows.get(("raw", name))
            yield dg.MaterializeResult(
                asset_key=translator.get_asset_key(source),
                metadata={
                    **({} if count is None else {"dagster/row_count": count}),
                    **intake_metadata(name, result, broken, pipeline.error_workbooks),
                },
            )

    return extracts


def _mart_key(suite: Suite) -> dg.AssetKey:
    return dg.AssetKey(["marts", suite.mart])


def _mart_keys(document: Mapping[str, Any]) -> list[dg.AssetKey]:
    translator = Translator()
    return sorted(
        translator.get_asset_key(node)
        for node in document["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    )


def _source_keys(document: Mapping[str, Any]) -> list[dg.AssetKey]:
    translator = Translator()
    return sorted(translator.get_asset_key(source) for source in document["sources"].values())


def _suite_checks(suites: list[Suite]) -> list[dg.AssetChecksDefinition]:
    if not suites:
        return []

    @dg.multi_asset_check(
        name="expectations",
        specs=[
            dg.AssetCheckSpec(
                "expectations",
                asset=_mart_key(suite),
                description=f"The expectation suite of the mart {suite.mart}.",
                blocking=True,
            )
            for suite in suites
        ],
    )
    def expectations(pipeline: dg.ResourceParam[Pipeline]) -> Iterator[dg.AssetCheckResult]:
        """Great Expectations suites on the candidate marts."""
        with explained():
            completed = pipeline.validate()
        for suite in suites:
            yield _suite_result(
                suite, [check for check in completed if check.subject == suite.mart], pipeline.waived
            )
        crashed = [check for check in completed if check.verdict is Verdict.CRASHED and check.is_blocking]
        if crashed:
            raise dg.Failure(
                description="Could not check: "
                + "; ".join(f"{check.id}: {check.detail}" for check in crashed[:5]),
                allow_retries=False,
            )

    return [expectations]


def _suite_result(suite: Suite, checks: list[Check], waived: Mapping[str, str]) -> dg.AssetCheckResult:
    not_passed = [check for check in checks if check.verdict is not Verdict.PASSED]
    # A waived failure must not keep the gate from being asked; a crash can't be waived.
    blocking = any(
        check.is_blocking and not (check.verdict is Verdict.FAILED and check.id in waived) for check in checks
    )
    return dg.AssetCheckResult(
        asset_key=_mart_key(suite),
        check_name="expectations",
        passed=not not_passed,
        severity=dg.AssetCheckSeverity.ERROR if blocking or not not_passed else dg.AssetCheckSeverity.WARN,
        metadata={
            "expectations": len(checks),
            **listing("not_passed", [check_line(check) for check in not_passed]),
        },
    )


def _disclosure_asset(marts: list[dg.AssetKey]) -> dg.AssetsDefinition:
    planned = disclosure_checks()

    @dg.asset(
        key=DISCLOSURE,
        deps=marts,
        group_name="gate",
        owners=[team(OWNER)],
        kinds={"duckdb", "python"},
        description="The shareable marts with small counts withheld, attacked by an audit before they leave.",
        check_specs=[
            dg.AssetCheckSpec(
                _check_name(check),
                asset=DISCLOSURE,
                description=check.reason,
                blocking=check.severity is Severity.ERROR,
            )
            for check in planned
        ],
    )
    def disclosure_control(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        with explained():
            result = pipeline.protect()
        return dg.MaterializeResult(
            metadata={
                "summary": result.sentence(),
                **table(
                    "withheld",
                    [
                        {
                            "mart": outcome.mart,
                            "counts withheld": outcome.counts_suppressed,
                            "counts": outcome.counts,
                            "rows with one": outcome.rows_suppressed,
                            "rows": outcome.rows,
                        }
                        for outcome in result.outcomes
                    ],
                ),
            },
            check_results=[_disclosure_result(check, pipeline.waived) for check in result.checks],
        )

    return disclosure_control


def _check_name(check: Check) -> str:
    return check.id.partition(":")[2]


def _disclosure_result(check: Check, waived: Mapping[str, str]) -> dg.AssetCheckResult:
    is_waived = check.verdict is Verdict.FAILED and check.id in waived
    return dg.AssetCheckResult(
        asset_key=DISCLOSURE,
        check_name=_check_name(check),
        passed=check.verdict is Verdict.PASSED,
        severity=dg.AssetCheckSeverity.ERROR
        if check.severity is Severity.ERROR and not is_waived
        else dg.AssetCheckSeverity.WARN,
        metadata={"verdict": str(check.verdict), "detail": check.detail},
    )


def _gate_asset(upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=GATE,
        deps=upstream,
        group_name="gate",
        owners=[team(OWNER)],
        kinds={"python"},
        description="Checks planned against checks completed: only an open gate lets a candidate out.",
    )
    def gate(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        with explained():
            decision = pipeline.decide()
        if not decision.may_release:
            raise failure(
                refusal(decision),
                **listing("checks", [check_line(check) for check in in_the_way(decision)]),
            )
        return dg.MaterializeResult(
            metadata={
                "decision": decision.sentence(),
                "headlines": headlines_metadata(pipeline.headlines),
                **{f"checks_{verdict}": number for verdict, number in decision.counts.items()},
                **listing("warnings", [check_line(check) for check in decision.warnings]),
            }
        )

    return gate


def _release_asset(freshness: dg.FreshnessPolicy) -> dg.AssetsDefinition:
    @dg.asset(
        key=RELEASE,
        deps=[GATE],
        group_name="release",
        owners=[team(OWNER)],
        kinds={"parquet", "csv", "duckdb"},
        description="The candidate as an immutable release, with `current` pointing at it.",
        freshness_policy=freshness,
    )
    def release(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        with explained():
            info = pipeline.publish()
        return dg.MaterializeResult(
            metadata={
                "release_id": info.release_id,
                "path": dg.MetadataValue.path(info.path),
                "content_hash": info.content_hash,
                "headlines": headlines_metadata(pipeline.headlines),
                **table(
                    "tables",
                    [
                        {"table": name, "rows": restricted.rows, "shareable": shareable is not None}
                        for name, (shareable, restricted) in sorted(info.contents.items())
                    ],
                ),
            }
        )

    return release


def load() -> dg.Definitions:
    """The definitions of this project, for Dagster's own tools."""
    silence_telemetry()
    return build_definitions(load_manifest(Settings.from_environment()).document, read_suites(SUITES_DIR))
