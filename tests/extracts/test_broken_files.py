"""The checked-in folder of broken files: each says what is wrong with it, and the sound rows still load."""

import shutil
from pathlib import Path

from tests.extracts.conftest import Warehouse

BROKEN = Path(__file__).parents[1] / "fixtures" / "broken_extracts"


def test_each_broken_file_is_refused_for_its_own_reason_and_the_rest_loads(warehouse: Warehouse) -> None:
    shutil.rmtree(warehouse.raw_dir)
    shutil.copytree(BROKEN, warehouse.raw_dir)

    result = warehouse.load()

    assert {refused.source_file: refused.rule_id for refused in result.refusals} == {
        "README.txt": "unknown_folder",
        "absences/absences_2024-07-26.csv": "two_headers",
        "actions/actions_2024-07-26.csv": "missing_column",
        "control_totals/utf16_2024-07-26.csv": "unreadable",
        "iqa/not_a_workbook_2024-07-26.xlsx": "unreadable",
        "iqa/open_quote_2024-07-26.csv": "unreadable",
        "iqa/~$iqa_2024-07-26.xlsx": "lock_file",
        "iqa_answers/cut_short_2024-07-26.csv.gz": "unreadable",
        "iqas/iqas_2024-07-26.csv": "unknown_folder",
        "postings/no date.csv": "no_date",
    }
    assert warehouse.quarantined() == [
        ("dip_samples", "D2", "dip_before_assessment"),
        ("governance_items", "G2", "ragged_row"),
        ("governance_items", "G3", "ragged_row"),
        ("iqa", "I2", "unknown_area"),
        ("iqa", "I3", "assessor_is_subject"),
        ("iqa_answers", "I1|CR03", "answer_outside_scale"),
        ("iqa_answers", "I1|CR04", "duplicate_key"),
        ("iqa_answers", "I1|CR04", "duplicate_key"),
        ("iqa_answers", "I99|CR02", "orphan"),
    ]
    assert result.rows("read") == 16
    assert result.rows("accepted") == 7
    # A dip sample without a comment is a row like any other; the metrics say that it is not a valid dip.
    assert warehouse.rows("select dip_sample_id, comment from raw.dip_samples") == [("D1", None)]


def test_every_refusal_says_where_what_was_expected_and_what_to_do(warehouse: Warehouse) -> None:
    shutil.rmtree(warehouse.raw_dir)
    shutil.copytree(BROKEN, warehouse.raw_dir)
    for refused in warehouse.load().refusals:
        message = refused.message or ""
        assert message.endswith(".") and len(message.split(". ")) >= 2, refused
        assert str(warehouse.root) not in message
