"""What a page is made of: headline figures, sections, charts with their sentence and table.

Here: the shapes that sections fill and templates print. Not here: words or numbers. The one trap: a chart
without its sentence, its text alternative and its table can't be made, because all three are fields without a
default.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table. The first column heads its rows; `numeric` names the columns set to the right, by place."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Chart:
    """A chart as SVG, the sentence that says what it shows, and the table of what it is drawn from."""

    chart_id: str
    heading: str
    finding: str
    drawing: str
    key: str
    table: Table


@dataclass(frozen=True)
class Passage:
    """A heading, what it says, and a table where there is one; it stands where a chart would say no more."""

    passage_id: str
    heading: str
    sentences: Sequence[str]
    table: Table | None = None
    is_folded: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a page, with a line on how to read it."""

    section_id: str
    title: str
    introduction: str
    blocks: Sequence[Chart | Passage] = field(default_factory=tuple)


@dataclass(frozen=True)
class Headline:
    """One figure at the head of a page. `count` names what was counted, as `647 of 710 prosecutors`."""

    key: str
    name: str
    period: str
    value: str
    interval: str
    count: str
    status: str
    marks: str
    change: str
    meaning: str


def numbers_from(first: int, columns: int) -> frozenset[int]:
    """The columns from `first` on, for `Table.numeric`."""
    return frozenset(range(first, columns))
