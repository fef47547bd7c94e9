"""Reading a report: a page's elements, a workbook's cells; with nothing of the package under test."""

import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass
class Page:
    """A page: its links, ids, tables by caption (header first), headline cards by key, images of charts."""

    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    chart_titles: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._text: list[str] = []
        self._row: list[str] | None = None
        self._table: list[list[str]] = []
        self._caption = ""
        self._card: str | None = None
        self._is_figure = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.page.tags.append(tag)
        if values.get("id"):
            self.page.ids.append(values["id"] or "")
        if tag == "a":
            self.page.links.append(values.get("href") or "")
        for name in ("src", "srcset", "action", "data", "poster"):
            if values.get(name):
                self.page.sources.append(values[name] or "")
        if tag == "link":
            self.page.sources.append(values.get("href") or "")
        if "data-key" in values:
            self._card = values["data-key"]
        self._is_figure = (tag == "p" and (values.get("class") or "").startswith("figure")) or (
            tag == "span" and self._is_figure
        )
        if tag == "p":
            self._text = []
        if tag in ("caption", "th", "td", "title"):
            self._text = []
        if tag == "table":
            self._table = []
        if tag == "tr":
            self._row = []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        words = " ".join("".join(self._text).split())
        if tag == "caption":
            self._caption = words
        elif tag in ("th", "td") and self._row is not None:
            self._row.append(words)
        elif tag == "tr" and self._row is not None:
            self._table.append(self._row)
        elif tag == "table":
            self.page.tables[self._caption] = self._table
        elif tag == "title":
            self.page.chart_titles.append(words)
        elif tag == "p" and self._card and self._is_figure:
            self.page.cards[self._card] = words
            self._is_figure = False
        elif tag == "li":
            self._card = None
        if tag in ("p", "h3", "dd", "dt"):
            self._text = []


def read_page(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


@dataclass
class Book:
    """A workbook: the cells of each sheet by place, and the raw XML of each."""

    sheets: dict[str, dict[tuple[int, int], str | float]]
    xml: dict[str, str]
    parts: list[str]


def read_book(path: Path) -> Book:
    """Every cell of every sheet: texts as str, numbers as float."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.namelist()
        shared = [
            "".join(node.text or "" for node in item.iter(f"{_MAIN}t"))
            for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        targets = {
            relation.get("Id"): relation.get("Target")
            for relation in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        }
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        sheets: dict[str, dict[tuple[int, int], str | float]] = {}
        xml: dict[str, str] = {}
        for sheet in book.iter(f"{_MAIN}sheet"):
            name = sheet.get("name") or ""
            text = archive.read(f"xl/{targets[sheet.get(_LINK)]}").decode()
            xml[name] = text
            cells: dict[tuple[int, int], str | float] = {}
            for cell in ElementTree.fromstring(text).iter(f"{_MAIN}c"):
                value = cell.find(f"{_MAIN}v")
                if value is None or value.text is None:
                    continue
                place = _place(cell.get("r") or "")
                cells[place] = shared[int(value.text)] if cell.get("t") == "s" else float(value.text)
            sheets[name] = cells
    return Book(sheets, xml, parts)


def table_of(cells: dict[tuple[int, int], str | float], heading: str) -> list[dict[str, str | float]]:
    """The rows of a sheet's one table, whose first heading is `heading`, by heading."""
    top = next(row for (row, column), value in sorted(cells.items()) if column == 0 and value == heading)
    headings = {column: value for (row, column), value in cells.items() if row == top}
    last = max(row for row, _ in cells)
    return [
        {str(name): cells[row, column] for column, name in headings.items() if (row, column) in cells}
        for row in range(top + 1, last + 1)
    ]


def _place(reference: str) -> tuple[int, int]:
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(reference[len(letters) :]) - 1, column - 1
