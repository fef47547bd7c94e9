"""What differs between two releases: rows that came or went, figures that moved, and why.

Here: comparing what two releases published. Not here: judging whether a change is right. The trap: causes.
What the data say of a moved figure (late, corrected, withdrawn, sign-off undone) is in the restricted mart
`revisions`; without the right to read that, or for a quarter that was not frozen yet, all that can be said is
what else differs between the two: extracts, code, policies, reporting date.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.assurance.figures import PLACE, figure_key_sql, moved_figures_sql
from dagster_project.release.exports import literal, quoted
from dagster_project.release.history import release_folder
from dagster_project.release.manifest import read_manifest

_NOT_COMPARED = frozenset({"release_info", "metric_registry", "revisions"})
# A point of a funnel's curve only repeats the counts of its centre; each Area's row has them too.
_COMPARED_WHEN = {"funnel_limits": "row_kind = 'area'"}


@dataclass(frozen=True)
class MovedFigure:
    """A count that differs; a value is None where there is no figure, or it is withheld."""

    mart: str
    key: Mapping[str, str]
    column: str
    old: float | None
    new: float | None
    cause: str


@dataclass(frozen=True)
class MartChange:
    """How many rows a mart gained and lost, and how many of its counts moved."""

    mart: str
    rows_added: int
    rows_removed: int
    figures_moved: int

    @property
    def is_any(self) -> bool:
        """Whether anything changed."""
        return self.rows_added + self.rows_removed + self.figures_moved > 0


@dataclass(frozen=True)
class Difference:
    """Two releases compared. `reasons` are the things that differ between their makings."""

    old: str
    new: str
    is_same_content: bool
    reasons: tuple[str, ...]
    marts: tuple[MartChange, ...]
    figures: tuple[MovedFigure, ...]
    figures_total: int


@dataclass(frozen=True)
class _Mart:
    name: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]


def compare(marts_dir: Path, old_id: str, new_id: str, *, limit: int, restricted: bool = False) -> Difference:
    """What differs in `new_id` against `old_id`, at most `limit` figures.

    Figures that both have come first, the largest change leading; then those that one of them lacks.

    Compares the shareable figures, or with `restricted` the unsuppressed ones. Raises ReleaseError when a
    release is unknown or its manifest damaged.
    """
    old, new = release_folder(marts_dir, old_id), release_folder(marts_dir, new_id)
    before, after = read_manifest(old), read_manifest(new)
    reasons = _reasons(before, after)
    changes: list[MartChange] = []
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table moved (mart varchar, figure_key varchar, column_name varchar, old_value double, "
            "new_value double, level varchar, area_code varchar, unit_type varchar, period_type varchar, "
            "period_start date, assessment_type varchar, shown map(varchar, varchar))"
        )
        marts = _marts(old, new)
        for mart in marts:
            if _is_same(before, after, mart.name):
                continue
            changes.append(_compare_mart(connection, mart, old, new, restricted))
        total = connection.execute("select count(*) from moved").fetchone()
        assert total is not None  # a count always returns a row
        figures = _largest(connection, marts, new, limit, "; ".join(reasons) or "unexplained")
    return Difference(
        old=old_id,
        new=new_id,
        is_same_content=before["content_hash"] == after["content_hash"],
        reasons=tuple(reasons),
        marts=tuple(
            change
            for change in changes
            if any((change.rows_added, change.rows_removed, change.figures_moved))
        ),
        figures=tuple(figures),
        figures_total=int(total[0]),
    )


def _marts(old: Path, new: Path) -> list[_Mart]:
    """The marts of both releases with their keys and counts, from the data dictionaries."""
    then = {mart.name: mart for mart in _dictionary(old)}
    both = []
    for mart in _dictionary(new):
        known = then.get(mart.name)
        if known is None or known.keys != mart.keys or mart.name in _NOT_COMPARED:
            continue
        counts = tuple(column for column in mart.counts if column in known.counts)
        if counts:
            both.append(_Mart(mart.name, mart.keys, counts))
    return both


def _dictionary(release: Path) -> list[_Mart]:
    keys: dict[str, list[str]] = {}
    counts: dict[str, list[str]] = {}
    with (release / "data_dictionary.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["is_shareable"] != "true" or row["table"].startswith(("dim_", "fct_")):
                continue
            if row["is_key"] == "true":
                keys.setdefault(row["table"], []).append(row["column"])
            elif row["unit"] == "count":
                counts.setdefault(row["table"], []).append(row["column"])
    return [_Mart(name, tuple(keys[name]), tuple(counts.get(name, ()))) for name in sorted(keys)]


def _compare_mart(
    connection: duckdb.DuckDBPyConnection, mart: _Mart, old: Path, new: Path, restricted: bool
) -> MartChange:
    folder = "restricted/parquet" if restricted else "parquet"
    condition = _COMPARED_WHEN.get(mart.name, "true")
    sides = {
        name: f"(from read_parquet({literal(release / folder / f'{mart.name}.parquet')}) where {condition})"
        for name, release in (("old", old), ("new", new))
    }
    moved = moved_figures_sql(sides["old"], sides["new"], mart.keys, mart.counts)
    shown = ", ".join(f"{literal(key)}: moved.{quoted(key)}::varchar" for key in mart.keys)
    columns = {name: f"moved.{quoted(name)}" if name in mart.keys else "null" for name in PLACE}
    figure_key = figure_key_sql("moved", mart.keys)
    before = _count(connection, "moved")
    connection.execute(
        f"insert into moved select {literal(mart.name)}, {figure_key}, moved.column_name, moved.old_value, "
        f"moved.new_value, {', '.join(columns.values())}, map {{{shown}}} from ({moved}) as moved"
    )
    matched = " and ".join(
        f"here.{quoted(key)} is not distinct from there.{quoted(key)}" for key in mart.keys
    )
    alone = (
        "(select count(*) from {here} as here where not exists (select 1 from {there} as there where {on}))"
    )
    added, removed = connection.execute(
        "select "
        + alone.format(here=sides["new"], there=sides["old"], on=matched)
        + ", "
        + alone.format(here=sides["old"], there=sides["new"], on=matched)
    ).fetchall()[0]
    return MartChange(mart.name, added, removed, _count(connection, "moved") - before)


def _largest(
    connection: duckdb.DuckDBPyConnection, marts: Sequence[_Mart], new: Path, limit: int, otherwise: str
) -> list[MovedFigure]:
    revisions = new / "restricted" / "parquet" / "revisions.parquet"
    try:
        has_causes = revisions.exists()
    except PermissionError:
        has_causes = False
    causes = (
        f"read_parquet({literal(revisions)})"
        if has_causes
        # Nobody may read the causes: the figures themselves stand in, with none of them matched.
        else "(select mart, column_name, level, area_code, unit_type, period_type, period_start, "
        "assessment_type, figure_key, cast(null as varchar) as cause from moved where false)"
    )
    key = ", ".join(("mart", "column_name", "figure_key", *PLACE))
    matched = " and ".join(f"moved.{name} is not distinct from causes.{name}" for name in key.split(", "))
    # A mart whose key lacks a place, as that of `leniency` does, is found without it.
    with_key = {
        name: [literal(mart.name) for mart in marts if name in mart.keys] or ["null"] for name in PLACE
    }
    placed = ", ".join(
        f"case when mart in ({', '.join(names)}) then {name} end as {name}"
        for name, names in with_key.items()
    )
    rows = connection.execute(
        f"with placed as (select mart, column_name, figure_key, cause, {placed} from {causes}), "
        f"causes as (select {key}, string_agg(distinct cause, ';' order by cause) as cause "
        f"from placed group by {key}) "
        "select moved.mart, moved.shown, moved.column_name, moved.old_value, moved.new_value, "
        f"coalesce(causes.cause, {literal(otherwise)}) from moved left join causes on {matched} "
        "order by moved.old_value is null or moved.new_value is null, "
        "abs(coalesce(moved.new_value, 0) - coalesce(moved.old_value, 0)) desc, "
        "moved.mart, moved.shown::varchar, moved.column_name limit ?",
        [limit],
    ).fetchall()
    return [
        MovedFigure(
            mart, {key: value for key, value in shown.items() if value is not None}, column, old, new_, cause
        )
        for mart, shown, column, old, new_, cause in rows
    ]


def _reasons(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    reasons = []
    if before["as_of"] != after["as_of"]:
        reasons.append(f"as_of {before['as_of']} became {after['as_of']}")
    then, now = _inputs(before), _inputs(after)
    came, went = sorted(now.keys() - then.keys()), sorted(then.keys() - now.keys())
    for word, files in (("added", [now[key] for key in came]), ("gone", [then[key] for key in went])):
        if files:
            more = f" and {len(files) - 3} more" if len(files) > 3 else ""
            reasons.append(f"extracts {word}: {', '.join(sorted(files)[:3])}{more}")
    code_then, code_now = _code(before), _code(after)
    if code_then.get("seeds_hash") != code_now.get("seeds_hash"):
        reasons.append("seeds (policies, code lists) changed")
    if code_then.get("tree_hash") != code_now.get("tree_hash"):
        reasons.append(f"code {code_then.get('version')} became {code_now.get('version')}")
    if before.get("assurance") != after.get("assurance"):
        reasons.append("sign-offs or waivers changed")
    return reasons


def _inputs(manifest: Mapping[str, object]) -> dict[tuple[str, str], str]:
    inputs = manifest["inputs"]
    return {
        (str(record["dataset"]), str(record["file_sha256"])): str(record["source_file"])
        for record in (inputs if isinstance(inputs, list) else [])
        if record.get("status") == "loaded"
    }


def _code(manifest: Mapping[str, object]) -> Mapping[str, object]:
    code = manifest["code"]
    return code if isinstance(code, Mapping) else {}


def _is_same(before: Mapping[str, object], after: Mapping[str, object], mart: str) -> bool:
    hashes = []
    for manifest in (before, after):
        marts = manifest["marts"]
        hashes.append(marts.get(mart) if isinstance(marts, Mapping) else None)
    return hashes[0] is not None and hashes[0] == hashes[1]


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    assert row is not None  # a count always returns a row
    return int(row[0])
