"""`iqa themes`: how good the theme patterns are, what they miss, and what an edit would move.

Here: options and what is printed. The matching and the comparing are in `dagster_project.themes`. The one
trap: a worklist holds comments, so it goes to a file of its owner's only (mode 600), never to the terminal.
"""

import csv
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_project.commands.common import (
    DATA_FAILED,
    DONE,
    format_option,
    print_json,
    settings_from,
    warehouse_option,
)

if TYPE_CHECKING:
    from dagster_project.themes.worklist import Cluster

_patterns_option = click.option(
    "--patterns",
    "patterns_file",
    type=click.Path(path_type=Path),
    help="Pattern set, with the columns of the seed [dbt/seeds/theme_patterns.csv].",
)


@click.group("themes")
def command() -> None:
    """Evaluate the theme patterns, list what they miss, and show what an edit would move."""


@command.command("evaluate")
@click.argument("coded_file", type=click.Path(path_type=Path))
@_patterns_option
@click.option("--worklist", type=click.Path(path_type=Path), help="Write the comments no theme caught here.")
@format_option
def evaluate_command(
    coded_file: Path, patterns_file: Path | None, worklist: Path | None, output_format: str
) -> int:
    """Precision and recall of each theme on hand-coded comments.

    CODED_FILE is a CSV file with the columns comment and theme_codes (codes with semicolons between them).
    With a column is_constructive (yes or no) the rule behind Q6 is compared with it too: Cohen's kappa.
    Exit code 1 says that too few comments were coded to rely on the result.
    """
    from dagster_project.themes.evaluation import evaluate, read_coded_comments
    from dagster_project.themes.patterns import THEMES_SEED, load_pattern_set, policy_number
    from dagster_project.themes.worklist import uncaught_clusters

    patterns = load_pattern_set(patterns_file or THEMES_SEED)
    coded = read_coded_comments(coded_file, patterns)
    result = evaluate(coded, patterns, policy_number("theme_coded_comments_min"))
    if worklist is not None:
        _write_worklist(worklist, uncaught_clusters(comment.comment for comment in result.uncaught))
    exit_code = DONE if result.is_enough else DATA_FAILED
    if output_format == "json":
        print_json(
            {
                "exit_code": exit_code,
                "comments": result.comments,
                "comments_min": result.comments_min,
                "uncaught": len(result.uncaught),
                "themes": [asdict(score) for score in result.scores],
                "constructive": None if result.constructive is None else asdict(result.constructive),
            }
        )
        return exit_code
    click.echo(f"{result.comments} coded comments; no theme caught {len(result.uncaught)} of them.")
    click.echo(f"{'theme':<8}{'coded':>7}{'found':>7}{'agreed':>8}  {'precision':<24}recall")
    for score in result.scores:
        if score.coded or score.found:
            click.echo(
                f"{score.theme_code:<8}{score.coded:>7}{score.found:>7}{score.agreed:>8}  "
                f"{_share(score.precision, score.precision_interval):<24}"
                f"{_share(score.recall, score.recall_interval)}  {score.theme_name}"
            )
    quiet = sum(1 for score in result.scores if not score.coded and not score.found)
    if quiet:
        click.echo(f"{quiet} themes were neither coded nor found.")
    if result.constructive is not None:
        q6 = result.constructive
        kappa = "no kappa, for all agree by chance" if q6.kappa is None else f"kappa {q6.kappa:.2f}"
        click.echo(
            "Constructive comments (Q6): rule and people agree on "
            f"{q6.both_yes + q6.both_no} of {q6.comments} "
            f"({kappa}); the rule missed {len(q6.missed_rows)} and took {len(q6.wrong_rows)} too many."
        )
    if not result.is_enough:
        click.echo(
            f"Too few comments: {result.comments_min} are needed before a theme feeds a board pack.", err=True
        )
    return exit_code


@command.command("worklist")
@click.argument("out_file", type=click.Path(path_type=Path))
@_patterns_option
@warehouse_option
@format_option
def worklist_command(
    out_file: Path, patterns_file: Path | None, warehouse: Path | None, output_format: str
) -> int:
    """Write the comments of the last run that no theme caught to OUT_FILE, grouped by their words.

    Comments can name people: keep the file where the warehouse is.
    """
    from dagster_project.themes.effect import read_history
    from dagster_project.themes.matching import comments_with_nothing_to_say, themes_of_comments
    from dagster_project.themes.patterns import THEMES_SEED, load_pattern_set
    from dagster_project.themes.worklist import uncaught_clusters

    patterns = load_pattern_set(patterns_file or THEMES_SEED)
    comments = [row.comment for row in read_history(settings_from(warehouse=warehouse).warehouse)]
    caught = themes_of_comments(comments, patterns)
    silent = comments_with_nothing_to_say(comments, patterns)
    uncaught = [
        comment
        for comment, codes in zip(comments, caught, strict=True)
        if not codes and comment not in silent
    ]
    clusters = uncaught_clusters(uncaught)
    _write_worklist(out_file, clusters)
    if output_format == "json":
        print_json(
            {
                "exit_code": DONE,
                "comments": len(comments),
                "uncaught": len(uncaught),
                "groups": len(clusters),
                "file": str(out_file),
            }
        )
        return DONE
    click.echo(
        f"{len(uncaught)} of {len(comments)} comments say something that no theme caught; "
        f"{len(clusters)} groups are in {out_file}."
    )
    return DONE


@command.command("effect")
@click.argument("edited_file", type=click.Path(path_type=Path))
@_patterns_option
@warehouse_option
@format_option
def effect_command(
    edited_file: Path, patterns_file: Path | None, warehouse: Path | None, output_format: str
) -> int:
    """What the pattern set EDITED_FILE would change in the assessments of the last run."""
    from dagster_project.themes.effect import pattern_effects, read_history
    from dagster_project.themes.patterns import THEMES_SEED, load_pattern_set

    before = load_pattern_set(patterns_file or THEMES_SEED)
    after = load_pattern_set(edited_file)
    history = read_history(settings_from(warehouse=warehouse).warehouse)
    effects = pattern_effects(history, before, after)
    if output_format == "json":
        print_json({"exit_code": DONE, "effects": [asdict(effect) for effect in effects]})
        return DONE
    if not effects:
        click.echo("Nothing moves: every assessment raises the same themes.")
        return DONE
    click.echo(f"{'theme':<8}{'quarter':<12}{'before':>8}{'after':>8}{'gained':>8}{'lost':>8}")
    for effect in effects:
        click.echo(
            f"{effect.theme_code:<8}{effect.quarter_start or 'all':<12}"
            f"{effect.before:>8}{effect.after:>8}{effect.gained:>8}{effect.lost:>8}"
        )
    return DONE


def _share(share: float | None, interval: tuple[float, float] | None) -> str:
    if share is None or interval is None:
        return "-"
    return f"{share:.1%} ({interval[0]:.1%} to {interval[1]:.1%})"


def _write_worklist(path: Path, clusters: "list[Cluster]") -> None:
    """One row a wording; free text, so the file is its owner's only from the moment it exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["group", "comments_in_group", "terms", "comment", "theme_codes"])
        for number, cluster in enumerate(clusters, start=1):
            for wording in cluster.wordings:
                writer.writerow([number, cluster.comments, " ".join(cluster.terms), _cell(wording), ""])


def _cell(text: str) -> str:
    """A leading quote keeps a spreadsheet from reading the text as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
