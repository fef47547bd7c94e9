"""The ingest itself: from the raw folder to the schema `raw` of the warehouse, in one transaction.

Belongs here: the order of the steps, and the bookkeeping tables of `raw`. Does not: the rules of any step.
Every run starts from the files, never from the last run's tables: the landing area only spares reading and
typing a file again. The trap: whatever goes wrong with one file must end as a refusal of that file.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import IqaError
from dagster_project.extracts.catalogue import rule_catalogue
from dagster_project.extracts.codes import CodeLists, load_code_lists
from dagster_project.extracts.context import warnings_sql
from dagster_project.extracts.contracts import CONTRACTS_DIR, Contract, load_contracts
from dagster_project.extracts.delivery import Delivered, discover
from dagster_project.extracts.errors import ExtractError, Refusal
from dagster_project.extracts.history import build_history
from dagster_project.extracts.landing import CHANGED, forget, land, landed_path, state_of
from dagster_project.extracts.limits import Limits
from dagster_project.extracts.result import FailedCheck, FileOutcome, IngestResult, Reread, RuleCount
from dagster_project.extracts.sealed import sealed_sha256, sha256_of
from dagster_project.extracts.typed import (
    FAULTS_TYPE,
    HeaderMatch,
    is_typed,
    literal,
    match_headers,
    type_files,
    typed_path,
    typed_relation,
    typing_key,
)
from dagster_project.settings import SEEDS_DIR, Settings

_DATABASE_ALIAS = "warehouse"
# Rows of small files that are typed together: about 250 MB of assessments with all their dates and codes.
_BATCH_ROWS = 500_000
_CLEARED = ("ingest_files", "ingest_faults", "ingest_counts", "ingest_scale_tokens", "ingest_code_map")
_SORTED = ("ingest_this", "ingest_repeated_keys", "ingest_judged", "ingest_outcomes")


@dataclass
class _File:
    """A delivered file on its way through the ingest."""

    delivered: Delivered
    outcome: FileOutcome
    facts: dict[str, Any] | None = None
    match: HeaderMatch | None = None
    hashed: tuple[int, int, int, int] | None = None
    landed: Path | None = None
    typed: Path | None = None

    @property
    def dataset(self) -> str:
        return str(self.delivered.dataset)

    def change(self, **changes: Any) -> None:
        self.outcome = replace(self.outcome, **changes)

    def refuse(self, refusal: Refusal) -> None:
        self.change(status="refused", rule_id=refusal.rule_id, message=refusal.message)


def ingest(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    *,
    contracts_dir: Path = CONTRACTS_DIR,
    seeds_dir: Path = SEEDS_DIR,
    limits: Limits | None = None,
    recorded: Sequence[FileOutcome] | None = None,
    reread: Collection[str] = (),
) -> IngestResult:
    """Load the extracts of `settings.raw_dir` into the schema `raw`, and say what became of every row.

    `connection` has the warehouse as its current database, or attached as `warehouse`. Files dated after
    `settings.as_of` are left out. `recorded` are the files of an earlier run, to be loaded again in place of
    what is in the folder now, from the landing area where they are. `reread` names files of which nothing
    that was kept is used: they are read and typed again. Raises ExtractError if the ingest cannot go on; then
    `raw` is as before. Raises IqaError if a file to read again is not there.
    """
    codes = load_code_lists(seeds_dir)
    contracts = load_contracts(contracts_dir, codes)
    if recorded is None:
        files = [_arrived(delivered, settings.as_of) for delivered in discover(settings.raw_dir, contracts)]
    else:
        files = [_recorded(outcome, settings.raw_dir) for outcome in recorded]
    again = [_named(name, files, settings) for name in dict.fromkeys(reread)]
    read_again = _land_all(files, settings, limits or Limits.from_environment(), again)
    _match_all(files, contracts)
    _find_repeats(files)
    home = _enter_warehouse(connection)
    try:
        _type_all(connection, files, contracts, codes, settings)
        connection.execute("begin transaction")
        try:
            result = _build(connection, files, contracts, codes, seeds_dir, settings)
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
        for table in (*_CLEARED, *_SORTED):
            connection.execute(f"drop table if exists temp.{table}")
    finally:
        connection.execute(f"use {home}")
    return replace(result, reread=read_again)


# Before the warehouse: files --------------------------------------------------------------------


def _arrived(delivered: Delivered, as_of: date | None) -> _File:
    outcome = FileOutcome(
        dataset=delivered.dataset,
        source_file=delivered.source_file,
        file_sha256=None,
        extract_date=delivered.extract_date,
        part=delivered.part,
        file_format=delivered.file_format,
        encoding=None,
        bytes=None,
        status="loaded",
    )
    file = _File(delivered, outcome)
    if delivered.refusal is not None:
        file.refuse(delivered.refusal)
    elif as_of is not None and delivered.extract_date is not None and delivered.extract_date > as_of:
        file.change(
            status="after_as_of",
            message=f"its extract date is after the reporting date {as_of.isoformat()}.",
        )
    return file


def _recorded(outcome: FileOutcome, raw_dir: Path) -> _File:
    """A file as an earlier run found it. What that run refused or left out stays out."""
    delivered = Delivered(
        path=raw_dir / outcome.source_file,
        source_file=outcome.source_file,
        dataset=outcome.dataset,
        extract_date=outcome.extract_date,
        part=outcome.part,
        file_format=outcome.file_format,
    )
    if outcome.status in ("loaded", "repeat"):
        outcome = replace(
            outcome,
            status="loaded",
            rows_read=0,
            rows_accepted=0,
            rows_quarantined=0,
            rows_superseded=0,
            rows_repeated=0,
        )
    return _File(delivered, outcome)


def _loaded(files: Iterable[_File]) -> list[_File]:
    return [file for file in files if file.outcome.status == "loaded"]


def _named(name: str, files: list[_File], settings: Settings) -> _File:
    """The file that somebody means: by its path below the raw folder, by any path to it, or by its name."""
    path = Path(name).absolute()
    found = [file for file in files if file.outcome.source_file == name or file.delivered.path == path]
    found = found or [file for file in files if file.delivered.path.name == name]
    loaded = _loaded(found)
    if len(loaded) == 1:
        return loaded[0]
    if len(found) > 1:
        what = f"{name} could be any of {', '.join(file.outcome.source_file for file in found)}."
    elif found:
        what = f"{found[0].outcome.source_file} is not read by this run: {found[0].outcome.message}"
    else:
        what = f"There is no extract {name} to read again."
    close = get_close_matches(name, [file.outcome.source_file for file in files], n=3)
    raise IqaError(
        what,
        where=str(settings.raw_dir),
        expected="the path of one extract below that folder, as dataset/name_2024-07-26.csv",
        next_step=f"Did you mean {' or '.join(close)}?"
        if close
        else "Correct the name, or put the file there.",
    )


def _land_all(
    files: list[_File], settings: Settings, limits: Limits, again: Sequence[_File]
) -> tuple[Reread, ...]:
    """Hash every file, then land each distinct one once; `again` are those that must be read now."""
    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        list(pool.map(_hash, _loaded(files)))
        kept = {
            file.outcome.source_file: forget(_landed(file, settings)) for file in again if _loaded([file])
        }
        groups: dict[tuple[str, str | None, str | None], list[_File]] = defaultdict(list)
        for file in _loaded(files):
            groups[file.dataset, file.outcome.file_sha256, file.delivered.file_format].append(file)
        list(pool.map(lambda group: _land(group, settings.landing_dir, limits), groups.values()))
    return tuple(
        Reread(
            name,
            None if kept[name] is None else kept[name] != sealed_sha256(_landed(file, settings)),
        )
        for file in again
        if (name := file.outcome.source_file) in kept
    )


def _landed(file: _File, settings: Settings) -> Path:
    return landed_path(settings.landing_dir, file.delivered, str(file.outcome.file_sha256))


def _hash(file: _File) -> None:
    if file.outcome.file_sha256 is not None:
        return
    try:
        file.hashed = state_of(file.delivered.path)
        file.change(file_sha256=sha256_of(file.delivered.path), bytes=file.hashed[0])
        if state_of(file.delivered.path) != file.hashed:
            file.refuse(Refusal("unreadable", CHANGED))
    except OSError as error:
        file.refuse(
            Refusal("unreadable", f"it cannot be opened ({error.strerror}). Correct its permissions.")
        )


def _land(group: list[_File], landing_dir: Path, limits: Limits) -> None:
    try:
        first = group[0]
        facts = land(first.delivered, str(first.outcome.file_sha256), landing_dir, limits, first.hashed)
    except Refusal as refusal:
        for file in group:
            file.refuse(refusal)
        return
    for file in group:
        file.facts = facts
        file.change(
            rows_read=facts["rows"],
            encoding=facts["encoding"] or None,
            message="; ".join(facts["notes"]) + "." if facts["notes"] else None,
        )


def _match_all(files: list[_File], contracts: dict[str, Contract]) -> None:
    for file in _loaded(files):
        try:
            file.match = match_headers((file.facts or {})["headers"], contracts[file.dataset])
        except Refusal as refusal:
            file.refuse(refusal)
            file.change(rows_read=0)
            continue
        file.change(extra_columns=file.match.extra, absent_columns=file.match.absent)


def _find_repeats(files: list[_File]) -> None:
    """The same bytes count once per dataset, at their first date."""
    first: dict[tuple[str, str | None], _File] = {}
    for file in sorted(_loaded(files), key=lambda file: file.delivered.order):
        known = first.setdefault((file.dataset, file.outcome.file_sha256), file)
        if known is not file:
            file.change(
                status="repeat",
                rows_repeated=file.outcome.rows_read,
                message=f"the same bytes as {known.outcome.source_file}; it changes nothing.",
            )


# In the warehouse --------------------------------------------------------------------------------


def _enter_warehouse(connection: duckdb.DuckDBPyConnection) -> str:
    """Make the warehouse the current database; returns what to go back to."""
    row = connection.execute("select current_database(), current_schema()").fetchone()
    assert row is not None
    attached = {
        name for (name,) in connection.execute("select database_name from duckdb_databases()").fetchall()
    }
    if _DATABASE_ALIAS in attached and row[0] != _DATABASE_ALIAS:
        connection.execute(f"use {_DATABASE_ALIAS}")
    return ".".join('"' + str(name).replace('"', '""') + '"' for name in row)


def _type_all(
    connection: duckdb.DuckDBPyConnection,
    files: list[_File],
    contracts: dict[str, Contract],
    codes: CodeLists,
    settings: Settings,
) -> None:
    """Type every file that is not typed yet, in batches of like files, the batches side by side."""
    keys = {name: typing_key(contract, codes) for name, contract in contracts.items()}

    batches: dict[tuple[Any, ...], list[list[_File]]] = defaultdict(list)
    for file in _loaded(files):
        assert file.match is not None and file.facts is not None
        landed = _landed(file, settings)
        file.landed, file.typed = landed, typed_path(landed, keys[file.dataset])
        if is_typed(landed, keys[file.dataset]):
            continue
        alike = (file.dataset, len(file.facts["headers"]), *sorted(file.match.columns.items()))
        open_batch = batches[alike][-1] if batches[alike] else []
        if not open_batch or sum(f.outcome.rows_read for f in [*open_batch, file]) > _BATCH_ROWS:
            batches[alike].append([file])
        else:
            open_batch.append(file)

    def type_batch(batch: list[_File]) -> None:
        first = batch[0]
        assert first.match is not None
        with connection.cursor() as cursor:
            type_files(
                cursor,
                [file.landed for file in batch if file.landed is not None],
                first.match,
                contracts[first.dataset],
                codes,
                keys[first.dataset],
            )

    with ThreadPoolExecutor(max_workers=settings.threads) as pool:
        list(pool.map(type_batch, [batch for alike in batches.values() for batch in alike]))


def _build(
    connection: duckdb.DuckDBPyConnection,
    files: list[_File],
    contracts: dict[str, Contract],
    codes: CodeLists,
    seeds_dir: Path,
    settings: Settings,
) -> IngestResult:
    connection.execute("create schema if not exists raw")
    ordered = {
        dataset: sorted(
            (file for file in _loaded(files) if file.dataset == dataset),
            key=lambda file: file.delivered.order,
        )
        for dataset in contracts
    }
    _make_work_tables(connection, ordered, codes)
    _load_seeds(connection, contracts, seeds_dir)
    for dataset, contract in contracts.items():
        paths = [file.typed for file in ordered[dataset] if file.typed is not None]
        build_history(connection, contract, contracts, codes, typed_relation(paths))
    _drop_former_datasets(connection, contracts)
    _write_quarantine(connection)
    _write_warnings(connection, contracts)
    _account(connection, ordered)
    _write_files(connection, files)
    _write_catalogue(connection, contracts, codes)
    as_of = settings.as_of or max(
        (file.delivered.extract_date for file in _loaded(files) if file.delivered.extract_date), default=None
    )
    return IngestResult(
        as_of=as_of,
        files=tuple(file.outcome for file in files),
        quarantine=_rule_counts(connection, "quarantine"),
        warnings=_rule_counts(connection, "warnings"),
        failed_checks=_failed_checks(files, codes),
    )


def _make_work_tables(
    connection: duckdb.DuckDBPyConnection, ordered: dict[str, list[_File]], codes: CodeLists
) -> None:
    _fill(
        connection,
        "create or replace temp table ingest_files "
        "(dataset varchar, file_seq ubigint, source_file varchar, source_sheet varchar, extract_date date)",
        "ingest_files",
        [
            (
                dataset,
                position,
                file.outcome.source_file,
                (file.facts or {}).get("sheet") or None,
                file.outcome.extract_date,
            )
            for dataset, in_order in ordered.items()
            for position, file in enumerate(in_order)
        ],
    )
    _fill(
        connection,
        "create or replace temp table ingest_scale_tokens "
        "(instrument_version varchar, scale_kind varchar, token varchar, value_code varchar)",
        "ingest_scale_tokens",
        codes.scale_tokens(),
    )
    connection.execute(
        "create or replace temp table ingest_faults (dataset varchar, file_seq ubigint, source_row bigint, "
        f"primary_key varchar, area_code varchar, event_on date, faults {FAULTS_TYPE})"
    )
    connection.execute(
        "create or replace temp table ingest_counts (dataset varchar, file_seq ubigint, accepted bigint, "
        "quarantined bigint, superseded bigint, repeated bigint)"
    )


def _fill(
    connection: duckdb.DuckDBPyConnection, create: str, table: str, rows: list[tuple[Any, ...]]
) -> None:
    """Make a table and fill it, column by column in one statement."""
    connection.execute(create)
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(f"unnest(${position + 1})" for position in range(len(columns)))
        connection.execute(f"insert into {table} select {values}", columns)


def _load_seeds(
    connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract], seeds_dir: Path
) -> None:
    """Make `seed_<name>` of every seed that a contract mentions; all columns are text."""
    texts = " ".join(
        text
        for contract in contracts.values()
        for text in (
            *(rule.fails_when for rule in contract.rules),
            *(f"{lookup.relation} {lookup.match}" for lookup in contract.lookups),
        )
    )
    for path in sorted(seeds_dir.glob("*.csv")):
        if f"seed_{path.stem}" in texts:
            connection.execute(
                f"create or replace temp table seed_{path.stem} as "
                f"select * from read_csv({literal(str(path))}, all_varchar = true, header = true)"
            )


def _drop_former_datasets(connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract]) -> None:
    """Take away the relations of a dataset whose contract is gone."""
    former = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'raw' and ends_with(table_name, '_versions')"
    ).fetchall()
    for (table,) in former:
        dataset = table.removesuffix("_versions")
        if dataset not in contracts:
            connection.execute(f'drop view if exists raw."{dataset}"')
            connection.execute(f'drop table raw."{table}"')


def _write_quarantine(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
create or replace table raw.quarantine as
select
  faulty.dataset,
  file.source_file,
  file.source_sheet,
  faulty.source_row,
  faulty.primary_key,
  faulty.faults[1].rule_id as rule_id,
  faulty.faults[1].column_name as column_name,
  faulty.faults[1].offending_value as offending_value,
  faulty.faults[1].expected as expected,
  file.extract_date,
  faulty.area_code,
  faulty.event_on,
  nullif(array_to_string(list_transform(
    faulty.faults[2:], lambda entry: concat_ws(' ', entry.rule_id, nullif(entry.column_name, ''))
  ), '; '), '') as other_faults
from ingest_faults as faulty
inner join ingest_files as file
  on file.dataset = faulty.dataset and file.file_seq = faulty.file_seq
order by faulty.dataset, file.source_file, faulty.source_row
""")


def _write_warnings(connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract]) -> None:
    connection.execute(
        "create or replace table raw.warnings (dataset varchar, source_file varchar, source_sheet varchar, "
        "source_row bigint, primary_key varchar, rule_id varchar, column_name varchar, "
        "offending_value varchar, expected varchar, extract_date date, area_code varchar, event_on date)"
    )
    for contract in contracts.values():
        for rule in contract.rules:
            if rule.severity == "warn":
                sql = warnings_sql(contract, contracts, rule)
                connection.execute(
                    f"insert into raw.warnings {sql} order by source_file, source_row",
                    {"expected": rule.expected},
                )


def _account(connection: duckdb.DuckDBPyConnection, ordered: dict[str, list[_File]]) -> None:
    """Give every loaded file its counts; rows read must be accounted for to the last one."""
    rows = connection.execute(
        "select dataset, file_seq, accepted, quarantined, superseded, repeated from ingest_counts"
    ).fetchall()
    for dataset, position, accepted, quarantined, superseded, repeated in rows:
        file = ordered[dataset][position]
        file.change(
            rows_accepted=accepted,
            rows_quarantined=quarantined,
            rows_superseded=superseded,
            rows_repeated=repeated,
        )
    for file in (file for files in ordered.values() for file in files):
        if not file.outcome.is_balanced:
            raise ExtractError(
                f"The rows of {file.outcome.source_file} do not add up: {file.outcome.rows_read} read, "
                f"{file.outcome.rows_accepted} accepted + {file.outcome.rows_quarantined} quarantined + "
                f"{file.outcome.rows_superseded} superseded + {file.outcome.rows_repeated} repeated. "
                "Expected the two sides to be equal. This is a fault of the program: report it."
            )


def _write_files(connection: duckdb.DuckDBPyConnection, files: list[_File]) -> None:
    outcomes = [file.outcome for file in files]
    _fill(
        connection,
        "create or replace table raw.files (dataset varchar, source_file varchar, file_sha256 varchar, "
        "extract_date date, part integer, file_format varchar, encoding varchar, bytes bigint, "
        "status varchar, rule_id varchar, message varchar, rows_read bigint, rows_accepted bigint, "
        "rows_quarantined bigint, rows_superseded bigint, rows_repeated bigint, extra_columns varchar, "
        "absent_columns varchar)",
        "raw.files",
        [
            (
                outcome.dataset,
                outcome.source_file,
                outcome.file_sha256,
                outcome.extract_date,
                outcome.part,
                outcome.file_format,
                outcome.encoding,
                outcome.bytes,
                outcome.status,
                outcome.rule_id,
                outcome.message,
                outcome.rows_read,
                outcome.rows_accepted,
                outcome.rows_quarantined,
                outcome.rows_superseded,
                outcome.rows_repeated,
                ";".join(outcome.extra_columns) or None,
                ";".join(outcome.absent_columns) or None,
            )
            for outcome in outcomes
        ],
    )


def _write_catalogue(
    connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract], codes: CodeLists
) -> None:
    _fill(
        connection,
        "create or replace table raw.rule_catalogue (dataset varchar, rule_id varchar, severity varchar, "
        "dimension varchar, owner varchar, description varchar, expected varchar)",
        "raw.rule_catalogue",
        rule_catalogue(contracts, codes),
    )


def _rule_counts(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[RuleCount, ...]:
    rows = connection.execute(
        f"select dataset, rule_id, count(*) from raw.{table} "
        "group by dataset, rule_id order by dataset, rule_id"
    ).fetchall()
    return tuple(RuleCount(*row) for row in rows)


def _failed_checks(files: list[_File], codes: CodeLists) -> tuple[FailedCheck, ...]:
    """Files of which too large a share was quarantined."""
    share = float(codes.policy("quarantine_share_max"))
    rows = int(float(codes.policy("quarantine_rows_max")))
    found = []
    for file in _loaded(files):
        outcome = file.outcome
        if outcome.rows_quarantined > rows and outcome.rows_quarantined > share * outcome.rows_read:
            found.append(
                FailedCheck(
                    "quarantine_share",
                    file.dataset,
                    outcome.source_file,
                    f"{outcome.rows_quarantined:,} of {outcome.rows_read:,} rows of {outcome.source_file} "
                    f"were quarantined; expected at most {share:.0%} or {rows} rows. Send the error workbook "
                    "back to the supplier.",
                )
            )
    return tuple(found)
