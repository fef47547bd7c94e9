"""Pages about using the product: every command with its options, every setting, every check.

Belongs here: what click, the settings and the plan of checks say, as Markdown. Does not: how to do a task
(`docs/how-to/`). The one trap: `cli` imports a command only when it is asked for, so listing them all imports
everything that a command module imports at its top.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from dagster_project.documentation.markdown import cell, markdown_table
from dagster_project.extracts.limits import Limits, variable
from dagster_project.gate.checks import Check
from dagster_project.settings import PROJECT_ROOT, Settings

# What each field of Settings is for; its variable is IQA_ and the field's name in capitals.
SETTINGS = {
    "raw_dir": "Folder of the extracts.",
    "marts_dir": "Folder of the releases and of the records of sign-offs.",
    "warehouse": "DuckDB work file. No reader opens it; its folder holds copies of the extracts and caches.",
    "as_of": "Reporting date. Extracts of later dates are left out. Empty: the date of the newest extract.",
    "pseudonym_key_file": "File with the key of the staff pseudonyms. Empty: the public demonstration key.",
    "threads": "Threads that DuckDB and dbt use.",
    "memory_limit": "Memory that DuckDB may use before it spills to disk, in its own notation.",
    "spill": "Folder where it spills. Empty: `spill` beside the work file.",
}
LIMITS = {
    "file_bytes": "Size of a file.",
    "text_bytes": "Size of its text once unpacked.",
    "compression_ratio": "Unpacked size over packed size, from 256 MB of text on.",
    "line_characters": "Length of a line.",
    "value_characters": "Length of a value.",
    "columns": "Columns.",
    "rows": "Rows.",
    "workbook_bytes": "Size of a workbook once unpacked.",
    "workbook_cells": "Cells of the rectangle that a sheet spans.",
}
OTHER = {
    "IQA_ALERT_EMAIL_FROM": "Sender of alerts. Empty: the first recipient.",
    "IQA_ALERT_EMAIL_TO": "Who gets alerts by e-mail, with commas between addresses. Empty: no e-mail.",
    "IQA_ALERT_ON": "What is told: `problem` (as if empty), or `all` for runs that succeed too.",
    "IQA_ALERT_SMTP_HOST": "Mail server.",
    "IQA_ALERT_SMTP_PASSWORD_FILE": "File with the password of the mail server.",
    "IQA_ALERT_SMTP_PORT": "Port of the mail server. Empty: the usual one for its security.",
    "IQA_ALERT_SMTP_SECURITY": "`starttls` (as if empty), `tls` or `none`.",
    "IQA_ALERT_SMTP_USER": "User of the mail server.",
    "IQA_ALERT_TIMEOUT_SECONDS": "How long a step of sending may take.",
    "IQA_ALERT_WEBHOOK_URL": "Address that alerts are posted to. Empty: no webhook.",
    "IQA_CACHE_DIR": "Where the parsed dbt project is kept. Empty: `cache` beside the work file.",
    "IQA_DEBUG": "1 prints the stack trace of an error.",
    "IQA_SPILL_DIR": "Set by a run for dbt: where DuckDB spills.",
}
_VARIABLE = re.compile(r"\bIQA_[A-Z]+(?:_[A-Z]+)*\b(?!_)")


def command_page(group: click.Group) -> str:
    """Every command of the command line, with its arguments and options."""
    context = click.Context(group, info_name=group.name)
    parts = [
        "# Commands\n",
        "Exit codes, of every command: 0 done, 1 the data failed a check, 2 could not check or could not "
        "run.\n",
    ]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            parts += _command(command, f"{group.name} {name}", context, 2)
    return "\n".join(parts)


def _command(command: click.Command, name: str, parent: click.Context, depth: int) -> list[str]:
    context = click.Context(command, info_name=name.rsplit(" ", 1)[-1], parent=parent)
    # An indented line would be taken for code.
    paragraphs = "\n".join(line.strip() for line in (command.help or "").replace("\b", "").splitlines())
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"{'#' * depth} `{name}`\n", f"{paragraphs}\n", f"```text\n{usage}\n```\n"]
    rows = [row for parameter in command.params if (row := _parameter(parameter, context))]
    if rows:
        parts.append(markdown_table(["Option", "What it does"], rows))
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                parts += _command(found, f"{name} {child}", context, depth + 1)
    return parts


def _parameter(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record = parameter.get_help_record(context)
    if record is None:
        return None
    return f"`{record[0].replace('|', ', ')}`", _without_markup(record[1])


def _without_markup(text: str) -> str:
    """Brackets of click's own notes, as `[default: x]`, are no links."""
    return text.replace("[", "\\[")


def settings_page(package: Path = PROJECT_ROOT / "dagster_project") -> str:
    """Every environment variable that the project reads, with its default."""
    settings = [
        (f"`IQA_{field.name.upper()}`", SETTINGS.get(field.name, ""), _default(field.default))
        for field in dataclasses.fields(Settings)
    ]
    limits = [
        (f"`{variable(field.name)}`", LIMITS.get(field.name, ""), f"{field.default:,}")
        for field in dataclasses.fields(Limits)
    ]
    listed = {row[0].strip("`") for row in (*settings, *limits)}
    read = _variables_read(package)
    others = [
        (f"`{name}`", OTHER.get(name, ""), f"`{read[name][0]}`" if name in read else "")
        for name in sorted({*read, *OTHER} - listed)
    ]
    return "\n".join(
        [
            "# Settings\n",
            "Paths and machine limits come from the environment, and options of a command go before it. "
            "Thresholds, dates and rates are no settings: they are [policies](policies.md).\n",
            markdown_table(["Variable", "Meaning", "Default"], settings),
            "## Limits of an extract\n",
            "A file over a limit is refused by name, and the others load.\n",
            markdown_table(["Variable", "What it limits", "Default"], limits),
            "## Others\n",
            markdown_table(["Variable", "Meaning", "Read in"], others),
        ]
    )


def _default(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Path):
        return f"`{value.relative_to(PROJECT_ROOT).as_posix()}`"
    return f"`{value}`"


def _variables_read(package: Path) -> dict[str, list[str]]:
    """Variable -> files of the package that name it, this one left out."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        if path == Path(__file__):
            continue
        for name in sorted(set(_VARIABLE.findall(path.read_text(encoding="utf-8")))):
            if name != "IQA_LIMIT":
                found.setdefault(name, []).append(path.relative_to(package.parent).as_posix())
    return found


def check_pages(checks: Iterable[Check]) -> dict[str, str]:
    """A page per table with the checks that stand between it and a release, and an index."""
    by_subject: dict[str, list[Check]] = {}
    for check in checks:
        by_subject.setdefault(check.subject, []).append(check)
    index = [
        (f"[{cell(subject)}]({_file(subject)})", len(found), _count(found, "error"), _count(found, "warn"))
        for subject, found in sorted(by_subject.items())
    ]
    pages = {
        "checks/index.md": "# Checks before a release\n\n"
        "Every check is planned before a run and has to end with a verdict. A failed check of severity "
        "`error` keeps the release back; one that crashed or did not run does too. The verdicts of a release "
        "are in its `manifest.json`.\n\n"
        + markdown_table(["About", "Checks", "Severity error", "Severity warn"], index)
    }
    for subject, found in sorted(by_subject.items()):
        rows = [
            (f"`{check.id}`", check.kind.value, check.severity.value, check.owner, check.reason)
            for check in found
        ]
        pages[f"checks/{_file(subject)}"] = f"# Checks: {cell(subject)}\n\n" + markdown_table(
            ["Check", "Kind", "Severity", "Owner", "Why"], rows
        )
    return pages


def _count(checks: Sequence[Check], severity: str) -> int:
    return sum(check.severity.value == severity for check in checks)


def _file(subject: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", subject.lower()).strip("-") + ".md"
