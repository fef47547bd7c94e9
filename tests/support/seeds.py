"""A dbt folder with seeds of its own, so that a test can change the rules of the scheme and nothing else.

Belongs here: copying the project's dbt folder and editing rows of its seeds. Does not: which rows. The one
trap: a row is written with the columns that the seed has; a column that a test leaves out is empty.
"""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

from dagster_project.settings import DBT_DIR


def copied_dbt(folder: Path) -> Path:
    """A copy of the project's dbt folder under `folder`."""
    copy = folder / "dbt"
    shutil.copytree(DBT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


def add_rows(dbt_dir: Path, seed: str, *rows: Mapping[str, str]) -> None:
    """Append rows to a seed; a column that the seed has not is an error."""
    columns, held = _read(dbt_dir, seed)
    for row in rows:
        unknown = sorted(set(row) - set(columns))
        assert not unknown, f"seed {seed} has no column {', '.join(unknown)}"
    _write(dbt_dir, seed, columns, [*held, *({name: row.get(name, "") for name in columns} for row in rows)])


def change_rows(dbt_dir: Path, seed: str, where: Mapping[str, str], changes: Mapping[str, str]) -> None:
    """Change the rows of a seed whose columns have the values of `where`."""
    columns, held = _read(dbt_dir, seed)
    matching = [row for row in held if all(row[name] == value for name, value in where.items())]
    assert matching, f"seed {seed} has no row with {dict(where)}"
    for row in matching:
        row.update(changes)
    _write(dbt_dir, seed, columns, held)


def _read(dbt_dir: Path, seed: str) -> tuple[list[str], list[dict[str, str]]]:
    with (dbt_dir / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        return list(reader.fieldnames or []), list(reader)


def _write(dbt_dir: Path, seed: str, columns: list[str], rows: list[dict[str, str]]) -> None:
    with (dbt_dir / "seeds" / f"{seed}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
