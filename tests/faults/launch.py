"""`iqa` on a few of the marts, with one fault in it: `python -m tests.faults.launch FAULT run --raw ...`.

Belongs here: making one fault happen at one instant of the real command. Does not: what is expected of it.
The models are those that `KEPT` and their parents need, so that a run takes seconds; everything else is the
project's own: contracts, dbt, suites, gate, writer. The trap: headlines read marts that are not kept, so they
are left out; nothing here may change what a check or a stage does unless the fault says so.

Faults: `none`; `kill:before:<Step>`, `kill:after:<Step>`; `kill:node:<number>` (when dbt has ended so many);
`lost-test` (one test that dbt ran leaves no result); `crashed-suite` (an expectation that can't run);
`clock:<seconds>` (the clock is that far off).
"""

import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

KEPT = ("compliance", "dim_area", "release_info")

BROKEN_SUITE = """
mart: compliance
expectations:
  - id: crashes
    type: expect_column_values_to_not_be_null
    kwargs: {column: a_column_that_nobody_has}
    reason: A check that can't run must not count as one that passed.
"""


def die() -> None:
    """End this process as a power cut would: nothing is caught, nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def keep_few_models() -> None:
    """Make `iqa` see a dbt project of the models in `KEPT`, what they need, and the tests on those."""
    from dagster_project.orchestration import pipeline

    whole, build, suites = pipeline.load_manifest, pipeline.run_dbt, pipeline.read_suites

    def load_manifest(settings: Any, **options: Any) -> Any:
        manifest = whole(settings, **options)
        nodes = manifest.document["nodes"]
        wanted = {key for key, node in nodes.items() if node["name"] in KEPT}
        queue = list(wanted)
        while queue:
            parents = nodes[queue.pop()]["depends_on"].get("nodes", [])
            queue += [parent for parent in parents if parent in nodes and parent not in wanted]
            wanted.update(queue)
        wanted |= {key for key, node in nodes.items() if node["resource_type"] == "seed"}
        for key, node in nodes.items():
            parents = [parent for parent in node["depends_on"].get("nodes", []) if parent in nodes]
            if node["resource_type"] == "test" and parents and wanted.issuperset(parents):
                wanted.add(key)
        document = {**manifest.document, "nodes": {key: nodes[key] for key in nodes if key in wanted}}
        for kind in ("unit_tests", "exposures", "metrics", "semantic_models", "saved_queries"):
            document[kind] = {}
        known = wanted | document["sources"].keys()
        for way in ("child_map", "parent_map"):
            edges = document[way].items()
            document[way] = {
                key: [end for end in ends if end in known] for key, ends in edges if key in known
            }
        return replace(manifest, document=document)

    def run_dbt(settings: Any, *, manifest: Any, **options: Any) -> Any:
        os.environ["DBT_INDIRECT_SELECTION"] = "empty"
        names = [node["name"] for node in manifest.document["nodes"].values()]
        return build(settings, manifest=manifest, select=names, **options)

    pipeline.load_manifest = load_manifest
    pipeline.run_dbt = run_dbt
    pipeline.read_suites = lambda folder: [suite for suite in suites(folder) if suite.mart in KEPT]
    pipeline.headlines = lambda connection: []


def kill_at(moment: str, place: str) -> None:
    """Have the process killed before or after a step of the run, or in the middle of the build."""
    from dagster_project.commands import run
    from dagster_project.orchestration import pipeline

    say_start, say_step, build = run._say_start, run._say_step, pipeline.run_dbt

    def at_start(step: str, stream: Any) -> None:
        if (moment, place) == ("before", step):
            die()
        say_start(step, stream)

    def at_end(report: Any, say: Any) -> None:
        if (moment, place) == ("after", report.name):
            die()
        say_step(report, say)

    def run_dbt(settings: Any, **options: Any) -> Any:
        inner, ended = options.pop("on_event", None), 0

        def on_event(event: Any) -> None:
            nonlocal ended
            ended += event.info.name == "NodeFinished"
            if ended >= int(place):
                die()
            if inner is not None:
                inner(event)

        return build(settings, on_event=on_event, **options)

    run._say_start, run._say_step = at_start, at_end
    if moment == "node":
        pipeline.run_dbt = run_dbt


def lose_a_test() -> None:
    """Let dbt run every test, and lose the result of one of them."""
    from dagster_project.orchestration import pipeline

    build = pipeline.run_dbt

    def run_dbt(settings: Any, **options: Any) -> Any:
        result = build(settings, **options)
        lost = next(node for node in result.nodes if node.resource_type == "test")
        return replace(result, nodes=tuple(node for node in result.nodes if node is not lost))

    pipeline.run_dbt = run_dbt


def crash_a_suite() -> None:
    """Give the run a suite of which an expectation can't be evaluated."""
    from dagster_project.orchestration import pipeline

    read = pipeline.read_suites
    folder = Path(tempfile.mkdtemp(prefix="suites-"))
    (folder / "compliance.yml").write_text(BROKEN_SUITE)
    pipeline.read_suites = lambda _: read(folder)


def shift_clock(seconds: int) -> None:
    """Let the clock that names releases be wrong by so many seconds."""
    from datetime import datetime, timedelta

    from dagster_project.release import identity

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(time.time(), tz) + timedelta(seconds=seconds)

    identity.datetime = Shifted  # type: ignore[misc]


def main(fault: str, arguments: list[str]) -> int:
    """Put the fault in place, then do what `iqa` does."""
    from dagster_project.cli import call

    keep_few_models()
    kind, _, rest = fault.partition(":")
    if kind == "kill":
        kill_at(*rest.split(":"))
    elif kind == "lost-test":
        lose_a_test()
    elif kind == "crashed-suite":
        crash_a_suite()
    elif kind == "clock":
        shift_clock(int(rest))
    elif kind != "none":
        raise ValueError(f"unknown fault {fault!r}")
    return call(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
