"""dbt's models, seeds and tests as Dagster assets and checks, built by one dbt invocation in this process.

Here: the translation only; running dbt belongs to `warehouse/dbt_runner.py`, and what a verdict means to the
gate. The one trap: dagster-dbt runs dbt as a subprocess of its own, which costs 8 s of start-up a call. So
its command-line resource is not used: dbt's events are collected in process and handed to the same classes
that would have parsed the subprocess's log, which keeps assets, checks and metadata dagster-dbt's own.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.orchestration.endings import broken_build, is_broken
from dagster_project.orchestration.freshness import freshness_days, mart_freshness
from dagster_project.orchestration.pipeline import Pipeline
from dagster_project.orchestration.shown import explained, failure

_RESULT_EVENTS = {"LogModelResult", "LogSeedResult", "LogTestResult"}
# The stage a schema of the warehouse belongs to, as Dagster shows it.
_GROUPS = {
    "raw": "extracts",
    "seeds": "reference",
    "staging": "staging",
    "intermediate": "intermediate",
    "marts": "marts",
}


class Translator(DagsterDbtTranslator):
    """Names, groups and owners of the assets: the schema is the group, and the owner is the model's."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._mart_freshness = mart_freshness(freshness_days())

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`schema/table`, as in the warehouse."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage, from the schema; facts and dimensions apart from the metric marts."""
        if dbt_resource_props["schema"] == "marts" and dbt_resource_props["name"].startswith(
            ("dim_", "fct_")
        ):
            return "star_schema"
        return _GROUPS.get(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        """The owner in the model's meta, as a Dagster team."""
        owner = _meta(dbt_resource_props).get("owner")
        return [team(owner)] if owner else None

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The asset; a mart with how old it may become."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if spec.key.path[0] != "marts":
            return spec
        return spec.replace_attributes(freshness_policy=self._mart_freshness)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's description alone: its SQL is a click away in the repository."""
        return dbt_resource_props.get("description") or dbt_resource_props["name"]


def team(owner: str) -> str:
    """`Performance analysis` -> `team:performance-analysis`."""
    return "team:" + "-".join(owner.lower().split())


def _meta(props: Mapping[str, Any]) -> Mapping[str, Any]:
    return (props.get("config") or {}).get("meta") or props.get("meta") or {}


def with_attached_tests(document: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with every test attached to one model.

    A singular test over several models belongs to none, and dagster-dbt would show it as an observation that
    blocks nothing. It is attached to the mart among them, or else to the first.
    """
    attached: dict[str, Any] = {**document, "nodes": dict(document["nodes"])}
    for unique_id, node in document["nodes"].items():
        needed = [key for key in node.get("depends_on", {}).get("nodes", []) if key in document["nodes"]]
        if node["resource_type"] != "test" or node.get("attached_node") or len(needed) < 2:
            continue
        marts = [key for key in needed if document["nodes"][key]["schema"] == "marts"]
        subject = document["nodes"][(marts or needed)[0]]
        changed = deepcopy(node)
        config = changed.setdefault("config", {})
        config["meta"] = {**(config.get("meta") or {}), "dagster": {"ref": {"name": subject["name"]}}}
        attached["nodes"][unique_id] = changed
    return attached


def build_dbt_assets(document: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One multi-asset over the dbt project; its tests are asset checks, blocking unless they only warn."""
    from google.protobuf.json_format import MessageToDict

    manifest = with_attached_tests(document)
    translator = Translator()

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="dbt")
    def models(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> Iterator[Any]:
        """Seeds, models and their tests."""
        events: list[dict[str, Any]] = []

        def keep(event: Any) -> None:
            if event.info.name in _RESULT_EVENTS:
                events.append(MessageToDict(event, preserving_proto_field_name=True))

        with explained():
            result = pipeline.build(keep)
            rows = pipeline.row_counts()
        for event in events:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
            for dagster_event in message.to_default_asset_events(manifest, translator, context):
                yield _with_rows(dagster_event, manifest, event, rows)
        if is_broken(result):
            raise failure(broken_build(result))

    return models


def _with_rows(
    event: Any, manifest: Mapping[str, Any], raw: Mapping[str, Any], rows: Mapping[tuple[str, str], int]
) -> Any:
    if not isinstance(event, dg.Output):
        return event
    node = manifest["nodes"][raw["data"]["node_info"]["unique_id"]]
    count = rows.get((node["schema"], node["name"]))
    if count is None:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": dg.MetadataValue.int(count)})
