"""A made release with its report, once for all tests of this folder; and a browser, where one is."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagster_project.report.building import build_report
from tests.report.made_release import made_tables, write_release

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
LEFT_OUT = "WITHOUT_BROWSER_TESTS"


@dataclass(frozen=True)
class Made:
    """A release and the folder of its report."""

    release: Path
    report: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    release = write_release(folder / "release", made_tables())
    build_report(release, folder / "report")
    return Made(release, folder / "report")


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium without a window. Without Chromium the tests fail, unless they are left out by name."""
    if os.environ.get(LEFT_OUT) == "1":
        pytest.skip(f"left out by {LEFT_OUT}=1: nobody has looked at the pages in a browser")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(
            "There is no Chromium to look at the pages with.\n"
            f"  where:     the PATH (looked for {', '.join(CHROMIUM)})\n"
            "  expected:  Chromium, in which the board pack is tested as its readers see it\n"
            "  what next: install it (Debian: apt-get install chromium), or leave these tests out with"
            f" {LEFT_OUT}=1",
            pytrace=False,
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()
