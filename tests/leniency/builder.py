"""Extracts of compared assessments, written case by case.

Belongs here: a builder that turns "the manager said this, the sampler that, the inspector that" into
extracts. Does not: expectations. The one trap: a case's dates follow its instrument, because a value outside
the instrument's scale is quarantined and the case would silently be missing from the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.extracts import STAFF, write_extract

EXTRACT_DATE = "2024-07-26"
_DAYS = {
    "2015": ("2017-05-02", "2017-06-05", "2017-11-15"),
    "2023": ("2024-05-02", "2024-06-03", "2024-07-15"),
}

Answers = Mapping[str, Any]


@dataclass
class Cases:
    """Cases so far; `write` puts them into extracts."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(
        self,
        *,
        instrument: str = "CW-2023",
        inspection: str = "REF2024",
        manager: str = "",
        inspector: str | None = None,
        sampler: str | None = None,
        opinion: str = "",
        manager_answers: Answers | None = None,
        inspector_answers: Answers | None = None,
        sampler_answers: Answers | None = None,
        dip: Mapping[str, Any] | None = None,
        **iqa: Any,
    ) -> str:
        """Add one case and return its assessment id.

        `inspector` and `sampler` are overall ratings; None with no answers means they never saw it. An
        inspector's answer is a value, True (agrees), False (disagrees, no value) or a dict of columns.
        """
        number = len(self.rows.setdefault("iqa", [])) + 1
        iqa_id, assessed, dipped, inspected = f"I{number}", *_DAYS[instrument[-4:]]
        self.rows["iqa"].append(
            {
                "iqa_id": iqa_id,
                "assessment_type": "advocacy" if instrument.startswith("AD") else "casework",
                "instrument_version": instrument,
                "opened_on": "",
                "assessed_on": assessed,
                "conversation_on": assessed,
                "closed_on": assessed,
                "overall_rating": manager,
            }
            | iqa
        )
        for code, value in (manager_answers or {}).items():
            self._row("iqa_answers", iqa_id=iqa_id, question_code=code, answer=value)
        if inspector is not None or inspector_answers is not None:
            self.inspect(iqa_id, inspection, inspector or "", inspector_answers, inspected)
        if sampler is not None or opinion or sampler_answers is not None or dip is not None:
            self._row(
                "dip_samples",
                **{
                    "dip_sample_id": f"D{number}",
                    "iqa_id": iqa_id,
                    "sampled_on": dipped,
                    "overall_rating": sampler or "",
                    "opinion": opinion,
                    "comment": "Seen",
                }
                | dict(dip or {}),
            )
            for code, value in (sampler_answers or {}).items():
                self._row("dip_sample_answers", dip_sample_id=f"D{number}", question_code=code, answer=value)
        return iqa_id

    def inspect(
        self,
        iqa_id: str,
        inspection: str,
        rating: str,
        answers: Answers | None = None,
        on: str = "2024-07-15",
        purpose: str = "inspection",
    ) -> None:
        """Add a re-assessment."""
        reassessment_id = f"R{len(self.rows.setdefault('reassessments', [])) + 1:05d}"
        self._row(
            "reassessments",
            reassessment_id=reassessment_id,
            iqa_id=iqa_id,
            inspection_code=inspection,
            reassessed_on=on,
            overall_rating=rating,
            purpose=purpose,
        )
        given = dict(self._manager_answers(iqa_id))
        for code, view in (answers or {}).items():
            if isinstance(view, dict):
                columns = view
            elif isinstance(view, bool):
                columns = {"agrees": str(view).lower(), "answer": ""}
            else:
                columns = {"agrees": str(view == given.get(code)).lower(), "answer": view}
            self._row("reassessment_answers", reassessment_id=reassessment_id, question_code=code, **columns)

    def write(self, raw_dir: Path, extract_date: str = EXTRACT_DATE) -> None:
        """Write every dataset that has rows, and the postings of the default people."""
        write_extract(raw_dir, "postings", extract_date, STAFF)
        for dataset, rows in self.rows.items():
            if rows:
                write_extract(raw_dir, dataset, extract_date, rows)

    def _row(self, dataset: str, **columns: Any) -> None:
        self.rows.setdefault(dataset, []).append(columns)

    def _manager_answers(self, iqa_id: str) -> list[tuple[str, Any]]:
        return [
            (row["question_code"], row["answer"])
            for row in self.rows.get("iqa_answers", [])
            if row["iqa_id"] == iqa_id
        ]
