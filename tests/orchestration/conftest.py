"""The small flow: run once for tests that look, made afresh for a test that breaks it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.orchestration.runner import RunOutcome
from dagster_project.orchestration.steps import StepReport
from tests.support.small_flow import SmallFlow, make_small_flow


@dataclass(frozen=True)
class Ran:
    """A flow that was run, how it ended and what it reported."""

    flow: SmallFlow
    outcome: RunOutcome
    reports: list[StepReport]


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    flow = make_small_flow(tmp_path_factory.mktemp("flow"))
    reports: list[StepReport] = []
    outcome = flow.run(on_step=reports.append)
    assert outcome.exit_code == 0, outcome.error
    return Ran(flow, outcome, reports)


@pytest.fixture
def flow(tmp_path: Path) -> SmallFlow:
    """Never run, nothing released."""
    return make_small_flow(tmp_path)


@pytest.fixture
def released(flow: SmallFlow, ran: Ran) -> SmallFlow:
    """Not run here, with the release of an earlier run in place."""
    shutil.copytree(ran.flow.settings.marts_dir, flow.settings.marts_dir, symlinks=True)
    return flow
