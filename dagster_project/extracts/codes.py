"""Code lists: which spelling of a code, a label or an Area name stands for which code.

Belongs here: reading the seeds that are code lists, and the canonical form under which spellings are
compared. Does not: SQL, files of extracts. The trap: a label such as "Met" stands for different codes on
different scales, so answers become tokens here and codes only once the instrument is known.
"""

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_project.extracts.errors import ExtractError

_BOOLEANS = {"true": "true", "yes": "true", "y": "true", "1": "true"} | {
    "false": "false",
    "no": "false",
    "n": "false",
    "0": "false",
}


def canonical(text: str) -> str:
    """The form under which codes and labels are compared: NFKC, case-folded, trimmed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


@dataclass(frozen=True)
class CodeLists:
    """Every code list by name, as spelling in canonical form -> code, and the scales of each instrument."""

    lists: dict[str, dict[str, str]]
    scales: dict[str, dict[str, str]]
    instrument_scales: dict[str, dict[str, str]]
    policies: dict[str, str]
    answer_spellings: dict[str, str]

    def policy(self, key: str) -> str:
        """The value of a policy row as text; raises ExtractError if there is none."""
        if not self.policies.get(key):
            raise ExtractError(
                f"The policy {key!r} is missing from the seed policies: expected a row with a value. Add it."
            )
        return self.policies[key]

    def resolve(self, code_list: str, text: str) -> str | None:
        """The code that `text` stands for, or None."""
        return self.lists[code_list].get(canonical(text))

    def resolve_many(self, code_list: str, text: str) -> str | None:
        """A semicolon list as codes in the order of the code list, or None if one is unknown."""
        codes = self.lists[code_list]
        parts = [canonical(part) for part in text.split(";")]
        wanted = {codes.get(part) for part in parts if part}
        if not wanted or None in wanted:
            return None
        order = list(dict.fromkeys(codes.values()))
        return ";".join(sorted((code for code in wanted if code), key=order.index))

    def answer_token(self, text: str) -> str | None:
        """The seeds' own spelling of an answer that at least one scale knows, or None."""
        return self.answer_spellings.get(canonical(text))

    def scale_tokens(self) -> list[tuple[str, str, str, str]]:
        """Rows (instrument_version, "answer" or "rating", token, value_code)."""
        return [
            (instrument, kind, self.answer_spellings[token], code)
            for instrument, kinds in sorted(self.instrument_scales.items())
            for kind, scale in sorted(kinds.items())
            for token, code in sorted(self.scales[scale].items())
        ]


def load_code_lists(seeds_dir: Path) -> CodeLists:
    """Read the seeds that hold code lists.

    Raises ExtractError if a seed is missing or gives one spelling two meanings.
    """
    lists: dict[str, dict[str, str]] = {"booleans": dict(_BOOLEANS)}

    def add(name: str, spelling: str, code: str, seed: str) -> None:
        _add(lists.setdefault(name, {}), spelling, code, f"seed {seed}, list {name}")

    for row in _rows(seeds_dir, "areas"):
        add("areas", row["area_code"], row["area_code"], "areas")
        add("areas", row["area_name"], row["area_code"], "areas")
    for row in _rows(seeds_dir, "area_aliases"):
        add("areas", row["alias"], row["area_code"], "area_aliases")
    for row in _rows(seeds_dir, "unit_types"):
        add("unit_types", row["unit_type"], row["unit_type"], "unit_types")
        add("unit_types_or_all", row["unit_type"], row["unit_type"], "unit_types")
    add("unit_types_or_all", "ALL", "ALL", "unit_types")
    for name, column in (
        ("grades", "grade"),
        ("instruments", "instrument_version"),
        ("questions", "question_code"),
        ("inspections", "inspection_code"),
        ("theme_patterns", "theme_code"),
        ("reason_codes", "reason_code"),
    ):
        lists[name] = {}
        for row in _rows(seeds_dir, name):
            add(name, row[column], row[column], name)
    for row in _rows(seeds_dir, "code_lists"):
        add(row["code_list"], row["code"], row["code"], "code_lists")

    scales: dict[str, dict[str, str]] = {}
    spellings: dict[str, str] = {}
    for row in _rows(seeds_dir, "scale_values"):
        scale = scales.setdefault(row["scale_code"], {})
        for spelling in (row["value_code"], *row["labels"].split(";")):
            if spelling.strip():
                spellings.setdefault(canonical(spelling), spelling.strip())
                _add(scale, spelling, row["value_code"], f"seed scale_values, scale {row['scale_code']}")
    instrument_scales = {
        row["instrument_version"]: {"answer": row["answer_scale"], "rating": row["rating_scale"]}
        for row in _rows(seeds_dir, "instruments")
    }
    for instrument, kinds in instrument_scales.items():
        for scale_code in kinds.values():
            if scale_code not in scales:
                raise ExtractError(
                    f"Instrument {instrument} names the scale {scale_code!r} (seed instruments): expected a "
                    "scale_code of the seed scale_values. Add the scale's values or correct the name."
                )
    policies = {
        row["policy_key"]: row["policy_text"] or row["policy_value"] for row in _rows(seeds_dir, "policies")
    }
    return CodeLists(lists, scales, instrument_scales, policies, spellings)


def _add(codes: dict[str, str], spelling: str, code: str, where: str) -> None:
    known = codes.setdefault(canonical(spelling), code)
    if known != code:
        raise ExtractError(
            f"{spelling!r} stands for {known!r} and for {code!r} ({where}): expected one meaning. "
            "Take one of the two out of the seed."
        )


def _rows(seeds_dir: Path, seed: str) -> Iterator[dict[str, str]]:
    path = seeds_dir / f"{seed}.csv"
    if not path.is_file():
        raise ExtractError(
            f"The seed {path.name} is missing from {seeds_dir}: expected a CSV file. Restore it."
        )
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)
