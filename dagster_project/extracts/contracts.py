"""The contract of each dataset, read from `expectations/extracts/<dataset>.yml`.

Belongs here: what a contract may say, and finding a mistake in one before any data is read. Does not: what
the rules do to rows. The trap: a contract is trusted to hold SQL (`fails_when`, `match`), so its names are
checked to be plain identifiers, and nothing from an extract ever becomes part of a statement.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dagster_project.extracts.codes import CodeLists
from dagster_project.extracts.errors import ExtractError
from dagster_project.settings import EXPECTATIONS_DIR
from dagster_project.yaml_files import read_yaml

CONTRACTS_DIR = EXPECTATIONS_DIR / "extracts"
FIELD_TYPES = (
    "id",
    "text",
    "code",
    "codes",
    "answer",
    "date",
    "event_date",
    "boolean",
    "number",
    "integer",
)
SQL_TYPES = {
    "date": "date",
    "event_date": "date",
    "boolean": "boolean",
    "number": "double",
    "integer": "integer",
}
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_POLICY = re.compile(r"\{policy:([a-z0-9_]+)\}")
_RULE_OF_LIST = {
    "areas": "unknown_area",
    "instruments": "unknown_instrument",
    "inspections": "unknown_inspection",
    "theme_patterns": "unknown_theme",
    "questions": "question_not_in_instrument",
}


@dataclass(frozen=True)
class Field:
    """One column of a dataset. `bounds` may hold `min`, `max` (both inclusive) and `above` (exclusive)."""

    name: str
    type: str
    required: bool
    description: str
    code_list: str = ""
    scale: str = ""
    bounds: tuple[tuple[str, float], ...] = ()

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the typed column."""
        return SQL_TYPES.get(self.type, "varchar")

    @property
    def unknown_rule(self) -> str:
        """The rule that a code absent from the list breaks."""
        return _RULE_OF_LIST.get(self.code_list, "unknown_code")


@dataclass(frozen=True)
class Rule:
    """A rule of the contract: rows for which `fails_when` is true are quarantined or warned of."""

    rule_id: str
    severity: str
    column: str
    dimension: str
    description: str
    expected: str
    fails_when: str


@dataclass(frozen=True)
class Lookup:
    """A relation beside the row, joined on `match`, of which at most one row may match."""

    name: str
    relation: str
    match: str

    @property
    def is_dataset(self) -> bool:
        """Whether the relation is the rows of a dataset that stand, rather than a seed."""
        return not self.relation.startswith("seed_")


@dataclass(frozen=True)
class Contract:
    """What one dataset promises. `references` maps a column to (dataset, column)."""

    dataset: str
    description: str
    owner: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    columns: Mapping[str, str]
    references: Mapping[str, tuple[str, str]]
    lookups: tuple[Lookup, ...]
    rules: tuple[Rule, ...]
    event_on: str | None

    def field(self, name: str) -> Field:
        """The field called `name`; KeyError if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The columns in the order of the contract."""
        return tuple(field.name for field in self.fields)


def load_contracts(contracts_dir: Path, codes: CodeLists) -> dict[str, Contract]:
    """Every contract, parents before children.

    Raises ExtractError naming the file and what was expected if a contract cannot be used.
    """
    contracts = {}
    for path in sorted(contracts_dir.glob("*.yml")):
        contract = _contract(path, codes)
        contracts[contract.dataset] = contract
    if not contracts:
        raise ExtractError(
            f"No contract was found in {contracts_dir}: expected <dataset>.yml files. Restore the folder."
        )
    for contract in contracts.values():
        for column, (parent, target) in contract.references.items():
            if parent not in contracts or target not in contracts[parent].field_names:
                raise _mistake(
                    f"{contract.dataset}.yml", f"references {column}", f"{parent}.{target}", "a known column"
                )
        for lookup in contract.lookups:
            if lookup.is_dataset and lookup.relation not in contracts:
                raise _mistake(
                    f"{contract.dataset}.yml", f"lookup {lookup.name}", lookup.relation, "a known dataset"
                )
    return {name: contracts[name] for name in _parents_first(contracts)}


def _parents_first(contracts: dict[str, Contract]) -> list[str]:
    ordered: list[str] = []
    waiting = sorted(contracts)
    while waiting:
        ready = [name for name in waiting if _needs(contracts[name]) <= {*ordered, name}]
        if not ready:
            raise ExtractError(
                f"The contracts {', '.join(waiting)} refer to one another in a circle: expected references "
                "from children to parents only. Take one reference out."
            )
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def _needs(contract: Contract) -> set[str]:
    datasets = {parent for parent, _ in contract.references.values()}
    return datasets | {lookup.relation for lookup in contract.lookups if lookup.is_dataset}


def _contract(path: Path, codes: CodeLists) -> Contract:
    try:
        document = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ExtractError(f"{path.name} is not YAML: {error}. Correct the file.") from error
    if not isinstance(document, dict):
        raise _mistake(path.name, "the document", type(document).__name__, "keys and values")
    try:
        contract = _build(document, codes)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ExtractError(
            f"{path.name} cannot be used: {type(error).__name__} {error}. Expected the keys of the other "
            "contracts. Correct the file."
        ) from error
    _check(path.name, contract, codes)
    return contract


def _build(document: dict[str, Any], codes: CodeLists) -> Contract:
    fields = tuple(
        Field(
            name=entry["name"],
            type=entry["type"],
            required=bool(entry["required"]),
            description=entry["description"],
            code_list="booleans" if entry["type"] == "boolean" else entry.get("code_list", ""),
            scale=entry.get("scale", ""),
            bounds=tuple((key, float(value)) for key, value in (entry.get("bounds") or {}).items()),
        )
        for entry in document["fields"]
    )
    lookups = tuple(
        Lookup(
            name,
            f"seed_{entry['seed']}" if "seed" in entry else entry["dataset"],
            _with_policies(entry["match"], codes, quoted=True),
        )
        for name, entry in (document.get("lookups") or {}).items()
    )
    rules = tuple(
        Rule(
            rule_id=entry["id"],
            severity=entry["severity"],
            column=entry["column"],
            dimension=entry["dimension"],
            description=entry["description"],
            expected=_with_policies(entry["expected"], codes, quoted=False),
            fails_when=_with_policies(entry["fails_when"], codes, quoted=True),
        )
        for entry in document.get("rules") or []
    )
    references = {}
    for column, target in (document.get("references") or {}).items():
        dataset, _, name = target.partition(".")
        references[column] = (dataset, name)
    return Contract(
        dataset=document["dataset"],
        description=document["description"],
        owner=document["owner"],
        primary_key=tuple(document["primary_key"]),
        fields=fields,
        columns={str(header): column for header, column in (document.get("columns") or {}).items()},
        references=references,
        lookups=lookups,
        rules=rules,
        event_on=document.get("event_on"),
    )


def _with_policies(text: str, codes: CodeLists, *, quoted: bool) -> str:
    def value(found: re.Match[str]) -> str:
        policy = codes.policy(found.group(1))
        if not quoted:
            return policy
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", policy):
            return f"date '{policy}'"
        if re.fullmatch(r"-?[0-9.]+", policy):
            return policy
        escaped = policy.replace("'", "''")
        return f"'{escaped}'"

    return _POLICY.sub(value, text)


def _check(file_name: str, contract: Contract, codes: CodeLists) -> None:
    names = contract.field_names
    if file_name != f"{contract.dataset}.yml":
        raise _mistake(file_name, "dataset", contract.dataset, "the name of the file")
    for name in (*names, contract.dataset, *(lookup.name for lookup in contract.lookups)):
        if not _IDENTIFIER.fullmatch(name):
            raise _mistake(file_name, "a name", name, "lower case letters, digits and underscores")
    if len(set(names)) != len(names):
        raise _mistake(file_name, "fields", ", ".join(names), "each name once")
    for field in contract.fields:
        if field.type not in FIELD_TYPES:
            raise _mistake(file_name, f"type of {field.name}", field.type, ", ".join(FIELD_TYPES))
        if field.type in ("code", "codes") and field.code_list not in codes.lists:
            known = ", ".join(sorted(codes.lists))
            raise _mistake(file_name, f"code_list of {field.name}", field.code_list, known)
        if field.type == "answer" and field.scale not in ("answer", "rating"):
            raise _mistake(file_name, f"scale of {field.name}", field.scale, "answer or rating")
    named = [*contract.primary_key, *contract.columns.values(), *contract.references]
    for column in [*named, *(rule.column for rule in contract.rules), contract.event_on]:
        if column is not None and column not in names:
            raise _mistake(file_name, "a column", column, "one of the fields")
    for rule in contract.rules:
        if rule.severity not in ("quarantine", "warn"):
            raise _mistake(file_name, f"severity of {rule.rule_id}", rule.severity, "quarantine or warn")


def _mistake(file_name: str, what: str, found: str, expected: str) -> ExtractError:
    return ExtractError(f"{file_name}: {what} is {found!r}; expected {expected}. Correct the contract.")
