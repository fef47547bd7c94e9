"""The documentation site: it builds without a warning, needs no network, and leaves no page out.

Belongs here: the site as a visitor gets it. Does not: what stands in generated pages. The one trap: MkDocs
checks links between pages; links out of a page to a script, style or font are checked here.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Loads(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        # A canonical address is a name; nothing is loaded from it.
        if values.get("rel") == "canonical":
            return
        for name, value in values.items():
            if (tag, name) in LOADED and value:
                self.loads.append(value)
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "html"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


def parsed(page: Path) -> Loads:
    parser = Loads()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    away = {
        (page.relative_to(site).as_posix(), address)
        for page in site.rglob("*.html")
        if page.parent.name != "dbt"
        for address in parsed(page).loads
        if re.match(r"(https?:)?//", address)
    }
    assert away == set()
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_the_pages_of_dbt_are_one_file_without_network_or_traces_of_this_machine(site: Path) -> None:
    text = (site / "dbt" / "index.html").read_text(encoding="utf-8")
    head = text[: text.index("<body")]
    assert not re.search(r"<(script|link)[^>]+(src|href)=[\"']?https?://", head)
    assert "model.iqa.compliance" in text
    assert '"compiled_code": "' in text
    assert str(PROJECT_ROOT) not in text


def test_great_expectations_words_every_suite(site: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (site / "reference/data-docs").iterdir()}
    suites = {path.stem for path in (PROJECT_ROOT / "expectations" / "marts").glob("*.yml")}
    assert set(pages) == suites | {"index"}
    assert "coverage_rate" in pages["compliance"] and "must belong to this set" in pages["compliance"]


def test_every_link_and_file_of_a_page_is_there(site: Path) -> None:
    lost = set()
    for page in site.rglob("*.html"):
        if page.parent.name == "dbt" or page.name == "404.html":
            continue
        found = parsed(page)
        for address in (*found.loads, *found.links):
            target = address.partition("#")[0].partition("?")[0]
            if target and not re.match(r"[a-z]+:|//", target) and not (page.parent / target).exists():
                lost.add((page.relative_to(site).as_posix(), address))
    assert lost == set()


def test_every_written_page_is_in_the_menu(site: Path) -> None:
    menu = {(site / link.partition("#")[0]).resolve() for link in parsed(site / "index.html").links}
    for page in DOCS.rglob("*.md"):
        built = (site / page.relative_to(DOCS)).with_suffix(".html").resolve()
        assert built.exists()
        assert built in menu, page


def test_no_page_names_a_place_on_this_machine(site: Path) -> None:
    for page in [*site.rglob("*.html"), *site.rglob("*.json")]:
        assert str(PROJECT_ROOT) not in page.read_text(encoding="utf-8"), page


def test_every_file_that_a_written_page_cites_exists() -> None:
    cited = re.compile(r"`((?:tests|dbt|dagster_project|expectations|docs|\.ci)/[\w./-]+?)(?:::\w+)?`")
    for page in DOCS.rglob("*.md"):
        for path in cited.findall(page.read_text(encoding="utf-8")):
            if "<" not in path:
                assert (PROJECT_ROOT / path).exists(), f"{page.name} cites {path}"


def test_every_command_that_a_written_page_shows_exists() -> None:
    from dagster_project.cli import COMMANDS

    shown = re.compile(r"^\s*(?:\$ )?iqa ([a-z]+)", re.MULTILINE)
    for page in DOCS.rglob("*.md"):
        for command in shown.findall(page.read_text(encoding="utf-8")):
            assert command in COMMANDS, f"{page.name}: iqa {command}"
