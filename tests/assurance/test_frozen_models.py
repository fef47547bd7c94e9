"""The frozen models measure what the current ones do, on other facts: nothing of today may slip in."""

import re
from pathlib import Path

from dagster_project.settings import DBT_DIR

MODELS = {path.stem: path for path in (DBT_DIR / "models").rglob("*.sql")}
FROZEN = [path for path in sorted(MODELS.values()) if path.parent.name == "frozen"]
# What moves after a freeze; a model that descends from one of these holds facts of today.
MOVING = {
    "stg_iqa",
    "stg_iqa_answers",
    "stg_dip_samples",
    "stg_dip_sample_answers",
    "stg_reassessments",
    "stg_reassessment_answers",
    "stg_postings",
    "stg_absences",
}
# Read as it is today, on purpose: which rows there can be, which are marked as revised, and names.
TODAY = {"int_level_members", "int_figure_status", "stg_staff_pseudonyms"}


def refs(path: Path) -> set[str]:
    return set(re.findall(r"ref\('(\w+)'\)", path.read_text(encoding="utf-8")))


def twins(path: Path) -> tuple[str, dict[str, str]] | None:
    found = re.search(r"as_frozen\('(\w+)', \{(.*?)\}\)", path.read_text(encoding="utf-8"), re.DOTALL)
    return None if found is None else (found[1], dict(re.findall(r"'(\w+)': '(\w+)'", found[2])))


def holds_moving_facts(name: str) -> bool:
    if name in TODAY or name not in MODELS:
        return False
    return name in MOVING or any(holds_moving_facts(read) for read in refs(MODELS[name]) if read != name)


def test_every_model_that_a_frozen_one_reads_is_frozen_or_cannot_move() -> None:
    for path in FROZEN:
        if (found := twins(path)) is not None:
            original, exchanged = found
            left = {name for name in refs(MODELS[original]) - set(exchanged) if holds_moving_facts(name)}
            assert not left, f"{path.stem} reads {left} as they are today: give each a frozen twin"


def test_every_twin_is_read_and_declared() -> None:
    for path in FROZEN:
        if (found := twins(path)) is not None:
            original, exchanged = found
            read = refs(MODELS[original])
            assert set(exchanged) <= read, f"{path.stem} exchanges what {original} does not read"
            wanted = {exchanged.get(name, name) for name in read}
            assert wanted <= refs(path), f"{path.stem}: add depends_on for {wanted - refs(path)}"
