"""`iqa ui` as an analyst meets it: started, looked at in a browser, made to run, and stopped.

Here: a real interface on this machine over a small set of made-up extracts. The one trap: a run takes a
minute, so one interface serves all tests, in the order of the file.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from dagster_project import cli

pytestmark = pytest.mark.slow
_RUN_SECONDS_MAX = 400
_START_SECONDS_MAX = 300
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass
class Interface:
    """A running interface."""

    process: "subprocess.Popen[str]"
    address: str
    folder: Path

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.address}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
        return found

    def wait_for(self, run_id: str) -> str:
        until = time.monotonic() + _RUN_SECONDS_MAX
        while time.monotonic() < until:
            found = self.ask(
                "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id
            )
            if (status := found["runOrError"]["status"]) in _ENDED:
                return str(status)
            time.sleep(1)
        raise AssertionError(f"the run {run_id} did not end within {_RUN_SECONDS_MAX} seconds")


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    folder = tmp_path_factory.mktemp("interface")
    assert cli.call(["synth", "--out", str(folder / "raw"), "--years", "1", "--scale", "0.02"]) == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster_project.cli", "ui", "--port", str(port)],
        env={
            **os.environ,
            "IQA_RAW_DIR": str(folder / "raw"),
            "IQA_MARTS_DIR": str(folder / "marts"),
            "IQA_WAREHOUSE": str(folder / "work" / "iqa.duckdb"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "starts" in process.stdout.readline()
        until = time.monotonic() + _START_SECONDS_MAX
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.5)
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        yield Interface(process, f"http://127.0.0.1:{port}", folder)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    browser = which("chromium") or which("chromium-browser")
    if browser is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had for root, which tests in a container run as.
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = chromium.new_page(viewport={"width": 1500, "height": 1000})
        shown.set_default_timeout(60_000)
        yield shown
        chromium.close()


def test_the_graph_shows_the_stages_and_asks_for_nothing(interface: Interface, page: Any) -> None:
    page.goto(f"{interface.address}/asset-groups")
    for stage in ("extracts", "staging", "intermediate", "marts", "gate", "release"):
        page.get_by_text(stage, exact=True).first.wait_for()
    assert page.get_by_text("newsletter").count() == 0


def test_a_run_from_the_launchpad_succeeds_and_its_figures_are_shown(interface: Interface, page: Any) -> None:
    page.goto(f"{interface.address}/locations/iqa/jobs/iqa_run/playground")
    page.get_by_text("reread").first.wait_for()
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    run_id = re.search(r"/runs/([0-9a-f-]{36})", page.url)
    assert run_id is not None
    assert interface.wait_for(run_id.group(1)) == "SUCCESS"
    assert (interface.folder / "marts" / "current" / "manifest.json").exists()

    page.goto(f"{interface.address}/assets/release")
    page.get_by_text("headlines", exact=True).first.wait_for()
    page.get_by_text("Compliance, England and Wales").first.wait_for()
    page.get_by_text("performance-analysis").first.wait_for()
    page.goto(f"{interface.address}/assets/raw/iqa")
    page.get_by_text("rows_quarantined", exact=True).first.wait_for()
    page.get_by_text("newest_extract", exact=True).first.wait_for()
    page.goto(f"{interface.address}/assets/marts/leniency?view=checks")
    page.get_by_text("This is a blocking asset check").first.wait_for()


def test_a_run_that_fails_says_what_where_expected_and_what_next(interface: Interface, page: Any) -> None:
    launched = interface.ask(
        """
        mutation($parameters: ExecutionParams!) {
            launchRun(executionParams: $parameters) { ... on LaunchRunSuccess { run { runId } } }
        }
        """,
        parameters={
            "selector": {
                "jobName": "iqa_run",
                "repositoryName": "__repository__",
                "repositoryLocationName": "iqa",
            },
            "runConfigData": {"ops": {"extracts": {"config": {"reread": ["iqa/no_such_file.csv"]}}}},
        },
    )
    run_id = launched["launchRun"]["run"]["runId"]
    assert interface.wait_for(run_id) == "FAILURE"
    page.goto(f"{interface.address}/runs/{run_id}")
    page.get_by_text("There is no extract iqa/no_such_file.csv to read again").first.wait_for()
    page.get_by_text("what next").first.wait_for()
    page.get_by_text("Nothing was released").first.wait_for()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes as Linux shows them")
def test_a_signal_stops_the_interface_and_all_that_it_started(interface: Interface) -> None:
    mine = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(interface.folder) in _words(path)
    ]
    assert len(mine) > 2
    interface.process.send_signal(signal.SIGTERM)
    said = interface.process.communicate(timeout=30)[0]
    assert interface.process.returncode == 0
    assert said.endswith("Dagster has stopped.\n")
    assert [pid for pid in mine if _is_running(pid)] == []


def _words(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
