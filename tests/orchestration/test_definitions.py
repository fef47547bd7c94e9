"""What Dagster shows: the flow as assets, every dbt test as a check, and a history with counts."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.gate.suites import read_suites
from dagster_project.orchestration.definitions import (
    CHECK_JOB,
    GATE,
    RELEASE,
    RUN_JOB,
    build_definitions,
    pipeline_resource,
)
from dagster_project.orchestration.home import dagster_home
from dagster_project.orchestration.pipeline import SUITES_DIR, Pipeline
from dagster_project.settings import Settings
from dagster_project.warehouse.dbt_runner import DbtManifest, load_manifest
from tests.orchestration.conftest import Ran
from tests.support.small_flow import SmallFlow


@pytest.fixture(scope="module")
def manifest() -> DbtManifest:
    return load_manifest(Settings())


@pytest.fixture(scope="module")
def definitions(manifest: DbtManifest) -> dg.Definitions:
    found = build_definitions(manifest.document, read_suites(SUITES_DIR))
    dg.Definitions.validate_loadable(found)
    return found


@pytest.fixture(scope="module")
def history(ran: Ran) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(dagster_home(ran.flow.settings))) as instance:
        yield instance


def test_every_data_test_of_dbt_is_a_check_on_an_asset(
    definitions: dg.Definitions, manifest: DbtManifest
) -> None:
    tests = {node["name"] for node in manifest.document["nodes"].values() if node["resource_type"] == "test"}
    shown = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert tests <= shown


def test_every_error_is_blocking_and_every_suite_is_a_check(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    suites = {suite.mart for suite in read_suites(SUITES_DIR)}
    checked = {key.asset_key.path[-1] for key in graph.asset_check_keys if key.name == "expectations"}
    assert checked == suites
    assert all(graph.get(key).blocking for key in graph.asset_check_keys if key.name == "expectations")


def test_the_gate_waits_for_every_mart_and_the_release_for_the_gate(
    definitions: dg.Definitions, manifest: DbtManifest
) -> None:
    graph = definitions.resolve_asset_graph()
    marts = {
        dg.AssetKey(["marts", node["name"]])
        for node in manifest.document["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert marts
    assert marts <= graph.get(GATE).parent_keys
    assert graph.get(RELEASE).parent_keys == {GATE}


def test_the_thirteen_datasets_are_assets_and_their_models_depend_on_them(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    datasets = {path.stem for path in (SUITES_DIR.parent / "extracts").glob("*.yml")}
    assert len(datasets) == 13
    for dataset in datasets:
        assert (
            dg.AssetKey(["raw", dataset]) in graph.get(dg.AssetKey(["staging", f"stg_{dataset}"])).parent_keys
        )


def test_assets_have_a_group_an_owner_and_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        assert graph.get(key).group_name != "default", key
        assert graph.get(key).description, key
    for key in graph.materializable_asset_keys:
        if key.path[0] in ("marts", "raw", "gate", "release"):
            assert graph.get(key).owners, key


def test_the_job_without_release_is_the_other_one_but_for_the_release(definitions: dg.Definitions) -> None:
    run, check = (definitions.resolve_job_def(name) for name in (RUN_JOB, CHECK_JOB))
    everything = run.asset_layer.executable_asset_keys
    assert everything - check.asset_layer.executable_asset_keys == {RELEASE}


def test_a_run_leaves_row_counts_and_headlines_in_dagsters_history(history: dg.DagsterInstance) -> None:
    iqa = history.get_latest_materialization_event(dg.AssetKey(["raw", "iqa"]))
    compliance = history.get_latest_materialization_event(dg.AssetKey(["marts", "compliance"]))
    release = history.get_latest_materialization_event(RELEASE)
    assert iqa and iqa.asset_materialization and compliance and compliance.asset_materialization
    assert release and release.asset_materialization
    assert iqa.asset_materialization.metadata["rows_accepted"].value == 3
    assert compliance.asset_materialization.metadata["dagster/row_count"].value == 1
    assert "12.1%" in str(release.asset_materialization.metadata["headlines"].value)


def test_the_verdicts_of_dbt_are_in_dagsters_history(ran: Ran, history: dg.DagsterInstance) -> None:
    flow = ran.flow
    graph = build_definitions(
        load_manifest(flow.settings, dbt_dir=flow.dbt_dir).document, read_suites(flow.suites_dir)
    ).resolve_asset_graph()
    keys = list(graph.asset_check_keys)
    records = history.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert {key for key, record in records.items() if record.status.value == "SUCCEEDED"} == set(keys)


def test_a_release_selected_alone_is_refused(flow: SmallFlow) -> None:
    with Pipeline(
        flow.settings, dbt_dir=flow.dbt_dir, suites_dir=flow.suites_dir, policy_file=flow.policy_file
    ) as pipeline:
        found = build_definitions(pipeline.manifest.document, pipeline.suites, pipeline)
        result = found.resolve_job_def(RUN_JOB).execute_in_process(
            asset_selection=[RELEASE], raise_on_error=False
        )
    assert not result.success
    assert not (flow.settings.marts_dir / "current").exists()


def test_a_reporting_date_that_is_none_is_said_to_be_so() -> None:
    # Closed here: left to the garbage collector, it would bring back whatever instance was open beside it.
    with (
        dg.build_init_resource_context(config={"as_of": "31 March 2024"}) as context,
        pytest.raises(dg.Failure, match="as_of is '31 March 2024'") as caught,
        pipeline_resource(context),
    ):
        pass
    said = caught.value.metadata
    assert said["where"].value == "the run's settings, resources.pipeline.config"
    assert said["expected"].value == "a date as YYYY-MM-DD"


def test_dagsters_settings_turn_telemetry_off(tmp_path: Path) -> None:
    home = dagster_home(Settings(warehouse=tmp_path / "iqa.duckdb"))
    assert "enabled: false" in (home / "dagster.yaml").read_text()
