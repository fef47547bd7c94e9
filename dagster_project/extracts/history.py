"""Versions: which row of a key stands, which it replaced, which only repeats, and the count of each.

Belongs here: duplicate keys, the order of versions, `raw.<dataset>_versions` and the view of what stands,
and the accounting of every row read. Does not: what makes a row faulty. Most keys arrive once, so only keys
that arrive more than once are sorted. The trap: "the same row" compares typed values with the version before,
not with any earlier one, so that A, B, A again is three versions.
"""

import duckdb

from dagster_project.extracts.codes import CodeLists
from dagster_project.extracts.context import area_of, event_of, faults_sql, key_text, this_relation
from dagster_project.extracts.contracts import Contract
from dagster_project.extracts.typed import empty_relation, fault

_NO_OUTCOMES = """
create or replace temp table ingest_outcomes (
  file_seq ubigint,
  source_row bigint,
  outcome varchar,
  version_number bigint,
  first_extract_date date,
  known_to date
)
"""
_LINEAGE = "source_file, source_sheet, source_row, extract_date, first_extract_date, version_number"


def build_history(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    contracts: dict[str, Contract],
    codes: CodeLists,
    typed: str,
) -> None:
    """Make `raw.<dataset>_versions` and `raw.<dataset>` from the typed files; note faults and repeats.

    `typed` is the relation of the typed files, empty if there are none.
    """
    connection.execute(_NO_OUTCOMES)
    if typed:
        rows = this_relation(contract, contracts, typed, is_typed=True)
        if any(lookup.is_dataset for lookup in contract.lookups):
            # DuckDB would guess that the rows are many and read all of the dataset beside them into memory.
            connection.execute(f"create or replace temp table ingest_this as {rows}")
            rows = "select * from ingest_this"
        connection.execute(f"insert into ingest_faults {faults_sql(contract, contracts, codes, rows)}")
        _sort_repeated_keys(connection, contract, contracts, typed)
    typed = typed or empty_relation(contract)
    columns = ", ".join(f'this."{name}"' for name in contract.field_names)
    connection.execute(f"""
create or replace table raw.{contract.dataset}_versions as
with this as (
  {this_relation(contract, contracts, typed, is_typed=True)}
)
select
  {columns},
  this._source_file as source_file,
  this._source_sheet as source_sheet,
  this._source_row as source_row,
  this._extract_date as extract_date,
  coalesce(outcome.first_extract_date, this._extract_date) as first_extract_date,
  coalesce(outcome.version_number, 1)::integer as version_number,
  this._extract_date as known_from,
  outcome.known_to
from this
left join ingest_outcomes as outcome
  on outcome.file_seq = this._file and outcome.source_row = this._source_row
where coalesce(outcome.outcome, 'stands') <> 'repeated'
  and not exists (
    select 1
    from ingest_faults as faulty
    where faulty.dataset = '{contract.dataset}'
      and faulty.file_seq = this._file
      and faulty.source_row = this._source_row
  )
""")
    names = ", ".join(f'"{name}"' for name in contract.field_names)
    connection.execute(
        f"create or replace view raw.{contract.dataset} as "
        f"select {names}, {_LINEAGE} from raw.{contract.dataset}_versions where known_to is null"
    )
    _count(connection, contract)


def _sort_repeated_keys(
    connection: duckdb.DuckDBPyConnection, contract: Contract, contracts: dict[str, Contract], typed: str
) -> None:
    """Fill `ingest_outcomes` for every sound row whose key arrives more than once."""
    key = ", ".join(f'"{name}"' for name in contract.primary_key)
    key_columns = ", ".join(f'this."{name}"' for name in contract.primary_key)
    # Sorting finds them in half the time of grouping: next to no key is like another.
    connection.execute(f"""
create or replace temp table ingest_repeated_keys as
select distinct _key_hash
from (
  select _key_hash, lag(_key_hash) over (order by _key_hash) = _key_hash as is_repeated
  from {typed}
)
where is_repeated
""")
    if not connection.execute("select 1 from ingest_repeated_keys limit 1").fetchone():
        return
    connection.execute(f"""
create or replace temp table ingest_judged as
with this as (
  {this_relation(contract, contracts, typed, is_typed=True)}
),
sound as (
  select
    {key_columns},
    this._file as file_seq,
    this._source_row as source_row,
    this._extract_date as extract_date,
    this._content as content,
    {key_text(contract)} as primary_key,
    {area_of(contract, contracts)} as area_code,
    {event_of(contract, contracts)} as event_on
  from this
  where this._key_hash in (select _key_hash from ingest_repeated_keys)
    and not exists (
      select 1
      from ingest_faults as faulty
      where faulty.dataset = '{contract.dataset}'
        and faulty.file_seq = this._file
        and faulty.source_row = this._source_row
    )
)
select
  *,
  min(content) over within_file <> max(content) over within_file as is_duplicate
from sound
window within_file as (partition by file_seq, {key})
""")
    entry = fault("duplicate_key", contract.primary_key[0], "primary_key", "each primary key once in a file")
    connection.execute(f"""
insert into ingest_faults
select '{contract.dataset}', file_seq, source_row, primary_key, area_code, event_on, [{entry}]
from ingest_judged
where is_duplicate
""")
    connection.execute(f"""
insert into ingest_outcomes
with compared as (
  select
    *,
    lag(content) over in_order is distinct from content as is_version,
    min(extract_date) over (partition by {key}) as first_extract_date
  from ingest_judged
  where not is_duplicate
  window in_order as (partition by {key} order by file_seq, source_row)
),
versions as (
  select
    file_seq,
    source_row,
    first_extract_date,
    row_number() over by_key as version_number,
    lead(extract_date) over by_key as known_to
  from compared
  where is_version
  window by_key as (partition by {key} order by file_seq, source_row)
)
select
  file_seq,
  source_row,
  case when known_to is null then 'stands' else 'superseded' end as outcome,
  version_number,
  first_extract_date,
  known_to
from versions
union all
select file_seq, source_row, 'repeated', null, null, null
from compared
where not is_version
""")


def _count(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Count accepted, superseded, quarantined and repeated rows per file, each from its own source."""
    connection.execute(f"""
insert into ingest_counts
select
  '{contract.dataset}' as dataset,
  file.file_seq,
  coalesce(kept.accepted, 0),
  coalesce(faulty.quarantined, 0),
  coalesce(kept.superseded, 0),
  coalesce(again.repeated, 0)
from ingest_files as file
left join (
  select
    source_file,
    count(*) filter (where known_to is null) as accepted,
    count(*) filter (where known_to is not null) as superseded
  from raw.{contract.dataset}_versions
  group by source_file
) as kept on kept.source_file = file.source_file
left join (
  select file_seq, count(*) as quarantined
  from ingest_faults
  where dataset = '{contract.dataset}'
  group by file_seq
) as faulty on faulty.file_seq = file.file_seq
left join (
  select file_seq, count(*) as repeated
  from ingest_outcomes
  where outcome = 'repeated'
  group by file_seq
) as again on again.file_seq = file.file_seq
where file.dataset = '{contract.dataset}'
""")
