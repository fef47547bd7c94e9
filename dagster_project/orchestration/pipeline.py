"""One run, stage by stage: ingest, build, expectations, disclosure control, gate, release.

Here: the order of the stages and what each leaves for the next. Not here: what a stage does (its own folder),
and how a run is shown (commands, Dagster). The one trap: DuckDB lets one process open the warehouse file for
writing, and dbt must be that one while it builds; so until the marts are finished, every stage opens its own
connection and closes it. From then on nothing writes to the file, and one connection stays open to the end:
what needs the marts alone (the suites, the plan of disclosure control, the restricted part of the release)
goes on side by side.

A `Pipeline` is a context manager: it holds the writer's lock while it is open. Each stage is called once, in
order; a stage that raises leaves the last release untouched, and `crash` holds what it raised.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

import duckdb

from dagster_project.assurance import scopes
from dagster_project.assurance.bounds import CHANGE_IS_BOUNDED, check_change
from dagster_project.assurance.chain import Head
from dagster_project.assurance.sign_offs import read_sign_offs
from dagster_project.assurance.statuses import Assured, apply_statuses
from dagster_project.assurance.waivers import expired_among, read_waivers
from dagster_project.disclosure.control import (
    METHOD,
    Control,
    DisclosureResult,
    begin_control,
    disclosure_checks,
)
from dagster_project.disclosure.policy import POLICY_FILE, read_policy
from dagster_project.disclosure.publishing import PUBLISHED
from dagster_project.errors import IqaError
from dagster_project.extracts import ExtractError, IngestResult, ingest
from dagster_project.extracts.result import FileOutcome
from dagster_project.gate.checks import Check
from dagster_project.gate.dbt_checks import DbtOutcome, completed_dbt_checks, tests_named
from dagster_project.gate.decision import GateDecision, decide
from dagster_project.gate.side_process import SuiteProcess, Task
from dagster_project.gate.suites import Suite, planned_checks, read_suites
from dagster_project.handback.errors import write_error_workbooks
from dagster_project.orchestration.headlines import Headline, headlines
from dagster_project.orchestration.intake import (
    completed_ingest_checks,
    ingest_checks,
    intake_counts,
    intake_details,
    intake_summary,
)
from dagster_project.orchestration.steps import StepReport, count_of
from dagster_project.release.files import point, write_text
from dagster_project.release.history import CURRENT, VERIFIED, pointed_at
from dagster_project.release.identity import RELEASES, new_release_id
from dagster_project.release.locks import WriterLock, writer_lock
from dagster_project.release.provenance import CodeVersion, code_version
from dagster_project.release.pseudonyms import PseudonymKey, pseudonym_key, write_staff_pseudonyms
from dagster_project.release.staging import Staged, begin_release
from dagster_project.release.tables import released_tables
from dagster_project.release.writer import ReleaseInfo, write_release
from dagster_project.report.building import REPORT, build_report, can_report, load_libraries
from dagster_project.settings import DBT_DIR, EXPECTATIONS_DIR, Settings
from dagster_project.warehouse.dbt_runner import DbtManifest, DbtResult, load_manifest, run_dbt
from dagster_project.warehouse.run_context import RunContext, write_run_context

SUITES_DIR = EXPECTATIONS_DIR / "marts"


def stage_checks() -> list[Check]:
    """The checks that the stages themselves plan, beside dbt's tests and the suites."""
    return [*ingest_checks(), CHANGE_IS_BOUNDED, *disclosure_checks()]


@dataclass(frozen=True)
class BrokenRule:
    """A rule that rows of a dataset broke, and how many were quarantined for it."""

    dataset: str
    rule_id: str
    rows: int
    expected: str
    example: str

    def sentence(self) -> str:
        """The rule in one line for people."""
        return (
            f"{self.dataset}, {self.rule_id}: {count_of(self.rows, 'row')}. Expected {self.expected}."
            f" For example {self.example}."
        )


class Pipeline:
    """One run over one set of extracts.

    `on_step` is called with a report when a stage has ended, `on_start` with its name when it begins. With
    `is_to_release` the release is begun before the gate has decided.
    To repeat an earlier run: `sign_offs_upto` and `waivers_upto` stop reading the logs where it did,
    `logs_dir` is the folder of releases whose logs it read, `recorded` are its input files and
    `audited_against` is the release that readers had before it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_step: Callable[[StepReport], None] = lambda report: None,
        on_start: Callable[[str], None] = lambda name: None,
        is_to_release: bool = False,
        dbt_dir: Path | None = None,
        suites_dir: Path | None = None,
        policy_file: Path | None = None,
        sign_offs_upto: Head | None = None,
        waivers_upto: Head | None = None,
        logs_dir: Path | None = None,
        recorded: Sequence[FileOutcome] | None = None,
        audited_against: Path | None = None,
    ) -> None:
        self.settings = settings
        self.steps: list[StepReport] = []
        self.intake: IngestResult | None = None
        self.dbt_result: DbtResult | None = None
        self.decision: GateDecision | None = None
        self.release: ReleaseInfo | None = None
        self.headlines: list[Headline] = []
        self.crash: BaseException | None = None
        self.error_workbooks: list[Path] = []
        self._on_step = on_step
        self._on_start = on_start
        self._dbt_dir = dbt_dir or DBT_DIR
        self._suites_dir = suites_dir or SUITES_DIR
        self._policy_file = policy_file or POLICY_FILE
        self._audited_against = audited_against
        self._sign_offs_upto = sign_offs_upto
        self._waivers_upto = waivers_upto
        self._logs_dir = logs_dir or settings.marts_dir
        self._recorded = recorded
        self.assured: Assured | None = None
        self.disclosure: DisclosureResult | None = None
        self._completed: list[Check] = []
        self._is_to_release = is_to_release
        self._lock: WriterLock | None = None
        self._open: duckdb.DuckDBPyConnection | None = None
        self._control: Control | None = None
        self._staged: Staged | None = None
        self._held = ExitStack()
        self._side = SuiteProcess()

    def __enter__(self) -> "Pipeline":
        """Take the writer's lock, read key, logs, policy: what is wrong with one is known before any work."""
        self._lock = self._held.enter_context(
            writer_lock(self.settings.marts_dir, warehouse=self.settings.warehouse)
        )
        self._key = pseudonym_key(self.settings.pseudonym_key_file)
        self._sign_offs = read_sign_offs(self._logs_dir, self._sign_offs_upto)
        self._waivers = read_waivers(self._logs_dir, self._waivers_upto)
        self._policy = read_policy(self._policy_file)
        self._side.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the lock go, once nothing reads the warehouse and nothing is staged any more."""
        self._side.close()
        self._open = None
        self._held.close()

    @cached_property
    def manifest(self) -> DbtManifest:
        """The parsed dbt project."""
        return load_manifest(self.settings, dbt_dir=self._dbt_dir)

    @cached_property
    def suites(self) -> list[Suite]:
        """The expectation suites."""
        return read_suites(self._suites_dir)

    @cached_property
    def code(self) -> CodeVersion:
        """The version of this code."""
        return code_version()

    @property
    def waived(self) -> dict[str, str]:
        """Check id -> the words of the waiver, for those in force at this run's `as_of`."""
        as_of = self.intake.as_of if self.intake is not None else None
        return {} if as_of is None else self._waivers.in_force(as_of)

    @property
    def key(self) -> PseudonymKey:
        """The key of the staff pseudonyms."""
        return self._key

    def ingest(self, reread: Sequence[str] = ()) -> IngestResult:
        """Extracts into schema `raw`, with the run's own rows beside them.

        `reread` names files that are read again although their bytes are known.

        Raises:
            IqaError: there is nothing to work on, or no such file to read again.
        """
        with self._step("Ingest") as done:
            # DuckDB reads the extracts meanwhile.
            self.manifest.unpack_ahead()
            self.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(self._connect()) as connection:
                intake = self.intake = self._ingested(connection, reread)
                hand_back = self._hand_back(connection, intake)
                if intake.as_of is None or intake.rows("accepted") == 0:
                    raise _nothing_to_work_on(intake, self.settings.raw_dir)
                write_staff_pseudonyms(connection, self.key)
                write_run_context(connection, self._context(intake, intake.as_of))
            self._completed.extend(completed_ingest_checks(intake))
            done(intake_summary(intake), (*hand_back, *intake_details(intake)), intake_counts(intake))
        return intake

    def build(self, on_event: Callable[[Any], None] | None = None) -> DbtResult:
        """Models and their tests, by dbt. A failed test is in the result; only a broken project raises."""
        with self._step("Build") as done:
            self._drop_built()
            tolerated = tests_named(self.manifest.document, self.waived)
            result = self.dbt_result = run_dbt(
                self.settings,
                dbt_dir=self._dbt_dir,
                manifest=self.manifest,
                tolerated=tolerated,
                on_event=on_event,
            )
            outcomes = [
                DbtOutcome(
                    node.unique_id,
                    # dbt only warned so that it went on building; the gate is told of a failure.
                    "fail" if node.unique_id in tolerated and node.status == "warn" else node.status,
                    node.failures,
                    node.message,
                    node.compiled_sql,
                )
                for node in result.nodes
            ]
            with self.candidate() as connection:
                self._completed.extend(completed_dbt_checks(self.manifest.document, outcomes, connection))
            counts = _dbt_counts(result)
            done(
                f"{count_of(counts['models'], 'model')} and {count_of(counts['seeds'], 'seed')} built, "
                f"{count_of(counts['tests'], 'test')} run, {counts['not_passed']} not passed",
                _dbt_errors(result),
                counts,
            )
        # A test that failed upstream leaves models unbuilt: then there are no marts to speak of.
        if not result.crash and not any(
            node.resource_type == "model" for node in result.with_status("error", "skipped")
        ):
            self._assure()
            # Dagster takes seconds to store what dbt reported: meanwhile the next stages begin.
            self._hand_over()
            self._begin_control()
        return result

    def _assure(self) -> None:
        """What sign-offs and the last release say of the marts. All of them are built."""
        with self._step("Assure") as done:
            tables = released_tables(self.manifest.document)
            with contextlib.closing(self._connect()) as connection:
                change = check_change(connection, tables, self._last_release())
                assured = self.assured = apply_statuses(connection, tables, self._sign_offs, self._logs_dir)
            self._completed.append(change)
            details = [] if change.verdict == "passed" else [change.detail]
            done(
                assured.sentence(),
                (*details, *assured.details()),
                {"verified": len(assured.verified)},
            )

    def validate(self) -> list[Check]:
        """The expectation suites on the candidate marts."""
        with self._step("Expect") as done:
            if not self._side.is_at_work:
                self._hand_over()
            completed = self._side.verdicts()
            self._completed.extend(completed)
            not_passed = sum(check.verdict != "passed" for check in completed)
            done(
                f"{count_of(len(completed), 'expectation')} of {count_of(len(self.suites), 'suite')}, "
                f"{not_passed} not passed",
                counts={"expectations": len(completed), "not_passed": not_passed},
            )
        return completed

    def _hand_over(self) -> None:
        self._side.hand_over(Task(self.suites, self.settings.warehouse, self._limits()))

    def protect(self) -> DisclosureResult:
        """Schema `PUBLISHED`: the shareable marts with small counts withheld, and the audit of it."""
        with self._step("Protect") as done:
            if self._control is None:
                self._begin_control()
            assert self._control is not None
            result = self.disclosure = (
                self._control.finish() if self._staged is None else self._control.finish(self._staged.share)
            )
            self._completed.extend(result.checks)
            done(result.sentence(), (result.note,) if result.note else (), result.counts)
        return result

    def _begin_control(self) -> None:
        """Begin disclosure control, and the release beside it: the one is mostly Python, the other DuckDB."""
        warehouse = self._open = self._held.enter_context(self._finished())
        if self._is_to_release:
            self._staged = self._held.enter_context(self._begun_release(warehouse))
        self._control = self._held.enter_context(
            begin_control(
                warehouse,
                self._policy,
                released_tables(self.manifest.document),
                self._last_release(),
            )
        )

    def _begun_release(self, connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[Staged]:
        assert self._lock is not None
        return begin_release(
            connection,
            self.manifest.document,
            self.settings.marts_dir,
            self._lock,
            shareable=PUBLISHED,
        )

    def _last_release(self) -> Path | None:
        """The release that readers have now; for a run that repeats an earlier one, had then."""
        if self._recorded is not None:
            return self._audited_against
        last = pointed_at(self.settings.marts_dir, CURRENT)
        return None if last is None else self.settings.marts_dir / RELEASES / last

    def decide(self) -> GateDecision:
        """Planned checks against completed ones. Where the gate is open, the headline figures are read."""
        with self._step("Gate") as done:
            plan = planned_checks(self.manifest.document, self.suites, stage_checks())
            decision = self.decision = decide(plan, self._completed, self.waived)
            if decision.may_release:
                with self.candidate() as connection:
                    self.headlines = headlines(connection)
            details = [
                f"Waived: {check.id}: {check.detail}"
                for check in decision.checks
                if check.verdict == "waived"
            ]
            if self.intake is not None and self.intake.as_of is not None:
                blocking = [check.id for check in decision.blocking]
                details += expired_among(self._waivers, blocking, self.intake.as_of)
            done(decision.sentence(), tuple(details), decision.counts)
        return decision

    def publish(self) -> ReleaseInfo:
        """The candidate as a release, and `current` on it. The gate must be open."""
        with self._step("Release") as done:
            if self.decision is None or self._open is None:
                raise IqaError(
                    "The gate has not decided on this candidate.",
                    where="the release stage",
                    expected="ingest, build, expectations and gate before it, in the same run",
                    next_step="Run the whole flow: `iqa run`, or the job `iqa_run` in Dagster.",
                )
            if self._has_report:
                # DuckDB writes the tables meanwhile, and leaves Python to import.
                Thread(target=load_libraries, daemon=True).start()
            if self._staged is None:
                self._staged = self._held.enter_context(self._begun_release(self._open))
            with self.candidate() as connection:
                release = self.release = write_release(
                    connection,
                    self._staged,
                    self.decision,
                    code=self.code,
                    add_files=self._add_files,
                    assurance=self._assurance_facts(),
                    disclosure=self._disclosure_facts(),
                )
            is_verified = self.assured is not None and self.assured.is_all_verified
            if is_verified:
                point(self.settings.marts_dir / VERIFIED, f"{RELEASES}/{release.release_id}")
            done(
                f"{release.release_id}, {count_of(len(release.contents), 'table')}"
                + (", verified" if is_verified else ""),
                counts={"tables": len(release.contents)},
            )
        return release

    def _add_files(self, staging: Path) -> None:
        """What goes into the staged release beside its tables."""
        states = self.assured.states if self.assured is not None else ()
        write_text(staging / scopes.SCOPES_FILE, scopes.scopes_text(states))
        if self._has_report:
            build_report(staging, staging / REPORT, before=self._last_release())

    @cached_property
    def _has_report(self) -> bool:
        """Whether this project's marts are those that a report is made of; a test's may be fewer."""
        return can_report(
            {table.name for table in released_tables(self.manifest.document) if table.is_shareable}
        )

    def _assurance_facts(self) -> dict[str, object]:
        """What the manifest says of sign-offs and waivers: how far each log was read, and what it came to."""
        assured = self.assured
        return {
            "sign_offs": asdict(self._sign_offs.head),
            "waivers": asdict(self._waivers.head),
            "scopes_verified": len(assured.verified) if assured else 0,
            "scopes_required": sum(state.is_complete for state in assured.states) if assured else 0,
            "sign_offs_undone": len(assured.fallen) if assured else 0,
        }

    def _disclosure_facts(self) -> dict[str, object]:
        """What the manifest says of withheld counts."""
        last, result = self._last_release(), self.disclosure
        return {
            "audited_against": None if last is None else last.name,
            **(
                {}
                if result is None
                else {
                    "rounds": result.rounds,
                    "thresholds": dict(result.thresholds),
                    "policy_sha256": result.policy_sha256,
                    "method": METHOD,
                    **result.counts,
                }
            ),
        }

    @contextmanager
    def candidate(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the warehouse attached to read, as `warehouse`."""
        if self._open is not None:
            with self._open.cursor() as cursor:
                yield cursor
            return
        with self._finished() as connection:
            yield connection

    @contextmanager
    def _finished(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with a database of its own, and the warehouse attached to read, as `warehouse`."""
        with contextlib.closing(duckdb.connect(":memory:", config=self._limits())) as connection:
            path = str(self.settings.warehouse).replace("'", "''")
            connection.execute(f"attach '{path}' as warehouse (read_only)")
            yield connection

    def row_counts(self) -> dict[tuple[str, str], int]:
        """(schema, table) -> rows, for every table of the warehouse and every view of `raw` and `marts`."""
        with self.candidate() as connection:
            rows = connection.execute(
                "select schema_name, table_name, estimated_size from duckdb_tables() "
                "where database_name = 'warehouse'"
            ).fetchall()
            views = connection.execute(
                "select schema_name, view_name from duckdb_views() where database_name = 'warehouse' "
                "and schema_name in ('raw', 'marts') order by all"
            ).fetchall()
            counted = {
                (schema, view): connection.execute(
                    f'select count(*) from warehouse.{schema}."{view}"'
                ).fetchall()
                for schema, view in views
            }
        sizes = {(schema, table): size for schema, table, size in rows}
        return sizes | {key: found[0][0] for key, found in counted.items()}

    def broken_rules(self) -> list[BrokenRule]:
        """The rules that rows were quarantined for, with where to find the first of them."""
        with self.candidate() as connection:
            rows = connection.execute(
                """
                select
                    quarantine.dataset,
                    quarantine.rule_id,
                    count(*) as row_count,
                    min(quarantine.expected) as expected,
                    min_by(
                        concat_ws(
                            ' ', quarantine.source_file, quarantine.source_sheet, 'row',
                            quarantine.source_row, quarantine.column_name
                        ),
                        (quarantine.source_file, quarantine.source_row)
                    ) as example
                from warehouse.raw.quarantine as quarantine
                group by quarantine.dataset, quarantine.rule_id
                order by quarantine.dataset, quarantine.rule_id
                """
            ).fetchall()
        return [
            BrokenRule(dataset, rule_id, count, expected or "", example or "")
            for dataset, rule_id, count, expected, example in rows
        ]

    def _ingested(self, connection: duckdb.DuckDBPyConnection, reread: Sequence[str]) -> IngestResult:
        try:
            return ingest(self.settings, connection, recorded=self._recorded, reread=reread)
        except ExtractError as error:
            raise IqaError(
                str(error),
                where=str(self.settings.raw_dir),
                expected="a folder of extracts, and contracts and seeds that agree with each other",
                next_step="Correct what the message names, then run again. The last release stays in place.",
            ) from error

    def _drop_built(self) -> None:
        """Take away what an earlier run built: nothing stale can be released, and dbt has nothing to swap.

        A model whose meta says `keeps_state` stays: it reads its own last state, keyed by what made it.
        """
        nodes = self.manifest.document["nodes"].values()
        kept = {
            (node["schema"], node["alias"])
            for node in nodes
            if node["resource_type"] == "model" and node["config"]["meta"].get("keeps_state")
        }
        schemas = sorted({node["schema"] for node in nodes} - {"raw"})
        with contextlib.closing(self._connect()) as connection:
            for schema, name, kind in connection.execute(
                "select table_schema, table_name, table_type from information_schema.tables"
                " where list_contains($schemas, table_schema)",
                {"schemas": schemas},
            ).fetchall():
                if (schema, name) not in kept:
                    word = "view" if kind == "VIEW" else "table"
                    connection.execute(f'drop {word} if exists "{schema}"."{name}" cascade')

    def _hand_back(self, connection: duckdb.DuckDBPyConnection, intake: IngestResult) -> tuple[str, ...]:
        """Write the suppliers' error workbooks, and say where they are. Figures don't depend on them."""
        dates = [outcome.extract_date for outcome in intake.files if outcome.extract_date is not None]
        as_of = intake.as_of or max(dates, default=None)
        if as_of is None:
            return ()
        try:
            self.error_workbooks = write_error_workbooks(connection, self.settings, as_of)
        except OSError as error:
            return (f"the error workbooks could not be written: {error}",)
        return tuple(f"error workbook to send back: {path}" for path in self.error_workbooks)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self.settings.warehouse), config=self._limits())
        except duckdb.Error as error:
            raise IqaError(
                f"The warehouse file cannot be opened: {str(error).splitlines()[0]}",
                where=str(self.settings.warehouse),
                expected="a DuckDB file that no other program has open, or no file yet",
                next_step="Close the program that has it open. If the file is damaged, delete it: "
                "it is made again from the extracts.",
            ) from error

    def _limits(self) -> dict[str, Any]:
        self.settings.spill_dir.mkdir(parents=True, exist_ok=True)
        return {
            "threads": self.settings.threads,
            "memory_limit": self.settings.memory_limit,
            "temp_directory": str(self.settings.spill_dir),
        }

    def _context(self, intake: IngestResult, as_of: date) -> RunContext:
        hashes = sorted(outcome.file_sha256 or "" for outcome in intake.with_status("loaded"))
        content = "\n".join([self.code.label, as_of.isoformat(), *hashes])
        return RunContext(
            as_of=as_of,
            release_id=new_release_id(self.settings.marts_dir, content),
            code_version=self.code.label,
            created_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            is_demo_key=self.key.is_demo,
            pseudonym_key_id=self.key.key_id,
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[Callable[..., None]]:
        self._on_start(name)
        started = time.perf_counter()
        report: list[StepReport] = []

        def done(summary: str, details: tuple[str, ...] = (), counts: dict[str, int] | None = None) -> None:
            report.append(StepReport(name, time.perf_counter() - started, summary, details, counts or {}))

        try:
            yield done
        except BaseException as error:
            self.crash = error
            raise
        self.steps.extend(report)
        for ended in report:
            self._on_step(ended)


def _nothing_to_work_on(intake: IngestResult, raw_dir: Path) -> IqaError:
    """Why no row was accepted: there are no extracts, or they are all of a later date."""
    later = intake.with_status("after_as_of")
    if later and len(later) + len(intake.refusals) == len(intake.files):
        dates = sorted(outcome.extract_date for outcome in later if outcome.extract_date is not None)
        whose = "all" if not intake.refusals else "all that were not refused,"
        return IqaError(
            f"There is nothing to work on: {whose} {count_of(len(later), 'extract')} "
            f"{'is' if len(later) == 1 else 'are'} dated after the reporting date {intake.as_of}.",
            where=str(raw_dir),
            expected=f"a reporting date from {dates[0]}, the date of the earliest extract",
            next_step="Give a later date with --as-of (or IQA_AS_OF), or none at all: "
            f"then it is that of the newest extract, {dates[-1]}.",
        )
    return IqaError(
        "There is nothing to work on: no row of any extract was accepted.",
        where=str(raw_dir),
        expected="extracts as <dataset>/<name>_<YYYY-MM-DD>.csv (csv.gz, xlsx, parquet)",
        next_step="Put extracts there or name another folder with --raw; "
        "`iqa synth --out DIR` makes synthetic ones.",
    )


def _dbt_counts(result: DbtResult) -> dict[str, int]:
    kinds = [node.resource_type for node in result.nodes]
    tests = kinds.count("test") + kinds.count("unit_test")
    return {
        "models": kinds.count("model"),
        "seeds": kinds.count("seed"),
        "tests": tests,
        "not_passed": sum(node.status not in ("success", "pass", "no-op") for node in result.nodes),
    }


def _dbt_errors(result: DbtResult) -> tuple[str, ...]:
    errors = [
        f"{node.name} could not be built: {' '.join((node.message or 'no message').split())}"
        if node.resource_type != "test"
        else f"{node.name} could not be run: {' '.join((node.message or 'no message').split())}"
        for node in result.with_status("error")
    ]
    return (*([f"dbt gave up: {result.crash}"] if result.crash else []), *errors)
