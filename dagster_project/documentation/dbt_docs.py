"""dbt's own documentation as one HTML file that needs no network: lineage graph, models, compiled SQL.

Belongs here: having dbt make it. Does not: linking to it. The one trap: it is made on an empty scratch
warehouse, so it describes the models and holds no figure; the project's place on the disk is taken out.
"""

import tempfile
from pathlib import Path

from dagster_project.errors import IqaError
from dagster_project.settings import DBT_DIR, PROJECT_ROOT, Settings
from dagster_project.warehouse.dbt_runner import generate_docs, load_manifest


def static_dbt_docs(settings: Settings) -> str:
    """The page that `dbt docs generate --static` makes.

    Raises IqaError if dbt cannot make it.
    """
    with tempfile.TemporaryDirectory(prefix="iqa-dbt-docs-") as scratch:
        folder = Path(scratch)
        page = generate_docs(
            Settings(warehouse=folder / "empty.duckdb"), load_manifest(settings), folder / "dbt"
        )
        if page is None:
            raise IqaError(
                "dbt could not make its documentation.",
                where=str(DBT_DIR),
                expected="models that compile",
                next_step="Run `iqa check`: it names the model and the line.",
            )
        text = page.read_text(encoding="utf-8")
    for path in (folder, PROJECT_ROOT):
        text = text.replace(f"{path}/", "").replace(str(path), "")
    return text
