"""The lineage files: for every mart, the row queries behind its columns.

Belongs here: reading `dbt/lineage/<mart>.yml` and refusing what cannot be meant. Does not: running anything.
The one trap: a column that no file mentions has no explanation, so a test compares the files with the marts.

A file names *populations* (a query that gives rows, each with its source, whether it is in and the rule that
says so), *amounts* (what each row adds to a count) and *columns*: an amount, a ratio or a formula of amounts,
a figure that follows from others, one that stands elsewhere, or a description.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dagster_project.settings import DBT_DIR
from dagster_project.yaml_files import read_yaml

LINEAGE_DIR = DBT_DIR / "lineage"
_SHARED = "_shared.yml"

# What `Columns that every metric mart carries` are: they say which row it is and how to read it.
STANDARD_COLUMNS = {
    "release_id": "the release",
    "as_of": "the reporting date",
    "metric_version": "the version of the definitions",
    "regime": "the guidance in force",
    "level": "nation, Area or unit",
    "area_code": "the Area",
    "area_name": "the name of the Area",
    "unit_type": "the unit",
    "period_type": "the kind of period",
    "period_label": "the name of the period",
    "period_start": "the first day of the period",
    "period_end": "the last day of the period",
    "figure_status": "provisional, verified or revised",
    "reliability": "how far the main denominator carries the rates",
    "is_suppressed": "whether a figure of the row is withheld from the shareable files",
    "suppressed_columns": "the columns so withheld",
    "null_reason": "why an empty figure is empty",
}


@dataclass(frozen=True)
class Population:
    """Rows that could stand behind a figure, in and out: `unit` is what one row is."""

    name: str
    unit: str
    sql: str


@dataclass(frozen=True)
class Amount:
    """What each row of a population adds. `aggregate` replaces the sum where the figure is no sum."""

    name: str
    population: str
    value: str
    aggregate: str | None = None


@dataclass(frozen=True)
class Elsewhere:
    """Where a figure stands when `when` holds: in another mart, in amounts here, or nowhere (a note).

    `column` is the other mart's; with `is_column_named_in_row`, the row's column that names it.
    """

    when: str
    mart: str | None = None
    column: str | None = None
    key: Mapping[str, str] = field(default_factory=dict)
    rule: "ColumnRule | None" = None
    note: str | None = None
    is_column_named_in_row: bool = False


@dataclass(frozen=True)
class ColumnRule:
    """How a column is explained. Exactly one of the kinds is filled.

    `formula` is SQL over the amounts `of`; `follows` names columns or amounts; `extra` are amounts whose rows
    are shown beside and which take no part in the figure.
    """

    formula: str | None = None
    of: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    how: str | None = None
    describes: str | None = None
    elsewhere: tuple[Elsewhere, ...] = ()
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """The lineage of one mart. `figure_columns` are SQL expressions added to the mart's row."""

    mart: str
    populations: Mapping[str, Population]
    amounts: Mapping[str, Amount]
    columns: Mapping[str, ColumnRule]
    figure_columns: Mapping[str, str]


def explained_marts() -> list[str]:
    """The marts that have a lineage file."""
    return sorted(path.stem for path in LINEAGE_DIR.glob("*.yml") if path.name != _SHARED)


@cache
def shared_views() -> Mapping[str, str]:
    """Queries that several populations read as `explain_<name>`, by name."""
    document = read_yaml(LINEAGE_DIR / _SHARED)
    return {name: view["sql"] for name, view in document.items()}


@cache
def lineage_of(mart: str) -> Lineage:
    """The lineage of a mart. Raises ValueError naming what is wrong with its file."""
    return parse_lineage(read_yaml(LINEAGE_DIR / f"{mart}.yml"))


def parse_lineage(document: Mapping[str, Any]) -> Lineage:
    """A lineage file's content, checked. Raises ValueError when a name in it stands for nothing."""
    populations = {
        name: Population(name, spec["unit"], spec["sql"])
        for name, spec in (document.get("populations") or {}).items()
    }
    amounts = {
        name: Amount(name, spec["of"], str(spec["value"]), spec.get("aggregate"))
        for name, spec in (document.get("amounts") or {}).items()
    }
    mart = document["mart"]
    columns = {name: _rule(spec, f"{mart}.{name}") for name, spec in document["columns"].items()}
    for amount in amounts.values():
        _known(amount.population, populations, f"{mart}: amount {amount.name}")
    for name, rule in columns.items():
        for used in (*rule.of, *rule.extra):
            _known(used, amounts, f"{mart}.{name}")
        for used in rule.follows:
            _known(used, {**amounts, **columns}, f"{mart}.{name}")
    return Lineage(mart, populations, amounts, columns, document.get("figure") or {})


def _rule(spec: Mapping[str, Any], place: str) -> ColumnRule:
    extra = tuple(spec.get("with", ()))
    if "amount" in spec:
        name = spec["amount"]
        return ColumnRule(formula=name, of=(name,), roles=("counted",), extra=extra)
    if "ratio" in spec:
        top, bottom = spec["ratio"]
        return ColumnRule(
            formula=f"cast({top} as double) / nullif({bottom}, 0)",
            of=(top, bottom),
            roles=("numerator", "denominator"),
            extra=extra,
        )
    if "formula" in spec:
        return ColumnRule(formula=spec["formula"], of=tuple(spec["of"]), roles=tuple(spec["of"]), extra=extra)
    if "follows" in spec:
        return ColumnRule(follows=tuple(spec["follows"]), how=spec["how"], extra=extra)
    if "describes" in spec:
        return ColumnRule(describes=spec["describes"])
    if "elsewhere" in spec:
        return ColumnRule(elsewhere=tuple(_elsewhere(case, place) for case in spec["elsewhere"]))
    raise ValueError(f"{place}: expected amount, ratio, formula, follows, describes or elsewhere.")


def _elsewhere(case: Mapping[str, Any], place: str) -> Elsewhere:
    here = {key: case[key] for key in ("amount", "ratio") if key in case}
    column: Any = case.get("column")
    is_named = isinstance(column, Mapping)
    return Elsewhere(
        when=case["when"],
        mart=case.get("mart"),
        column=column["from"] if is_named else column,
        is_column_named_in_row=is_named,
        key=case.get("key") or {},
        rule=_rule(here, place) if here else None,
        note=case.get("note"),
    )


def _known(name: str, names: Mapping[str, Any], place: str) -> None:
    if name not in names:
        raise ValueError(f"{place} speaks of {name!r}, which the file does not define.")
