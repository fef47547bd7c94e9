"""Dagster's own folder beside the warehouse: the history of runs that `iqa ui` shows.

The one trap: it is a log, not a source. It may be deleted between runs; no figure depends on it.
"""

from pathlib import Path

from dagster_project.settings import Settings

_CONFIG = "telemetry:\n  enabled: false\n"


def dagster_home(settings: Settings) -> Path:
    """The folder, made if need be, with telemetry off."""
    home = settings.warehouse.parent / "dagster"
    config = home / "dagster.yaml"
    if not config.exists():
        home.mkdir(parents=True, exist_ok=True)
        config.write_text(_CONFIG, encoding="utf-8")
    return home
