"""`iqa synth`: seeded synthetic extracts into a folder of their own.

The one trap: made-up rows among real ones. It writes into an empty folder only, never beside other extracts.
"""

from pathlib import Path

import click

from dagster_project.commands.common import DONE, format_option, print_json
from dagster_project.errors import IqaError


class _Faults(click.ParamType):
    """`each` for one faulty row of each kind, or a share of all assessments."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | bool:
        """True for `each`, else the share."""
        if isinstance(value, bool | float):
            return value
        if value == "each":
            return True
        try:
            return float(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither 'each' nor a share such as 0.01", param, ctx)


@click.command("synth")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Empty or new folder to write to."
)
@click.option("--years", default=2, show_default=True, type=click.IntRange(1, 10), help="Years of data.")
@click.option("--scale", default=0.3, show_default=True, help="Volume; 1 is national.")
@click.option("--seed", default=2024, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--faults",
    is_flag=False,
    flag_value="each",
    default=False,
    type=_Faults(),
    help="Plant faulty rows: one of each kind, or this share of assessments. [none]",
)
@format_option
def command(out: Path, years: int, scale: float, seed: int, faults: float | bool, output_format: str) -> int:
    """Write seeded synthetic extracts into a new folder."""
    from dagster_project.synth.generate import generate

    if out.exists() and any(out.iterdir()):
        raise IqaError(
            "The folder is not empty.",
            where=str(out),
            expected="an empty or new folder, so that synthetic rows never stand among others",
            next_step="Name another folder with --out, or empty this one.",
        )
    try:
        summary = generate(out, years=years, scale=scale, seed=seed, faults=faults)
    except ValueError as error:
        raise IqaError(
            str(error),
            where="the options of `iqa synth`",
            expected="values that `iqa synth --help` describes",
            next_step="Correct the option and run it again.",
        ) from error
    if output_format == "json":
        print_json(
            {
                "exit_code": DONE,
                "out": out,
                "files": len(summary.files),
                "bytes": summary.bytes,
                "rows": dict(summary.rows),
                "planted": dict(summary.planted),
            }
        )
        return DONE
    click.echo(f"Synthetic extracts: {len(summary.files)} files, {summary.bytes / 1e6:.1f} MB in {out}")
    for dataset, rows in sorted(summary.rows.items()):
        click.echo(f"  {dataset:<22}{rows:>12,} rows")
    if summary.planted:
        click.echo(f"  planted faults: {sum(summary.planted.values())} rows")
    click.echo(f"Run on them with: iqa run --raw {out}")
    return DONE
