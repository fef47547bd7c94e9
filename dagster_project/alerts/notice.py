"""What is told of a run, and how it looks as an e-mail and as a card.

Here: one message in its two forms. The one trap: a card is read as Markdown by the service that shows it, so
names that come from outside are written without what would make them links.
"""

import re
from dataclasses import dataclass, field
from typing import Any

_LINES_MAX = 20
_CHARACTERS_MAX = 500
_LINKS = re.compile(r"[\[\]<>]")


@dataclass(frozen=True)
class Notice:
    """A message: `kind` is released, refused, failed or test; `facts` are named values, `lines` the rest."""

    kind: str
    title: str
    facts: dict[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    @property
    def is_about_success(self) -> bool:
        """Whether nothing has to be done."""
        return self.kind == "released"

    def shown_lines(self) -> list[str]:
        """The lines, cut to what a message should hold."""
        lines = [_one_line(line) for line in self.lines[:_LINES_MAX]]
        more = len(self.lines) - len(lines)
        return [*lines, *([f"and {more} more"] if more > 0 else [])]

    def text(self) -> str:
        """The message as plain text."""
        facts = [f"{name}: {_one_line(value)}" for name, value in self.facts.items()]
        return "\n".join([_one_line(self.title), "", *facts, "", *self.shown_lines()]).rstrip() + "\n"

    def card(self) -> dict[str, Any]:
        """The message as Teams takes it: an adaptive card. `text` is for tools that show no cards."""
        body: list[dict[str, Any]] = [
            {
                "type": "TextBlock",
                "text": _plain(self.title),
                "weight": "bolder",
                "size": "medium",
                "wrap": True,
            },
            {
                "type": "FactSet",
                "facts": [{"title": name, "value": _plain(value)} for name, value in self.facts.items()],
            },
            *(
                {"type": "TextBlock", "text": _plain(line), "wrap": True, "spacing": "small"}
                for line in self.shown_lines()
            ),
        ]
        return {
            "type": "message",
            "text": self.text(),
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": None,
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": body,
                    },
                }
            ],
        }


def _one_line(text: str) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _CHARACTERS_MAX else f"{line[: _CHARACTERS_MAX - 1]}…"


def _plain(text: str) -> str:
    return _LINKS.sub(" ", _one_line(text))
