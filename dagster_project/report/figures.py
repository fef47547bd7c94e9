"""Reading the published figures of one release: the one place that opens its Parquet files.

Here: which rows a report needs, as `Row`s. Not here: how they are shown. The trap: a row of test Areas must
never stand among real ones, and a quarter still running has no requirement yet, so "the latest quarter" is
the latest that ended before `as_of`.
"""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.release.exports import literal, quoted
from dagster_project.report.errors import ReportError
from dagster_project.report.values import Row
from dagster_project.settings import SEEDS_DIR

NATIONAL = "ALL"
# Without these a page could not say what it is about or how its figures stand.
REQUIRED_TABLES = frozenset({"release_info", "dim_area", "compliance", "dip_sampling", "leniency"})
# A page shows two years of quarters and months; the workbook and the marts hold all of them.
QUARTERS_SHOWN = 8
MONTHS_SHOWN = 24


@dataclass(frozen=True)
class Area:
    """An Area with a page of its own."""

    code: str
    name: str

    @property
    def slug(self) -> str:
        """The name of its page, without the ending: plain letters and digits, whatever the Area is called."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or self.code.lower()


@dataclass(frozen=True)
class Inspection:
    """An inspection whose comparison the release holds."""

    code: str
    name: str
    is_synthetic: bool


class Figures:
    """The published figures of one release.

    `folder` is its `parquet/`. Use it as a context manager.
    Raises ReportError when a file can't be read, or a table is absent that every page needs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection = duckdb.connect(":memory:")
        try:
            for file in sorted(folder.glob("*.parquet")):
                self._connection.execute(f"create view {quoted(file.stem)} as from {literal(file)}")
        except duckdb.Error as error:
            self.close()
            raise ReportError(
                f"The figures of the release can't be read: {str(error).splitlines()[0]}",
                where=str(folder),
                expected="the shareable Parquet files of a release",
                next_step="Choose a release that `iqa releases` lists without damage.",
            ) from error
        self._columns: dict[str, set[str]] = {}
        self._grouped: dict[str, dict[tuple[Any, ...], list[Row]]] = {}
        for table, column in self._connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal"
        ).fetchall():
            self._columns.setdefault(table, set()).add(column)
        absent = sorted(REQUIRED_TABLES - self.tables)
        if absent:
            self.close()
            raise ReportError(
                f"The release lacks tables that every report needs: {', '.join(absent)}.",
                where=str(folder),
                expected=f"at least {', '.join(sorted(REQUIRED_TABLES))}",
                next_step="Make a new release with `iqa run`, then the report of that.",
            )

    def __enter__(self) -> "Figures":
        """Nothing more to open."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let the files go."""
        self.close()

    def close(self) -> None:
        """Let the files go."""
        self._connection.close()

    @property
    def tables(self) -> set[str]:
        """The tables of the release."""
        return set(self._columns)

    def rows(self, table: str, condition: str = "true", order: str = "all", **values: object) -> list[Row]:
        """The rows of a table that meet a condition; none if the release has no such table.

        `condition` and `order` are written in this package, `values` are bound.
        """
        if table not in self._columns:
            return []
        try:
            cursor = self._connection.execute(
                f"select * from {table} where {condition} order by {order}", values or None
            )
        except duckdb.BinderException as error:
            raise ReportError(
                f"The table {table} lacks a column that a report needs: {str(error).splitlines()[0]}",
                where=str(self._folder),
                expected="the columns that this version of the project publishes",
                next_step="Make a new release with `iqa run`, then the report of that.",
            ) from error
        names = [column[0] for column in cursor.description or ()]
        return [Row(dict(zip(names, record, strict=True))) for record in cursor.fetchall()]

    def _group(
        self, name: str, keys: tuple[str, ...], table: str, condition: str, order: str, **values: object
    ) -> Callable[..., list[Row]]:
        """The rows of a table by the values of `keys`, read once: every page asks for its own few of them."""
        if name not in self._grouped:
            groups: dict[tuple[Any, ...], list[Row]] = {}
            for row in self.rows(table, condition, order, **values):
                groups.setdefault(tuple(row[key] for key in keys), []).append(row)
            self._grouped[name] = groups
        return lambda *wanted: self._grouped[name].get(wanted, [])

    @cached_property
    def info(self) -> Row:
        """The one row about the release."""
        return self.rows("release_info")[0]

    @property
    def as_of(self) -> date:
        """The reporting date."""
        day: date = self.info["as_of"]
        return day

    @cached_property
    def areas(self) -> list[Area]:
        """The real Areas that the release has figures on, in their usual order."""
        found = self.rows(
            "dim_area",
            "not is_test and area_code <> 'ALL' and area_code in"
            " (select area_code from compliance where level = 'area')",
            "sort_order, area_code",
        )
        return [Area(row["area_code"], row["area_name"]) for row in found]

    @cached_property
    def inspections(self) -> list[Inspection]:
        """The inspections in the release, the latest first."""
        known = {row["inspection_code"]: row for row in _seed("inspections")}
        codes = {
            row["sample"]
            for row in self.rows("leniency", "comparison = 'manager_v_inspector' and dimension = 'overall'")
        }
        order = sorted(codes, key=lambda code: (known.get(code, {}).get("fieldwork_from", ""), code))
        return [
            Inspection(
                code,
                known.get(code, {}).get("inspection_name", code),
                known.get(code, {}).get("is_synthetic", "") == "true",
            )
            for code in reversed(order)
        ]

    @cached_property
    def policy(self) -> str:
        """The requirement policy of the headline."""
        return next(
            row["policy_text"]
            for row in _seed("policies")
            if row["policy_key"] == "requirement_default_policy"
        )

    @cached_property
    def reason_names(self) -> dict[str, str]:
        """Reason code of an inspector -> its words."""
        return {row["reason_code"]: row["reason_name"] for row in _seed("reason_codes")}

    @cached_property
    def is_synthetic(self) -> bool:
        """Whether the figures are made up, as far as the release tells.

        They are with the public demo key, which is for nothing else, and where a synthetic inspection looked
        at real Areas.
        """
        if self.info["is_demo_key"]:
            return True
        made_up = {inspection.code for inspection in self.inspections if inspection.is_synthetic}
        real = {area.code for area in self.areas} - {"CPSD"}
        return any(
            row["sample"] in made_up and row["dimension_value"] in real
            for row in self.rows("leniency", "dimension = 'area'")
        )

    @cached_property
    def quarters(self) -> list[tuple[date, date]]:
        """The quarters shown, from the earliest: those with a requirement that have ended."""
        found = self._connection.execute(
            """
            select distinct period_start, period_end
            from compliance
            where
                period_type = 'quarter'
                and period_end < $as_of
                and assessment_type = 'casework'
                and prosecutors_required is not null
                and area_code not in (select area_code from dim_area where is_test)
            order by period_start desc
            limit $limit
            """,
            {"as_of": self.as_of, "limit": QUARTERS_SHOWN},
        ).fetchall()
        return list(reversed(found))

    @property
    def latest_quarter(self) -> tuple[date, date] | None:
        """The latest quarter that has ended, if there is one."""
        return self.quarters[-1] if self.quarters else None

    def quarterly(self, table: str, area_code: str, assessment_type: str = "casework") -> list[Row]:
        """The rows of an Area (or the nation) for the quarters shown, one a quarter."""
        condition, values = self._under_policy(table)
        rows = self._group(
            f"quarters of {table}",
            ("area_code", "assessment_type"),
            table,
            f"period_type = 'quarter' and unit_type = 'ALL'{condition}",
            "period_start",
            **values,
        )(area_code, assessment_type)
        shown = {start for start, _ in self.quarters}
        return [row for row in rows if row["period_start"] in shown]

    def twelve_months(self, table: str, area_code: str, assessment_type: str = "casework") -> Row | None:
        """The row of the twelve months that end with the latest quarter, if the mart has them."""
        if self.latest_quarter is None:
            return None
        condition, values = self._under_policy(table)
        return _first(
            self._group(
                f"years of {table}",
                ("area_code", "assessment_type"),
                table,
                f"period_type = 'rolling_12m' and unit_type = 'ALL' and period_end = $end{condition}",
                "area_code",
                end=self.latest_quarter[1],
                **values,
            )(area_code, assessment_type)
        )

    def _under_policy(self, table: str) -> tuple[str, dict[str, object]]:
        """The condition, and its value, that leaves one row of those that differ in policy."""
        return (" and policy = $policy", {"policy": self.policy}) if table == "compliance" else ("", {})

    def advocacy_years(self, area_code: str) -> list[Row]:
        """Advocacy compliance by financial year, the latest first."""
        return self._group(
            "advocacy years",
            ("area_code",),
            "compliance",
            "period_type = 'financial_year' and unit_type = 'ALL'"
            " and assessment_type = 'advocacy' and policy = $policy"
            " and (capped_den is not null or on_track_den is not null)",
            "period_start desc",
            policy=self.policy,
        )(area_code)

    def leniency(
        self, sample: str, basis: str, dimension: str, comparison: str = "manager_v_inspector"
    ) -> list[Row]:
        """The casework rows of one comparison, in the order of codes."""
        return self._group(
            "leniency",
            ("sample", "basis", "dimension", "comparison"),
            "leniency",
            "assessment_type = 'casework' and comparison = 'manager_v_inspector'",
            "dimension_value",
        )(sample, basis, dimension, comparison)

    def leniency_of(self, sample: str, basis: str, dimension: str, value: str) -> Row | None:
        """One of those rows."""
        return _first(
            row for row in self.leniency(sample, basis, dimension) if row["dimension_value"] == value
        )

    def dip_catch(self, sample: str, area_code: str) -> list[Row]:
        """What dip samples caught of what inspectors found: whole assessments, then answers."""
        return self._group(
            "dip catch",
            ("sample", "area_code"),
            "dip_catch",
            "assessment_type = 'casework' and unit_type = 'ALL'",
            "basis desc",
        )(sample, area_code)

    def funnel(self, metric: str, *, sample: str | None = None) -> tuple[list[Row], list[Row]]:
        """Points and limits of a funnel: of an inspection, or the latest twelve months or quarter."""
        end = None if self.latest_quarter is None else self.latest_quarter[1]
        rows = self._group(
            "funnels",
            ("metric",),
            "funnel_limits",
            "assessment_type = 'casework' and (period_end is null or period_end = $end)",
            "n, area_code",
            end=end,
        )(metric)
        if sample is not None:
            rows = [row for row in rows if row["sample"] == sample]
        else:
            kinds = {row["period_type"] for row in rows}
            kind = next((kind for kind in ("rolling_12m", "quarter") if kind in kinds), None)
            rows = [row for row in rows if kind is not None and row["period_type"] == kind]
        return (
            [row for row in rows if row["row_kind"] == "area"],
            [row for row in rows if row["row_kind"] == "limit"],
        )

    def control_charts(self, area_code: str) -> dict[str, list[Row]]:
        """Metric -> its casework months, the last two years of them."""
        charts: dict[str, list[Row]] = {}
        for row in self._group(
            "control charts",
            ("area_code",),
            "control_charts",
            "assessment_type = 'casework' and unit_type = 'ALL' and month <= $as_of",
            "metric, month",
            as_of=self.as_of,
        )(area_code):
            charts.setdefault(row["metric"], []).append(row)
        first = min((start for start, _ in self.quarters), default=None)
        return {
            metric: shown
            for metric, months in charts.items()
            if (shown := [row for row in months if first is None or row["month"] >= first][-MONTHS_SHOWN:])
        }

    def themes(self, area_code: str, period_type: str) -> list[Row]:
        """The casework themes of the latest quarter, or of the twelve months that end with it."""
        if self.latest_quarter is None:
            return []
        return self._group(
            "themes",
            ("area_code", "period_type"),
            "themes",
            "unit_type = 'ALL' and assessment_type = 'casework' and period_end = $end"
            " and period_type in ('quarter', 'rolling_12m')",
            "question_category, theme_code",
            end=self.latest_quarter[1],
        )(area_code, period_type)

    def questions(self, sample: str) -> list[Row]:
        """Agreement by question in an inspection."""
        return self.rows(
            "question_quality",
            "sample = $sample and comparison = 'manager_v_inspector' and assessment_type = 'casework'",
            "question_code",
            sample=sample,
        )

    def quality(self, area_code: str) -> Row | None:
        """Comments, timeliness and actions of the latest twelve months."""
        return self.twelve_months("assessment_quality", area_code)

    def excluded(self, area_code: str) -> list[Row]:
        """Rows that failed a rule, by rule, over the quarters shown and the running one."""
        return self._excluded.get(area_code, [])

    @cached_property
    def _excluded(self) -> dict[str, list[Row]]:
        if "data_quality" not in self.tables:
            return {}
        cursor = self._connection.execute(
            """
            select
                area_code, severity, dataset, rule_id,
                any_value(rule_description order by rule_description) as rule_description,
                any_value(owner order by owner) as owner,
                sum(rows_failed)::bigint as rows_failed,
                max(suppressed_columns) as suppressed_columns
            from data_quality
            where
                unit_type = 'ALL'
                and (rows_failed > 0 or rows_failed is null)
                and (period_end is null or period_end >= $first)
            group by area_code, severity, dataset, rule_id
            order by area_code, severity, dataset, rule_id
            """,
            {"first": self._first_day},
        )
        names = [column[0] for column in cursor.description or ()]
        found: dict[str, list[Row]] = {}
        for record in cursor.fetchall():
            found.setdefault(record[0], []).append(Row(dict(zip(names, record, strict=True))))
        return found

    def reconciliation(self, area_code: str) -> list[Row]:
        """Control totals of Areas for the quarters shown; for the nation those of all Areas."""
        rows = self._group(
            "control totals",
            (),
            "reconciliation",
            "level = 'area' and unit_type = 'ALL' and period_start >= $first",
            "period_start, area_code, assessment_type, measure",
            first=self._first_day,
        )()
        return [row for row in rows if area_code in (NATIONAL, row["area_code"])]

    @property
    def _first_day(self) -> date:
        return min((start for start, _ in self.quarters), default=date.min)

    def registry(self) -> dict[str, Row]:
        """Metric id -> its definition, the first one where a metric stands in several marts."""
        found: dict[str, Row] = {}
        for row in self.rows("metric_registry", order="mart, metric_id"):
            found.setdefault(row["metric_id"], row)
        return found


def _first(rows: Iterable[Row] | Sequence[Row]) -> Row | None:
    return next(iter(rows), None)


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS_DIR / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
