"""Meetings corrected, or late, after their freeze revise what says that a theme was taken up (H6).

Themes emerge in 2024-25 Q1; there is time to take them up until the end of Q3, frozen on 29 January 2025.
"""

from pathlib import Path
from typing import Any

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts
from tests.themes.conftest import AS_OF, Nation, emerging_example, newcomer

BEFORE, AFTER = "2025-01-15", "2025-03-20"
QUARTER = "period_type = 'quarter' and period_start = '2024-04-01' and assessment_type = 'casework'"


def item(area: str, theme: str, **changes: Any) -> dict[str, Any]:
    return {"item_id": f"G-{area}", "area_code": area, "held_on": "2024-11-05", "theme_code": theme} | changes


def statuses(folder: Path, *deliveries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Flag and status of both emerging themes, and the status of what counts them, by Area."""
    nation = Nation()
    emerging_example(nation)
    newcomer(nation)
    del nation.rows["governance_items"]
    for dataset, rows in nation.rows.items():
        write_extract(folder / "raw", dataset, AS_OF, rows)
    # Something is delivered before the freeze and after it, whatever is said of the two themes.
    posting = {"staff_id": "S-LN", "area_code": "LN", "start_date": "2025-01-06"}
    for on in (BEFORE, AFTER):
        write_extract(folder / "raw", "postings", on, [posting | {"posting_id": f"P-{on}"}])
        items = [row for day, row in deliveries if day == on]
        if items:
            write_extract(folder / "raw", "governance_items", on, items)
    with build_marts(folder, folder / "raw", ["+themes", "+assessment_quality"]) as connection:
        found = {
            area: (flag, status)
            for area, flag, status in connection.sql(f"""
                select area_code, in_governance, figure_status from marts.themes
                where is_emerging and level = 'area' and {QUARTER}
            """).fetchall()
        }
        quality = dict(
            connection.sql(f"""
                select area_code, figure_status from marts.assessment_quality
                where level <> 'unit' and area_code in ('ALL', 'WES', 'NE') and {QUARTER}
            """).fetchall()
        )
    return found | {"quality": quality}


def test_a_late_meeting_and_a_corrected_one_revise_what_they_change(tmp_path: Path) -> None:
    found = statuses(
        tmp_path,
        (BEFORE, item("WES", "CR-T01")),
        (AFTER, item("WES", "CR-T02")),
        (AFTER, item("NE", "CR-T06")),
    )
    assert found == {
        "WES": (False, "R"),
        "NE": (True, "R"),
        "quality": {"ALL": "R", "WES": "R", "NE": "R"},
    }


def test_a_correction_that_leaves_a_theme_taken_up_revises_nothing(tmp_path: Path) -> None:
    found = statuses(
        tmp_path,
        (BEFORE, item("WES", "CR-T01")),
        (AFTER, item("WES", "CR-T01", held_on="2024-11-06")),
        (AFTER, item("NE", "CR-T02")),
    )
    assert found == {
        "WES": (True, "P"),
        "NE": (False, "P"),
        "quality": {"ALL": "P", "WES": "P", "NE": "P"},
    }


def test_the_first_delivery_of_meetings_revises_nothing(tmp_path: Path) -> None:
    found = statuses(tmp_path, (AFTER, item("WES", "CR-T01")), (AFTER, item("NE", "CR-T06")))
    assert found == {
        "WES": (True, "P"),
        "NE": (True, "P"),
        "quality": {"ALL": "P", "WES": "P", "NE": "P"},
    }
