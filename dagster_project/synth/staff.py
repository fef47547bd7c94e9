"""The synthetic organisation: seats, the people who hold them one after another, absences, requirement.

Assessments do not belong here. The one trap: a mover is one person with two postings, so anything counted
per prosecutor goes by `staff`, never by `posting`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dagster_project.synth import catalogue
from dagster_project.synth.almanac import NEVER, Quarter, working_days_between
from dagster_project.synth.chance import Chance, Ints

PROSECUTOR, ADVOCATE, ASSESSOR, SAMPLER = range(4)
_SEAT_SPAN = 1 << 17  # more than any day number, so seat * span + day sorts by seat, then day
_ABSENCE_MIN_WORKING_DAYS = 10


@dataclass(frozen=True)
class Staff:
    """Postings and absences with whole-number codes, and who sat in which manager's seat when.

    postings: posting, staff, kind, grade, area, unit, role, fte, start, end, manager_seat (-1 = none).
    absences: absence, staff, absence_type, start, end, is_long.
    """

    postings: pl.DataFrame
    absences: pl.DataFrame
    seat_keys: Ints
    seat_staff: Ints
    samplers_of_area: list[Ints]
    assessors_of_area: list[Ints]

    def holder(self, seats: Ints, days: Ints) -> Ints:
        """Who held each manager's seat on each day."""
        place = np.searchsorted(self.seat_keys, seats * _SEAT_SPAN + days, side="right") - 1
        return self.seat_staff[place]


def build_staff(chance: Chance, scale: float, quarters: list[Quarter], last_day: int) -> Staff:
    """Everybody who holds a posting between the first quarter's start and the last extract."""
    begin = quarters[0].start
    seats = _seats(scale)
    managers = _occupy(chance, seats.filter(pl.col("kind") >= ASSESSOR), begin, last_day, 9000.0, 0)
    others = _occupy(chance, seats.filter(pl.col("kind") < ASSESSOR), begin, last_day, 2300.0, 75)
    others = others.with_columns(staff=pl.col("staff") + len(managers))
    moved = _moves(chance, others, seats, begin, last_day)
    postings = pl.concat([managers, others, moved]).with_row_index("posting", offset=1)
    number = postings["staff"].to_numpy()
    share = chance.uniform("staff.fte", number)
    postings = postings.with_columns(
        pl.col("posting").cast(pl.Int64),
        grade=_grades(chance, postings),
        role=_roles(chance, postings),
        fte=pl.Series(np.select([share < 0.78, share < 0.90, share < 0.96], [1.0, 0.8, 0.6], 0.5)),
    )
    order = managers.sort("seat", "start")
    by_area = seats.filter(pl.col("kind") >= ASSESSOR)
    return Staff(
        postings=postings,
        absences=_absences(chance, postings, quarters, last_day),
        seat_keys=(order["seat"] * _SEAT_SPAN + order["start"]).to_numpy(),
        seat_staff=order["staff"].to_numpy(),
        samplers_of_area=_seats_by_area(by_area, SAMPLER),
        assessors_of_area=_seats_by_area(by_area, ASSESSOR),
    )


def _seats_by_area(seats: pl.DataFrame, kind: int) -> list[Ints]:
    return [
        seats.filter((pl.col("kind") == kind) & (pl.col("area") == area))["seat"].to_numpy()
        for area in range(len(catalogue.AREAS))
    ]


def _seats(scale: float) -> pl.DataFrame:
    """One row per seat: kind, area, unit, and the seat of its line manager."""
    rows: list[tuple[int, int, int, int]] = []
    for area, share in enumerate(catalogue.area_shares()):
        units = {"CPSD": 1.0} if area == catalogue.CPSD else catalogue.UNIT_SHARES
        for name, unit_share in units.items():
            unit = catalogue.UNITS.index(name)
            first_manager = len(rows)
            for _ in range(max(1, round(catalogue.DCPS * scale * share * unit_share))):
                rows.append((ASSESSOR, area, unit, -1))
            managers = len(rows) - first_manager
            for place in range(max(1, round(catalogue.PROSECUTORS * scale * share * unit_share))):
                rows.append((PROSECUTOR, area, unit, first_manager + place % managers))
            advocates = {"MC": 0.35, "CC": 0.65}.get(name, 0.0) * catalogue.ADVOCATES * scale * share
            for place in range(max(1, round(advocates)) if advocates else 0):
                rows.append((ADVOCATE, area, unit, first_manager + place % managers))
        unit = catalogue.UNITS.index("CPSD") if area == catalogue.CPSD else catalogue.UNITS.index("CC")
        for _ in range(max(1, round(catalogue.SDCPS * scale * share))):
            rows.append((SAMPLER, area, unit, -1))
        for _ in range(max(1, round(catalogue.DCCPS * scale * share))):
            rows.append((SAMPLER, area, unit, -2))
    frame = pl.DataFrame(rows, schema=["kind", "area", "unit", "manager_seat"], orient="row")
    return frame.with_row_index("seat").with_columns(pl.col("seat").cast(pl.Int64))


def _occupy(
    chance: Chance, seats: pl.DataFrame, begin: int, last_day: int, mean_days: float, max_gap: int
) -> pl.DataFrame:
    """People holding each seat one after another until `last_day`, with a vacancy of up to `max_gap` days."""
    number = seats["seat"].to_numpy()
    rounds = []
    # An earlier start would owe assessments of quarters for which no extract exists.
    start = np.full(len(number), begin, dtype=np.int64)
    end = begin + 20 + chance.exponential("seat.stay.0", number, mean_days).astype(np.int64)
    holding = np.ones(len(number), dtype=bool)
    turn = 0
    while holding.any():
        rounds.append(
            seats.filter(pl.Series(holding)).with_columns(
                start=pl.Series(start[holding]), end=pl.Series(end[holding])
            )
        )
        turn += 1
        gap = chance.pick(f"seat.gap.{turn}", number, max_gap + 1)
        holding = holding & (end + 1 + gap <= last_day)
        start = end + 1 + gap
        end = start + 120 + chance.exponential(f"seat.stay.{turn}", number, mean_days).astype(np.int64)
    found = pl.concat(rounds).with_row_index("staff", offset=1)
    return found.with_columns(
        staff=pl.col("staff").cast(pl.Int64),
        end=pl.when(pl.col("end") > last_day).then(NEVER).otherwise(pl.col("end")),
    )


def _moves(
    chance: Chance, others: pl.DataFrame, seats: pl.DataFrame, begin: int, last_day: int
) -> pl.DataFrame:
    """Second postings of those who left a seat for another Area."""
    number = others["staff"].to_numpy()
    moves = chance.happens("move", number, 0.35) & (others["end"].to_numpy() < last_day)
    # Nobody moves to or from CPS Direct: its unit exists nowhere else.
    moves &= others["area"].to_numpy() != catalogue.CPSD
    leavers = others.filter(pl.Series(moves))
    who = leavers["staff"].to_numpy()
    step = 1 + chance.pick("move.to", who, catalogue.CPSD - 1)
    area = (leavers["area"].to_numpy() + step) % catalogue.CPSD
    start = leavers["end"].to_numpy() + 1
    end = start + 120 + chance.exponential("move.stay", who, 2300.0).astype(np.int64)
    desk = (
        seats.filter(pl.col("kind") == ASSESSOR)
        .group_by("area", "unit")
        .agg(manager_seat=pl.col("seat").min())
    )
    moved = leavers.with_columns(
        area=pl.Series(area), start=pl.Series(start), end=pl.Series(np.where(end > last_day, NEVER, end))
    )
    joined = moved.drop("manager_seat").join(desk, on=["area", "unit"], how="left", maintain_order="left")
    return joined.select(others.columns)


def _grades(chance: Chance, postings: pl.DataFrame) -> pl.Series:
    number = postings["staff"].to_numpy()
    kind = postings["kind"].to_numpy()
    deputy = postings["manager_seat"].to_numpy() == -2
    draw = chance.uniform("staff.grade", number)
    advocate = np.select(
        [draw < 0.15, draw < 0.45, draw < 0.75, draw < 0.93], ["AP", "CA1", "CA2", "CA3"], "CA4"
    )
    prosecutor = np.where(draw < 0.18, "CP", "SCP")
    sampler = np.where(deputy, "DCCP", "SDCP")
    return pl.Series(
        np.select(
            [kind == PROSECUTOR, kind == ADVOCATE, kind == ASSESSOR], [prosecutor, advocate, "DCP"], sampler
        )
    )


def _roles(chance: Chance, postings: pl.DataFrame) -> pl.Series:
    kind = postings["kind"].to_numpy()
    mixed = (kind == PROSECUTOR) & chance.happens("staff.mixed", postings["staff"].to_numpy(), 0.12)
    mixed &= postings["area"].to_numpy() != catalogue.CPSD
    return pl.Series(np.select([kind == ADVOCATE, mixed], ["advocate", "mixed"], "non_advocacy"))


_SHORT_TYPES = ["annual leave", "annual leave", "sickness", "training"]
_LONG_TYPES = ["sickness", "parental leave", "secondment"]


def _absences(chance: Chance, postings: pl.DataFrame, quarters: list[Quarter], last_day: int) -> pl.DataFrame:
    rounds = []
    for quarter in quarters:
        here = postings.filter((pl.col("start") <= quarter.start) & (pl.col("end") > quarter.end))
        who = here["staff"].to_numpy()
        key = who * 100 + quarter.number
        for kind, rate, shortest, spread in (
            ("leave", 0.65, 0, 14),
            ("sick", 0.30, 0, 9),
            ("long", 0.03, 20, 170),
        ):
            hit = chance.happens(f"absence.{kind}", key, rate)
            staff, keys = who[hit], key[hit]
            start = quarter.start + chance.pick(f"absence.{kind}.start", keys, quarter.days)
            end = start + shortest + chance.pick(f"absence.{kind}.days", keys, spread)
            names = np.array(_LONG_TYPES if kind == "long" else _SHORT_TYPES)
            kinds = names[chance.pick(f"absence.{kind}.type", keys, len(names))]
            rounds.append(
                pl.DataFrame(
                    {"staff": staff, "absence_type": kinds, "start": start, "end": end},
                ).with_columns(is_long=pl.lit(kind == "long"))
            )
    found = (
        pl.concat(rounds).filter(pl.col("start") <= last_day).sort("start", "staff", "end", "absence_type")
    )
    return found.with_row_index("absence", offset=1).with_columns(pl.col("absence").cast(pl.Int64))


def days_available(staff: Staff, quarter: Quarter, as_of: int) -> pl.DataFrame:
    """Days each posting was held and not on a counted absence in the quarter.

    Returns posting, staff, area, unit, kind, first, last (the part of the quarter in post) and available.
    An absence counts if it lasts over 10 working days as a whole; one still open runs to `as_of`.
    """
    here = staff.postings.filter((pl.col("start") <= quarter.end) & (pl.col("end") >= quarter.start))
    here = here.select(
        "posting", "staff", "kind", "area", "unit", "role", "grade", "manager_seat", "start",
        first=pl.max_horizontal(pl.col("start"), pl.lit(quarter.start)),
        last=pl.min_horizontal(pl.col("end"), pl.lit(quarter.end)),
    )  # fmt: skip
    away = staff.absences.filter((pl.col("start") <= quarter.end) & (pl.col("end") >= quarter.start))
    start = away["start"].to_numpy()
    end = np.minimum(away["end"].to_numpy(), as_of)
    counted = working_days_between(start, end) > _ABSENCE_MIN_WORKING_DAYS
    people, row = np.unique(here["staff"].to_numpy(), return_inverse=True)
    absent = _absent_days(away["staff"].to_numpy()[counted], start[counted], end[counted], people, quarter)
    day = quarter.start + np.arange(quarter.days)
    first, last = here["first"].to_numpy(), here["last"].to_numpy()
    in_post = (day >= first[:, None]) & (day <= last[:, None])
    return here.with_columns(available=pl.Series((in_post & ~absent[row]).sum(axis=1).astype(np.int64)))


def _absent_days(staff: Ints, start: Ints, end: Ints, people: Ints, quarter: Quarter) -> NDArray[np.bool_]:
    """People × days of the quarter: absent or not, overlapping absences once."""
    steps = np.zeros((len(people), quarter.days + 1), dtype=np.int32)
    place = np.searchsorted(people, staff)
    known = (place < len(people)) & (people[np.minimum(place, len(people) - 1)] == staff)
    place, start, end = place[known], start[known], end[known]
    np.add.at(steps, (place, np.maximum(start - quarter.start, 0)), 1)
    np.add.at(steps, (place, np.minimum(end - quarter.start, quarter.days - 1) + 1), -1)
    return steps.cumsum(axis=1)[:, : quarter.days] > 0


def required_prosecutors(available: pl.DataFrame, quarter: Quarter) -> pl.DataFrame:
    """Casework requirement under policy half: one row per required person with Area and unit.

    A mover's requirement is held where most available days are; a tie goes to the later posting.
    """
    in_scope = available.filter(
        pl.col("grade").is_in(["CP", "SCP"]) & pl.col("role").is_in(["non_advocacy", "mixed"])
    )
    held = in_scope.sort("staff", "available", "start", "posting", descending=[False, True, True, True])
    person = held.group_by("staff", maintain_order=True).agg(
        pl.col("area", "unit").first(), total=pl.col("available").sum()
    )
    return person.filter(2 * pl.col("total") >= quarter.days)
