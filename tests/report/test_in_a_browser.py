"""The pages as their readers meet them: in a real Chromium, by eye, by keyboard, by screen reader, on paper.

axe-core looks for what WCAG 2.2 AA asks and a machine can see; the rest are things people do with the pages.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.conftest import Made

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("index", "north-east")
# A4 less the margins of the style sheet, in CSS pixels.
PAPER_WIDTH = round((210 - 2 * 12) / 25.4 * 96)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Elements that reach over the right edge of the window, but for those inside a region that scrolls by itself.
TOO_WIDE = """
() => [...document.querySelectorAll('body *')]
    .filter(element => !element.parentElement.closest('.scroll, svg, .skip') && !element.matches('.skip'))
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(element => element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 60))
"""


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, browser: "Browser", made: Made) -> "Iterator[Page]":
    with browser.new_context(viewport={"width": 1280, "height": 900}, offline=True) as context:
        opened = context.new_page()
        opened.goto((made.report / f"{request.param}.html").as_uri())
        yield opened


def test_axe_finds_nothing_wrong(page: "Page") -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response
    problems = [
        f"{problem['id']} ({problem['impact']}): {problem['nodes'][0]['html'][:200]}"
        for problem in found["violations"]
    ]
    assert problems == []
    assert len(found["passes"]) > 20


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong(browser: "Browser", made: Made) -> None:
    asked: list[str] = []
    said: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((made.report / "index.html").as_uri())
        page.get_by_role("link", name="North East").click()
        page.wait_for_load_state()
        assert page.get_by_role("heading", level=1).inner_text() == "North East"
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    assert said == []


def test_everything_can_be_read_without_javascript(browser: "Browser", made: Made) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((made.report / "index.html").as_uri())
        assert page.locator("[data-key=coverage] .figure").inner_text().startswith("91.9%")
        table = page.get_by_role("table", name="Prosecutors covered by a casework assessment, by quarter")
        assert table.count() == 0 or not table.is_visible()
        page.locator("summary").first.click()
        assert table.is_visible()
        assert "147" in table.inner_text()


@pytest.mark.parametrize("width", [640, 320], ids=["at_200_percent_of_1280", "on_a_phone_or_at_400_percent"])
def test_a_narrow_window_never_scrolls_sideways(page: "Page", width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(TOO_WIDE) == []


def test_text_of_double_size_is_not_cut_off(page: "Page") -> None:
    page.add_style_tag(content="html { font-size: 200% }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    cut = page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, p, li, dd, dt, td, th')]"
        ".filter(element => element.scrollHeight > element.clientHeight + 4"
        " && getComputedStyle(element).overflow !== 'visible').length"
    )
    assert cut == 0


def test_the_keyboard_reaches_content_charts_and_tables(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert page.locator(".skip").is_visible()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    assert page.evaluate(
        "() => [...document.querySelectorAll('.scroll')]"
        ".every(region => region.tabIndex === 0 && region.getAttribute('aria-label'))"
    )


def test_headings_do_not_skip_a_level(page: "Page") -> None:
    levels: list[int] = page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, h4')].map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_links_to_sections_land_on_them(page: "Page") -> None:
    for link in page.locator("nav.contents a").all():
        link.click()
        target = (link.get_attribute("href") or "")[1:]
        assert page.evaluate("location.hash") == f"#{target}"
        assert page.locator(f"#{target}").is_visible()


def test_a_printed_page_holds_all_tables_and_cuts_none_off(page: "Page", tmp_path: Path) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER_WIDTH, "height": 1000})
    tables: list[dict[str, Any]] = page.evaluate(
        "() => [...document.querySelectorAll('table')].map(table => ({"
        "name: table.caption.textContent,"
        "right: table.getBoundingClientRect().right, height: table.getBoundingClientRect().height}))"
    )
    assert len(tables) >= 8
    for table in tables:
        assert table["height"] > 20, f"{table['name']} is not printed"
        assert table["right"] <= PAPER_WIDTH + 1, f"{table['name']} is cut off"
    assert page.evaluate(
        "() => [...document.querySelectorAll('svg.chart')]"
        f".every(chart => chart.getBoundingClientRect().right <= {PAPER_WIDTH})"
    )
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 30


def test_colour_is_never_the_only_mark_of_a_month_out_of_the_ordinary(page: "Page") -> None:
    shapes = page.evaluate(
        "() => Object.fromEntries(['usual', 'better', 'worse', 'other'].map(kind => ["
        "kind, [...document.querySelectorAll('#control-met-rate svg .' + kind)]"
        ".map(mark => mark.tagName + (mark.getAttribute('points') || '').split(' ').length)]))"
    )
    kinds = {kind: set(found) for kind, found in shapes.items()}
    assert all(len(found) == 1 for found in kinds.values()), kinds
    assert len({next(iter(found)) for found in kinds.values()}) == 4


def test_no_red_amber_or_green_is_drawn(page: "Page") -> None:
    colours: list[str] = page.evaluate(
        "() => [...new Set([...document.querySelectorAll('body, body *')].flatMap(element => {"
        "const style = getComputedStyle(element);"
        "return [style.color, style.backgroundColor, style.fill, style.stroke, style.borderTopColor] }))]"
    )
    for colour in colours:
        found = re.match(r"rgba?\((\d+), (\d+), (\d+)", colour)
        if found is None:
            continue
        red, green, blue = map(int, found.groups())
        assert not (green > red + 40 and green > blue + 40), f"{colour} is green"
        assert not (red > 150 and green < 50 and blue < 50), f"{colour} is red"


def test_texts_in_charts_stay_inside_the_drawing(page: "Page") -> None:
    outside = page.evaluate(
        "() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {"
        "const box = chart.getBoundingClientRect();"
        "return [...chart.querySelectorAll('text')].filter(text => {"
        "const place = text.getBoundingClientRect();"
        "return place.left < box.left - 1 || place.right > box.right + 1 || place.top < box.top - 1"
        " || place.bottom > box.bottom + 1 }).map(text => text.textContent) })"
    )
    assert outside == []
