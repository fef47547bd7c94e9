"""The frames of the draws, read from the warehouse of the last run.

Belongs here: SQL that reads assessments, samplers, intervals and policy rows. Does not: any choice among
them. The one trap: a release holds pseudonyms, and a draw needs the real ids; so it reads the work file,
which may hold a candidate that never passed the gate. `Source.is_released` says which.
"""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.draws.dips import Assessment, DipRules
from dagster_project.draws.inspections import CaseAssessment, InspectionRules
from dagster_project.errors import IqaError
from dagster_project.settings import Settings

_UNITS_OF_DESIGN = ("MC", "CC")


@dataclass(frozen=True)
class Source:
    """The run that the frame comes from."""

    as_of: date
    release_id: str
    code_version: str
    is_released: bool
    is_synthetic: bool


@dataclass(frozen=True)
class Quarter:
    """A financial quarter: `2024-25 Q2`, its days, and the last day on which a dip of it counts."""

    name: str
    start: date
    end: date
    freeze_on: date
    is_pending: bool


@dataclass(frozen=True)
class Area:
    """An Area with its official name; kind is geographical, virtual, central or test."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True)
class CaseFacts:
    """What the reader of a drawn file needs to find it."""

    urn: str
    unit_type: str
    assessor_id: str
    assessed_on: date
    closed_on: date | None


class Warehouse:
    """The warehouse of the last run, open for reading. Use `open_warehouse`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, marts_dir: Path) -> None:
        self._connection = connection
        self._marts_dir = marts_dir

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def source(self) -> Source:
        """Which run filled the warehouse. Made up, as far as anybody can tell: the demo key was used."""
        ((as_of, release_id, code, is_demo),) = self.rows(
            "select as_of, release_id, code_version, is_demo_key from raw.run_context"
        )
        return Source(as_of, release_id, code, (self._marts_dir / "releases" / release_id).is_dir(), is_demo)

    def areas(self) -> list[Area]:
        """Every Area, in the order of reports."""
        return [
            Area(*row)
            for row in self.rows(
                "select area_code, area_name, area_kind from seeds.areas order by sort_order, area_code"
            )
        ]

    def areas_named(self, names: Sequence[str]) -> list[Area]:
        """The Areas with these codes, official names or aliases. Raises IqaError for an unknown one."""
        areas = {area.code: area for area in self.areas()}
        known = {text.casefold(): area.code for area in areas.values() for text in (area.code, area.name)}
        known |= {
            alias.casefold(): code
            for alias, code in self.rows("select alias, area_code from seeds.area_aliases")
            if code in areas
        }
        found = []
        for name in names:
            code = known.get(name.strip().casefold())
            if code is None:
                raise IqaError(
                    f"There is no Area {name!r}.",
                    where="--area",
                    expected="a code or name of the seed areas: " + ", ".join(sorted(areas)),
                    next_step="Correct the name and run the command again.",
                )
            found.append(areas[code])
        return sorted(set(found), key=lambda area: list(areas).index(area.code))

    def quarter(self, name: str | None) -> Quarter:
        """The quarter of that name or that holds that day; without one, the last that is over."""
        quarters = [
            Quarter(*row)
            for row in self.rows(
                "select quarter_name, quarter_start, quarter_end, freeze_on, is_pending "
                "from intermediate.int_quarters order by quarter_start"
            )
        ]
        if name is None:
            over = [quarter for quarter in quarters if not quarter.is_pending]
            if over:
                return over[-1]
        else:
            with contextlib.suppress(ValueError):
                day = date.fromisoformat(name.strip())
                quarters = [quarter for quarter in quarters if quarter.start <= day <= quarter.end]
                if quarters:
                    return quarters[0]
            for quarter in quarters:
                if quarter.name.casefold() == " ".join(name.split()).casefold():
                    return quarter
        raise IqaError(
            f"There is no quarter {name!r}." if name else "No quarter is over yet.",
            where="--quarter",
            expected="a quarter up to the reporting date, as '2024-25 Q2', or a day in it as YYYY-MM-DD",
            next_step="Correct the quarter and run the command again.",
        )

    def policy(self, key: str) -> Any:
        """The number or text of a policy row."""
        rows = self.rows("select policy_value, policy_text from seeds.policies where policy_key = ?", (key,))
        if not rows:
            raise IqaError(
                f"The warehouse was built without the policy row {key}.",
                where="dbt/seeds/policies.csv, as the last run loaded it",
                expected=f"a row whose policy_key is {key}",
                next_step="Put the row back if it is missing, run `iqa check`, and draw again.",
            )
        number, text = rows[0]
        return text if number is None else number

    def dip_rules(self, *, include_open: bool) -> DipRules:
        """The requirement as the policy rows give it."""
        return DipRules(int(self.policy("dip_rate_divisor")), str(self.policy("dip_rounding")), include_open)

    def inspection_rules(self) -> InspectionRules:
        """The design of the inspection as the policy rows give it."""
        return InspectionRules(
            files={unit: int(self.policy(f"inspection_files_{unit.lower()}")) for unit in _UNITS_OF_DESIGN},
            carried_out_after=date.fromisoformat(str(self.policy("inspection_carried_out_after"))),
            window_multiple=int(self.policy("inspection_window_multiple")),
        )

    def dip_frame(self, quarter: Quarter, areas: Collection[str]) -> list[Assessment]:
        """The assessments of a quarter in these Areas, withdrawn ones too, by id."""
        rows = self.rows(
            """
            with dips as (
                select
                    iqa_id,
                    bool_or(is_valid) as has_valid,
                    bool_or(is_late) as has_late
                from intermediate.int_dips_classified
                group by iqa_id
            )

            select
                iqas.iqa_id,
                iqas.area_code,
                iqas.assessment_type,
                iqas.assessor_id,
                iqas.subject_id,
                iqas.status,
                case
                    when dips.has_valid then 'valid'
                    when dips.has_late then 'late'
                    when dips.iqa_id is not null then 'unrecorded'
                    else 'none'
                end as dip
            from raw.iqa as iqas
            left join dips
                on iqas.iqa_id = dips.iqa_id
            where
                iqas.assessed_on between ? and ?
                and list_contains(?, iqas.area_code)
            order by iqas.iqa_id
            """,
            (quarter.start, quarter.end, sorted(areas)),
        )
        return [Assessment(*row) for row in rows]

    def samplers(self, on: date) -> dict[str, list[str]]:
        """Area -> people posted in it on a day, in any unit, whose grade may dip sample."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for area, staff in self.rows(
            """
            select distinct postings.area_code, postings.staff_id
            from raw.postings as postings
            inner join seeds.grades as grades
                on postings.grade = grades.grade
            where
                grades.may_dip_sample
                and postings.start_date <= $day
                and coalesce(postings.end_date, $day) >= $day
            order by postings.area_code, postings.staff_id
            """.replace("$day", f"date '{on.isoformat()}'")
        ):
            found[area].append(staff)
        return dict(found)

    def require_staff(self, staff_ids: Collection[str]) -> None:
        """Raise IqaError for an id that no posting has."""
        known = {
            staff
            for (staff,) in self.rows(
                "select distinct staff_id from raw.postings where list_contains(?, staff_id)",
                (sorted(staff_ids),),
            )
        }
        unknown = sorted(set(staff_ids) - known)
        if unknown:
            raise IqaError(
                f"Nobody has the staff id {', '.join(unknown)}.",
                where="--sampler",
                expected="staff ids as the extract `postings` writes them",
                next_step="Correct the id, or deliver the posting and run `iqa check` first.",
            )

    def interval_widths(self, before: str) -> dict[tuple[str, str], float]:
        """(assessment type, assessor) -> width of the shrunk leniency interval against dip samplers.

        Of each assessor the last quarter before the quarter named `before` in which one was worked out.
        """
        rows = self.rows(
            """
            select
                shrunk.sample_type,
                staff_pseudonyms.staff_id,
                arg_max(shrunk.shrunk_high - shrunk.shrunk_low, shrunk.sample) as width
            from intermediate.int_leniency_shrunk as shrunk
            inner join raw.staff_pseudonyms as staff_pseudonyms
                on shrunk.dimension_value = staff_pseudonyms.staff_key
            where
                shrunk.comparison = 'manager_v_dip_sampler'
                and shrunk.basis = 'iqa'
                and shrunk.dimension = 'assessor'
                and shrunk.sample < ?
                and shrunk.shrunk_high is not null
                and shrunk.shrunk_low is not null
            group by shrunk.sample_type, staff_pseudonyms.staff_id
            """,
            (before,),
        )
        # Rounded, so that the last bit of a quantile on another processor cannot change a draw.
        return {(kind, staff): round(width, 9) for kind, staff, width in rows}

    def case_frame(self) -> list[CaseAssessment]:
        """Every assessment as the inspection design sees it, by id."""
        rows = self.rows(
            """
            select
                iqas.iqa_id,
                iqas.area_code,
                iqas.unit_type,
                iqas.assessment_type,
                iqas.status,
                iqas.assessed_on,
                iqas.closed_on,
                iqas.iqa_id in (
                    select dips.iqa_id from intermediate.int_dips_classified as dips where dips.is_recorded
                ) as is_dipped
            from raw.iqa as iqas
            order by iqas.iqa_id
            """
        )
        return [CaseAssessment(*row) for row in rows]

    def case_facts(self, iqa_ids: Collection[str]) -> dict[str, CaseFacts]:
        """What is needed to find these assessments."""
        rows = self.rows(
            """
            select iqa_id, urn, unit_type, assessor_id, assessed_on, closed_on
            from raw.iqa
            where list_contains(?, iqa_id)
            """,
            (sorted(iqa_ids),),
        )
        return {iqa_id: CaseFacts(*facts) for iqa_id, *facts in rows}


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """The warehouse of the last run. Raises IqaError if there is none, or it can't be read whole."""
    path = settings.warehouse
    if not path.exists():
        raise IqaError(
            "There is no warehouse to draw from.",
            where=str(path),
            expected="the work file of an earlier run",
            next_step="Run `iqa run` first, or name the file with --warehouse.",
        )
    limits: dict[str, Any] = {"threads": settings.threads, "memory_limit": settings.memory_limit}
    with contextlib.closing(duckdb.connect(":memory:", config=limits)) as connection:
        try:
            quoted = str(path).replace("'", "''")
            # Its views name the database `warehouse`, whatever the file is called.
            connection.execute(f"attach '{quoted}' as warehouse (read_only)")
            connection.execute("use warehouse")
            yield Warehouse(connection, settings.marts_dir)
        except duckdb.Error as error:
            raise IqaError(
                f"The frame cannot be read: {str(error).splitlines()[0]}",
                where=str(path),
                expected="a warehouse that no run is writing and that a whole run has filled",
                next_step="Wait for the run to end, or run `iqa check`, and draw again.",
            ) from error
