"""The register of draws: an append-only log beside the warehouse of what was drawn, from what, by which seed.

Belongs here: writing an entry and finding earlier draws of the same frame. Not here: the log's own workings
(`assurance.chain`). The one trap: nothing stops anybody from drawing until a draw pleases them; the register
makes it show, because every draw is in it before its files are handed out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster_project.assurance.chain import Entry, append, read_log
from dagster_project.settings import Settings

FOLDER = "draws"


def draws_dir(settings: Settings) -> Path:
    """Where draws are kept: beside the warehouse, never in a release."""
    return settings.warehouse.parent / FOLDER


def register_path(settings: Settings) -> Path:
    """The file of the register."""
    return draws_dir(settings) / "draws.jsonl"


def read_register(settings: Settings) -> list[Entry]:
    """Every draw, oldest first. Raises AssuranceError when the register was changed by hand."""
    return read_log(register_path(settings))


def enter(settings: Settings, record: Mapping[str, object]) -> Entry:
    """Add a draw to the register; returns it with its place and time."""
    (entry,) = append(register_path(settings), [record])
    return entry


def earlier_draws(entries: Sequence[Entry], record: Mapping[str, Any]) -> list[str]:
    """Sentences on earlier draws of the same kind and scope that share an Area with `record`."""
    remarks = []
    for entry in entries:
        scope: Any = entry["scope"]
        same_scope = entry["kind"] == record["kind"] and scope["quarter"] == record["scope"]["quarter"]
        if not same_scope or not set(scope["areas"]) & set(record["scope"]["areas"]):
            continue
        when = str(entry["at"])[:10]
        if entry["draw_id"] == record["draw_id"]:
            remarks.append(
                f"This repeats draw {entry['draw_id']} of {when}: the same frame, seed and choices."
            )
            continue
        frame = "the same frame" if entry["frame_hash"] == record["frame_hash"] else "another frame"
        remarks.append(
            f"Drawn before: {entry['draw_id']} of {when}, {entry['drawn']} drawn from {frame} "
            f"with seed {entry['seed']}."
        )
    return list(dict.fromkeys(remarks))
