"""`iqa report`: the board pack and the accessible workbook of a release.

Every release has its own, made with it, which never changes; this command says where it is. With `--out` it
makes them anew in another folder. The one trap: a pack made anew is made by today's code, and by figures of
then.
"""

from pathlib import Path

import click

from dagster_project.commands.common import DONE, format_option, marts_option, print_json, settings_from


@click.command("report")
@click.option("--release", "release_id", metavar="ID", help="Which release [the current one].")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Make the report anew in this new folder."
)
@marts_option
@format_option
def command(release_id: str | None, out: Path | None, marts_dir: Path | None, output_format: str) -> int:
    """Show the board pack and the accessible workbook of a release, or make them again in a folder."""
    from dagster_project.errors import IqaError
    from dagster_project.release.history import current_release, release_folder
    from dagster_project.report.building import INDEX, REPORT, build_report

    settings = settings_from(marts_dir=marts_dir)
    release = (
        release_folder(settings.marts_dir, release_id) if release_id else current_release(settings.marts_dir)
    )
    folder = release / REPORT if out is None else out.absolute()
    if out is None and not (folder / INDEX).is_file():
        raise IqaError(
            f"Release {release.name} was made without a report, and a release never changes.",
            where=str(folder),
            expected="the board pack that `iqa run` puts there",
            next_step="Name a folder to make one in: `iqa report"
            + (f" --release {release_id}" if release_id else "")
            + " --out DIR`.",
        )
    if out is not None:
        if folder.exists():
            raise IqaError(
                "The folder for the report is there already.",
                where=str(folder),
                expected="a folder that is not there yet, so that nothing is overwritten",
                next_step="Name another folder with --out, or remove this one.",
            )
        build_report(release, folder)
    files = sorted(path.name for path in folder.iterdir())
    if output_format == "json":
        print_json(
            {
                "command": "report",
                "exit_code": DONE,
                "release_id": release.name,
                "folder": str(folder),
                "files": files,
            }
        )
        return DONE
    click.echo(f"Board pack of release {release.name}: {folder / INDEX}")
    pages = [name for name in files if name.endswith(".html")]
    click.echo(f"{len(pages)} pages: the nation, and one for each Area")
    for name in files:
        if not name.endswith(".html"):
            click.echo(f"Workbook: {folder / name}")
    return DONE
