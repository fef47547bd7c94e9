"""A made-up release: the shareable file with the columns a report reads, and figures that a test can change.

Here: rows. Not here: assertions. The trap: figures only need to be consistent enough to be shown;
whether a mart is right is tested elsewhere.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow

RELEASE_ID = "20241028T120000Z-abc123"
AS_OF = date(2024, 10, 28)
AREAS = {"NE": "North East", "WM": "West Midlands", "CPSD": "CPS Direct"}
QUARTERS = [
    (date(2023, 10, 1), date(2023, 12, 31)),
    (date(2024, 1, 1), date(2024, 3, 31)),
    (date(2024, 4, 1), date(2024, 6, 30)),
    (date(2024, 7, 1), date(2024, 9, 30)),
]
YEAR = (QUARTERS[0][0], QUARTERS[-1][1])

Rows = list[dict[str, Any]]


def made_tables(**areas: str) -> dict[str, Rows]:
    """The tables of a release, by name; `areas` are code=name, else `AREAS`."""
    names = areas or AREAS
    places = {"ALL": "England and Wales", **names}
    return {
        "release_info": [
            {
                "release_id": RELEASE_ID,
                "as_of": AS_OF,
                "status": "P",
                "status_note": "Management information, not official statistics",
                "metric_version": "1.0.0",
                "is_demo_key": True,
            }
        ],
        "dim_area": [
            {"area_code": code, "area_name": name, "is_test": False, "sort_order": order}
            for order, (code, name) in enumerate(places.items())
        ]
        + [{"area_code": "U01", "area_name": "Test Area U01", "is_test": True, "sort_order": 101}],
        "compliance": list(_compliance(places)),
        "dip_sampling": list(_dips(places)),
        "leniency": list(_leniency(names)),
        "dip_catch": list(_catch(places)),
        "question_quality": list(_questions()),
        "funnel_limits": list(_funnels(names)),
        "control_charts": list(_control(places)),
        "themes": list(_themes(places)),
        "assessment_quality": list(_quality(places)),
        "data_quality": list(_data_quality(places)),
        "reconciliation": list(_reconciliation(names)),
        "metric_registry": [
            {
                "metric_id": "C2",
                "metric_name": "Prosecutor coverage",
                "definition": "The share of prosecutors.",
                "numerator": "covered",
                "denominator": "required",
                "mart": "compliance",
                "column_name": "coverage_rate",
                "owner": "Operational Assurance",
            }
        ],
    }


def write_release(folder: Path, tables: dict[str, Rows]) -> Path:
    """Write the shareable files of a release in `folder` and return the folder."""
    (folder / "parquet").mkdir(parents=True)
    with duckdb.connect(str(folder / "iqa_marts.duckdb")) as connection:
        for name, rows in tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            table = pyarrow.table({column: _column([row.get(column) for row in rows]) for column in columns})
            connection.register("made", table)
            connection.execute(f"create table {name} as select * from made")
            connection.execute(f"copy {name} to '{folder / 'parquet' / name}.parquet'")
            connection.unregister("made")
    return folder


def _column(values: list[Any]) -> Any:
    # A column of nothing but None would come out without a type.
    return pyarrow.array(values, type=pyarrow.string()) if all(value is None for value in values) else values


def withhold(row: dict[str, Any], *columns: str) -> None:
    """Take figures away as disclosure control does."""
    for column in columns:
        row[column] = None
    row["suppressed_columns"] = ";".join(columns)
    row["null_reason"] = ";".join(f"{column}:suppressed" for column in columns)


def _base(
    code: str, name: str, period_type: str | None, start: date | None, end: date | None
) -> dict[str, Any]:
    return {
        "release_id": RELEASE_ID,
        "as_of": AS_OF,
        "level": "national" if code == "ALL" else "area",
        "area_code": code,
        "area_name": name,
        "unit_type": "ALL",
        "period_type": period_type,
        "period_label": None if start is None else f"{start} to {end}",
        "period_start": start,
        "period_end": end,
        "figure_status": "P",
        "reliability": "ok",
        "suppressed_columns": None,
        "null_reason": None,
    }


def _periods() -> Iterable[tuple[str, date, date]]:
    for start, end in QUARTERS:
        yield "quarter", start, end
    yield "rolling_12m", *YEAR


def _compliance(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    for number, (code, name) in enumerate(places.items()):
        for step, (kind, start, end) in enumerate(_periods()):
            required = 160 if code == "ALL" else 32 + number
            covered = required - 10 - step - number
            for policy in ("half", "strict", "pro_rata"):
                yield {
                    **_base(code, name, kind, start, end),
                    "assessment_type": "casework",
                    "policy": policy,
                    "iqas_assessed": covered + 5,
                    "iqas_required": float(required),
                    "volume_ratio": (covered + 5) / required,
                    "prosecutors_required": required,
                    "prosecutors_covered": covered,
                    "coverage_rate": covered / required,
                    "coverage_low": covered / required - 0.08,
                    "coverage_high": covered / required + 0.06,
                    "missed_twice": 6,
                    "assessors_active": 9,
                    "assessors_expected": 10,
                    "themed_share": 0.0625,
                    "late_closed_share": 0.05,
                }
        yield {
            **_base(code, name, "financial_year", date(2023, 4, 1), date(2024, 3, 31)),
            "period_label": "2023-24",
            "assessment_type": "advocacy",
            "policy": "half",
            "iqas_assessed": 40,
            "capped_rate": 0.8,
            "capped_num": 32.0,
            "capped_den": 40.0,
            "on_track_den": None,
        }


def _dips(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    for code, name in places.items():
        for kind, start, end in _periods():
            is_national = code == "ALL"
            yield {
                **_base(code, name, kind, start, end),
                "assessment_type": "casework",
                "iqas_assessed": 150 if is_national else 40,
                "dips_required": 15 if is_national else 5,
                "dips_valid": 14 if is_national else 5,
                "dips_invalid": 0,
                "fulfilment_rate": 13 / 15 if is_national else 1.0,
                "fulfilment_num": 13 if is_national else 5,
                "fulfilment_den": 15 if is_national else 5,
                "is_met": not is_national,
                "raw_rate": 14 / 150 if is_national else 0.125,
                "valid_share": 1.0,
                "assessor_reach_rate": 0.7,
                "median_lag_days": 17.0,
                "challenge_rate": 0.3,
                "areas_met": 2 if is_national else None,
                "null_reason": None if is_national else "areas_met:defined_at_area",
            }


def _lenient(
    dimension: str, value: str, name: str, basis: str, lenient: int, compared: int
) -> dict[str, Any]:
    return {
        **_base("ALL", "England and Wales", None, None, None),
        "comparison": "manager_v_inspector",
        "sample": "REF2024",
        "assessment_type": "casework",
        "basis": basis,
        "dimension": dimension,
        "dimension_value": value,
        "dimension_name": name,
        "n_examined": compared + 5,
        "n_compared": compared,
        "n_lenient": lenient,
        "n_harsh": 5,
        "lenient_rate": lenient / compared,
        "lenient_low": lenient / compared * 0.7,
        "lenient_high": lenient / compared * 1.4,
        "rated_score": 0.856,
        "reference_score": 0.749,
        "gap_points": 0.107,
        "gap_points_low": 0.07,
        "gap_points_high": 0.14,
        "gap_relative": 0.142857,
        "gap_relative_low": 0.095,
        "gap_relative_high": 0.193,
        "agreement_rate": 0.87,
        "ac1": 0.8,
        "headline": "managers 85.6%, inspectors 74.9%: 10.7 percentage points, 14.3% higher in relative terms"
        f" (n = {compared})",
    }


def _leniency(names: dict[str, str]) -> Iterable[dict[str, Any]]:
    yield _lenient("overall", "ALL", "ALL", "iqa", 53, 439)
    yield _lenient("overall", "ALL", "ALL", "answer", 500, 5000)
    for order, category in enumerate(("disclosure", "victims_and_witnesses", "case_progression")):
        yield _lenient("question_category", category, category, "answer", 100 + 20 * order, 1500)
    for order in range(15):
        yield _lenient(
            "question",
            f"DI{order:02}",
            f"Was the schedule adequate in respect {order}?",
            "answer",
            20 + order,
            300,
        )
    for code, name in names.items():
        if code != "CPSD":
            yield _lenient("area", code, name, "answer", 40, 400)


def _catch(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    for code, name in places.items():
        if code != "CPSD":
            for basis in ("iqa", "answer"):
                yield {
                    **_base(code, name, None, None, None),
                    "sample": "REF2024",
                    "assessment_type": "casework",
                    "basis": basis,
                    "n_triple": 200,
                    "n_inspector_lenient": 48,
                    "n_caught": 7,
                    "catch_rate": 7 / 48,
                    "catch_low": 0.072482,
                    "catch_high": 0.271672,
                    "rubber_stamp_rate": 0.85,
                    "false_alarm_rate": 0.026316,
                    "residual_leniency": 0.205,
                }


def _questions() -> Iterable[dict[str, Any]]:
    for order in range(8):
        yield {
            **_base("ALL", "England and Wales", None, None, None),
            "comparison": "manager_v_inspector",
            "sample": "REF2024",
            "assessment_type": "casework",
            "question_code": f"DI{order:02}",
            "question_category": "disclosure",
            "question_text": f"Was the schedule adequate in respect {order}?",
            "n_compared": 200,
            "n_agree": 150 + order,
            "agreement_rate": (150 + order) / 200,
            "agreement_low": 0.7,
            "agreement_high": 0.85,
            "ac1": 0.6,
            "n_lenient": 40,
            "n_harsh": 10 - order,
            "ambiguity_rank": order + 1 if order < 5 else None,
            "reason_codes": "R1;R3",
        }


def _funnels(names: dict[str, str]) -> Iterable[dict[str, Any]]:
    for metric, sample, period in (
        ("coverage_rate", "12 months to Sep 2024", ("rolling_12m", *YEAR)),
        ("lenient_answer_rate", "REF2024", (None, None, None)),
    ):
        shared = {
            "metric": metric,
            "metric_name": "Prosecutors covered" if metric == "coverage_rate" else "Answers marked above",
            "assessment_type": "casework",
            "sample": sample,
            "centre_rate": 0.7,
        }
        for order, (code, name) in enumerate(names.items()):
            yield {
                **_base(code, name, *period),
                **shared,
                "row_kind": "area",
                "n": 120 + 40 * order,
                "value_num": 80 + 30 * order,
                "value": (80 + 30 * order) / (120 + 40 * order),
                "adjusted_low_998": 0.5,
                "adjusted_high_998": 0.9,
                "is_flagged": False,
                "adjusted_funnel_place": ("inside", "outside_95", "outside_998")[order % 3],
            }
        for n in range(80, 240, 20):
            yield {
                **_base("ALL", "England and Wales", *period),
                **shared,
                "row_kind": "limit",
                "n": n,
                "adjusted_low_95": 0.7 - 2 / n**0.5,
                "adjusted_high_95": 0.7 + 2 / n**0.5,
                "adjusted_low_998": 0.7 - 3 / n**0.5,
                "adjusted_high_998": 0.7 + 3 / n**0.5,
                "is_flagged": False,
            }


def _control(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    kinds = {3: "improvement", 5: "concern", 7: "neither_low"}
    for code, name in places.items():
        for month in range(12):
            day = date(2023 + (9 + month) // 12, (9 + month) % 12 + 1, 1)
            yield {
                **_base(code, name, "month", day, day),
                "metric": "met_rate",
                "metric_name": "Casework answers with the top mark",
                "metric_unit": "rate",
                "assessment_type": "casework",
                "month": day,
                "value": 0.84 + 0.005 * (month % 5),
                "centre_line": 0.85,
                "limit_low": 0.82,
                "limit_high": 0.88,
                "phase": 1,
                "is_special_cause": month in kinds,
                "variation": kinds.get(month, "common_cause"),
            }


def _themes(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    for code, name in places.items():
        for kind, (start, end) in (("quarter", QUARTERS[-1]), ("rolling_12m", YEAR)):
            for order, (theme, words, is_good) in enumerate(
                (
                    ("DI-T01", "late service", False),
                    ("DI-T02", "test misapplied", False),
                    ("GP-T01", "proactive grip", True),
                )
            ):
                yield {
                    **_base(code, name, kind, start, end),
                    "assessment_type": "casework",
                    "question_category": "disclosure",
                    "theme_code": theme,
                    "theme_name": words,
                    "is_good_practice": is_good,
                    "iqas_with_theme": 20 + order,
                    "iqas_eligible": 100,
                    "theme_rate": (20 + order) / 100,
                    "low": 0.1,
                    "high": 0.3,
                    "baseline_rate": 0.09,
                    "is_emerging": kind == "quarter" and order == 0,
                    "is_persistent": False,
                    "in_governance": kind == "quarter" and order == 0,
                }


def _quality(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    stems = ["q1", "q3", "q4", "q5", "q6", "q8", "h5", "t4", "x1", "x2", "x4"]
    for code, name in places.items():
        figures = {
            f"{stem}_{part}": value
            for stem in stems
            for part, value in (("num", 90), ("den", 100), ("rate", 0.9))
        }
        yield {
            **_base(code, name, "rolling_12m", *YEAR),
            "assessment_type": "casework",
            **figures,
            "t2_median_days": 11.0,
        }


def _data_quality(places: dict[str, str]) -> Iterable[dict[str, Any]]:
    for code, name in places.items():
        for severity, rule in (("quarantine", "unknown_area"), ("warn", "possible_duplicate")):
            yield {
                **_base(code, name, "quarter", *QUARTERS[-1]),
                "dataset": "iqa",
                "rule_id": rule,
                "rule_description": f"The rule {rule} is broken.",
                "severity": severity,
                "dimension": "validity",
                "owner": "Performance analysis",
                "rows_checked": 100,
                "rows_failed": 2 if severity == "quarantine" else 7,
            }


def _reconciliation(names: dict[str, str]) -> Iterable[dict[str, Any]]:
    for code, name in names.items():
        yield {
            **_base(code, name, "quarter", *QUARTERS[-1]),
            "assessment_type": "casework",
            "measure": "iqas_assessed",
            "supplied_on": date(2024, 10, 26),
            "expected": 40.0,
            "actual": 40.0 if code != "NE" else 38.0,
            "difference": 0.0 if code != "NE" else -2.0,
            "is_agreed": code != "NE",
        }
