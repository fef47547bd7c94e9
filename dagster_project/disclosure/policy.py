"""The disclosure policy as written in `expectations/disclosure.yml`, and that it covers every figure.

Belongs here: the form of the file and its agreement with the released tables. Does not: the thresholds, which
are rows of the seed `policies`. The trap: a column nobody wrote down. It is never published by default; a new
public column stops the step until the file says what it is.

A mart's entry has these keys:
    shown         columns that hold no figure about people: texts, codes, counts of Areas, rows or points
    exempt        counts that are shown as they are, each with the reason
    counts        counts subject to suppression, with how they add up (`adds`, `adds_over_time`)
    derived       columns hidden with the counts they are worked out from
    together      counts that give each other away: where one is hidden, all are
    implied_by    counts hidden with a count of other rows, of this mart or another
    at_most       pairs of numerator and denominator: never larger, and hidden with it
    bounds        pairs: the first count is never larger than the second
    splits        whole, its parts, and which part to hide first
    uniform       pairs of counts and the condition under which a whole small group failed
    lines         named sets of row identities (`lines` of the file), `windows` likewise
    same_as       counts that are the same number as one in another row or mart
    headline      counts whose suppression makes the row's reliability `suppressed`
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from dagster_project.disclosure.errors import DisclosureError
from dagster_project.release.tables import ReleasedTable
from dagster_project.settings import EXPECTATIONS_DIR
from dagster_project.yaml_files import read_yaml

POLICY_FILE = EXPECTATIONS_DIR / "disclosure.yml"

EXACT, AT_MOST, DISTINCT, LOOSELY, NEVER = "exactly", "at_most", "distinct", "loosely", "never"
_ADDS = (EXACT, AT_MOST, DISTINCT, LOOSELY, NEVER)
_MART_KEYS = {
    "shown",
    "exempt",
    "counts",
    "derived",
    "together",
    "implied_by",
    "at_most",
    "bounds",
    "splits",
    "uniform",
    "lines",
    "windows",
    "same_as",
    "headline",
}


@dataclass(frozen=True)
class Count:
    """A count subject to suppression.

    `adds` says what the rows below make of it in the row above: `exactly` their sum, `at_most` no less than
    the sum of the rows that are there, `distinct` people counted once, `loosely` something near it, `never`
    nothing. `adds_over_time` says the same of quarters and windows. In rows outside `where` the column holds
    no count.
    """

    name: str
    adds: str = EXACT
    adds_over_time: str = EXACT
    where: str = "true"


@dataclass(frozen=True)
class Derived:
    """Columns worked out from counts.

    `of_parts` is the id of a line: then also from the same counts of its parts, and of a window's quarters.
    `capped` names two counts and says that the columns sum the first, each part's at most the second: such a
    sum may stay where the hidden parts lie below their caps with room to spare.
    `by` names columns that set a group apart: then one hidden count hides the columns in the whole group.
    `quarters` says how many quarters, up to the one that ends with the row's period, the columns judge: then
    a count hidden in the row of one of them hides them too.
    """

    columns: tuple[str, ...]
    sources: tuple[str, ...]
    of_parts: str | None = None
    capped: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    quarters: int = 0


@dataclass(frozen=True)
class Together:
    """Counts that are hidden together, in the rows of the condition `where`."""

    columns: tuple[str, ...]
    where: str = "true"


@dataclass(frozen=True)
class ImpliedBy:
    """`columns` in the rows `where` are hidden where a column of `sources` in `mart` is, on equal `on`."""

    columns: tuple[str, ...]
    mart: str
    sources: tuple[str, ...]
    on: tuple[str, ...]
    where: str = "true"
    other_where: str = "true"


@dataclass(frozen=True)
class Split:
    """A whole and its parts within one row; `adds` is `exactly` or `at_most`.

    `first` is the part to hide when one of the others must be covered.
    """

    whole: str
    parts: tuple[str, ...]
    first: str | None = None
    adds: str = EXACT


@dataclass(frozen=True)
class Uniform:
    """A group in which all failed: `num` is hidden where `where` holds and `den` is a small group."""

    num: str
    den: str
    where: str


@dataclass(frozen=True)
class RowLine:
    """Rows that add up to another row: alike in their key but for the columns `over`.

    `parent` and `child` are SQL conditions. `within` relates the two rows (aliases `parent` and `child`)
    where equal keys do not. `parent_mart` and `parent_column` name a total in another mart, which the child
    rows of `child_column` add up to on the columns `on`.
    """

    id: str
    parent: str
    child: str
    over: tuple[str, ...] = ()
    within: str = "true"
    parent_mart: str | None = None
    parent_column: str | None = None
    child_column: str | None = None
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class SameAs:
    """`column` in the rows `where` is the number in `other_column` of `mart`, rows `other_where`, on equal
    `on`.

    A name in `on` written `mine=theirs` compares two columns.
    """

    column: str
    mart: str
    other_column: str
    on: tuple[str, ...]
    where: str = "true"
    other_where: str = "true"


@dataclass(frozen=True)
class MartPolicy:
    """What the policy says of one mart."""

    name: str
    shown: tuple[str, ...]
    exempt: Mapping[str, str]
    counts: tuple[Count, ...]
    derived: tuple[Derived, ...]
    together: tuple[Together, ...]
    implied_by: tuple[ImpliedBy, ...]
    at_most: tuple[tuple[str, str], ...]
    bounds: tuple[tuple[str, str], ...]
    splits: tuple[Split, ...]
    uniform: tuple[Uniform, ...]
    lines: tuple[RowLine, ...]
    windows: tuple[RowLine, ...]
    same_as: tuple[SameAs, ...]
    headline: tuple[str, ...]

    @property
    def count_names(self) -> tuple[str, ...]:
        """The counts' names, in the order of the file."""
        return tuple(count.name for count in self.counts)

    def count(self, name: str) -> Count:
        """The count of that name."""
        return next(count for count in self.counts if count.name == name)


@dataclass(frozen=True)
class Policy:
    """The whole policy; `sha256` is that of what its file says, whatever its comments and layout."""

    marts: Mapping[str, MartPolicy]
    reference_tables: tuple[str, ...]
    standard_columns: tuple[str, ...]
    structural_reasons: tuple[str, ...]
    areas_of_the_nation: str
    sha256: str


def read_policy(path: Path = POLICY_FILE) -> Policy:
    """The policy in `path`.

    Raises DisclosureError when the file cannot be understood.
    """
    try:
        document = _mapping(read_yaml(path), "the file")
        lines = {
            str(name): tuple(_line(item) for item in _list(items))
            for name, items in _mapping(document.get("lines", {}), "lines").items()
        }
        marts = {
            str(name): _mart(str(name), _mapping(entry, str(name)), lines)
            for name, entry in _mapping(document.get("marts", {}), "marts").items()
        }
        return Policy(
            marts=marts,
            reference_tables=_names(document.get("reference_tables")),
            standard_columns=_names(document.get("standard_columns")),
            structural_reasons=_names(document.get("structural_reasons")),
            areas_of_the_nation=str(document.get("areas_of_the_nation", "")),
            sha256=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        raise DisclosureError(
            f"The disclosure policy cannot be read: {error}",
            where=str(path),
            expected="the keys that the docstring of dagster_project/disclosure/policy.py lists",
            next_step="Correct the file; nothing is published without it.",
        ) from error


def require_cover(policy: Policy, tables: Iterable[ReleasedTable]) -> None:
    """Raise DisclosureError unless the policy says what every public column of a shareable table is."""
    problems: list[str] = []
    for table in tables:
        if not table.is_shareable or table.name in policy.reference_tables:
            continue
        mart = policy.marts.get(table.name)
        if mart is None:
            problems.append(f"{table.name}: the whole table")
            continue
        public = {column.name for column in table.columns}
        named = [
            *policy.standard_columns,
            *(column for column in table.grain if column not in mart.count_names),
            *mart.shown,
            *mart.exempt,
            *mart.count_names,
            *(column for derived in mart.derived for column in derived.columns),
        ]
        problems += [f"{table.name}.{name}: not covered" for name in sorted(public - set(named))]
        mentioned = [
            *mart.shown,
            *mart.exempt,
            *mart.count_names,
            *(name for derived in mart.derived for name in (*derived.columns, *derived.sources)),
            *(name for group in mart.together for name in group.columns),
            *(name for pair in (*mart.at_most, *mart.bounds) for name in pair),
            *(name for split in mart.splits for name in (split.whole, *split.parts)),
            *(name for uniform in mart.uniform for name in (uniform.num, uniform.den)),
            *(same.column for same in mart.same_as),
            *mart.headline,
        ]
        problems += [f"{table.name}.{name}: not there" for name in sorted(set(mentioned) - public)]
        twice = {name for name in mart.count_names if named.count(name) > 1}
        problems += [f"{table.name}.{name}: a count, and something else too" for name in sorted(twice)]
    if problems:
        raise DisclosureError(
            f"The disclosure policy does not fit the marts: {'; '.join(problems[:12])}"
            + (f" and {len(problems) - 12} more" if len(problems) > 12 else "")
            + ".",
            where="expectations/disclosure.yml",
            expected="every public column named once: shown, exempt, counts or derived",
            next_step="Say in the file what each column is, or take the mark `public` from it.",
        )


def _mart(name: str, entry: Mapping[str, object], lines: Mapping[str, tuple[RowLine, ...]]) -> MartPolicy:
    unknown = sorted(set(entry) - _MART_KEYS)
    if unknown:
        raise ValueError(f"{name}: unknown keys {', '.join(unknown)}")
    return MartPolicy(
        name=name,
        shown=_names(entry.get("shown")),
        exempt={str(k): str(v) for k, v in _mapping(entry.get("exempt", {}), f"{name}.exempt").items()},
        counts=tuple(_counts(name, entry.get("counts"))),
        derived=tuple(
            Derived(
                columns=_names(item["columns"]),
                sources=_names(item["from"]),
                of_parts=None if item.get("of_parts") is None else str(item["of_parts"]),
                capped=_names(item.get("capped")),
                by=_names(item.get("by")),
                quarters=int(str(item.get("quarters", 0))),
            )
            for item in _records(entry.get("derived"))
        ),
        together=tuple(
            Together(_names(item["columns"]), str(item.get("where", "true")))
            for item in _records(entry.get("together"))
        ),
        implied_by=tuple(
            ImpliedBy(
                columns=_names(item["columns"]),
                mart=str(item.get("mart", name)),
                sources=_names(item.get("from", item["columns"])),
                on=_names(item["matching"]),
                where=str(item.get("where", "true")),
                other_where=str(item.get("other_where", "true")),
            )
            for item in _records(entry.get("implied_by"))
        ),
        at_most=_pairs(entry.get("at_most")),
        bounds=_pairs(entry.get("bounds")),
        splits=tuple(
            Split(
                whole=str(item["whole"]),
                parts=_names(item["parts"]),
                first=None if item.get("first") is None else str(item["first"]),
                adds=str(item.get("adds", EXACT)),
            )
            for item in _records(entry.get("splits"))
        ),
        uniform=tuple(
            Uniform(str(item["num"]), str(item["den"]), str(item["where"]))
            for item in _records(entry.get("uniform"))
        ),
        lines=tuple(line for key in _names(entry.get("lines")) for line in lines[key]),
        windows=tuple(line for key in _names(entry.get("windows")) for line in lines[key]),
        same_as=tuple(
            SameAs(
                column=str(item["column"]),
                mart=str(item.get("mart", name)),
                other_column=str(item.get("other_column", item["column"])),
                on=_names(item["matching"]),
                where=str(item.get("where", "true")),
                other_where=str(item.get("other_where", "true")),
            )
            for item in _records(entry.get("same_as"))
        ),
        headline=_names(entry.get("headline")),
    )


def _counts(mart: str, entry: object) -> Iterable[Count]:
    for item in _list(entry):
        if isinstance(item, str):
            yield Count(item)
            continue
        for name, options in _mapping(item, f"{mart}.counts").items():
            count = Count(
                str(name), **{str(key): str(value) for key, value in _mapping(options, name).items()}
            )
            if count.adds not in _ADDS or count.adds_over_time not in _ADDS:
                raise ValueError(f"{mart}.{name}: `adds` is one of {', '.join(_ADDS)}")
            yield count


def _line(entry: object) -> RowLine:
    item = _mapping(entry, "a line")
    return RowLine(
        id=str(item["id"]),
        parent=str(item["parent"]),
        child=str(item["child"]),
        over=_names(item.get("over")),
        within=str(item.get("within", "true")),
        parent_mart=None if item.get("parent_mart") is None else str(item["parent_mart"]),
        parent_column=None if item.get("parent_column") is None else str(item["parent_column"]),
        child_column=None if item.get("child_column") is None else str(item["child_column"]),
        on=_names(item.get("matching")),
    )


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((str(low), str(high)) for low, high in map(_list, _list(value)))


def _records(value: object) -> list[Mapping[str, object]]:
    return [_mapping(item, "an entry") for item in _list(value)]


def _mapping(value: object, where: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected keys and values, found {type(value).__name__}")
    return value


def _list(value: object) -> Sequence[object]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"expected a list, found {value!r}")
    return value


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in _list(value))
