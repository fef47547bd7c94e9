"""The generated pages: complete, linked, and careful with a folder that is not theirs."""

import re
from pathlib import Path

import pytest

from dagster_project.documentation.pages import all_pages, cell, markdown_table
from dagster_project.documentation.sources import Sources, metric_order, read_sources
from dagster_project.documentation.writing import write_pages
from dagster_project.errors import IqaError
from dagster_project.settings import DBT_DIR, PROJECT_ROOT, Settings
from dagster_project.warehouse.dbt_runner import load_manifest

LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    manifest = load_manifest(Settings(warehouse=tmp_path_factory.mktemp("docs") / "iqa.duckdb"))
    macros = "\n".join(path.read_text() for path in sorted((DBT_DIR / "macros").rglob("*.sql")))
    return read_sources(manifest.document, macros)


@pytest.fixture(scope="module")
def pages(sources: Sources) -> dict[str, str]:
    return all_pages(sources)


def test_every_link_leads_to_a_page(pages: dict[str, str]) -> None:
    lost = [
        (name, link)
        for name, text in pages.items()
        for link in LINK.findall(text)
        if not link.startswith("http")
        and (Path("/") / name).parent.joinpath(link).resolve().relative_to("/").as_posix() not in pages
    ]
    assert lost == []


def test_a_metric_page_tells_what_recomputing_it_takes(pages: dict[str, str]) -> None:
    page = pages["metrics/d2.md"]
    for part in (
        "# D2: Dip fulfilment",
        "**Numerator.**",
        "**Denominator.**",
        "**Left out.**",
        "**Edge cases.**",
        "19 of 21 = 0.904762",
        "`dip_sampling.fulfilment_rate`",
        "`dbt/models/marts/dip_sampling.sql`",
        "| `dip_rate_divisor` | 10 |",
    ):
        assert part in page, part


def test_a_switch_is_found_behind_macros_and_ancestors(sources: Sources) -> None:
    # The divisor is read by a macro of a macro, the absence rule four models before the mart.
    assert "dip_rate_divisor" in sources.models["dip_sampling"].policies
    assert "absence_min_working_days" in sources.models["compliance"].policies
    assert "dip_rate_divisor" not in sources.models["dim_area"].policies


def test_every_sql_file_named_is_there(sources: Sources) -> None:
    assert [
        model.path for model in sources.models.values() if not (PROJECT_ROOT / model.path).is_file()
    ] == []


def test_every_public_column_and_every_rule_has_its_line(sources: Sources, pages: dict[str, str]) -> None:
    for table in sources.tables.values():
        for column in table.columns:
            assert f"| `{column.name}` |" in pages[f"tables/{table.name}.md"]
    for contract in sources.contracts:
        for rule in contract.get("rules") or []:
            assert f"| `{rule['id']}` |" in pages[f"extracts/{contract['dataset']}.md"]


def test_metrics_are_ordered_by_family_and_number() -> None:
    assert sorted(["D10", "C1", "D2", "SPC"], key=metric_order) == ["C1", "D2", "D10", "SPC"]


def test_a_value_can_not_break_a_table() -> None:
    assert cell("a | b\nc") == "a \\| b c"
    assert cell(None) == ""
    assert markdown_table(["x"], [["1|2"]]) == "| x |\n| --- |\n| 1\\|2 |\n"


def test_pages_replace_those_of_an_earlier_run_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    write_pages({"index.md": "one", "old/page.md": "gone"}, folder)
    write_pages({"index.md": "two"}, folder)
    assert sorted(path.name for path in folder.rglob("*.md")) == ["index.md"]
    assert (folder / "index.md").read_text() == "two"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.md").write_text("irreplaceable")
    with pytest.raises(IqaError, match="would be lost"):
        write_pages({"index.md": "two"}, mine)
    assert (mine / "thesis.md").read_text() == "irreplaceable"
