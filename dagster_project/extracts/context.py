"""Rules that look beyond the row: parents, the assessment's instrument, the inspector against the manager.

Belongs here: the SQL that sets a typed row beside its parents, resolves answers, and judges it. Does not:
which version of a row stands. Contract rules see the row as `this`, each ancestor dataset under its own name
(the version that stands today), and lookups under theirs. The trap: an ancestor's row is null where it does
not exist, so a rule about it must not fail then; the reference itself is judged as `orphan`.
"""

import re
from dataclasses import dataclass

from dagster_project.extracts.codes import CodeLists
from dagster_project.extracts.contracts import Contract, Field, Rule
from dagster_project.extracts.typed import event_date_text, fault, faults_list, unreadable

_ORPHAN_EXPECTED = "a row of {parent} that stands, with this {column}"


@dataclass(frozen=True)
class _Join:
    """An ancestor: `column` of `child` (or of the row itself, if None) names a row of `dataset`."""

    dataset: str
    key: str
    child: str | None
    column: str


def ancestors(contract: Contract, contracts: dict[str, Contract]) -> list[_Join]:
    """The datasets that a row leads to by primary keys, nearest first."""
    found: list[_Join] = []
    waiting: list[tuple[str | None, Contract]] = [(None, contract)]
    while waiting:
        child, current = waiting.pop(0)
        for column, (parent, target) in current.references.items():
            if contracts[parent].primary_key != (target,) or any(j.dataset == parent for j in found):
                continue
            found.append(_Join(parent, target, child, column))
            waiting.append((parent, contracts[parent]))
    return found


def this_relation(contract: Contract, contracts: dict[str, Contract], source: str, *, is_typed: bool) -> str:
    """SQL for the rows of `source` with resolved answers, and a struct for each ancestor.

    `source` is either the typed files (`is_typed`), or the rows that stand, whose answers are resolved.
    """
    joins = ancestors(contract, contracts)
    used = _columns_used(contract, contracts, joins)
    answers = answer_fields(contract) if is_typed else []
    columns = [
        f'answer_{field.name}.value_code as "{field.name}"'
        if field in answers
        else f'typed_row."{field.name}"'
        for field in contract.fields
    ]
    instrument = _instrument(contract, joins)
    from_clause = [f"from {source} as typed_row"]
    if is_typed:
        resolved = "".join(f", answer_{field.name}.value_code" for field in answers)
        columns += [
            "typed_row._file",
            "typed_row._source_row",
            "typed_row._primary_key",
            "typed_row._key_hash",
            "typed_row._faults",
            f"hash(typed_row._content_hash{resolved}) as _content",
            "file.extract_date as _extract_date",
            "file.source_file as _source_file",
            "file.source_sheet as _source_sheet",
            *(f'typed_row."{field.name}" as "_token_{field.name}"' for field in answers),
        ]
        from_clause.append(
            "inner join ingest_files as file\n"
            f"    on file.dataset = '{contract.dataset}' and file.file_seq = typed_row._file"
        )
    else:
        columns += ["typed_row.source_file", "typed_row.source_sheet", "typed_row.source_row"]
        columns += ["typed_row.extract_date"]
    for join in joins:
        child = join.child or "typed_row"
        from_clause.append(
            f"left join raw.{join.dataset} as {join.dataset}\n"
            f'    on {join.dataset}."{join.key}" = {child}."{join.column}"'
        )
        packed = ", ".join(f'"{name}" := {join.dataset}."{name}"' for name in used[join.dataset])
        columns.append(f"struct_pack({packed}) as {join.dataset}")
    if is_typed:
        for column, (parent, target) in _loose_references(contract, contracts):
            from_clause.append(
                f'left join (select distinct "{target}" as found from raw.{parent}) as known_{column}\n'
                f'    on known_{column}.found = typed_row."{column}"'
            )
            columns.append(f'known_{column}.found is not null as "_known_{column}"')
    for field in answers:
        from_clause.append(
            f"left join ingest_scale_tokens as answer_{field.name}\n"
            f"    on answer_{field.name}.instrument_version = {instrument}\n"
            f"    and answer_{field.name}.scale_kind = '{field.scale}'\n"
            f'    and answer_{field.name}.token = typed_row."{field.name}"'
        )
    if answers:
        columns.append(f"{instrument} as _instrument")
    return "select\n    " + ",\n    ".join(columns) + "\n  " + "\n  ".join(from_clause)


def lookup_joins(contract: Contract, sql: str) -> str:
    """The joins of those lookups that `sql` mentions, and of those that they mention in turn."""
    needed = [lookup for lookup in contract.lookups if re.search(rf"\b{lookup.name}\.", sql)]
    while True:
        texts = " ".join(lookup.match for lookup in needed)
        more = [
            lookup
            for lookup in contract.lookups
            if lookup not in needed and re.search(rf"\b{lookup.name}\.", texts)
        ]
        if not more:
            break
        needed += more
    return "".join(
        f"\nleft join {'raw.' if lookup.is_dataset else ''}{lookup.relation}"
        f" as {lookup.name}\n  on {lookup.match}"
        for lookup in contract.lookups
        if lookup in needed
    )


def context_faults(
    contract: Contract, contracts: dict[str, Contract], codes: CodeLists
) -> list[tuple[str, str]]:
    """Conditions on `this` that quarantine a row, each with its fault, in the order they are reported."""
    checks: list[tuple[str, str]] = []
    for field in contract.fields:
        if field.type == "event_date":
            checks.append(
                (
                    f'this."{field.name}" > this._extract_date',
                    fault("implausible_date", field.name, f'this."{field.name}"', event_date_text(codes)),
                )
            )
    loose = dict(_loose_references(contract, contracts))
    for column, (parent, target) in contract.references.items():
        if column in loose:
            missing = f'(this."{column}" is not null and not this."_known_{column}")'
        else:
            missing = f'(this."{column}" is not null and {parent}."{target}" is null)'
        expected = _ORPHAN_EXPECTED.format(parent=parent, column=target)
        checks.append((missing, fault("orphan", column, f'this."{column}"', expected)))
    for field in contract.fields:
        if field.type == "answer":
            rule_id, expected = unreadable(field)
            token = f'this."_token_{field.name}"'
            checks.append(
                (
                    f'({token} is not null and this._instrument is not null and this."{field.name}" is null)',
                    fault(rule_id, field.name, token, expected),
                )
            )
    for rule in contract.rules:
        if rule.severity == "quarantine":
            value = f'this."{rule.column}"'
            checks.append((f"({rule.fails_when})", fault(rule.rule_id, rule.column, value, rule.expected)))
    return checks


def faults_sql(contract: Contract, contracts: dict[str, Contract], codes: CodeLists, rows: str) -> str:
    """SELECT of every faulty row of a dataset: file, row, key, Area, event date, faults.

    `rows` is the SELECT of its rows with what stands around them (`this_relation` of the typed files).
    """
    checks = context_faults(contract, contracts, codes)
    conditions = " or ".join(condition for condition, _ in checks)
    found = faults_list(checks) if checks else "[]"
    where = f"this._faults is not null or {conditions}" if conditions else "this._faults is not null"
    return f"""
with this as (
  {rows}
)
select
  '{contract.dataset}' as dataset,
  this._file as file_seq,
  this._source_row as source_row,
  coalesce(this._primary_key, {key_text(contract)}) as primary_key,
  {area_of(contract, contracts)} as area_code,
  {event_of(contract, contracts)} as event_on,
  list_concat(coalesce(this._faults, []), {found}) as faults
from this{lookup_joins(contract, conditions)}
where {where}
"""


def warnings_sql(contract: Contract, contracts: dict[str, Contract], rule: Rule) -> str:
    """SELECT of the standing rows that a warning concerns, in the shape of `raw.warnings`."""
    return f"""
with this as (
  {this_relation(contract, contracts, f"raw.{contract.dataset}", is_typed=False)}
)
select
  '{contract.dataset}' as dataset,
  this.source_file,
  this.source_sheet,
  this.source_row,
  {key_text(contract)} as primary_key,
  '{rule.rule_id}' as rule_id,
  '{rule.column}' as column_name,
  left(cast(this."{rule.column}" as varchar), 200) as offending_value,
  $expected as expected,
  this.extract_date,
  {area_of(contract, contracts)} as area_code,
  {event_of(contract, contracts)} as event_on
from this{lookup_joins(contract, rule.fails_when)}
where {rule.fails_when}
"""


def key_text(contract: Contract) -> str:
    """SQL for the primary key of `this` as one text."""
    parts = ", ".join(f"coalesce(cast(this.\"{name}\" as varchar), '')" for name in contract.primary_key)
    return f"concat_ws('|', {parts})"


def area_of(contract: Contract, contracts: dict[str, Contract]) -> str:
    """SQL for the Area of `this`: its own, or that of the assessment it belongs to."""
    return _own_or_inherited(contract, contracts, "area_code", "varchar")


def event_of(contract: Contract, contracts: dict[str, Contract]) -> str:
    """SQL for the day of `this`: its own event, or that of the assessment it belongs to."""
    if contract.event_on:
        return f'this."{contract.event_on}"'
    for join in ancestors(contract, contracts):
        if contracts[join.dataset].event_on:
            return f'{join.dataset}."{contracts[join.dataset].event_on}"'
    return "cast(null as date)"


def _own_or_inherited(contract: Contract, contracts: dict[str, Contract], column: str, kind: str) -> str:
    if column in contract.field_names:
        return f'this."{column}"'
    for join in ancestors(contract, contracts):
        if column in contracts[join.dataset].field_names:
            return f'{join.dataset}."{column}"'
    return f"cast(null as {kind})"


def _loose_references(
    contract: Contract, contracts: dict[str, Contract]
) -> list[tuple[str, tuple[str, str]]]:
    """References to a column that is not the primary key of its dataset."""
    return [
        (column, (parent, target))
        for column, (parent, target) in contract.references.items()
        if contracts[parent].primary_key != (target,)
    ]


def _instrument(contract: Contract, joins: list[_Join]) -> str:
    if "instrument_version" in contract.field_names:
        return 'typed_row."instrument_version"'
    if any(join.dataset == "iqa" for join in joins):
        return "iqa.instrument_version"
    return "cast(null as varchar)"


def _columns_used(
    contract: Contract, contracts: dict[str, Contract], joins: list[_Join]
) -> dict[str, list[str]]:
    """Per ancestor, the columns to carry: its key, what rules mention, its Area and its event date."""
    texts = " ".join([rule.fails_when for rule in contract.rules] + [look.match for look in contract.lookups])
    used = {}
    for join in joins:
        parent = contracts[join.dataset]
        wanted = {join.key, "area_code", parent.event_on, *re.findall(rf"\b{join.dataset}\.([a-z_]+)", texts)}
        used[join.dataset] = [name for name in parent.field_names if name in wanted]
    return used


def answer_fields(contract: Contract) -> list[Field]:
    """The fields whose value depends on the instrument."""
    return [field for field in contract.fields if field.type == "answer"]
