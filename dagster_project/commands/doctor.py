"""`iqa doctor`: what is wrong with the installation, the folders, the locks or the key.

Here: looking, and saying what to do about what was found. It changes nothing. The one trap: a finding is not
a crash, so every look is a function that returns findings and lets no error out.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    as_of_option,
    format_option,
    marts_option,
    print_json,
    raw_option,
    settings_from,
    warehouse_option,
)
from dagster_project.errors import four_parts
from dagster_project.settings import DBT_DIR, EXPECTATIONS_DIR, Settings

_PACKAGE = "iqa-warehouse"
_PYTHON_MIN = (3, 11)
# A full run needs the warehouse, a copy of its marts and room to spill; the sample needs a tenth of this.
_FREE_BYTES_MIN = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `status` is ok, note (works, worth knowing) or problem (has to be put right)."""

    subject: str
    status: str
    message: str


@click.command("doctor")
@raw_option
@marts_option
@warehouse_option
@as_of_option
@click.option("--send-alert", is_flag=True, help="Send a test message by every way that is set.")
@format_option
def command(
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    as_of: datetime | None,
    send_alert: bool,
    output_format: str,
) -> int:
    """Say what is wrong with the installation, folders, locks or key; exit 1 if anything is."""
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse, as_of=as_of)
    findings = diagnose(settings)
    if send_alert:
        findings += list(_test_alert())
    problems = sum(finding.status == "problem" for finding in findings)
    code = DATA_FAILED if problems else DONE
    if output_format == "json":
        print_json({"exit_code": code, "findings": [asdict(finding) for finding in findings]})
        return code
    for finding in findings:
        click.echo(f"{finding.status:<8} {finding.subject:<10} {finding.message}")
    click.echo(f"{problems} problem{'' if problems == 1 else 's'} found." if problems else "All is well.")
    return code


def diagnose(settings: Settings) -> list[Finding]:
    """Every finding, in the order a run would meet them."""
    looks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("project", _project),
        ("extracts", _extracts),
        ("folders", _folders),
        ("disk", _disk),
        ("locks", _locks),
        ("key", _key),
        ("releases", _releases),
        ("alerts", _alerts),
    ]
    found: list[Finding] = []
    for subject, look in looks:
        try:
            found.extend(look(settings))
        # Whatever a look trips over is what the person came to hear.
        except Exception as error:
            found.append(
                Finding(subject, "problem", f"could not be looked at: {type(error).__name__}: {error}")
            )
    return found


def _test_alert() -> Iterator[Finding]:
    from dagster_project.alerts import AlertSettings, Notice, send

    alerts = AlertSettings.from_environment()
    if not alerts.is_on:
        yield Finding("alerts", "problem", "nothing to send to: name an address (IQA_ALERT_*).")
        return
    notice = Notice("test", "IQA figures: a test message", lines=("Somebody tried out the alerts.",))
    for line in send(notice, alerts):
        yield Finding("alerts", "ok" if line.startswith("Alert sent") else "problem", line)


def _python(settings: Settings) -> Iterator[Finding]:
    running = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= _PYTHON_MIN:
        yield Finding("python", "ok", f"Python {running} at {sys.executable}")
    else:
        wanted = ".".join(str(part) for part in _PYTHON_MIN)
        yield Finding("python", "problem", f"Python {running}: install {wanted} or later, then `make run`.")


def _packages(settings: Settings) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wrong = []
    wanted = [Requirement(text) for text in metadata.requires(_PACKAGE) or []]
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, expected {requirement.specifier}")
    if wrong:
        yield Finding("packages", "problem", f"{'; '.join(wrong)}. Delete .venv and call `make run`.")
    else:
        yield Finding("packages", "ok", f"{len(wanted)} packages in the versions asked for")


def _project(settings: Settings) -> Iterator[Finding]:
    missing = [str(path) for path in (DBT_DIR, EXPECTATIONS_DIR) if not path.is_dir()]
    if missing:
        yield Finding(
            "project",
            "problem",
            f"{', '.join(missing)} missing: the package needs its repository. Install it with `make run`.",
        )
    else:
        yield Finding("project", "ok", f"models in {DBT_DIR}, demands on data in {EXPECTATIONS_DIR}")


def _extracts(settings: Settings) -> Iterator[Finding]:
    raw = settings.raw_dir
    if not raw.is_dir():
        yield Finding("extracts", "problem", f"{raw} does not exist: create it or name another with --raw.")
        return
    files = [path for path in raw.rglob("*") if path.is_file() and not path.name.startswith(".")]
    if not files:
        yield Finding(
            "extracts",
            "problem",
            f"{raw} holds no file: put extracts there, or `iqa synth --out DIR` and --raw DIR.",
        )
        return
    unreadable = [str(path.relative_to(raw)) for path in files if not os.access(path, os.R_OK)]
    if unreadable:
        yield Finding("extracts", "problem", f"not readable for this user: {', '.join(unreadable[:5])}")
    known = {path.stem for path in (EXPECTATIONS_DIR / "extracts").glob("*.yml")}
    strangers = sorted(entry.name for entry in raw.iterdir() if entry.is_dir() and entry.name not in known)
    if strangers:
        yield Finding("extracts", "note", f"folders that are no dataset: {', '.join(strangers)}")
    yield Finding("extracts", "ok", f"{len(files)} files in {raw}")


def _folders(settings: Settings) -> Iterator[Finding]:
    for name, folder in (("--marts", settings.marts_dir), ("--warehouse", settings.warehouse.parent)):
        standing = _nearest(folder)
        if not standing.is_dir():
            yield Finding("folders", "problem", f"{standing} is no folder: name another with {name}.")
        elif not os.access(standing, os.W_OK | os.X_OK):
            yield Finding(
                "folders",
                "problem",
                f"{standing} is not writable for this user: correct its permissions or use {name}.",
            )
        else:
            yield Finding(
                "folders", "ok", f"{folder} is writable" + ("" if standing == folder else " (not made yet)")
            )


def _disk(settings: Settings) -> Iterator[Finding]:
    for folder in sorted({_nearest(settings.marts_dir), _nearest(settings.warehouse.parent)}):
        free = shutil.disk_usage(folder).free
        size = f"{free / 1024**3:.1f} GB free for {folder}"
        if free < _FREE_BYTES_MIN:
            yield Finding(
                "disk", "problem", f"{size}: make room, {_FREE_BYTES_MIN / 1024**3:.0f} GB at least."
            )
        else:
            yield Finding("disk", "ok", size)


def _locks(settings: Settings) -> Iterator[Finding]:
    from dagster_project.release.errors import ReleaseError
    from dagster_project.release.locks import LOCK_NAME, writer_lock

    if not (settings.marts_dir / LOCK_NAME).exists():
        yield Finding("locks", "ok", "nobody has written here yet")
        return
    try:
        with writer_lock(settings.marts_dir, settings.warehouse):
            yield Finding("locks", "ok", "nobody is writing")
    except ReleaseError as error:
        yield Finding("locks", "problem", f"{error.what} {error.next_step}")


def _key(settings: Settings) -> Iterator[Finding]:
    from dagster_project.release.errors import ReleaseError
    from dagster_project.release.pseudonyms import pseudonym_key

    try:
        key = pseudonym_key(settings.pseudonym_key_file)
    except ReleaseError as error:
        parts = four_parts(error)
        yield Finding("key", "problem", f"{parts['where']}: {parts['what']} {parts['what_next']}")
        return
    if key.is_demo:
        yield Finding(
            "key",
            "note",
            "the public demo key is in use: for made-up data only. For real data name a key file in "
            "IQA_PSEUDONYM_KEY_FILE.",
        )
    else:
        yield Finding("key", "ok", f"key {key.key_id}")


def _releases(settings: Settings) -> Iterator[Finding]:
    from dagster_project.release.history import check_release_files, pointed_at
    from dagster_project.release.identity import RELEASES, release_ids
    from dagster_project.release.locks import is_being_written
    from dagster_project.release.staging import STAGING

    folder = settings.marts_dir / RELEASES
    leftovers = sorted(path.name for path in folder.glob(f"{STAGING}*")) if folder.is_dir() else []
    if leftovers and not is_being_written(settings.marts_dir, settings.warehouse):
        yield Finding(
            "releases",
            "note",
            f"left by a run that was cut off: {', '.join(leftovers)}. The next run removes it.",
        )
    for pointer in ("current", "verified"):
        named = pointed_at(settings.marts_dir, pointer)
        if named is None:
            continue
        problems = check_release_files(folder / named)
        if problems:
            yield Finding(
                "releases",
                "problem",
                f"{pointer} -> {named}: {'; '.join(problems[:3])}. Choose another with `iqa rollback`.",
            )
        else:
            yield Finding("releases", "ok", f"{pointer} -> {named}, every file as it was written")
    if not release_ids(settings.marts_dir):
        yield Finding("releases", "ok", f"no release in {settings.marts_dir} yet")


def _alerts(settings: Settings) -> Iterator[Finding]:
    from dagster_project.alerts import AlertSettings

    alerts = AlertSettings.from_environment()
    for problem in alerts.problems:
        yield Finding("alerts", "problem", f"{problem}.")
    ways = [name for name, way in (("e-mail", alerts.email), ("webhook", alerts.webhook)) if way is not None]
    when = "every run that was to release" if alerts.also_on_success else "runs that failed or were refused"
    if ways:
        yield Finding("alerts", "ok", f"{' and '.join(ways)}, about {when} (try it with --send-alert)")
    elif not alerts.problems:
        yield Finding("alerts", "ok", "off")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
