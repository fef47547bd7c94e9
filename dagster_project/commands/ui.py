"""`iqa ui`: Dagster's web interface over the same definitions, on this machine only.

The one trap: the interface runs the flow in processes of its own, so settings reach them by environment and
never by an object of this process.
"""

import glob
import os
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import click

from dagster_project.commands.common import (
    COULD_NOT_RUN,
    DONE,
    as_of_option,
    marts_option,
    raw_option,
    settings_from,
    warehouse_option,
)
from dagster_project.errors import IqaError
from dagster_project.settings import Settings, silence_telemetry

# There is no log-in in front of Dagster, so nobody but this machine may reach it.
_HOST = "127.0.0.1"


@click.command("ui")
@raw_option
@marts_option
@warehouse_option
@as_of_option
@click.option(
    "--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
def command(
    raw_dir: Path | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    as_of: datetime | None,
    port: int,
) -> int:
    """Open Dagster's web interface over the same flow; stop it with Ctrl-C."""
    settings = settings_from(raw_dir=raw_dir, marts_dir=marts_dir, warehouse=warehouse, as_of=as_of)
    _require_free(port)
    click.echo(f"Dagster listens on http://{_HOST}:{port} (Ctrl-C stops it).")
    arguments, environment = dagster_process(settings, port)
    try:
        return DONE if subprocess.call(arguments, env=environment) == 0 else COULD_NOT_RUN
    except KeyboardInterrupt:
        return DONE


def dagster_process(settings: Settings, port: int) -> tuple[list[str], dict[str, str]]:
    """The command line and environment of the web interface and its daemon."""
    from dagster_project.orchestration.home import dagster_home

    silence_telemetry()
    home = str(dagster_home(settings))
    if glob.escape(home) != home:
        raise IqaError(
            "Dagster's web interface can't read its settings here.",
            where=home,
            expected="a folder whose path holds none of [ ] * ?, which Dagster takes for a pattern",
            next_step="Name a work file in another folder with --warehouse; `iqa run` works in both.",
        )
    environment = {
        **os.environ,
        "DAGSTER_HOME": home,
        "IQA_RAW_DIR": str(settings.raw_dir),
        "IQA_MARTS_DIR": str(settings.marts_dir),
        "IQA_WAREHOUSE": str(settings.warehouse),
    }
    if settings.as_of is not None:
        environment["IQA_AS_OF"] = settings.as_of.isoformat()
    arguments = [
        *(sys.executable, "-m", "dagster", "dev"),
        *("-m", "dagster_project.orchestration.code_location"),
        *("-h", _HOST, "-p", str(port)),
    ]
    return arguments, environment


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise IqaError(
                f"Port {port} cannot be used: {error.strerror}.",
                where=f"{_HOST}:{port}",
                expected="a free port",
                next_step="Stop what listens there, or name another with --port.",
            ) from error
