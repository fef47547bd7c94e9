"""How large a delivered file may be before it is refused: settings, each with its environment variable.

Belongs here: the numbers, where they are set, and the sentence a refusal says. Does not: measuring a file
(`landing`). The trap: a small file can hold a large one (gzip, XLSX, Parquet), so what is measured is what
comes out, and measuring stops at the limit instead of at the end.
"""

import os
from dataclasses import dataclass, fields

from dagster_project.extracts.errors import ExtractError, Refusal

_PREFIX = "IQA_LIMIT_"


@dataclass(frozen=True)
class Limits:
    """Sizes above which a file is refused; generous next to ten years of national data in one file.

    Each is set by IQA_LIMIT_ and its name in capitals. `compression_ratio` counts only beyond 256 MB of text;
    `line_characters` is about one line of text, whatever its columns; `workbook_cells` is about the rectangle
    that the cells of a sheet span, since reading takes memory for all of it.
    """

    file_bytes: int = 20 * 1024**3
    text_bytes: int = 60 * 1024**3
    compression_ratio: int = 200
    line_characters: int = 16_000_000
    value_characters: int = 1_000_000
    columns: int = 500
    rows: int = 200_000_000
    workbook_bytes: int = 1024**3
    workbook_cells: int = 30_000_000

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, but for what the environment sets.

        Raises ExtractError if a variable holds something other than a whole number above zero.
        """
        found = {}
        for field in fields(cls):
            text = os.environ.get(variable(field.name))
            if text:
                if not text.isascii() or not text.isdigit() or int(text) == 0:
                    raise ExtractError(
                        f"{variable(field.name)} is {text!r}: expected a whole number above zero. "
                        "Unset it or correct it."
                    )
                found[field.name] = int(text)
        return cls(**found)

    def check(self, name: str, size: int, unit: str) -> None:
        """Refuse a file of which `size`, counted in `unit`, is over the limit `name`."""
        limit = getattr(self, name)
        if size > limit:
            raise Refusal(
                "over_size_limit",
                f"it has {size:,} {unit}, over the limit of {limit:,} ({variable(name)}). "
                "Split it into parts (_1, _2, ...), or raise the limit.",
            )

    def long_value(self) -> Refusal:
        """The refusal of a file that holds too long a value; its length is not known, as reading stopped."""
        return Refusal(
            "over_size_limit",
            f"a value is longer than {self.value_characters:,} characters ({variable('value_characters')}). "
            "Shorten or remove it.",
        )

    def long_line(self) -> Refusal:
        """The refusal of a file with too long a line."""
        return Refusal(
            "over_size_limit",
            f"a line is longer than {self.line_characters:,} characters ({variable('line_characters')}). "
            "Export it again with a line for each row.",
        )


def variable(name: str) -> str:
    """The environment variable of a limit: `columns` -> IQA_LIMIT_COLUMNS."""
    return _PREFIX + name.upper()
