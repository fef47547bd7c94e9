"""Typing: landed text becomes typed columns, one file at a time, without looking at any other file.

Belongs here: matching headers to columns, types, code lists, required values, ragged rows and NUL. Does not:
anything that needs another row, another file or the file's date, so that a typed file can be kept and used
again as long as its text, the contract and the code lists stay the same.

A typed file holds the columns of the contract and `_source_row`, `_primary_key` (only where `_faults` is
set), `_key_hash`, `_content_hash`, and `_faults`, the list of rules that the row breaks, or null. The trap:
answers are still spellings here ("Met"): what they stand for depends on the assessment's instrument. So they
are no part of `_content_hash`; who compares rows adds what they stand for.
"""

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.extracts.codes import CodeLists
from dagster_project.extracts.contracts import Contract, Field
from dagster_project.extracts.errors import Refusal
from dagster_project.extracts.landing import column_name
from dagster_project.extracts.sealed import aside, seal, unsealed

# Raise by one when a change here could type a row differently: typed files are then made again.
TYPING_VERSION = 2
FAULTS_TYPE = "struct(rule_id varchar, column_name varchar, offending_value varchar, expected varchar)[]"
# Spaces, tabs, line breaks, no-break and zero-width spaces, and a byte order mark in mid-file.
_WHITE = " \t\n\x0b\x0c\r\u00a0\u200b\ufeff"
_OTHER_SEPARATORS = {";": 'semicolons (";")', "\t": "tabs", "|": 'vertical bars ("|")'}
_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_UK = "[0-9]{2}/[0-9]{2}/[0-9]{4}"
_INTEGER = "[+-]?[0-9]+([.]0+)?"
_NUMBER = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class HeaderMatch:
    """Which landed column holds which column of the contract, and what did not match."""

    columns: dict[str, str]
    extra: tuple[str, ...]
    absent: tuple[str, ...]


def match_headers(headers: list[str], contract: Contract) -> HeaderMatch:
    """Match headers to the contract, ignoring case, spaces and underscores.

    Raises Refusal if a required column is missing or one column has two headers.
    """
    names = {_plain(name): name for name in contract.field_names}
    names |= {_plain(header): column for header, column in contract.columns.items()}
    columns: dict[str, str] = {}
    first_header: dict[str, str] = {}
    extra = []
    for position, header in enumerate(headers):
        name = names.get(_plain(header))
        if name is None:
            extra.append(header.strip() or f"column {position + 1} without a header")
        elif name in columns:
            raise Refusal(
                "two_headers",
                f"the headers {first_header[name]!r} and {header!r} both stand for {name}. Take one out.",
            )
        else:
            columns[name] = column_name(position)
            first_header[name] = header
    absent = tuple(name for name in contract.field_names if name not in columns)
    missing = [name for name in absent if contract.field(name).required]
    if missing:
        if headers and _plain(headers[0]).startswith("sep="):
            raise Refusal(
                "missing_column",
                f"its first line, {headers[0]!r}, is a note for Excel and not the headers. Take that line "
                "out, and save the file with commas.",
            )
        if separator := _other_separator(headers, names, len(columns)):
            raise Refusal(
                "missing_column",
                f"it looks separated by {separator}, so its columns were not told apart. Expected commas. "
                "Save it as CSV with commas, or as a workbook with a column for each header.",
            )
        found = ", ".join(repr(header) for header in headers[:40])
        raise Refusal(
            "missing_column",
            f"it has no column {', '.join(missing)}. Found {found}. Add the column, or map its header under "
            f"columns in expectations/extracts/{contract.dataset}.yml.",
        )
    return HeaderMatch(columns, tuple(extra), absent)


def _other_separator(headers: list[str], names: dict[str, str], found: int) -> str | None:
    """The separator, in words, that would tell more columns apart than the `found` ones."""
    row = ",".join(headers)
    for separator, words in _OTHER_SEPARATORS.items():
        known = {names.get(_plain(header.strip("\"' "))) for header in row.split(separator)} - {None}
        if len(known) > max(found, 1):
            return words
    return None


def _plain(header: str) -> str:
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in folded if not character.isspace() and character != "_")


def typing_key(contract: Contract, codes: CodeLists) -> str:
    """What the typing of a file depends on besides its text, as 16 hexadecimal digits."""
    used = {field.code_list for field in contract.fields if field.code_list}
    facts = [
        TYPING_VERSION,
        [(f.name, f.type, f.required, f.code_list, f.scale, f.bounds) for f in contract.fields],
        contract.primary_key,
        sorted(contract.columns.items()),
        {name: codes.lists[name] for name in sorted(used)},
        codes.scales,
        codes.answer_spellings,
        codes.policy("earliest_event_on"),
        duckdb.__version__,  # the row hashes are DuckDB's
    ]
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def typed_path(landed: Path, key: str) -> Path:
    """Where the typed form of a landed file is kept."""
    return landed.with_name(f"{landed.name.removesuffix('.parquet')}.typed-{key}.parquet")


def is_typed(landed: Path, key: str) -> bool:
    """Whether the typed form of a landed file is there and sound."""
    return unsealed(typed_path(landed, key), TYPING_VERSION) is not None


def type_files(
    connection: duckdb.DuckDBPyConnection,
    landed: list[Path],
    match: HeaderMatch,
    contract: Contract,
    codes: CodeLists,
    key: str,
) -> None:
    """Type landed files of one dataset that have the same columns in the same places.

    Reading and planning the long statement costs as much as typing 50,000 rows, so small files share one;
    their rows then wait in a temporary table, which is why the caller bounds the rows of a batch.
    """
    _load_code_map(connection, landed, match, contract, codes)
    sql = _typed_sql(landed, match, contract, codes)
    if len(landed) == 1:
        _write(connection, f"select * exclude (_file) from ({sql})", typed_path(landed[0], key))
        return
    connection.execute(f"create or replace temp table ingest_typed as {sql}")
    for position, path in enumerate(landed):
        rows = f"select * exclude (_file) from ingest_typed where _file = {position}"
        _write(connection, rows, typed_path(path, key))
    connection.execute("drop table ingest_typed")


def _write(connection: duckdb.DuckDBPyConnection, sql: str, target: Path) -> None:
    for outdated in target.parent.glob(f"{target.name.partition('.typed-')[0]}.typed-*"):
        outdated.unlink(missing_ok=True)
    connection.execute(
        f"copy ({sql}) to {literal(str(aside(target)))} "
        "(format parquet, compression zstd, compression_level 1)"
    )
    seal(target, {"version": TYPING_VERSION})


def typed_columns(contract: Contract) -> list[tuple[str, str]]:
    """Names and types of the columns of a typed file, in order."""
    return [
        ("_source_row", "bigint"),
        ("_primary_key", "varchar"),
        ("_key_hash", "ubigint"),
        ("_content_hash", "ubigint"),
        ("_faults", FAULTS_TYPE),
        *((field.name, field.sql_type) for field in contract.fields),
    ]


def literal(text: str) -> str:
    """A text as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def fault(rule_id: str, column: str, value: str, expected: str) -> str:
    """SQL for one entry of a list of faults; `value` is an SQL expression of what was found."""
    return (
        f"{{'rule_id': {literal(rule_id)}, 'column_name': {literal(column)}, "
        f"'offending_value': left(replace(cast({value} as varchar), chr(0), '\u2400'), 200), "
        f"'expected': {literal(expected)}}}"
    )


def faults_list(conditions: list[tuple[str, str]]) -> str:
    """SQL for the list of faults whose condition is true, in the order given."""
    cases = ",\n      ".join(f"case when {condition} then {entry} end" for condition, entry in conditions)
    return f"list_filter([\n      {cases},\n    ], lambda entry: entry is not null)"


# The SQL of one file -----------------------------------------------------------------------------


def _cleaned(column: str) -> str:
    """SQL for a text without white space around it, null if nothing is left.

    Trimming costs more than all else that is done to most values, so what begins and ends with a printing
    ASCII character is left as it is.
    """
    return (
        f"case when {column} between '!' and '~' and {column}[-1] between '!' and '~' then {column} "
        f"when {column} <> '' then nullif(trim({column}, '{_WHITE}'), '') end"
    )


def _mapped(contract: Contract, match: HeaderMatch) -> list[Field]:
    """The fields of which each distinct spelling is looked up once, where the file has them."""
    return [field for field in contract.fields if _is_mapped(field) and field.name in match.columns]


def _is_mapped(field: Field) -> bool:
    return field.type in ("code", "codes", "answer", "boolean")


def _load_code_map(
    connection: duckdb.DuckDBPyConnection,
    landed: list[Path],
    match: HeaderMatch,
    contract: Contract,
    codes: CodeLists,
) -> None:
    """Fill `ingest_code_map` with each distinct spelling as it landed, its text, and what it stands for."""
    mapped = _mapped(contract, match)
    found: list[tuple[str, str, str, str | None]] = []
    if mapped:
        spellings = ", ".join(f"list(distinct {match.columns[field.name]})" for field in mapped)
        row = connection.execute(f"select {spellings} from read_parquet([{_paths(landed)}])").fetchone()
        for field, distinct in zip(mapped, row or (), strict=True):
            for spelling in distinct or ():
                if text := (spelling or "").strip(_WHITE):
                    found.append((field.name, spelling, text, _code_of(field, text, codes)))
    connection.execute(
        "create or replace temp table ingest_code_map "
        "(field varchar, spelling varchar, text varchar, code varchar)"
    )
    if found:
        connection.execute(
            "insert into ingest_code_map select unnest($1), unnest($2), unnest($3), unnest($4)",
            [list(column) for column in zip(*found, strict=True)],
        )


def _code_of(field: Field, spelling: str, codes: CodeLists) -> str | None:
    if field.type == "answer":
        return codes.answer_token(spelling)
    if field.type == "codes":
        return codes.resolve_many(field.code_list, spelling)
    return codes.resolve(field.code_list, spelling)


def _typed_sql(landed: list[Path], match: HeaderMatch, contract: Contract, codes: CodeLists) -> str:
    mapped = _mapped(contract, match)
    texts = [f'{_text_of(field, match)} as "{field.name}"' for field in contract.fields]
    joins = "".join(
        f"\n  left join ingest_code_map as map_{field.name}\n"
        f"    on map_{field.name}.field = {literal(field.name)}\n"
        f'    and map_{field.name}.spelling = landed."{field.name}"'
        for field in mapped
    )
    kept_texts = [
        f'map_{field.name}.text as "text_{field.name}"'
        if field in mapped
        else f'landed."{field.name}" as "text_{field.name}"'
        for field in contract.fields
    ]
    typed = [
        f'{_code_sql(field) if field in mapped else _value_of(field)} as "{field.name}"'
        for field in contract.fields
    ]
    conditions = [check for field in contract.fields for check in _checks_of(field, contract, codes)]
    key_text = ", ".join(f"coalesce(text_{name}, '')" for name in contract.primary_key)
    key = ", ".join(f'"{name}"' for name in contract.primary_key)
    content = ", ".join(
        f'"{field.name}"'
        for field in contract.fields
        if field.name not in contract.primary_key and field.type != "answer"
    )
    any_fault = "\n      or ".join(condition for condition, _ in conditions)
    structural = fault("ragged_row", "", "_raw", "as many values as the header has columns")
    nul = fault("nul_character", "", "coalesce(_raw, '')", "text without NUL characters")
    return f"""
with landed as (
  select _row, _fault, _raw, file_index as _file, {", ".join(texts)}
  from read_parquet([{_paths(landed)}])
),
typed as (
  select
    landed._row,
    landed._fault,
    landed._raw,
    landed._file,
    {", ".join(kept_texts)},
    {", ".join(typed)}
  from landed{joins}
),
judged as (
  select
    *,
    case
      when _fault = 'ragged_row' then [{structural}]
      when _fault = 'nul_character' then [{nul}]
      when {any_fault}
        then {faults_list(conditions)}
    end as _faults
  from typed
)
select
  _row as _source_row,
  case
    when _faults is not null then replace(concat_ws('|', {key_text}), chr(0), '\u2400')
  end as _primary_key,
  hash({key}) as _key_hash,
  hash({content or "0"}) as _content_hash,
  cast(_faults as {FAULTS_TYPE}) as _faults,
  _file,
  {", ".join(f'"{name}"' for name in contract.field_names)}
from judged
"""


def _text_of(field: Field, match: HeaderMatch) -> str:
    column = match.columns.get(field.name)
    if column is None:
        return "cast(null as varchar)"
    if _is_mapped(field):
        return column
    if field.type == "text":
        # The same comment must read the same whether a spreadsheet or a database exported it.
        return f"replace({_cleaned(column)}, chr(13) || chr(10), chr(10))"
    return _cleaned(column)


def _code_sql(field: Field) -> str:
    return f"cast(map_{field.name}.code as {field.sql_type})"


def _value_of(field: Field) -> str:
    text = f'landed."{field.name}"'
    if field.type in ("date", "event_date"):
        return (
            f"case when regexp_full_match({text}, '{_ISO}') then try_cast({text} as date) "
            f"when regexp_full_match({text}, '{_UK}') "
            f"then cast(try_strptime({text}, '%d/%m/%Y') as date) end"
        )
    if field.type == "integer":
        return (
            f"case when regexp_full_match({text}, '{_INTEGER}') "
            f"then try_cast(split_part({text}, '.', 1) as integer) end"
        )
    if field.type == "number":
        return f"case when regexp_full_match({text}, '{_NUMBER}') then try_cast({text} as double) end"
    return f"cast({text} as {field.sql_type})"


def _checks_of(field: Field, contract: Contract, codes: CodeLists) -> list[tuple[str, str]]:
    """Conditions that fail a row because of this field, each with its fault."""
    text, value = f"text_{field.name}", f'"{field.name}"'
    checks = []
    if field.required:
        rule = "empty_primary_key" if field.name in contract.primary_key else "required_value_empty"
        checks.append((f"{text} is null", fault(rule, field.name, "null", "a value")))
    rule, expected = unreadable(field)
    if rule:
        checks.append((f"({text} is not null and {value} is null)", fault(rule, field.name, text, expected)))
    for bound, limit in field.bounds:
        broken = {"min": "<", "max": ">", "above": "<="}[bound]
        checks.append(
            (f"{value} {broken} {limit!r}", fault("out_of_range", field.name, text, _bounds_text(field)))
        )
    if field.type == "event_date":
        earliest = codes.policy("earliest_event_on")
        checks.append(
            (
                f"{value} < date {literal(earliest)}",
                fault("implausible_date", field.name, text, event_date_text(codes)),
            )
        )
    return checks


def unreadable(field: Field) -> tuple[str, str]:
    """The rule that a value breaks which cannot be read as its type, and what was expected."""
    if field.type in ("date", "event_date"):
        return "wrong_type", "a date as YYYY-MM-DD or DD/MM/YYYY"
    if field.type == "integer":
        return "wrong_type", "a whole number"
    if field.type == "number":
        return "wrong_type", "a number"
    if field.type == "boolean":
        return "wrong_type", "true or false (yes or no, y or n, 1 or 0)"
    if field.type == "answer":
        return "answer_outside_scale", f"a code or label of the instrument's {field.scale} scale"
    if field.type == "codes":
        return field.unknown_rule, f"codes of the list {field.code_list}, separated by semicolons"
    if field.type == "code":
        return field.unknown_rule, f"a code of the list {field.code_list}"
    return "", ""


def _bounds_text(field: Field) -> str:
    words = {"min": "at least", "max": "at most", "above": "above"}
    return " and ".join(f"{words[bound]} {limit:g}" for bound, limit in field.bounds)


def bounds_expected(field: Field) -> str:
    """What the bounds of a field ask for, in words."""
    return _bounds_text(field)


def event_date_text(codes: CodeLists) -> str:
    """What is expected of an event date, in words."""
    return f"a date from {codes.policy('earliest_event_on')} to the file's extract date"


def empty_relation(contract: Contract) -> str:
    """A typed relation without rows, for a dataset of which no file was delivered."""
    columns = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in typed_columns(contract))
    return f"(select {columns}, 0::ubigint as _file where false)"


def typed_relation(paths: list[Path]) -> str:
    """The typed files as one relation, or "" without files; `_file` is the position in `paths`."""
    if not paths:
        return ""
    return f"(select *, file_index as _file from read_parquet([{_paths(paths)}]))"


def _paths(paths: list[Path]) -> str:
    return ", ".join(literal(str(path)) for path in paths)
