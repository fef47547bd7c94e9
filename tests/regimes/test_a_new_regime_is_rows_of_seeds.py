"""A drafted scheme of 2026, added by rows of seeds alone: teams assessed monthly on a scale of four.

The extracts hold a year under the 2021 guidance and a year under the draft, in one Area; the reporting date
is 20 April 2027. Nothing of the models, contracts or code is changed for it. The one trap: the draft is
invented, so no figure here says anything about the scheme that follows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts
from tests.support.seeds import add_rows, change_rows, copied_dbt

EXTRACT_DATE = "2027-04-20"
LAST_DAY_BEFORE = "2026-03-31"
FIRST_DAY = "2026-04-01"
TEAM_QUESTIONS = ("TQ01", "TQ02", "TQ03")
MONTHS_BEFORE = [f"2025-{month:02d}" for month in range(4, 13)] + ["2026-01", "2026-02", "2026-03"]
MONTHS_AFTER = [f"2026-{month:02d}" for month in range(4, 13)] + ["2027-01", "2027-02", "2027-03"]
BREAK = "Start of regime R2026; Teams are assessed on a scale of four"
FAILING = "There was limited analysis of the evidence."
Row = dict[str, Any]


def draft_the_regime(dbt_dir: Path) -> None:
    """The rows that a policy team would write."""
    open_ended = {"effective_to": ""}
    change_rows(dbt_dir, "regimes", {"regime": "R2021"} | open_ended, {"effective_to": LAST_DAY_BEFORE})
    change_rows(dbt_dir, "instruments", {"regime": "R2021"} | open_ended, {"effective_to": LAST_DAY_BEFORE})
    change_rows(
        dbt_dir, "requirement_rules", {"regime": "R2021"} | open_ended, {"effective_to": LAST_DAY_BEFORE}
    )
    add_rows(dbt_dir, "regimes", {"regime": "R2026", "regime_name": "Draft", "effective_from": FIRST_DAY})
    add_rows(
        dbt_dir,
        "guidance_versions",
        {"guidance_version": "G2026", "regime": "R2026", "kind": "guidance", "effective_from": FIRST_DAY},
    )
    add_rows(dbt_dir, "scales", {"scale_code": "EGRU", "scale_name": "Four steps", "is_ordinal": "true"})
    steps = [("E", "3", "Excellent"), ("G", "2", "Good"), ("R", "1", "Requires improvement")]
    add_rows(
        dbt_dir,
        "scale_values",
        *(
            {"scale_code": "EGRU", "value_code": code, "ordinal_rank": rank, "points": rank}
            | {"is_na": "false", "labels": label}
            for code, rank, label in [*steps, ("U", "0", "Unsatisfactory")]
        ),
        {"scale_code": "EGRU", "value_code": "NA", "is_na": "true", "labels": "Not applicable"},
    )
    add_rows(
        dbt_dir,
        "scale_crosswalks",
        *(
            {"from_scale": "EGRU", "from_value": code, "to_scale": "YN", "to_value": met, "variant": variant}
            for code, met in {"E": "Y", "G": "Y", "R": "N", "U": "N", "NA": "NA"}.items()
            for variant in ("default", "sensitivity")
        ),
    )
    add_rows(dbt_dir, "code_lists", {"code_list": "role_type", "code": "team"})
    add_rows(dbt_dir, "code_lists", {"code_list": "question_category", "code": "team_working"})
    add_rows(
        dbt_dir,
        "grades",
        {"grade": "TEAM", "grade_name": "Team", "may_assess": "false", "may_dip_sample": "false"},
    )
    categories = ("charging_and_review", "team_working", "team_working")
    add_rows(
        dbt_dir,
        "questions",
        *(
            {"question_code": code, "construct_id": code, "question_category": category}
            | {"question_order": str(900 + place), "question_text": f"Question {place} to a team"}
            | {"is_critical": str(place == 1).lower(), "applies_to": "MC,CC", "case_stage": "both"}
            | {"is_na_allowed": "true"}
            for place, (code, category) in enumerate(zip(TEAM_QUESTIONS, categories, strict=True), start=1)
        ),
    )
    add_rows(
        dbt_dir,
        "instruments",
        {"instrument_version": "TM-2026", "assessment_type": "casework", "regime": "R2026"}
        | {"guidance_version": "G2026", "answer_scale": "EGRU", "rating_scale": "EGRU"}
        | {"effective_from": FIRST_DAY, "subject_kind": "team"},
    )
    add_rows(
        dbt_dir,
        "instrument_questions",
        *({"instrument_version": "TM-2026", "question_code": code} for code in TEAM_QUESTIONS),
    )
    add_rows(
        dbt_dir,
        "requirement_rules",
        {"rule_id": "REQ-TM-2026", "regime": "R2026", "assessment_type": "casework", "subject_kind": "team"}
        | {"grades": "TEAM", "role_types": "team", "frequency": "1", "period_type": "month"}
        | {"effective_from": FIRST_DAY, "source": "a draft"},
    )
    add_rows(
        dbt_dir,
        "series_breaks",
        {"series_break_id": "SB-2026", "metric_family": "all", "break_on": FIRST_DAY}
        | {"reason": "Teams are assessed on a scale of four"},
    )
    add_rows(
        dbt_dir,
        "inspections",
        {"inspection_code": "REF2026", "inspection_name": "Draft", "fieldwork_from": "2026-10-01"}
        | {"fieldwork_to": "2026-12-31", "is_synthetic": "true"},
    )


def posting(staff_id: str, grade: str, start: str, **changes: str) -> Row:
    return {
        "posting_id": f"P-{staff_id}",
        "staff_id": staff_id,
        "grade": grade,
        "area_code": "NE",
        "start_date": start,
        "line_manager_id": "M1",
    } | changes


def assessment(iqa_id: str, subject: str, day: str, **changes: str) -> Row:
    return {
        "iqa_id": iqa_id,
        "urn": iqa_id,
        "area_code": "NE",
        "subject_id": subject,
        "assessor_id": "M1",
        "opened_on": day,
        "assessed_on": day,
        "conversation_on": day,
        "closed_on": day,
    } | changes


def team_assessment(iqa_id: str, team: str, month: str, rating: str) -> Row:
    return assessment(iqa_id, team, f"{month}-10", instrument_version="TM-2026", overall_rating=rating)


def extracts() -> dict[str, list[Row]]:
    iqas = [assessment(f"before-{month}", "S1", f"{month}-10") for month in MONTHS_BEFORE]
    # Team T1 goes without in May and June 2026; T2 starts on 20 July and is assessed from August on.
    assessed = [month for month in MONTHS_AFTER if month not in ("2026-05", "2026-06")]
    iqas += [team_assessment(f"T1-{month}", "T1", month, "Good") for month in assessed]
    iqas += [team_assessment(f"T2-{month}", "T2", month, "G") for month in assessed[2:]]
    answers = [
        {"iqa_id": f"before-{month}", "question_code": "CR01", "answer": "Y", "comment": FAILING}
        for month in MONTHS_BEFORE
    ]
    answers += [
        {"iqa_id": f"T1-{month}", "question_code": "TQ01", "comment": FAILING}
        | {"answer": "Good" if place % 2 else "Excellent"}
        for place, month in enumerate(assessed)
    ]
    answers += [
        {"iqa_id": f"T1-{month}", "question_code": "TQ02", "answer": "Not applicable"} for month in assessed
    ]
    # Recorded on the wrong question set: quarantined, not counted.
    answers.append({"iqa_id": "T1-2026-10", "question_code": "CR01", "answer": "E"})
    return {
        "postings": [
            posting("S1", "SCP", "2025-01-01"),
            # Missed in both quarters of 2025-26 that it was required in.
            posting("S2", "SCP", "2025-10-01"),
            posting("M1", "DCP", "2025-01-01", line_manager_id=""),
            posting("T1", "TEAM", FIRST_DAY, role_type="team"),
            posting("T2", "TEAM", "2026-07-20", role_type="team"),
        ],
        "iqa": iqas,
        "iqa_answers": answers,
        "reassessments": [
            {"reassessment_id": f"R{number}", "iqa_id": iqa_id, "inspection_code": "REF2026"}
            | {"reassessed_on": "2026-11-15", "overall_rating": rating}
            for number, (iqa_id, rating) in enumerate([("T1-2026-10", "R"), ("T1-2026-09", "G")], start=1)
        ],
        "reassessment_answers": [
            {"reassessment_id": "R1", "question_code": "TQ01", "agrees": "false", "answer": "R"},
            {"reassessment_id": "R2", "question_code": "TQ01", "agrees": "true"},
        ],
    }


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every model and every dbt test of the project, on the drafted seeds."""
    folder = tmp_path_factory.mktemp("regime")
    dbt_dir = copied_dbt(folder)
    draft_the_regime(dbt_dir)
    for dataset, rows in extracts().items():
        write_extract(folder / "raw", dataset, EXTRACT_DATE, rows)
    connection = build_marts(folder, folder / "raw", with_tests=True, dbt_dir=dbt_dir)
    yield connection
    connection.close()


def area_row(
    marts: duckdb.DuckDBPyConnection, columns: str, label: str, policy: str = "half"
) -> tuple[Any, ...]:
    rows = marts.execute(
        f"""
        select {columns} from marts.compliance
        where level = 'area' and area_code = 'NE' and assessment_type = 'casework' and policy = ?
            and period_label = ?
        """,
        [policy, label],
    ).fetchall()
    assert len(rows) == 1, f"{len(rows)} rows for {label}"
    return tuple(rows[0])


REQUIRED = "regime, subject_kind, iqas_required, prosecutors_required, prosecutors_covered"


def test_a_monthly_rule_asks_three_times_a_quarter(marts: duckdb.DuckDBPyConnection) -> None:
    assert area_row(marts, REQUIRED, "2026-27 Q1 (Apr-Jun 2026)") == ("R2026", "team", 3, 3, 1)


def test_the_quarter_before_keeps_its_quarterly_rule_for_people(marts: duckdb.DuckDBPyConnection) -> None:
    assert area_row(marts, REQUIRED, "2025-26 Q4 (Jan-Mar 2026)") == ("R2021", "person", 2, 2, 1)


@pytest.mark.parametrize(
    ("policy", "required", "subjects", "covered"),
    # T2 has 12 of the 31 days of July: under half of them.
    [("half", 5, 5, 5), ("strict", 6, 6, 5), ("pro_rata", 5 + 12 / 31, 6, 5)],
)
def test_the_policies_count_days_of_the_month(
    marts: duckdb.DuckDBPyConnection, policy: str, required: float, subjects: int, covered: int
) -> None:
    row = area_row(marts, REQUIRED, "2026-27 Q2 (Jul-Sep 2026)", policy)
    assert row == ("R2026", "team", pytest.approx(required, abs=1e-9), subjects, covered)


def test_a_year_adds_up_its_months(marts: duckdb.DuckDBPyConnection) -> None:
    columns = "prosecutors_required, prosecutors_covered, coverage_rate, capped_rate, iqas_assessed"
    assert area_row(marts, columns, "12 months to Mar 2027") == (20, 18, 0.9, 0.9, 18)


def test_two_missed_months_in_a_row_are_successive_misses(marts: duckdb.DuckDBPyConnection) -> None:
    assert area_row(marts, "missed_twice, missed_twice_den", "2026-27 Q1 (Apr-Jun 2026)") == (1, 1)


def test_misses_of_the_former_regime_are_not_carried_into_the_next(marts: duckdb.DuckDBPyConnection) -> None:
    assert area_row(marts, "missed_twice, missed_twice_den", "2025-26 Q4 (Jan-Mar 2026)") == (1, 2)
    assert area_row(marts, "missed_twice, missed_twice_den", "2026-27 Q4 (Jan-Mar 2027)") == (1, 2)


def test_no_window_of_twelve_months_spans_both_regimes(marts: duckdb.DuckDBPyConnection) -> None:
    for mart in ("compliance", "dip_sampling", "themes", "assessment_quality"):
        windows = marts.execute(
            f"""
            select distinct period_end, regime from marts.{mart}
            where period_type = 'rolling_12m' and period_end >= date '2026-03-31' order by period_end
            """
        ).fetchall()
        assert [(str(end), regime) for end, regime in windows] == [
            ("2026-03-31", "R2021"),
            ("2027-03-31", "R2026"),
        ], mart


def test_control_charts_start_a_new_phase_at_the_break(marts: duckdb.DuckDBPyConnection) -> None:
    phases = marts.execute(
        """
        select min(month), max(month), count(*), min(centre_line), max(centre_line), max(rebase_reason)
        from marts.control_charts
        where metric = 'met_rate' and assessment_type = 'casework' and level = 'area'
        group by phase order by phase
        """
    ).fetchall()
    # Every answer has the top mark before, every other one after: two levels, two centre lines.
    assert [(str(first), str(last), *rest) for first, last, *rest in phases] == [
        ("2025-04-01", "2026-03-01", 12, 1.0, 1.0, None),
        ("2026-04-01", "2027-03-01", 10, 0.5, 0.5, BREAK),
    ]


def test_a_change_of_level_at_the_break_is_no_signal(marts: duckdb.DuckDBPyConnection) -> None:
    # Joined up, the twelve points before would lie on one side of the mean: a run.
    assert (
        marts.execute(
            "select month from marts.control_charts where metric = 'met_rate' and is_special_cause"
        ).fetchall()
        == []
    )


def test_theme_baselines_do_not_reach_behind_the_break(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        """
        select period_start, max(baseline_rate) from marts.themes
        where level = 'area' and period_type = 'quarter' and iqas_with_theme > 0
            and question_category = 'charging_and_review'
        group by period_start order by period_start
        """
    ).fetchall()
    baselines = {str(start): rate for start, rate in rows}
    assert baselines["2026-01-01"] == 1
    assert baselines["2026-04-01"] is None


def test_the_four_absences_stay_four_things(marts: duckdb.DuckDBPyConnection) -> None:
    states = marts.execute(
        """
        select question_code, answer_state, is_unrecorded_by_inspector from marts.fct_answer
        where iqa_id = 'T1-2026-10' and question_code in ('TQ01', 'TQ02', 'TQ03', 'CR02')
        order by question_code
        """
    ).fetchall()
    assert states == [
        ("CR02", "not_collected", None),
        ("TQ01", "answered", False),
        ("TQ02", "not_applicable", True),
        ("TQ03", "missing", True),
    ]


def test_questions_of_the_draft_were_not_collected_before_it(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        """
        select distinct answer_state, not_asked_reason from marts.fct_answer
        where instrument_version = 'CW-2023' and question_code in ('TQ01', 'TQ02', 'TQ03')
        """
    ).fetchall() == [("not_collected", "not_in_version")]


def test_an_answer_on_the_wrong_question_set_is_quarantined(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute("select primary_key from raw.quarantine").fetchall() == [("T1-2026-10|CR01",)]


def test_scores_and_leniency_follow_the_scale_of_four(marts: duckdb.DuckDBPyConnection) -> None:
    columns = "n_examined, n_compared, n_lenient, rated_score, reference_score, two_step_rate"
    condition = "sample = 'REF2026' and dimension = 'overall' and assessment_type = 'casework'"
    answers = marts.execute(
        f"select {columns} from marts.leniency where basis = 'answer' and {condition}"
    ).fetchone()
    # Excellent against requires improvement is two steps and 3 points against 1; the other pair agrees.
    assert answers == (2, 2, 1, pytest.approx(5 / 6), pytest.approx(3 / 6), pytest.approx(0.5))
    ratings = marts.execute(
        f"select {columns} from marts.leniency where basis = 'iqa' and {condition}"
    ).fetchone()
    # Good reads as met and requires improvement as not met on the crosswalk.
    assert ratings is not None
    assert ratings[:5] == (2, 2, 1, 1.0, 0.5)


def test_the_star_schema_says_what_is_assessed(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        "select subject_kind, question_count from marts.dim_instrument where instrument_version = 'TM-2026'"
    ).fetchone() == ("team", 3)
    assert marts.execute(
        "select distinct rule_id, period_type, subject_kind from marts.fct_requirement"
        " where period_start >= date '2026-04-01'"
    ).fetchall() == [("REQ-TM-2026", "month", "team")]
