"""Rows that break the contract on purpose, added beside good ones so that no true figure moves.

Good rows do not belong here. The one trap: a faulty row is always an extra row under a key of its own; a
good row made faulty would take a true assessment out of the figures and the control totals.
"""

import polars as pl

# Dataset, rule that refuses the row, what is changed in a copy of a good row. The copy gets a new key.
PLANTED: list[tuple[str, str, dict[str, str | None]]] = [
    ("iqa", "unknown_area", {"area_code": "Area that is not on the list"}),
    ("iqa", "stage_order", {"closed_on": "2022-10-03", "assessed_on": "2022-10-20"}),
    ("iqa", "unknown_instrument", {"instrument_version": "CW-1999"}),
    ("iqa", "wrong_type", {"assessed_on": "31/31/2023"}),
    ("iqa", "implausible_date", {"assessed_on": "2031-01-06", "closed_on": None, "conversation_on": None}),
    ("iqa_answers", "answer_outside_scale", {"question_code": "CR01", "answer": "P"}),
    ("iqa_answers", "orphan", {"iqa_id": "SYN-NOT-DELIVERED", "question_code": "CR01"}),
    ("iqa_answers", "question_not_in_instrument", {"question_code": "ZZ99"}),
    ("dip_samples", "dip_before_assessment", {"sampled_on": "2022-10-03"}),
    ("dip_samples", "required_value_empty", {"sampled_on": None}),
    ("postings", "unknown_code", {"grade": "TEA MAKER"}),
    ("postings", "wrong_type", {"fte": "full time"}),
    ("reassessments", "unknown_inspection", {"inspection_code": "REF1999"}),
    ("governance_items", "unknown_theme", {"theme_code": "XX-T99"}),
    ("actions", "duplicate_key", {"description": "First version of one action"}),
    ("actions", "duplicate_key", {"description": "Second version of the same action"}),
]
KEYS = {
    "iqa": "iqa_id",
    "dip_samples": "dip_sample_id",
    "postings": "posting_id",
    "reassessments": "reassessment_id",
    "governance_items": "item_id",
    "actions": "action_id",
}


def plant(dataset: str, rows: pl.DataFrame, copies: int, mark: str) -> pl.DataFrame:
    """The rows as text with each of the dataset's faults added `copies` times; `mark` makes the keys new."""
    text = rows.with_columns(pl.all().cast(pl.String))
    added = []
    for place, (name, rule, change) in enumerate(PLANTED):
        if name != dataset:
            continue
        for copy in range(copies):
            source = text.row((copy * 7 + place * 3) % len(text), named=True)
            if dataset in KEYS:
                shared = "DUP" if rule == "duplicate_key" else str(place)
                source[KEYS[dataset]] = f"SYN-FAULT-{mark}-{shared}-{copy}"
            added.append({**source, **change})
    return pl.concat([text, pl.DataFrame(added, schema=text.schema)]) if added else text
