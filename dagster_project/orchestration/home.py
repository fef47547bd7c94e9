"""Dagster's own folder beside the warehouse: the history of runs that `iqa ui` shows, and its settings.

The one trap: it is a log, not a source. It may be deleted between runs; no figure depends on it.
"""

import json
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT, Settings

# What the web interface calls this project, in links too.
LOCATION = "iqa"
# Without `nux` the first page asks for an e-mail address, which it would send out.
_CONFIG = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: dagster_project.orchestration.run_history
  class: RunHistory
  config:
    base_dir: {base_dir}
"""
_WORKSPACE = """\
load_from:
  - python_module:
      module_name: dagster_project.orchestration.code_location
      working_directory: {root}
      location_name: {location}
"""


def dagster_home(settings: Settings) -> Path:
    """The folder, made if need be, with telemetry off."""
    home = settings.warehouse.parent / "dagster"
    # JSON quoting is YAML quoting too: a folder's name may hold anything.
    _keep(home / "dagster.yaml", _CONFIG.format(base_dir=json.dumps(str(home / "history"))))
    return home


def workspace_file(settings: Settings) -> Path:
    """What tells the web interface where the definitions are."""
    path = dagster_home(settings) / "workspace.yaml"
    _keep(path, _WORKSPACE.format(root=json.dumps(str(PROJECT_ROOT)), location=LOCATION))
    return path


def _keep(path: Path, wanted: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == wanted:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # In place whole: half a file, left by a crash, would turn telemetry on.
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(wanted, encoding="utf-8")
    aside.replace(path)
