"""One small nation for the tests of comments and themes: who was told what, quarter by quarter.

What belongs here: the extracts and one build of the marts. The one trap: every commented Area adds tests to
the family of its quarter, so q-values here are not those of the worked examples; p-values are.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.extracts import write_extract
from tests.support.pipeline import build_marts

AS_OF = "2024-07-26"
NOW = "2024-05-01"
BEFORE = ("2023-05-01", "2023-08-01", "2023-11-01", "2024-02-01")
NEUTRAL = "Steady work on the file."


@dataclass
class Nation:
    """Collects extract rows; every assessment gets one answer unless it brings its own."""

    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            name: [] for name in ("postings", "iqa", "iqa_answers", "actions", "governance_items")
        }
    )

    def __post_init__(self) -> None:
        for area in ("WES", "EM", "NE", "SW", "NW", "LN", "LS", "CYM"):
            for person in range(8):
                self._post(area, f"{area}-S{person}", "SCP")
                self._post(area, f"{area}-A{person}", "DCP")

    def _post(self, area: str, staff: str, grade: str) -> None:
        self.rows["postings"].append(
            {"posting_id": f"P-{staff}", "staff_id": staff, "grade": grade, "area_code": area}
        )

    def assess(
        self, area: str, assessed_on: str, *, subject: int = 0, assessor: int = 0, **changes: Any
    ) -> str:
        """Add an assessment and return its id; closed a day later unless told otherwise."""
        iqa_id = f"I{len(self.rows['iqa']) + 1}"
        stages = {"opened_on": assessed_on, "conversation_on": assessed_on, "closed_on": assessed_on}
        self.rows["iqa"].append(
            {
                "iqa_id": iqa_id,
                "urn": f"URN-{iqa_id}",
                "area_code": area,
                "subject_id": f"{area}-S{subject}",
                "assessor_id": f"{area}-A{assessor}",
                "assessed_on": assessed_on,
                **stages,
                **changes,
            }
        )
        return iqa_id

    def answer(self, iqa_id: str, question: str, comment: str, answer: str = "N", **changes: Any) -> None:
        """Add an answer."""
        self.rows["iqa_answers"].append(
            {"iqa_id": iqa_id, "question_code": question, "answer": answer, "comment": comment, **changes}
        )

    def series(
        self,
        area: str,
        day: str,
        question: str,
        comment: str,
        hits: int,
        total: int,
        assessors: int = 4,
        **changes: Any,
    ) -> None:
        """`total` assessments of one day, the first `hits` with `comment`, spread over people."""
        for number in range(total):
            iqa_id = self.assess(
                area,
                day,
                subject=number % 5,
                assessor=number % assessors if number < hits else number % 6,
                **changes,
            )
            self.answer(iqa_id, question, comment if number < hits else NEUTRAL)


def emerging_example(nation: Nation) -> None:
    """E11: 14 of 400 now, 30 of 2,000 over the four quarters before."""
    comment = "Read the file. There was limited analysis of the identification evidence."
    nation.series("WES", NOW, "CR03", comment, 14, 400)
    for day, hits in zip(BEFORE, (7, 8, 7, 8), strict=True):
        nation.series("WES", day, "CR03", comment, hits, 500)
    nation.rows["governance_items"].append(
        {"item_id": "G1", "area_code": "WES", "held_on": "2024-07-10", "theme_code": "CR-T01"}
    )


def one_assessor(nation: Nation) -> None:
    """A theme that one assessor raises 18 times of 20."""
    comment = "The witness was not warned in time."
    for day in BEFORE:
        nation.series("EM", day, "VW03", comment, 1, 100)
    for number in range(100):
        iqa_id = nation.assess("EM", NOW, subject=number % 5, assessor=0 if number < 18 else 1 + number % 3)
        nation.answer(iqa_id, "VW03", comment if number < 20 else NEUTRAL)


def campaign(nation: Nation) -> None:
    """A themed campaign on disclosure finds what it looks for."""
    comment = "The schedule was incomplete and vague."
    for day in BEFORE:
        nation.series("LS", day, "DI02", comment, 2, 60)
    nation.series("LS", NOW, "DI02", comment, 2, 60)
    nation.series("LS", NOW, "DI02", comment, 40, 40, selection_method="themed", theme_campaign="DISCLOSURE")


def newcomer(nation: Nation) -> None:
    """An Area with one earlier quarter of comments raises a theme rare in the nation."""
    comment = "Action plan was generic and not dated."
    nation.series("NE", "2024-02-01", "CR05", comment, 0, 30)
    nation.series("NE", NOW, "CR05", comment, 15, 40)


def persistent(nation: Nation) -> None:
    """One Area raises a theme all the time, the other hardly ever."""
    comment = "Case drifted and was left until the eve of trial."
    for day in (*BEFORE, NOW):
        nation.series("LN", day, "CP01", comment, 25, 50)
        nation.series("CYM", day, "CP01", comment, 2, 50)


def gone_quiet(nation: Nation) -> None:
    """A unit raises two themes, one of them of another category, for three quarters and then neither."""
    comment = "The missing statement was not chased. The schedule was incomplete and vague."
    for day in BEFORE[1:]:
        nation.series("EM", day, "CP03", comment, 25, 50, unit_type="CC")
    nation.series("EM", NOW, "CP03", comment, 0, 50, unit_type="CC")
    nation.series("EM", NOW, "CP03", comment, 1, 10, unit_type="RASSO")


def feedback_example(nation: Nation) -> None:
    """E15: four assessments closed on Maundy Thursday."""
    for feedback in ("2024-04-03", "2024-04-04", "2024-04-05", ""):
        nation.assess("SW", "2024-03-25", closed_on="2024-03-28", feedback_on=feedback)


def comment_quality(nation: Nation) -> None:
    """Comments of every kind, in one quarter of one Area."""
    first = nation.assess("NW", NOW, closed_on="", status="open")
    nation.answer(first, "CR01", "Standard met.", "Y")
    nation.answer(first, "CR02", "", "Y")
    nation.answer(
        first,
        "CR03",
        "The letter to the victim of 4 March was sent nine days late and should be sent at once.",
        is_issue="true",
    )
    nation.answer(first, "CR04", "", "N", is_issue="true")
    nation.answer(first, "CR05", "   ", "N")
    nation.answer(first, "CR06", "", "NA")
    second = nation.assess("NW", NOW, subject=1, conversation_on="")
    nation.answer(second, "CR01", "Standard met!", "Y")
    nation.answer(second, "CR03", "There was limited analysis of the evidence.", "Y", is_good_practice="true")
    third = nation.assess("NW", NOW, subject=2, conversation_on="2024-05-06", closed_on="2024-05-11")
    nation.answer(third, "CR01", "standard  met", "Y")
    nation.answer(third, "CR02", "No issues with the charging decision, no late review.", "Y")
    nation.answer(third, "CR03", "Mae'r nodyn yn glir ac yn gryno.", "N")
    nation.rows["actions"] += [
        {
            "action_id": "X1",
            "iqa_id": first,
            "question_code": "CR03",
            "due_on": "2024-06-01",
            "completed_on": "2024-06-01",
            "verified_by_id": "NW-A0",
        },
        {
            "action_id": "X2",
            "iqa_id": second,
            "question_code": "",
            "due_on": "2024-07-26",
            "completed_on": "",
        },
        {
            "action_id": "X3",
            "iqa_id": second,
            "question_code": "",
            "due_on": "2024-07-16",
            "completed_on": "",
        },
        {"action_id": "X4", "iqa_id": third, "question_code": "", "due_on": "", "completed_on": ""},
        {"action_id": "X5", "iqa_id": third, "question_code": "", "due_on": "2024-06-26", "completed_on": ""},
    ]


def before_comments(nation: Nation) -> None:
    """An assessment of the day before the application asked for comments."""
    nation.answer(nation.assess("SW", "2022-09-30"), "CR03", "There was limited analysis of the evidence.")


@pytest.fixture(scope="session")
def marts(tmp_path_factory):
    """A connection to the marts of the nation above."""
    folder = tmp_path_factory.mktemp("themes")
    nation = Nation()
    for scenario in (
        emerging_example,
        one_assessor,
        campaign,
        newcomer,
        persistent,
        gone_quiet,
        feedback_example,
        comment_quality,
        before_comments,
    ):
        scenario(nation)
    for dataset, rows in nation.rows.items():
        write_extract(folder / "raw", dataset, AS_OF, rows)
    connection = build_marts(folder, folder / "raw", ["+themes", "+assessment_quality", "+fct_theme_hit"])
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def row_of(marts):
    """Reads the one row of a mart that has the given values, as a dict."""

    def read(mart: str, **key: Any) -> dict[str, Any]:
        condition = " and ".join(f"{column} = ?" for column in key)
        result = marts.execute(f"select * from marts.{mart} where {condition}", list(key.values()))
        names = [column[0] for column in result.description]
        rows = result.fetchall()
        assert len(rows) == 1, f"{len(rows)} rows in {mart} for {key}"
        return dict(zip(names, rows[0], strict=True))

    return read
