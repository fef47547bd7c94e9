"""The generated pages: complete, linked, and careful with a folder that is not theirs."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from dagster_project.cli import COMMANDS
from dagster_project.documentation.markdown import cell, markdown_table
from dagster_project.documentation.reference import reference_pages
from dagster_project.documentation.sources import Sources, metric_order
from dagster_project.documentation.usage import LIMITS, SETTINGS
from dagster_project.documentation.writing import write_pages
from dagster_project.errors import IqaError
from dagster_project.extracts.limits import Limits
from dagster_project.settings import PROJECT_ROOT, Settings

LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sources, dict[str, str]]:
    return reference_pages(Settings(warehouse=tmp_path_factory.mktemp("docs") / "iqa.duckdb"))


@pytest.fixture(scope="module")
def sources(built: tuple[Sources, dict[str, str]]) -> Sources:
    return built[0]


@pytest.fixture(scope="module")
def pages(built: tuple[Sources, dict[str, str]]) -> dict[str, str]:
    return built[1]


def test_every_link_leads_to_a_page(pages: dict[str, str]) -> None:
    lost = [
        (name, link)
        for name, text in pages.items()
        for link in LINK.findall(text)
        if not link.startswith("http")
        and (Path("/") / name).parent.joinpath(link.partition("#")[0]).resolve().relative_to("/").as_posix()
        not in pages
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
        "**Recompute it.** For each Area and quarter, count the rows of fct_iqa",
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


def test_every_command_option_and_setting_has_its_line(pages: dict[str, str]) -> None:
    for name in COMMANDS:
        assert f"## `iqa {name}`" in pages["commands.md"]
    for option in ("--as-of YYYY-MM-DD", "--reason TEXT", "--weight-uncertain"):
        assert f"`{option}`" in pages["commands.md"], option
    named = {
        name
        for path in (PROJECT_ROOT / "dagster_project").rglob("*.py")
        if "documentation" not in path.parts
        for name in re.findall(r"[\"'](IQA_[A-Z]+(?:_[A-Z]+)*)[\"']", path.read_text(encoding="utf-8"))
    }
    assert named
    for name in named:
        assert f"| `{name}` |" in pages["settings.md"], name


def test_every_setting_and_limit_is_described() -> None:
    assert set(SETTINGS) == {field.name for field in fields(Settings)}
    assert set(LIMITS) == {field.name for field in fields(Limits)}


def test_every_check_of_the_plan_is_listed_with_its_reason(pages: dict[str, str]) -> None:
    assert "| `expect:compliance." in pages["checks/compliance.md"]
    assert "| Check | Kind | Severity | Owner | Why |" in pages["checks/compliance.md"]
    assert "[leniency](leniency.md)" in pages["checks/index.md"]


def test_metrics_are_ordered_by_family_and_number() -> None:
    assert sorted(["D10", "C1", "D2", "SPC"], key=metric_order) == ["C1", "D2", "D10", "SPC"]


def test_a_value_can_not_break_a_table() -> None:
    assert cell("a | b\nc") == "a \\| b c"
    assert cell(None) == ""
    assert cell("a <b> where `c <> d`") == "a &lt;b> where `c <> d`"
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
