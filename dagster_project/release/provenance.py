"""What a release was made from: code, seeds, libraries, input files, run context.

Facts only; they become JSON in `manifest.py`. The trap: a commit names the code only if nothing was changed
after it. So the content of the code is hashed as well, and a changed tree is said to be `dirty`.
"""

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from importlib import metadata
from pathlib import Path

import duckdb

from dagster_project import __version__
from dagster_project.release.errors import ReleaseError
from dagster_project.release.files import sha256_of
from dagster_project.settings import PROJECT_ROOT

# What decides the figures: the package, the models, the demands on data.
CODE_FOLDERS = ("dagster_project", "dbt", "expectations")
SEED_FOLDER = "dbt/seeds"
LIBRARIES = (
    "dagster",
    "dagster-dbt",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
)
_MADE_BY_RUNNING = frozenset({"__pycache__", "target", "logs", "dbt_packages", ".user.yml"})


@dataclass(frozen=True)
class CodeVersion:
    """The code of a run. `commit` is None outside a git checkout of this project."""

    package: str
    commit: str | None
    is_dirty: bool
    tree_hash: str
    seeds_hash: str

    @property
    def label(self) -> str:
        """One short text for `run_context.code_version`: the commit, and the tree's hash if needed."""
        if self.commit is None:
            return f"{self.package}+{self.tree_hash[:12]}"
        return f"{self.commit[:12]}+dirty.{self.tree_hash[:12]}" if self.is_dirty else self.commit[:12]


@dataclass(frozen=True)
class RunFacts:
    """The one row of `raw.run_context`: what the marts of this candidate carry."""

    release_id: str
    as_of: date
    created_at: datetime
    code_version: str
    is_demo_key: bool
    pseudonym_key_id: str

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, catalog: str = "warehouse") -> "RunFacts":
        """Read it from the candidate. Raises ReleaseError unless there is exactly one row."""
        fields = ", ".join(cls.__dataclass_fields__)
        try:
            rows = connection.execute(f'select {fields} from "{catalog}".raw.run_context').fetchall()
        except duckdb.CatalogException:
            rows = []
        if len(rows) != 1:
            raise ReleaseError(
                f"The candidate names {len(rows) or 'no'} run contexts.",
                where=f"{catalog}.raw.run_context",
                expected="one row, written before the marts were built",
                next_step="Run the whole pipeline again; a warehouse built by hand can't be released.",
            )
        return cls(*rows[0])


def code_version(root: Path = PROJECT_ROOT) -> CodeVersion:
    """The version of the code under `root`."""
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = status = None
    # Unpacked inside some other repository, the commit found would be that one's.
    if top is not None and Path(top).resolve() == root.resolve():
        commit = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain", "--", *CODE_FOLDERS)
    return CodeVersion(
        package=__version__,
        commit=commit,
        is_dirty=bool(status),
        tree_hash=tree_hash(root, (root / folder for folder in CODE_FOLDERS)),
        seeds_hash=tree_hash(root, [root / SEED_FOLDER]),
    )


def tree_hash(root: Path, folders: Iterable[Path]) -> str:
    """The hash of names and contents of all files below `folders`, without what running leaves there."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and not _MADE_BY_RUNNING.intersection(inside.parts) and path.suffix != ".pyc":
                digest.update(f"{inside.as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """The versions of the libraries that figures and files depend on, those installed."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def input_files(connection: duckdb.DuckDBPyConnection, catalog: str = "warehouse") -> list[dict[str, object]]:
    """Every file that arrived, with its sha256, what became of it, and its row counts."""
    known = [
        row[0]
        for row in connection.execute(
            "select column_name from duckdb_columns() where database_name = $catalog "
            "and schema_name = 'raw' and table_name = 'files'",
            {"catalog": catalog},
        ).fetchall()
    ]
    wanted = [
        "source_file",
        "dataset",
        "file_sha256",
        "bytes",
        "extract_date",
        "part",
        "file_format",
        "status",
        "rule_id",
        "rows_read",
        "rows_accepted",
        "rows_quarantined",
        "rows_superseded",
        "rows_repeated",
    ]
    if not {"source_file", "file_sha256"} <= set(known):
        raise ReleaseError(
            "The candidate doesn't say which files it was made from.",
            where=f"{catalog}.raw.files",
            expected="a row a file, with source_file and file_sha256",
            next_step="Run the whole pipeline again, from the extracts.",
        )
    fields = [name for name in wanted if name in known]
    rows = connection.execute(
        f'select {", ".join(fields)} from "{catalog}".raw.files order by source_file, file_sha256'
    ).fetchall()
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
