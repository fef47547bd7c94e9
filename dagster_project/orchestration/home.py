"""Dagster's own folder beside the warehouse: the history of runs that `iqa ui` shows.

The one trap: it is a log, not a source. It may be deleted between runs; no figure depends on it.
"""

import json
from pathlib import Path

from dagster_project.settings import Settings

_CONFIG = """\
telemetry:
  enabled: false
event_log_storage:
  module: dagster_project.orchestration.run_history
  class: RunHistory
  config:
    base_dir: {base_dir}
"""


def dagster_home(settings: Settings) -> Path:
    """The folder, made if need be, with telemetry off."""
    home = settings.warehouse.parent / "dagster"
    config = home / "dagster.yaml"
    # JSON quoting is YAML quoting too: a folder's name may hold anything.
    wanted = _CONFIG.format(base_dir=json.dumps(str(home / "history")))
    if not config.exists() or config.read_text(encoding="utf-8") != wanted:
        home.mkdir(parents=True, exist_ok=True)
        # In place whole: half a file, left by a crash, would turn telemetry on.
        aside = config.with_name(f".{config.name}.part")
        aside.write_text(wanted, encoding="utf-8")
        aside.replace(config)
    return home
