"""Invented sentences for comments, notes and actions, put together from parts.

No sentence here describes a real case: places on file are exhibits "SYN/n". The one trap: a sentence meant
to carry no theme must match no theme pattern, which a test checks, because the seeds' patterns decide.
"""

from functools import cache

import numpy as np
import polars as pl

from dagster_project.synth import catalogue
from dagster_project.synth.chance import Chance, Floats, Ints

_NEXT_STEPS = [
    "",
    "",
    "Discussed at the meeting and the prosecutor accepts the point.",
    "This meant that the court could not deal with the case as planned.",
    "As a result the other side had to ask twice.",
    "Please put this right within ten days and tell me once it is done.",
    "Next time set out the point in a short note on the file.",
    "I have asked for a reminder to be set for similar files.",
    "The effect was extra work for the trial team.",
    "We agreed to look at two more files together in a month.",
]
_SATISFIED = {
    "charging_and_review": [
        "The points to prove are set out in turn",
        "Each charge is tied to the evidence that supports it",
        "The reasoning is easy to follow and deals with both stages",
        "Likely issues at trial are named with the evidence on each",
    ],
    "case_progression": [
        "Papers reached the court in good time",
        "The file shows steady handling from the first date to trial",
        "Each task was answered within two working days",
        "The timetable was kept and the log is up to date",
    ],
    "victims_and_witnesses": [
        "Needs were asked about at the start and met",
        "The explanation given is plain and kind",
        "Availability was checked and dates agreed",
        "Contact with the witness care unit is well recorded",
    ],
    "disclosure": [
        "Each item was looked at and the reason noted",
        "The test was applied item by item",
        "Material was handled in proportion to the issues",
        "The log explains what was served and when",
    ],
    "international": [
        "The link with another country was seen at once",
        "Enquiries abroad went through the proper channel",
        "Papers for the other country were ready early",
    ],
    "advocacy": [
        "The facts were put in a sensible order",
        "Answers to the bench were direct and correct",
        "The tone was right for the tribunal",
        "Time was used well",
    ],
}
_STOCK = [
    "All in order.",
    "No issues.",
    "Nothing to add.",
    "Standard met.",
    "No concerns.",
    "Done properly.",
    "Fine.",
    "Met in full.",
    "No action needed.",
    "Satisfactory.",
]
_WELSH = [
    "Gwaith da ar y cyfan.",
    "Mae'r nodyn yn glir ac yn gryno.",
    "Dim byd i'w ychwanegu.",
    "Popeth mewn trefn yn y ffeil.",
]
_PLACES = ["exhibit", "statement", "log entry", "document", "email"]
FEEDBACK = [
    "Helpful conversation, thank you.",
    "I agree with the points made; I will add a note to my file template.",
    "I do not agree with the mark on timeliness, but the action is clear.",
    "Useful examples, please share them at the team meeting.",
    "Diolch, sgwrs ddefnyddiol.",
    'I was told "well done" 🙂, and what to change.',
]
DIP_AGREES = [
    "I agree with the marks; the comments explain them.",
    "Marks agreed.\nThe conversation is recorded, and the action has a date.",
    "Read the file and the assessment together; I would mark it the same.",
    "A fair assessment with clear reasons for each mark.",
]
DIP_CHALLENGES = [
    "Marked too high: the failings on the file are passed over in the comments.",
    "I would mark some answers lower; please look again at the standard.",
    "The mark doesn't fit the comment, and the conversation should be held again.",
    "Key points were missed, so I have changed the marks shown.",
]
DIP_UNCLEAR = [
    "I cannot tell from the comments why these marks were given.",
    "The reasons are too short to judge; please expand them.",
]
DIP_ACTIONS = [
    "Read the marking guide again before the next assessment.",
    "Discuss the marks with me at our next meeting.",
    "Give a reason with each mark below met.",
    "Assess the next file together with another assessor.",
]
ACTIONS = [
    "Add a dated note to the file and tell the assessor.",
    "Attend the next training session on this point.",
    "Use the checklist on the next three files.",
    "Team meeting to cover this point.",
    "Write to the other party and confirm the date.",
    "Read the guidance and send a two-line summary.",
]
REASONS = [
    "The file shows the failing, and the comment does not mention it.",
    "The failing was seen but given too little weight.",
    "The standard of another question was used.",
    "Nothing on the file supports the mark.",
]
DECISIONS = [
    "Noted; team leaders to raise it in briefings.",
    "Training session to be held within six weeks.",
    "Two files per team to be looked at next month.",
    "Learning point to be sent to all staff.",
]


@cache
def _pools() -> dict[str, list[list[str]]]:
    """By category: failing themes (all their variants in one list), good practice, satisfied sentences."""
    themes = catalogue.themes()
    good = themes.filter(pl.col("theme_category") == "good_practice")["example"].to_list()
    by_name = dict(zip(good, good, strict=True))
    general = [name for name in by_name if "advocacy" not in name.lower()]
    advocacy = [name for name in by_name if "advocacy" in name.lower() or "team" in name.lower()]
    failing, satisfied, praise = [], [], []
    for category in catalogue.CATEGORIES:
        own = themes.filter(pl.col("theme_category") == category)["example"].to_list()
        failing.append(own)
        satisfied.append(_SATISFIED[category])
        praise.append(advocacy if category == "advocacy" else general)
    return {"failing": failing, "satisfied": satisfied, "praise": praise}


@cache
def details() -> list[str]:
    """Where on the synthetic file something stands; the first entries are empty."""
    places = [
        f"See page {page} of {place} SYN/{number}."
        for place in _PLACES
        for page in (1, 2, 3, 5, 8)
        for number in range(1, 31)
    ]
    return [""] * (len(places) // 3) + places


def satisfied_sentences() -> list[str]:
    """Every sentence that must match no theme: neutral ones, stock phrases, next steps and details."""
    plain = [sentence for pool in _pools()["satisfied"] for sentence in pool]
    return plain + _STOCK + _WELSH + [step for step in _NEXT_STEPS if step] + details()[-30:]


def failing_sentences() -> list[list[str]]:
    """By category, one sentence per theme, in the order of the seed `theme_patterns`."""
    return _pools()["failing"]


@cache
def theme_weights(seed: int, quarters: int) -> list[Floats]:
    """By category: Area × quarter × theme, cumulative shares of the theme among failings.

    A few themes emerge or persist on purpose; `EMERGING` names them.
    """
    chance = Chance(seed)
    codes = catalogue.themes()
    areas = np.arange(len(catalogue.AREAS))
    found = []
    for place, category in enumerate(catalogue.CATEGORIES):
        own = codes.filter(pl.col("theme_category") == category)["theme_code"].to_list()
        themes = np.arange(len(own))
        base = 0.4 + 1.2 * chance.uniform("theme.base", place * 100 + themes)
        local = chance.normal("theme.area", areas[:, None] * 1000 + place * 100 + themes[None, :])
        weight = np.repeat((base * np.exp(0.4 * local))[:, None, :], quarters, axis=1)
        for area, code, last_quarters, factor in EMERGING:
            if code in own:
                rows = slice(None) if area == "ALL" else catalogue.AREAS.index(area)
                first = max(0, quarters - 1 - last_quarters)
                weight[rows, first:, own.index(code)] *= factor
        total = weight.cumsum(axis=-1)
        found.append(total / total[..., -1:])
    return found


# Area, theme, number of complete quarters at the end of the series in which it is raised, factor.
EMERGING = [
    ("WM", "DI-T07", 1, 8.0),
    ("NW", "VW-T01", 1, 8.0),
    ("LS", "CP-T08", 1, 9.0),
    ("LN", "DI-T09", 2, 7.0),
    ("EM", "CR-T07", 40, 7.0),
    ("ALL", "CP-T04", 1, 2.5),
]


def comments_for(chance: Chance, answers: pl.DataFrame, iqas: pl.DataFrame, quarters: int) -> pl.Series:
    """The comment on each answer, or null; `iqas` holds the assessments of the answers."""
    told = answers.join(
        iqas.select("iqa", "area", "quarter", "assessor"), on="iqa", how="left", maintain_order="left"
    )
    key = told["key"].to_numpy()
    given, top = told["given"].to_numpy(), told["top"].to_numpy()
    met = given == top
    failing = (given >= 0) & ~met
    rate = np.select([failing, met], [0.92, 0.33], 0.02)
    spoken = chance.happens("comment.any", key, rate)
    found = np.full(len(key), None, dtype=object)
    draw = chance.uniform("comment.kind", key)
    contradicts = spoken & met & (draw > 0.985)
    _fill(found, spoken & failing | contradicts, _failing_comment, chance, told, quarters)
    _fill(found, spoken & met & (draw < 0.40), _stock_comment, chance, told, quarters)
    _fill(found, spoken & met & (draw >= 0.40) & (draw < 0.86), _satisfied_comment, chance, told, quarters)
    _fill(found, spoken & met & (draw >= 0.86) & (draw < 0.955), _praise_comment, chance, told, quarters)
    _fill(found, spoken & met & (draw >= 0.955) & ~contradicts, _negated_comment, chance, told, quarters)
    _fill(found, spoken & (given < 0), _plain_not_applicable, chance, told, quarters)
    return pl.Series("comment", found.tolist(), dtype=pl.String)


def _fill(found, rows, make, chance: Chance, told: pl.DataFrame, quarters: int) -> None:  # type: ignore[no-untyped-def]
    if rows.any():
        found[rows] = make(chance, told.filter(pl.Series(rows)), quarters).to_numpy()


def _choose(chance: Chance, stream: str, told: pl.DataFrame, pools: list[list[str]]) -> pl.Series:
    """One sentence per answer out of the pool of its category."""
    category = told["category"].to_numpy()
    sizes = np.array([len(pool) for pool in pools])
    starts = np.concatenate([[0], sizes.cumsum()[:-1]])
    flat = pl.Series([sentence for pool in pools for sentence in pool])
    return flat.gather(starts[category] + chance.pick(stream, told["key"].to_numpy(), sizes[category]))


def _pick(chance: Chance, stream: str, told: pl.DataFrame, pool: list[str]) -> pl.Series:
    return pl.Series(pool).gather(chance.pick(stream, told["key"].to_numpy(), len(pool)))


def _joined(*parts: pl.Series) -> pl.Series:
    frame = pl.DataFrame({str(place): part for place, part in enumerate(parts)})
    return frame.select(pl.concat_str(pl.all(), separator=" ").str.replace_all(r" +", " ").str.strip_chars())[
        "0"
    ]


def _failing_comment(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    key, category = told["key"].to_numpy(), told["category"].to_numpy()
    area, quarter = told["area"].to_numpy(), told["quarter"].to_numpy()
    draw = chance.uniform("comment.theme", key)
    lead = np.full(len(key), "", dtype=object)
    for place, shares in enumerate(theme_weights(chance.seed, quarters)):
        rows = category == place
        theme = (shares[area[rows], quarter[rows]] <= draw[rows, None]).sum(axis=1)
        lead[rows] = np.array(failing_sentences()[place], dtype=object)[theme]
    sentence = pl.Series(lead.tolist(), dtype=pl.String) + "."
    step = _pick(chance, "comment.step", told, _NEXT_STEPS)
    return _joined(sentence, _pick(chance, "comment.detail", told, details()), step)


def _satisfied_comment(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    sentence = _choose(chance, "comment.satisfied", told, _pools()["satisfied"]) + "."
    return _joined(sentence, _pick(chance, "comment.detail", told, details()))


def _praise_comment(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    sentence = _choose(chance, "comment.praise", told, _pools()["praise"]) + "."
    return _joined(sentence, _pick(chance, "comment.detail", told, details()))


def _negated_comment(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    """A theme's words under a negation, which must not count as the theme."""
    sentence = _choose(chance, "comment.negated", told, failing_sentences())
    return "No concerns of this kind (" + sentence.str.to_lowercase() + ")."


def _stock_comment(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    """Each assessor repeats two stock phrases of their own; in Cymru-Wales a third of them are Welsh."""
    assessor, key = told["assessor"].to_numpy(), told["key"].to_numpy()
    favourite = chance.pick(
        "comment.favourite", assessor * 2 + chance.pick("comment.which", key, 2), len(_STOCK)
    )
    welsh = (told["area"].to_numpy() == 0) & chance.happens("comment.welsh", key, 0.33)
    place = np.where(welsh, len(_STOCK) + chance.pick("comment.welsh.text", key, len(_WELSH)), favourite)
    return pl.Series(_STOCK + _WELSH).gather(place)


def _plain_not_applicable(chance: Chance, told: pl.DataFrame, quarters: int) -> pl.Series:
    return pl.Series(["Not applicable on this file."] * len(told))


def picked(chance: Chance, stream: str, keys: Ints, pool: list[str]) -> pl.Series:
    """One text of the pool per key."""
    return pl.Series(pool, dtype=pl.String).gather(chance.pick(stream, keys, len(pool)))
