"""Control totals: what the application itself would count, per Area, unit, type and quarter.

They are counted from what was drawn, not from the written extracts, so that they can catch a fault in either.
The one trap: a total follows what is known on the day it is supplied, so it moves when a late extract or a
withdrawal arrives.
"""

from datetime import date

import polars as pl

from dagster_project.synth import catalogue
from dagster_project.synth.almanac import Quarter, day_number
from dagster_project.synth.assessments import RULES_FROM, Plan
from dagster_project.synth.catalogue import CASEWORK
from dagster_project.synth.staff import Staff, days_available, required_prosecutors

ALL_UNITS = -1
_REQUIREMENT_FROM = day_number(date(2021, 10, 1))
_KEY = ["area", "unit", "type"]


def totals_of(
    staff: Staff, plan: Plan, iqas: pl.DataFrame, dips: pl.DataFrame, quarter: Quarter, day: int
) -> pl.DataFrame:
    """The totals of one quarter as known on a day: quarter, area, unit (-1 = ALL), type, measure, value."""
    counted = iqas.filter(
        (pl.col("quarter") == quarter.number) & (pl.col("known") <= day) & (pl.col("withdrawn") > day)
    )
    dipped = (
        dips.filter((pl.col("known") <= day) & pl.col("is_timely") & _is_recorded()).select("iqa").unique()
    )
    frames = [
        _per_unit_and_area(counted, "iqas_assessed"),
        _per_unit_and_area(counted.join(dipped, on="iqa", how="semi"), "dips_valid"),
    ]
    if quarter.start >= _REQUIREMENT_FROM:
        required = required_prosecutors(days_available(staff, quarter, day), quarter)
        held = required.with_columns(type=pl.lit(CASEWORK).cast(pl.Int64))
        frames.append(_per_unit_and_area(held, "prosecutors_required"))
    found = pl.concat(frames).with_columns(quarter=pl.lit(quarter.number).cast(pl.Int64))
    return found.sort("measure", *_KEY)


def _is_recorded() -> pl.Expr:
    """Marked and commented, as the application has asked since 3 October 2022; before that any dip."""
    return (pl.col("sampled") < RULES_FROM) | (pl.col("is_marked") & pl.col("has_comment"))


def _per_unit_and_area(rows: pl.DataFrame, measure: str) -> pl.DataFrame:
    units = rows.group_by(_KEY).agg(value=pl.len())
    areas = rows.group_by("area", "type").agg(value=pl.len())
    areas = areas.with_columns(unit=pl.lit(ALL_UNITS).cast(pl.Int64)).select(units.columns)
    both = pl.concat([units, areas])
    # CPS Direct is one unit, whose total is its Area's.
    both = both.filter((pl.col("unit") == ALL_UNITS) | (pl.col("area") != catalogue.CPSD))
    return both.with_columns(measure=pl.lit(measure), value=pl.col("value").cast(pl.Int64))
