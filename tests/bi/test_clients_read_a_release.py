"""What the pages of docs/tools tell users to type, typed: each client shows the figure of the marts.

The code is taken from the page, so a page that does not work fails here. The one trap: only what the block of
a page prints can be checked: every rate with all its digits, and a comment where the tool shows them.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import PROJECT_ROOT

TOOLS = PROJECT_ROOT / "docs" / "tools"
BLOCK = re.compile(r"```(python|sh)\n(.*?)```", re.DOTALL)
PYTHON_PAGES = ("duckdb-python", "pandas-pyarrow", "polars", "ibis", "sqlalchemy", "adbc")
DATABASE = Path("data") / "marts" / "current" / "iqa_marts.duckdb"
# How a program that opened the release as the page says would try to write into it.
WRITES = {
    "duckdb-python": "release.execute('create table spoilt (i int)')",
    "ibis": "release.raw_sql('create table spoilt (i int)')",
    "sqlalchemy": "engine.connect().execute(text('create table spoilt (i int)'))",
    "adbc": "dbapi.connect(driver=adbc_driver_duckdb.driver_path(), entrypoint='duckdb_adbc_init', "
    f"db_kwargs={{'path': '{DATABASE}', 'access_mode': 'read_only'}}).execute('create table spoilt (i int)')",
}
# Tools that show the comment of a table or column.
SHOW_COMMENTS = {"duckdb-cli", "duckdb-python", "pandas-pyarrow", "sqlalchemy"}
UNTESTED = {"power-bi", "excel", "tableau"}


def block(page: str, language: str) -> str:
    """The last block of a language on a page: the first may install."""
    found = [
        text for kind, text in BLOCK.findall((TOOLS / f"{page}.md").read_text("utf-8")) if kind == language
    ]
    assert found, f"docs/tools/{page}.md shows no {language}"
    return str(found[-1])


@pytest.fixture(scope="module")
def coverage(sample_release: Path) -> dict[str, float]:
    """Quarter -> coverage in the marts."""
    with duckdb.connect(str(sample_release / "iqa_marts.duckdb"), read_only=True) as release:
        rows = release.sql(
            "select period_label, coverage_rate from compliance where coverage_rate is not null"
            " and level = 'national' and period_type = 'quarter'"
            " and assessment_type = 'casework' and policy = 'half'"
        ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def comments(sample_release: Path) -> list[str]:
    """The comments of the table `compliance` and of a column of it."""
    with duckdb.connect(str(sample_release / "iqa_marts.duckdb"), read_only=True) as release:
        return [
            text
            for (text,) in release.sql(
                "select comment from duckdb_tables() where table_name = 'compliance' union all "
                "select comment from duckdb_columns() where table_name = 'compliance' "
                "and column_name = 'prosecutors_covered'"
            ).fetchall()
        ]


def shown(printed: str) -> dict[str, float]:
    """Quarter -> rate, from lines such as `2024-25 Q1 (Apr-Jun 2024) 0.91` or the same with a comma."""
    found = re.findall(r"(\d{4}-\d{2} Q\d \([^)]*\))[\"', ]+(\d\.\d+(?:e-?\d+)?)", printed)
    return {label: float(rate) for label, rate in found}


def run(*command: str, home: Path) -> str:
    # Told not to keep what it compiles, Python takes ten times as long to import SQLAlchemy or ibis.
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False, timeout=120, env=settings
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(page: str, printed: str, coverage: dict[str, float], comments: list[str]) -> None:
    # What no required prosecutor was covered in is 0.0 in every tool; the sample has no such quarter.
    assert shown(printed) == pytest.approx(coverage, abs=1e-12), printed
    if page in SHOW_COMMENTS:
        assert any(comment in printed for comment in comments), printed


@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_the_code_of_a_page_gives_the_figures_of_the_marts_and_cannot_write(
    page: str, clients: Path, home: Path, coverage: dict[str, float], comments: list[str]
) -> None:
    before = (home / DATABASE).read_bytes()
    code = block(page, "python")
    if page in WRITES:
        code += f"\ntry:\n    {WRITES[page]}\nexcept Exception as error:\n    print('refused:', error)\n"
    printed = run(str(clients / "python"), "-c", code, home=home)
    check(page, printed, coverage, comments)
    if page in WRITES:
        assert re.search("refused:.*read-only", printed, re.DOTALL), printed
    assert (home / DATABASE).read_bytes() == before


def test_the_command_line_of_duckdb_reads_a_release(
    clients: Path, home: Path, coverage: dict[str, float], comments: list[str]
) -> None:
    command = block("duckdb-cli", "sh")
    assert command.startswith("duckdb ")
    printed = run("sh", "-c", f'"{clients}"/{command}', home=home)
    check("duckdb-cli", printed, coverage, comments)


def test_the_oldest_supported_client_opens_a_release(
    oldest_client: Path, home: Path, coverage: dict[str, float], comments: list[str]
) -> None:
    printed = run(str(oldest_client / "python"), "-c", block("duckdb-python", "python"), home=home)
    check("duckdb-python", printed, coverage, comments)


def test_every_page_of_a_tool_names_its_trap_and_is_run_or_says_that_it_is_not() -> None:
    pages = {path.stem for path in TOOLS.glob("*.md")}
    assert pages == {*PYTHON_PAGES, "index", "duckdb-cli", "superset", *UNTESTED}
    for page in sorted(pages - {"index"}):
        text = (TOOLS / f"{page}.md").read_text("utf-8")
        assert text.count("**The one trap.**") == 1, page
        if page in UNTESTED:
            assert re.search(r"not run by a test", text), page


@pytest.mark.slow
def test_superset_lists_tables_with_comments_and_charts_a_ratio_of_counts(
    superset: Path, home: Path, tmp_path: Path, coverage: dict[str, float], comments: list[str]
) -> None:
    page = (TOOLS / "superset.md").read_text("utf-8")
    uri = re.findall(r"duckdb:////\S+", page)
    metric = re.findall(r"```sql\n\s*(.*?)\s*```", page, re.DOTALL)
    assert len(uri) == len(metric) == 1
    (tmp_path / "superset_config.py").write_text(
        "SECRET_KEY = 'of a test that ends with its folder'\n"
        f"SQLALCHEMY_DATABASE_URI = 'sqlite:///{tmp_path / 'superset.db'}'\n"
        "PREVENT_UNSAFE_DB_CONNECTIONS = False\n"
    )
    settings = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "SUPERSET_CONFIG_PATH": str(tmp_path / "superset_config.py"),
        "SUPERSET_HOME": str(tmp_path),
        "FLASK_APP": "superset.app:create_app()",
    }
    place = uri[0].replace("/srv/iqa/marts/current/iqa_marts.duckdb", str(home / DATABASE))
    for command in (
        [superset / "superset", "db", "upgrade"],
        [superset / "python", Path(__file__).parent / "superset_client.py", place, metric[0]],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400, env=settings
        )
        assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert {"compliance", "leniency", "themes"} <= set(seen["tables"])
    assert comments[1] in seen["comments"].values()
    assert {label: rate for label, rate in seen["chart"].items() if rate is not None} == pytest.approx(
        coverage
    )
