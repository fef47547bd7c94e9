"""Cells and tables of Markdown that no value can break.

Belongs here: escaping. Does not: any wording. The one trap: a cell must hold neither a line break nor a bare
`|`, and Markdown takes `<` for markup, so every value passes `cell`.
"""

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")


def cell(value: object) -> str:
    """A value that is safe in a cell of a Markdown table."""
    text = " ".join(str(value if value is not None else "").split()).replace("|", "\\|")
    # Code is shown as it stands; outside of it `<` would begin a tag.
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in _CODE.split(text))


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines) + "\n"
