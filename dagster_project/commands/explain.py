"""`iqa explain MART COLUMN key=value ...`: the rows behind one figure, with the rule that put each in or out.

Here: options and what is printed; the work is in `dagster_project.explain`. The one trap: it reads the
unsuppressed warehouse, so it is for those who hold it, and says so.
"""

from pathlib import Path

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    choose_format,
    marts_option,
    print_json,
    settings_from,
    warehouse_option,
)

_TEXT_ROWS = 20


@click.command("explain")
@click.argument("mart")
@click.argument("column")
@click.argument("keys", nargs=-1, metavar="[key=value]...")
@click.option("--release", "release_id", metavar="ID", help="A retained release [what the warehouse holds].")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Rows shown of each kind [{_TEXT_ROWS} as text, else all]; counts are always complete.",
)
@marts_option
@warehouse_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    callback=choose_format,
    is_eager=True,
    help="How the explanation is printed.",
)
def command(
    mart: str,
    column: str,
    keys: tuple[str, ...],
    release_id: str | None,
    limit: int | None,
    marts_dir: Path | None,
    warehouse: Path | None,
    output_format: str,
) -> int:
    """Show the rows behind one figure.

    Name the figure by its MART, its COLUMN and as much of its key as it takes, for example
    `iqa explain compliance coverage_rate area=WES quarter="2024-25 Q1" type=casework`.
    Exit code 1 says that the rows do not add up to the figure.
    """
    from dagster_project.explain.explanation import Explainer, grain_of
    from dagster_project.explain.holder import held_run, opened
    from dagster_project.explain.printed import as_csv, as_document, as_text
    from dagster_project.explain.question import check_mart, find_figure, parse_keys

    settings = settings_from(marts_dir=marts_dir, warehouse=warehouse)
    check_mart(mart)
    given = parse_keys(keys)
    shown_rows = _TEXT_ROWS if limit is None and output_format == "text" else limit
    with opened(settings) as connection:
        held = held_run(connection, settings, release_id)
        policy = connection.execute(
            "select policy_text from seeds.policies where policy_key = 'requirement_default_policy'"
        ).fetchone()
        figure = find_figure(connection, mart, column, given, grain_of(mart), policy[0] if policy else None)
        explanation = Explainer(connection, held, shown_rows).explain(figure)
    exit_code = DONE if explanation.is_sound else DATA_FAILED
    if output_format == "json":
        print_json({"exit_code": exit_code, **as_document(explanation)})
    elif output_format == "csv":
        click.echo(as_csv(explanation), nl=False)
    else:
        click.echo(as_text(explanation))
    return exit_code
