"""What the commands share: options, settings, the four-part error, output as text or JSON.

Here: only what two commands need. The one trap: with `--format json` standard output holds one JSON document
and nothing else, also when the command fails; everything a person follows goes to standard error.
"""

import errno
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from dagster_project.errors import IqaError, four_parts, parts_text
from dagster_project.settings import Settings

# Less free room than this stops a database in its tracks.
_DISK_FULL_BELOW = 1 << 20
DONE, DATA_FAILED, COULD_NOT_RUN = 0, 1, 2

_Command = TypeVar("_Command", bound=Callable[..., Any])
_format = "text"


class Day(click.DateTime):
    """A day as YYYY-MM-DD."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day, or a message in the words of a person: click's shows the codes of `strptime`."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a day as YYYY-MM-DD.", param, ctx)


def raw_option(function: _Command) -> _Command:
    """`--raw DIR`."""
    return click.option(
        "--raw",
        "raw_dir",
        type=click.Path(path_type=Path),
        help="Folder of the extracts [IQA_RAW_DIR; data/raw].",
    )(function)


def marts_option(function: _Command) -> _Command:
    """`--marts DIR`."""
    return click.option(
        "--marts",
        "marts_dir",
        type=click.Path(path_type=Path),
        help="Folder of the releases [IQA_MARTS_DIR; data/marts].",
    )(function)


def warehouse_option(function: _Command) -> _Command:
    """`--warehouse FILE`."""
    return click.option(
        "--warehouse",
        type=click.Path(path_type=Path),
        help="DuckDB work file [IQA_WAREHOUSE; warehouse/iqa.duckdb].",
    )(function)


def as_of_option(function: _Command) -> _Command:
    """`--as-of DATE`."""
    return click.option(
        "--as-of",
        type=Day(),
        metavar="YYYY-MM-DD",
        help="Reporting date; later extracts are left out [IQA_AS_OF; the newest extract's date].",
    )(function)


def reread_option(function: _Command) -> _Command:
    """`--reread FILE`."""
    return click.option(
        "--reread",
        multiple=True,
        metavar="FILE",
        help="Read this extract again although its bytes are known; may be given more than once.",
    )(function)


def format_option(function: _Command) -> _Command:
    """`--format text|json`; the choice holds for errors too."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        callback=choose_format,
        is_eager=True,
        help="How results are printed.",
    )(function)


def choose_format(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Remember the format, so that an error is printed in it too."""
    global _format
    _format = value
    return value


def expect_format(arguments: Sequence[str]) -> None:
    """Take the format from the command line itself, for errors that come before any option is read."""
    global _format
    is_json = "--format=json" in arguments or ("--format", "json") in itertools.pairwise(arguments)
    _format = "json" if is_json else "text"


def misused(error: click.ClickException) -> IqaError:
    """A command line that click can't read, in four parts."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    place = context.command_path if context else "iqa"
    usage = " ".join(context.get_usage().split()).removeprefix("Usage: ") if context else "iqa COMMAND"
    return IqaError(
        " ".join(error.format_message().split()),
        where=f"the command line of `{place}`",
        expected=usage,
        next_step=f"`{place} --help` says what there is. Nothing was done.",
    )


def settings_from(*, as_of: datetime | date | None = None, **overrides: Any) -> Settings:
    """Settings from the environment and the options of a command.

    Raises IqaError when the environment holds something that cannot be read.
    """
    day = as_of.date() if isinstance(as_of, datetime) else as_of
    return Settings.from_environment(as_of=day, **overrides)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_error(error: BaseException) -> None:
    """An error in four parts, on standard error; in JSON mode as a document on standard output too."""
    parts = four_parts(error)
    if _format == "json":
        print_json({"exit_code": COULD_NOT_RUN, "error": parts})
    click.echo(error_text(parts), err=True)


def refuse_full_disk(error: BaseException, settings: Settings) -> None:
    """Raise IqaError if `error` comes of a full disk; not every library says so in its message."""
    if isinstance(error, IqaError):
        return
    is_said = os.strerror(errno.ENOSPC).lower() in str(error).lower()
    for folder in (settings.warehouse.parent, settings.marts_dir):
        is_full = folder.is_dir() and shutil.disk_usage(folder).free < _DISK_FULL_BELOW
        if is_full or is_said:
            raise IqaError(
                f"The disk is full: {' '.join(str(error).split())[:300]}",
                where=str(folder) if is_full else "the work file, its landing area or the releases",
                expected="room for the work file, copies of the extracts and the next release",
                next_step="Free disk space, or name a work file on another disk with --warehouse, then run "
                "again. The last release stays in place.",
            ) from error


def error_text(parts: Mapping[str, str]) -> str:
    """The four parts for a terminal."""
    text = f"Error: {parts_text(parts)}"
    return "\n".join(map(printable, text.split("\n")))


def printable(line: str) -> str:
    """A line with what could move the cursor, hide or reverse text written out, as `\\x1b`.

    Names of files and headers come from outside, and a terminal obeys what is in them.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line
    )


def progress_stream(output_format: str) -> Any:
    """Where the lines that a person follows go."""
    return sys.stderr if output_format == "json" else sys.stdout
