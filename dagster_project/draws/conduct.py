"""A draw from beginning to end: read the frame, draw, enter it in the register, write the papers.

Belongs here: the order of these steps and the tables handed out. Not here: options and printing
(`commands.draw`), or any choice (`dips`, `inspections`). The one trap: the register comes before the papers,
so that no draw is in anybody's hands that is not in it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.draws import dips, inspections
from dagster_project.draws.chance import fingerprint, seed_from_frame
from dagster_project.draws.frames import Area, Quarter, Source, Warehouse, open_warehouse
from dagster_project.draws.papers import Table, csv_bytes, workbook_bytes, write_private
from dagster_project.draws.register import draws_dir, earlier_draws, enter, read_register
from dagster_project.errors import IqaError
from dagster_project.settings import Settings

# Raised when the same frame and seed would give other choices than before, so that draw ids differ too.
METHOD_VERSION = 1


@dataclass(frozen=True)
class DrawOutcome:
    """A draw that was entered and written. `strata` and `exclusions` are as on the sheets, without ids."""

    kind: str
    draw_id: str
    title: str
    seed: int
    seed_origin: str
    frame_hash: str
    source: Source
    drawn: int
    shortfall: int
    strata: list[dict[str, Any]]
    exclusions: list[dict[str, Any]]
    remarks: list[str]
    files: list[Path]


def conduct_dip_draw(
    settings: Settings,
    *,
    quarter: str | None = None,
    areas: Sequence[str] = (),
    samplers: Sequence[str] = (),
    seed: int | None = None,
    weight_uncertain: bool = False,
    include_open: bool = False,
    out: Path | None = None,
) -> DrawOutcome:
    """Draw the dip samples that a quarter still lacks.

    Without `areas` every Area but the test ones; `samplers` replaces those in post and needs a single Area.
    """
    with open_warehouse(settings) as warehouse:
        source = warehouse.source()
        span = warehouse.quarter(quarter)
        chosen_areas = warehouse.areas_named(areas) or [a for a in warehouse.areas() if a.kind != "test"]
        codes = [area.code for area in chosen_areas]
        frame = warehouse.dip_frame(span, codes)
        readers = _readers(warehouse, source, codes, samplers)
        rules = warehouse.dip_rules(include_open=include_open)
        widths = warehouse.interval_widths(span.name) if weight_uncertain else None
        _require_frame(bool(frame), f"{span.name} in {', '.join(codes)}")
        frame_hash = fingerprint(
            {
                "assessments": sorted(list(asdict(one).values()) for one in frame),
                "samplers": {area: sorted(people) for area, people in readers.items()},
            }
        )
        used_seed = seed_from_frame(frame_hash) if seed is None else seed
        draw = dips.draw_dips(frame, readers, used_seed, rules, widths)
        facts = warehouse.case_facts([one.iqa_id for one in frame])
    parameters = {
        **asdict(rules),
        "weights": None if widths is None else fingerprint([[*key, w] for key, w in sorted(widths.items())]),
    }
    names = {area.code: area.name for area in chosen_areas}
    strata = [_dip_stratum_row(stratum, names) for stratum in draw.strata]
    exclusions = _dip_exclusions(frame, draw, names)
    drawn_table = Table(
        "Drawn",
        "The assessments to be dip sampled, by whom, and why each was drawn",
        (
            *("area_code", "area_name", "quarter", "assessment_type", "place", "iqa_id", "urn", "unit_type"),
            *("assessor_id", "assessed_on", "closed_on", "sampler_id", "dip_of_assessor", "reason"),
        ),
        [
            (
                *(one.area_code, names[one.area_code], span.name, one.assessment_type, choice.place),
                *(one.iqa_id, facts[one.iqa_id].urn, facts[one.iqa_id].unit_type, one.assessor_id),
                *(facts[one.iqa_id].assessed_on, facts[one.iqa_id].closed_on),
                *(choice.sampler_id, choice.visit, choice.reason),
            )
            for choice in draw.choices
            for one in (choice.assessment,)
        ],
    )
    outcomes = {choice.assessment.iqa_id: "drawn" for choice in draw.choices} | draw.excluded
    frame_table = Table(
        "Frame",
        "Every assessment of the quarter and what became of it",
        ("area_code", "assessment_type", "iqa_id", "unit_type", "assessor_id", "assessed_on", "outcome"),
        [
            (
                *(one.area_code, one.assessment_type, one.iqa_id, facts[one.iqa_id].unit_type),
                *(one.assessor_id, facts[one.iqa_id].assessed_on, outcomes.get(one.iqa_id, "not_drawn")),
            )
            for one in sorted(frame, key=lambda one: (one.area_code, one.assessment_type, one.iqa_id))
        ],
    )
    return _finish(
        settings,
        source,
        kind="dip",
        title=f"Dip samples to be done for {span.name}",
        scope={"quarter": span.name, "areas": codes},
        parameters=parameters,
        seed=used_seed,
        is_seed_given=seed is not None,
        frame_hash=frame_hash,
        chosen=[[choice.assessment.iqa_id, choice.sampler_id] for choice in draw.choices],
        shortfall=sum(stratum.shortfall for stratum in draw.strata),
        strata=strata,
        exclusions=exclusions,
        remarks=_dip_remarks(span, source),
        method=_dip_method(rules, is_weighted=weight_uncertain),
        tables=(drawn_table, frame_table),
        out=out,
    )


def conduct_inspection_draw(
    settings: Settings,
    *,
    areas: Sequence[str] = (),
    seed: int | None = None,
    out: Path | None = None,
) -> DrawOutcome:
    """Draw the file sample of an inspection; without `areas` in every geographical Area."""
    with open_warehouse(settings) as warehouse:
        source = warehouse.source()
        geographical = [area for area in warehouse.areas() if area.kind == "geographical"]
        chosen_areas: list[Area] = warehouse.areas_named(areas) or geographical
        codes = [area.code for area in chosen_areas]
        rules = warehouse.inspection_rules()
        everything = warehouse.case_frame()
        frame, _ = inspections.qualifying(everything, codes, rules)
        frame_hash = fingerprint([list(asdict(one).values()) for one in frame])
        used_seed = seed_from_frame(frame_hash) if seed is None else seed
        draw = inspections.draw_inspection(everything, codes, used_seed, rules)
        facts = warehouse.case_facts([one.iqa_id for one in frame])
        names = {area.code: area.name for area in warehouse.areas()}
    strata: list[dict[str, Any]] = [
        {
            "area_code": stratum.area_code,
            "area_name": names[stratum.area_code],
            **{key: value for key, value in asdict(stratum).items() if key != "area_code"},
            "shortfall": stratum.shortfall,
        }
        for stratum in draw.strata
    ]
    exclusions = [
        {
            "area_code": area,
            "area_name": names.get(area, area),
            "unit_type": unit,
            "reason": reason,
            "assessments": count,
            "meaning": inspections.EXCLUSIONS[reason],
        }
        for (area, unit, reason), count in draw.excluded.items()
    ]
    where = {row.assessment.iqa_id: row.assessment for row in draw.frame}
    drawn_table = Table(
        "Drawn",
        "The files of the sample and why each was drawn",
        (
            *("area_code", "area_name", "unit_type", "place", "iqa_id", "urn", "assessor_id"),
            *("assessed_on", "closed_on", "reason"),
        ),
        [
            (
                *(one.area_code, names[one.area_code], one.unit_type, row.place, one.iqa_id),
                *(facts[one.iqa_id].urn, facts[one.iqa_id].assessor_id, one.assessed_on, one.closed_on),
                row.reason,
            )
            for row in draw.drawn
            for one in (row.assessment,)
        ],
    )
    frame_table = Table(
        "Frame",
        "Every assessment that qualifies and what became of it",
        ("area_code", "unit_type", "iqa_id", "assessed_on", "closed_on", "outcome"),
        [
            (*(where[i].area_code, where[i].unit_type, i), where[i].assessed_on, where[i].closed_on, outcome)
            for i, outcome in ((row.assessment.iqa_id, row.outcome) for row in draw.frame)
        ],
    )
    return _finish(
        settings,
        source,
        kind="inspection",
        title="File sample of an inspection (design of 2024)",
        scope={"quarter": None, "areas": codes},
        parameters={**asdict(rules), "carried_out_after": rules.carried_out_after.isoformat()},
        seed=used_seed,
        is_seed_given=seed is not None,
        frame_hash=frame_hash,
        chosen=[[row.assessment.iqa_id] for row in draw.drawn],
        shortfall=sum(stratum.shortfall for stratum in draw.strata),
        strata=strata,
        exclusions=exclusions,
        remarks=[],
        method=_inspection_method(rules),
        tables=(drawn_table, frame_table),
        out=out,
    )


def _finish(
    settings: Settings,
    source: Source,
    *,
    kind: str,
    title: str,
    scope: dict[str, Any],
    parameters: dict[str, Any],
    seed: int,
    is_seed_given: bool,
    frame_hash: str,
    chosen: list[list[str]],
    shortfall: int,
    strata: list[dict[str, Any]],
    exclusions: list[dict[str, Any]],
    remarks: list[str],
    method: list[str],
    tables: tuple[Table, Table],
    out: Path | None,
) -> DrawOutcome:
    """Enter the draw in the register, then write its papers."""
    content = fingerprint([METHOD_VERSION, kind, scope, parameters, seed, frame_hash])
    label = "-".join([kind, *str(scope["quarter"] or source.as_of).split(), content[:8]])
    record: dict[str, Any] = {
        "draw_id": label,
        "kind": kind,
        "scope": scope,
        "seed": seed,
        "seed_origin": "given" if is_seed_given else "frame",
        "frame_hash": frame_hash,
        "chosen_hash": fingerprint(chosen),
        "release_id": source.release_id,
        "is_released": source.is_released,
        "as_of": source.as_of.isoformat(),
        "code_version": source.code_version,
        "method_version": METHOD_VERSION,
        "parameters": parameters,
        "drawn": len(chosen),
        "shortfall": shortfall,
        "chosen": chosen,
    }
    said = [*_source_remarks(source), *remarks]
    if shortfall:
        said.append(f"Shortfall: {shortfall} fewer than planned could be drawn; the sheet Strata says where.")
    # Earlier draws and who chose the seed are not on paper, so that a repeat gives the same papers.
    history = earlier_draws(read_register(settings), record)
    enter(settings, record)
    notes = Table(
        "Notes",
        "How this draw was made, and how to make it again",
        ("item", "value"),
        [
            ("Draw", label),
            ("Seed", str(seed)),
            ("Hash of the frame", frame_hash),
            ("Hash of the choices", fingerprint(chosen)),
            ("Reporting date", source.as_of),
            ("Run the frame comes from", source.release_id),
            ("Areas", ", ".join(scope["areas"])),
            *(("Method", sentence) for sentence in method),
            *(("Remark", sentence) for sentence in said),
            ("[z]", "Not applicable."),
        ],
    )
    drawn_table, frame_table = tables
    workbook = workbook_bytes(
        title,
        [
            f"{len(chosen)} assessments drawn from the extracts up to {_spelt(source.as_of)}.",
            *said,
            "This workbook names cases and staff: keep it private. It is no part of a release.",
            f"Draw {label}, seed {seed}. The sheet Notes says how to make it again.",
        ],
        [
            drawn_table,
            _table("Strata", "What was planned and drawn in each part of the sample", strata),
            _table("Excluded", "How many assessments could not be drawn, by reason", exclusions),
            frame_table,
            notes,
        ],
        source.as_of,
    )
    folder = out or draws_dir(settings)
    files = [folder / f"{label}.csv", folder / f"{label}.xlsx"]
    write_private(files[0], csv_bytes(drawn_table))
    write_private(files[1], workbook)
    return DrawOutcome(
        kind=kind,
        draw_id=label,
        title=title,
        seed=seed,
        seed_origin=record["seed_origin"],
        frame_hash=frame_hash,
        source=source,
        drawn=len(chosen),
        shortfall=shortfall,
        strata=strata,
        exclusions=exclusions,
        remarks=[*said, *history],
        files=files,
    )


def _readers(
    warehouse: Warehouse, source: Source, codes: Sequence[str], samplers: Sequence[str]
) -> dict[str, list[str]]:
    if samplers:
        if len(codes) != 1:
            raise IqaError(
                "Samplers are named for more than one Area.",
                where="--sampler",
                expected="one --area, because a sampler reads for an Area",
                next_step="Name the Area of these samplers with --area, and draw Area by Area.",
            )
        warehouse.require_staff(samplers)
        return {codes[0]: sorted(set(samplers))}
    return {area: people for area, people in warehouse.samplers(source.as_of).items() if area in codes}


def _require_frame(is_there: bool, scope: str) -> None:
    if not is_there:
        raise IqaError(
            "There is nothing to draw from.",
            where=scope,
            expected="at least one assessment in that quarter and those Areas",
            next_step="Name another quarter or Area, or run `iqa run` on newer extracts.",
        )


def _dip_stratum_row(stratum: dips.DipStratum, names: dict[str, str]) -> dict[str, Any]:
    return {
        "area_code": stratum.area_code,
        "area_name": names[stratum.area_code],
        "assessment_type": stratum.assessment_type,
        "iqas_assessed": stratum.assessed,
        "dips_required": stratum.required,
        "dips_valid": stratum.dipped,
        "eligible": stratum.eligible,
        "drawn": stratum.drawn,
        "shortfall": stratum.shortfall,
        "assessors": stratum.assessors,
        "assessors_reached_before": stratum.reached_before,
        "assessors_reached_after": stratum.reached_after,
    }


def _dip_exclusions(
    frame: Sequence[dips.Assessment], draw: dips.DipDraw, names: dict[str, str]
) -> list[dict[str, Any]]:
    counts = Counter(
        (one.area_code, one.assessment_type, list(dips.EXCLUSIONS).index(draw.excluded[one.iqa_id]))
        for one in frame
        if one.iqa_id in draw.excluded
    )
    reasons = list(dips.EXCLUSIONS)
    return [
        {
            "area_code": area,
            "area_name": names[area],
            "assessment_type": kind,
            "reason": reasons[place],
            "assessments": count,
            "meaning": dips.EXCLUSIONS[reasons[place]],
        }
        for (area, kind, place), count in sorted(counts.items())
    ]


def _source_remarks(source: Source) -> list[str]:
    remarks = []
    if source.is_synthetic:
        remarks.append("Synthetic data: made with the public demonstration key.")
    if not source.is_released:
        remarks.append(
            f"The run {source.release_id} released nothing here, so its data may not have passed the checks."
        )
    return remarks


def _dip_remarks(quarter: Quarter, source: Source) -> list[str]:
    remarks = []
    if quarter.is_pending:
        remarks.append(
            f"{quarter.name} is not over: its requirement still grows. Draw again when it has ended; "
            "what is dipped by then counts."
        )
    if quarter.freeze_on < source.as_of:
        remarks.append(
            f"Dips of {quarter.name} counted until {_spelt(quarter.freeze_on)}: one done now is late and "
            "counts towards nothing."
        )
    else:
        remarks.append(f"Dips of {quarter.name} count if they are done by {_spelt(quarter.freeze_on)}.")
    return remarks


def _dip_method(rules: dips.DipRules, *, is_weighted: bool) -> list[str]:
    sentences = [
        f"Per Area and assessment type 1 in {rules.divisor} assessments is to be dipped (rounding: "
        f"{rules.rounding}); what is validly dipped counts, the rest is drawn.",
        "Assessors with fewest dips come first, in an order of chance; of an assessor, the assessment with "
        "the lowest draw number. A draw number is a hash of the seed and the id.",
        "Nobody reads an assessment that they made or are the subject of; readers get equal shares as far "
        "as that allows.",
        "Chances differ between assessments: those of an assessor with few are likelier drawn.",
    ]
    if is_weighted:
        sentences.append(
            "Chances to be first are in proportion to the width of the assessor's shrunk leniency interval "
            "(manager against dip sampler) of the last quarter before; without one, to the widest."
        )
    if rules.include_open:
        sentences.append("Open assessments could be drawn.")
    return sentences


def _inspection_method(rules: inspections.InspectionRules) -> list[str]:
    files = " and ".join(f"{number} {unit}" for unit, number in rules.files.items())
    return [
        f"Per Area {files} casework assessments that were carried out after "
        f"{_spelt(rules.carried_out_after)}, are completed and have a recorded dip sample.",
        f"Of those that qualify, the {rules.window_multiple} x planned most recently completed make the "
        "window; of the window, the lowest draw numbers are drawn. A draw number is a hash of the seed and "
        "the id.",
        "Figures from this sample describe dip-sampled MC and CC casework assessments only.",
    ]


def _table(name: str, about: str, rows: list[dict[str, Any]]) -> Table:
    columns = tuple(rows[0]) if rows else ("reason", "assessments")
    return Table(name, about, columns, [list(row.values()) for row in rows])


def _spelt(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
