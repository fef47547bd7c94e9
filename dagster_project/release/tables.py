"""Which tables and columns may leave, read from dbt's manifest.

A column leaves only if its model marks it `public: true`; a table only if it has such a column; and into the
shareable files only if the model says `shareable: true`. Everything else is private.
The trap: the default. A missing mark must never publish, so no function here falls back to "all columns".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster_project.release.errors import ReleaseError

# Names under which the extracts carry people, cases and free text. A model that marks one of them public
# has made a mistake, whatever its reasons.
NEVER_PUBLIC = frozenset(
    {
        "urn",
        "staff_id",
        "subject_id",
        "assessor_id",
        "sampler_id",
        "inspector_id",
        "line_manager_id",
        "owner_id",
        "verified_by_id",
        "comment",
        "feedback_comment",
        "reason_text",
        "action_for_assessor",
        "decision",
    }
)


@dataclass(frozen=True)
class ReleasedColumn:
    """A column that may leave."""

    name: str
    data_type: str
    description: str
    unit: str
    metric: str


@dataclass(frozen=True)
class ReleasedTable:
    """A table that may leave: its public columns, full key, and where it may go.

    `restricted_when` is the SQL condition of rows that only `restricted/` may hold.
    """

    name: str
    description: str
    owner: str
    grain: tuple[str, ...]
    metrics: tuple[str, ...]
    is_shareable: bool
    restricted_when: str | None
    columns: tuple[ReleasedColumn, ...]

    @property
    def shareable_condition(self) -> str:
        """The SQL condition of rows that the shareable files may hold; unknown counts as restricted."""
        return "true" if self.restricted_when is None else f"({self.restricted_when}) is false"


def released_tables(manifest: Mapping[str, object], schema: str = "marts") -> list[ReleasedTable]:
    """The tables of dbt's `schema` that have a public column, in the order of names.

    Raises ReleaseError when a public column has a name that stands for a person, a case or free text, when
    a grain names a column that does not leave, or when a model does not say what becomes of its table: a
    table must not stay out of a release because somebody forgot a mark.
    """
    nodes = manifest.get("nodes")
    models = [
        node
        for node in (nodes.values() if isinstance(nodes, Mapping) else ())
        if node.get("resource_type") == "model" and node.get("schema") == schema
    ]
    tables = [_table(model) for model in models]
    return sorted((table for table in tables if table.columns), key=lambda table: table.name)


def _table(model: Mapping[str, object]) -> ReleasedTable:
    name = str(model.get("alias") or model.get("name"))
    meta = _meta(model)
    columns = tuple(
        _column(column)
        for column in map(_mapping, _mapping(model.get("columns")).values())
        if _is_public(_meta(column))
    )
    named = {column.name for column in columns}
    wrong = sorted(named & NEVER_PUBLIC)
    if wrong:
        raise ReleaseError(
            f"Columns that name people or cases, or hold free text, are marked public: {', '.join(wrong)}.",
            where=f"model {name}",
            expected="pseudonyms, codes and counts only",
            next_step="Take the mark `public` from the column, or publish a pseudonym or code instead.",
        )
    grain = _names(meta.get("grain"))
    lost = [column for column in grain if column not in named]
    if columns and lost:
        raise ReleaseError(
            f"The key of a released table holds columns that do not leave: {', '.join(lost)}.",
            where=f"model {name}",
            expected="every column of the grain marked `public: true`",
            next_step="Mark the columns public, or correct the model's `grain`.",
        )
    if not isinstance(meta.get("shareable"), bool):
        raise ReleaseError(
            "A model does not say where its table may go, so the table would stay out of the release unseen.",
            where=f"model {name}",
            expected="`shareable: true`, or `shareable: false` for the restricted part, under `config.meta`",
            next_step="Add the mark to the model's yml.",
        )
    if not columns and meta.get("shareable") is False and meta.get("kept_inside") is not True:
        raise ReleaseError(
            "No column of a table is public, so the table would stay out of the release unseen.",
            where=f"model {name}",
            expected="`public: true` on the columns that may leave, or `kept_inside: true` on the model",
            next_step="Mark the columns, or say that the table is meant to stay inside.",
        )
    if columns and (
        not grain or not meta.get("owner") or "One row per" not in _line(model.get("description"))
    ):
        raise ReleaseError(
            "A model lacks what the data dictionary says of every table.",
            where=f"model {name}",
            expected="an `owner`, a `grain`, and a description that ends with `One row per ...`",
            next_step="Complete the model's yml.",
        )
    if meta.get("shareable") is True and not columns:
        raise ReleaseError(
            "A table is marked shareable, but none of its columns is public, so nothing of it would leave.",
            where=f"model {name}",
            expected="`public: true` on the columns that may leave",
            next_step="Mark the columns public, or take the mark `shareable` from the model.",
        )
    restricted_when = meta.get("restricted_when")
    return ReleasedTable(
        name=name,
        description=_line(model.get("description")),
        owner=str(meta.get("owner") or ""),
        grain=grain,
        metrics=_names(meta.get("metrics")),
        is_shareable=meta.get("shareable") is True,
        restricted_when=None if restricted_when is None else str(restricted_when),
        columns=columns,
    )


def _column(column: Mapping[str, object]) -> ReleasedColumn:
    meta = _meta(column)
    return ReleasedColumn(
        name=str(column.get("name")),
        data_type=str(column.get("data_type") or ""),
        description=_line(column.get("description")),
        unit=str(meta.get("unit") or ""),
        metric=str(meta.get("metric") or ""),
    )


def _is_public(meta: Mapping[str, object]) -> bool:
    # Only the YAML boolean counts: a quoted "false" must not publish.
    return meta.get("public") is True


def _meta(node: Mapping[str, object]) -> Mapping[str, object]:
    return {**_mapping(node.get("meta")), **_mapping(_mapping(node.get("config")).get("meta"))}


def _names(value: object) -> tuple[str, ...]:
    return (
        tuple(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    )


def _line(value: object) -> str:
    return " ".join(str(value or "").split())


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
