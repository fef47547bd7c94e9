"""Builds the marts on Spark from a warehouse file: `python -m dagster_project.spark FILE FOLDER`.

Here: arguments and what is said at the end. Not here: the build. The one trap: FOLDER is emptied first.
"""

from pathlib import Path

import click

from dagster_project.spark.building import build_on_spark


@click.command()
@click.argument("warehouse", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--threads", default=2, show_default=True, help="Cores that Spark may use.")
@click.option("--memory", default="3g", show_default=True, help="Memory of the Java process.")
@click.option("--select", help="dbt's selection, as `+compliance`; all models without it.")
def main(warehouse: Path, folder: Path, threads: int, memory: str, select: str | None) -> None:
    """Build the models in FOLDER from the extracts that `iqa run` accepted into the file WAREHOUSE."""
    build = build_on_spark(
        warehouse.absolute(), folder.absolute(), threads=threads, memory=memory, select=select
    )
    for failure in build.failures:
        click.echo(failure, err=True)
    click.echo(
        f"{build.models} models built in {build.seconds:.0f} s. The marts are Parquet files in {folder}/"
    )
    if build.failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
