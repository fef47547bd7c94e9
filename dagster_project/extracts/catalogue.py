"""Every rule that an extract can break, in words: the rows of `raw.rule_catalogue`.

Belongs here: the rules that are code rather than contract, and joining both into one list. Does not: judging
anything. The trap: a rule id that appears in the quarantine must have a row here, or a reader of the error
workbook cannot look it up.
"""

from dagster_project.extracts.codes import CodeLists
from dagster_project.extracts.contracts import Contract
from dagster_project.extracts.typed import bounds_expected, event_date_text, unreadable

Row = tuple[str, str, str, str, str, str, str]

FILE_RULES = (
    ("no_date", "The file name holds no date.", "<anything>_YYYY-MM-DD[_<part>].<ending>"),
    ("unknown_folder", "The file lies outside the folder of a dataset.", "a folder named after a dataset"),
    ("unknown_ending", "The ending of the file name is not known.", "csv, csv.gz, xlsx or parquet"),
    ("unreadable", "The file cannot be read.", "a complete file of the kind that its ending says"),
    ("missing_column", "A required column is missing.", "every column that may not be empty"),
    ("two_headers", "Two headers stand for one column.", "one header per column"),
    ("over_size_limit", "The file, or a value in it, is too large.", "a file within the size limits"),
    ("link", "The entry is a link.", "the file itself"),
    ("sub_folder", "The entry is a folder within a dataset's folder.", "files only"),
    ("lock_file", "The entry is the lock file of an open workbook.", "a closed workbook"),
    ("stranger", "The entry is hidden, unnamed in text, or no regular file.", "regular files only"),
)
_TEXTS = {
    "empty_primary_key": ("completeness", "A part of the primary key is empty."),
    "required_value_empty": ("completeness", "A required value is empty."),
    "wrong_type": ("validity", "A value cannot be read as its type."),
    "out_of_range": ("validity", "A number is out of its range."),
    "implausible_date": ("validity", "An event is dated before the scheme or after the extract."),
    "unknown_area": ("validity", "The Area is neither a code, an official name nor an alias."),
    "unknown_instrument": ("validity", "The instrument is not in the seeds."),
    "unknown_inspection": ("validity", "The inspection is not in the seeds."),
    "unknown_theme": ("validity", "The theme is not in the seeds."),
    "question_not_in_instrument": (
        "validity",
        "The question is not one of the instrument that the assessment was made with.",
    ),
    "unknown_code": ("validity", "A code is not in its code list."),
    "answer_outside_scale": ("validity", "An answer or rating is not on the instrument's scale."),
    "orphan": ("consistency", "The row that this row belongs to does not stand."),
    "ragged_row": ("validity", "The row has more or fewer values than the header has columns."),
    "nul_character": ("validity", "A value holds a NUL character."),
    "duplicate_key": ("uniqueness", "The primary key occurs in one file with different content."),
}


def rule_catalogue(contracts: dict[str, Contract], codes: CodeLists) -> list[Row]:
    """Rows (dataset, rule_id, severity, dimension, owner, description, expected), one per dataset and rule.

    Rules about whole files have the dataset `*`.
    """
    rows: dict[tuple[str, str], Row] = {}

    def add(row: Row) -> None:
        rows.setdefault((row[0], row[1]), row)

    for rule_id, description, expected in FILE_RULES:
        add(("*", rule_id, "refuse", "validity", "Performance analysis", description, expected))
    for contract in contracts.values():
        for rule in contract.rules:
            add(
                (
                    contract.dataset,
                    rule.rule_id,
                    rule.severity,
                    rule.dimension,
                    contract.owner,
                    rule.description,
                    rule.expected,
                )
            )
        for rule_id, expected in _general_rules(contract, codes):
            dimension, description = _TEXTS[rule_id]
            add((contract.dataset, rule_id, "quarantine", dimension, contract.owner, description, expected))
    return [rows[key] for key in sorted(rows)]


def _general_rules(contract: Contract, codes: CodeLists) -> list[tuple[str, str]]:
    found = [
        ("ragged_row", "as many values as the header has columns"),
        ("nul_character", "text without NUL characters"),
        ("empty_primary_key", "a value in each column of the primary key"),
        ("required_value_empty", "a value in each required column"),
        ("duplicate_key", "each primary key once in a file"),
    ]
    for field in contract.fields:
        rule_id, expected = unreadable(field)
        if rule_id:
            found.append((rule_id, expected))
        if field.bounds:
            found.append(("out_of_range", f"{field.name} {bounds_expected(field)}"))
        if field.type == "event_date":
            found.append(("implausible_date", event_date_text(codes)))
    if contract.references:
        parents = ", ".join(sorted({parent for parent, _ in contract.references.values()}))
        found.append(("orphan", f"a row of {parents} that stands"))
    return found
