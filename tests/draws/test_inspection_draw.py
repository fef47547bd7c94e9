"""The file sample of an inspection: 10 MC and 5 CC an Area, recent, dipped, random within, and repeatable."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.draws.inspections import CaseAssessment, InspectionRules, draw_inspection

RULES = InspectionRules(files={"MC": 10, "CC": 5}, carried_out_after=date(2022, 11, 1), window_multiple=2)


def case(number, **changes):
    """A qualifying MC file of Wessex; a higher number closed later."""
    day = date(2023, 1, 1) + timedelta(days=number)
    one = CaseAssessment(f"I{number:03}", "WES", "MC", "casework", "closed", day, day, True)
    return replace(one, **changes)


def drawn_ids(draw):
    return [row.assessment.iqa_id for row in draw.drawn]


days = st.dates(date(2022, 10, 1), date(2023, 3, 1))
cases = st.builds(
    CaseAssessment,
    iqa_id=st.integers(0, 9999).map("I{:04}".format),
    area_code=st.sampled_from(["WES", "NE", "CPSD"]),
    unit_type=st.sampled_from(["MC", "MC", "CC", "RASSO"]),
    assessment_type=st.sampled_from(["casework", "casework", "advocacy"]),
    status=st.sampled_from(["closed", "closed", "closed", "open", "withdrawn"]),
    assessed_on=days,
    closed_on=st.none() | days,
    is_dipped=st.booleans(),
)
frames = st.lists(cases, max_size=90, unique_by=lambda one: one.iqa_id)


@given(st.data(), frames, st.integers(0, 2**63 - 1))
@settings(max_examples=150, deadline=None)
def test_nothing_vanishes_nothing_unfit_is_drawn_and_row_order_does_not_matter(data, frame, seed):
    rules = replace(RULES, files={"MC": 3, "CC": 2})
    draw = draw_inspection(frame, ["WES", "NE"], seed, rules)
    assert len(draw.frame) + sum(draw.excluded.values()) == len(frame)
    for row in draw.frame:
        one = row.assessment
        assert one.area_code in ("WES", "NE") and one.unit_type in ("MC", "CC")
        assert one.assessment_type == "casework" and one.status == "closed" and one.is_dipped
        assert one.assessed_on > date(2022, 11, 1) and one.closed_on is not None
    for stratum in draw.strata:
        assert stratum.drawn == min(stratum.planned, stratum.qualifying)
        assert stratum.window == min(2 * stratum.planned, stratum.qualifying)
        inside = [r.assessment.closed_on for r in _of(draw, stratum) if r.outcome != "outside_window"]
        outside = [r.assessment.closed_on for r in _of(draw, stratum) if r.outcome == "outside_window"]
        assert not outside or max(outside) <= min(inside)
    again = draw_inspection(data.draw(st.permutations(frame)), ["NE", "WES"], seed, rules)
    assert drawn_ids(again) == drawn_ids(draw)
    assert again == draw


def _of(draw, stratum):
    key = (stratum.area_code, stratum.unit_type)
    return [row for row in draw.frame if (row.assessment.area_code, row.assessment.unit_type) == key]


def test_files_come_from_the_most_recently_completed_only():
    draw = draw_inspection([case(number) for number in range(60)], ["WES"], 5, RULES)
    assert len(drawn_ids(draw)) == 10
    assert all(row.assessment.closed_on >= case(40).closed_on for row in draw.drawn)
    assert draw.strata[0].window_from == case(40).closed_on


def test_every_file_of_the_window_has_the_same_chance_also_where_the_edge_falls_on_one_day():
    # 30 files closed on one day, 20 in the window, 10 drawn: each a third. 1,500 seeds, so 500 expected;
    # 4.4 standard deviations are 80.
    same_day = [case(n, closed_on=date(2023, 6, 1)) for n in range(30)]
    times = Counter(
        iqa_id
        for seed in range(1500)
        for iqa_id in drawn_ids(draw_inspection(same_day, ["WES"], seed, RULES))
    )
    assert len(times) == 30
    assert max(abs(count - 500) for count in times.values()) < 80


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "withdrawn"}, "withdrawn"),
        ({"area_code": "CPSD", "unit_type": "CPSD"}, "other_area"),
        ({"assessment_type": "advocacy"}, "not_casework"),
        ({"unit_type": "RASSO"}, "other_unit"),
        ({"assessed_on": date(2022, 11, 1)}, "too_early"),
        ({"status": "open"}, "not_completed"),
        ({"closed_on": None}, "not_completed"),
        ({"is_dipped": False}, "not_dipped"),
    ],
)
def test_what_does_not_fit_the_design_is_counted_under_its_reason(changes, reason):
    draw = draw_inspection([case(1, **changes)], ["WES"], 1, RULES)
    assert [key[2] for key in draw.excluded] == [reason]
    assert draw.frame == []


def test_a_thin_area_gives_all_it_has_and_says_what_is_missing():
    draw = draw_inspection([case(number) for number in range(3)], ["WES", "NE"], 1, RULES)
    short = {(s.area_code, s.unit_type): s.shortfall for s in draw.strata}
    assert short == {("NE", "MC"): 10, ("NE", "CC"): 5, ("WES", "MC"): 7, ("WES", "CC"): 5}
    assert all("10 were planned" in row.reason for row in draw.drawn)
