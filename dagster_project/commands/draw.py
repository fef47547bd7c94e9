"""`iqa draw`: the dip sample of a quarter, and the file sample of an inspection.

Here: options and what is printed. The draws are in `dagster_project.draws`. The one trap: a draw names cases
and staff, so its rows go to private files only (mode 600), never to the terminal or into JSON.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    format_option,
    marts_option,
    print_json,
    settings_from,
    warehouse_option,
)

if TYPE_CHECKING:
    from dagster_project.draws.conduct import DrawOutcome

_SEED_MAX = 2**63 - 1

_area_option = click.option(
    "--area", "areas", multiple=True, metavar="AREA", help="Code or name; may be repeated. [all Areas]"
)
_seed_option = click.option(
    "--seed",
    type=click.IntRange(0, _SEED_MAX),
    help="Repeats an earlier draw. [comes from the frame, so that nobody chooses it]",
)
_out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the files. [draws/ beside the warehouse]"
)


@click.group("draw")
def command() -> None:
    """Draw the dip sample of a quarter or the file sample of an inspection.

    Draws come from the warehouse of the last run. Exit code 1 says that fewer than required could be drawn.
    """


@command.command("dip")
@click.option("--quarter", help="As '2024-25 Q2', or a day in it. [the last quarter that is over]")
@_area_option
@click.option(
    "--sampler",
    "samplers",
    multiple=True,
    metavar="STAFF_ID",
    help="Who reads, with one --area; may be repeated. [everyone in post whose grade may dip sample]",
)
@click.option(
    "--weight-uncertain", is_flag=True, help="Reach assessors sooner whose leniency interval is wide."
)
@click.option("--include-open", is_flag=True, help="Let open assessments be drawn too.")
@_seed_option
@_out_option
@warehouse_option
@marts_option
@format_option
def dip_command(
    quarter: str | None,
    areas: tuple[str, ...],
    samplers: tuple[str, ...],
    weight_uncertain: bool,
    include_open: bool,
    seed: int | None,
    out: Path | None,
    warehouse: Path | None,
    marts_dir: Path | None,
    output_format: str,
) -> int:
    """Draw what each Area and assessment type still lacks of its 10%."""
    from dagster_project.draws.conduct import conduct_dip_draw

    outcome = conduct_dip_draw(
        settings_from(warehouse=warehouse, marts_dir=marts_dir),
        quarter=quarter,
        areas=areas,
        samplers=samplers,
        seed=seed,
        weight_uncertain=weight_uncertain,
        include_open=include_open,
        out=out,
    )
    columns = (
        *(("area_code", "Area"), ("assessment_type", "type"), ("iqas_assessed", "assessed")),
        *(("dips_required", "required"), ("dips_valid", "dipped"), ("eligible", "eligible")),
        *(("drawn", "drawn"), ("shortfall", "short")),
    )
    return _show(outcome, columns, output_format)


@command.command("inspection")
@_area_option
@_seed_option
@_out_option
@warehouse_option
@marts_option
@format_option
def inspection_command(
    areas: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    warehouse: Path | None,
    marts_dir: Path | None,
    output_format: str,
) -> int:
    """Draw the file sample in the design of 2024: recent dip-sampled MC and CC casework, random within."""
    from dagster_project.draws.conduct import conduct_inspection_draw

    outcome = conduct_inspection_draw(
        settings_from(warehouse=warehouse, marts_dir=marts_dir), areas=areas, seed=seed, out=out
    )
    columns = (
        *(("area_code", "Area"), ("unit_type", "unit"), ("planned", "planned")),
        *(("qualifying", "qualify"), ("window", "window"), ("drawn", "drawn"), ("shortfall", "short")),
    )
    return _show(outcome, columns, output_format)


@command.command("list")
@warehouse_option
@format_option
def list_command(warehouse: Path | None, output_format: str) -> int:
    """List the draws in the register, oldest first."""
    from dagster_project.draws.register import read_register

    entries = read_register(settings_from(warehouse=warehouse))
    if output_format == "json":
        kept = [{key: value for key, value in entry.items() if key != "chosen"} for entry in entries]
        print_json({"command": "draw list", "exit_code": DONE, "draws": kept})
        return DONE
    if not entries:
        click.echo("No draw has been made with this warehouse.")
    for entry in entries:
        click.echo(
            f"{str(entry['at'])[:16].replace('T', ' ')}  {entry['draw_id']}  seed {entry['seed']} "
            f"({entry['seed_origin']})  drawn {entry['drawn']}, short {entry['shortfall']}"
        )
    return DONE


def _show(outcome: "DrawOutcome", columns: tuple[tuple[str, str], ...], output_format: str) -> int:
    exit_code = DATA_FAILED if outcome.shortfall else DONE
    if output_format == "json":
        print_json(_document(outcome, exit_code))
        return exit_code
    click.echo(outcome.title)
    click.echo("".join(_cell(heading, number) for number, (_, heading) in enumerate(columns)))
    for row in outcome.strata:
        click.echo("".join(_cell(row[key], number) for number, (key, _) in enumerate(columns)))
    for meaning, count in _excluded(outcome).items():
        click.echo(f"Not to be drawn, {count:,}: {meaning}")
    for remark in outcome.remarks:
        click.echo(remark)
    click.echo(f"Draw {outcome.draw_id}: {outcome.drawn:,} drawn, seed {outcome.seed}.")
    for path in outcome.files:
        click.echo(f"  {path}")
    click.echo("The files name cases and staff: only you can read them.")
    return exit_code


def _cell(value: object, column: int) -> str:
    return f"{value:<10}" if column == 0 else f"{value:>10}"


def _excluded(outcome: "DrawOutcome") -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in outcome.exclusions:
        totals[row["meaning"]] = totals.get(row["meaning"], 0) + row["assessments"]
    return totals


def _document(outcome: "DrawOutcome", exit_code: int) -> dict[str, Any]:
    return {
        "command": f"draw {outcome.kind}",
        "exit_code": exit_code,
        "draw_id": outcome.draw_id,
        "seed": outcome.seed,
        "seed_origin": outcome.seed_origin,
        "frame_hash": outcome.frame_hash,
        "release_id": outcome.source.release_id,
        "is_released": outcome.source.is_released,
        "as_of": outcome.source.as_of,
        "drawn": outcome.drawn,
        "shortfall": outcome.shortfall,
        "strata": outcome.strata,
        "excluded": outcome.exclusions,
        "remarks": outcome.remarks,
        "files": [str(path) for path in outcome.files],
    }
