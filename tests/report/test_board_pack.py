"""The pages as files: the figures on them are those of the release, and nothing else is on them."""

import copy
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.report.building import build_report
from dagster_project.report.errors import ReportError
from tests.report.conftest import Made
from tests.report.made_release import AREAS, QUARTERS, YEAR, made_tables, withhold, write_release
from tests.report.reading import Page, read_page


def percent(rate: float) -> str:
    return f"{(Decimal(repr(rate)) * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def report_of(folder: Path, tables: dict[str, list[dict[str, object]]]) -> dict[str, Page]:
    build_report(write_release(folder / "release", tables), folder / "report")
    return {path.stem: read_page(path) for path in (folder / "report").glob("*.html")}


@pytest.fixture(scope="module")
def pages(made: Made) -> dict[str, Page]:
    return {path.stem: read_page(path) for path in made.report.glob("*.html")}


def test_there_is_a_page_for_the_nation_and_each_real_area(pages: dict[str, Page]) -> None:
    assert sorted(pages) == ["cps-direct", "index", "north-east", "west-midlands"]
    assert {"north-east.html", "west-midlands.html", "cps-direct.html", "iqa_tables.xlsx"} <= set(
        pages["index"].links
    )


def test_every_link_and_anchor_leads_somewhere(made: Made, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), f"an id stands twice on {name}"
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids, f"{link} on {name}"
            else:
                assert (made.report / link).is_file(), f"{link} on {name}"


def test_a_page_needs_no_network_and_no_script(made: Made, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert "script" not in page.tags, name
        assert all(source.startswith("data:") for source in page.sources), page.sources
        text = (made.report / f"{name}.html").read_text()
        assert "url(" not in text and "@import" not in text
        assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_headline_figures_and_tables_equal_the_marts(made: Made, pages: dict[str, Page]) -> None:
    codes = {"index": "ALL", "north-east": "NE", "west-midlands": "WM", "cps-direct": "CPSD"}
    with duckdb.connect(str(made.release / "iqa_marts.duckdb"), read_only=True) as marts:
        for name, code in codes.items():
            quarters = marts.execute(
                "select coverage_rate, prosecutors_covered, prosecutors_required, iqas_assessed"
                " from compliance where area_code = $code and policy = 'half'"
                " and assessment_type = 'casework' and period_type = 'quarter' order by period_start",
                {"code": code},
            ).fetchall()
            rows = pages[name].tables["Prosecutors covered by a casework assessment, by quarter"]
            where = {heading: place for place, heading in enumerate(rows[0])}
            assert len(rows) - 1 == len(quarters) == 4
            for row, (rate, covered, required, assessed) in zip(rows[1:], quarters, strict=True):
                assert row[where["Coverage (%)"]] == percent(rate)
                assert row[where["Prosecutors covered"]] == str(covered)
                assert row[where["Prosecutors required"]] == str(required)
                assert row[where["Assessments done"]] == str(assessed)
            assert pages[name].cards["coverage"] == f"{percent(quarters[-1][0])} [p]"
            (dips,) = marts.execute(
                "select fulfilment_rate from dip_sampling where area_code = $code and period_type = 'quarter'"
                " order by period_start desc limit 1",
                {"code": code},
            ).fetchone() or (None,)
            assert pages[name].cards["dips"] == f"{percent(dips)} [p]"
    assert pages["index"].cards["lenient_iqa"] == "12.1% [p]"
    assert pages["index"].cards["gap_iqa"] == "10.7 percentage points; 14.3% in relative terms [p]"


def test_every_chart_has_a_finding_an_alternative_and_a_table(made: Made, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        text = (made.report / f"{name}.html").read_text()
        charts = page.tags.count("figure")
        assert charts >= 6
        assert page.tags.count("svg") == page.tags.count("details") == text.count('role="img"') == charts
        # The first title is that of the page.
        assert all(len(title) > 40 for title in page.chart_titles[1:])
        assert all(any(character.isdigit() for character in title) for title in page.chart_titles[1:])


def test_status_release_date_and_synthetic_label_are_in_plain_sight(made: Made) -> None:
    for path in made.report.glob("*.html"):
        text = path.read_text()
        head = text[: text.index('id="at-a-glance"')]
        assert '<strong class="tag provisional">Provisional</strong>' in head
        assert "Synthetic data." in head
        assert "28 October 2024" in head
        assert "20241028T120000Z-abc123" in head


def test_a_withheld_figure_is_marked_everywhere_it_would_stand(tmp_path: Path) -> None:
    tables = made_tables()
    row = next(
        row
        for row in tables["compliance"]
        if row["area_code"] == "NE" and row["period_start"] == QUARTERS[-1][0] and row["policy"] == "half"
    )
    withhold(row, "prosecutors_covered", "coverage_rate", "coverage_low", "coverage_high")
    page = report_of(tmp_path, tables)["north-east"]

    assert page.cards["coverage"] == "[c] [p]"
    last = page.tables["Prosecutors covered by a casework assessment, by quarter"][-1]
    assert last[1:3] == ["[c]", "[c]"]
    chart = next(
        title for title in page.chart_titles if title.startswith("Line chart of prosecutor coverage")
    )
    assert "Coverage in July to September 2024 is withheld." in chart


def test_a_figure_without_cases_is_not_applicable_and_an_uncollected_one_not_available(
    tmp_path: Path,
) -> None:
    tables = made_tables()
    for row in tables["dip_sampling"]:
        if row["area_code"] == "NE" and row["period_start"] == QUARTERS[0][0]:
            row["challenge_rate"] = None
            row["median_lag_days"] = None
            row["null_reason"] = "challenge_rate:no_activity;median_lag_days:not_collected"
    page = report_of(tmp_path, tables)["north-east"]
    first = page.tables["Dip samples of casework assessments, by quarter"][1]
    assert first[6:8] == ["[z]", "[x]"]


def test_a_page_is_verified_only_when_all_its_quarterly_figures_are(tmp_path: Path) -> None:
    tables = made_tables()
    for mart in ("compliance", "dip_sampling"):
        for row in tables[mart]:
            row["figure_status"] = "V"
    for row in tables["compliance"]:
        if row["area_code"] == "NE" and row["period_start"] == QUARTERS[1][0]:
            row["figure_status"] = "R"
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    heads = {path.stem: path.read_text() for path in (tmp_path / "report").glob("*.html")}
    assert '<strong class="tag verified">Verified</strong>' in heads["west-midlands"]
    assert '<strong class="tag revised">Provisional, with revised figures</strong>' in heads["north-east"]


def test_no_title_says_figures_twice(tmp_path: Path) -> None:
    tables = made_tables()
    tables["compliance"][0]["figure_status"] = "R"
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    titles = [path.read_text().split("<title>")[1].split("</title>")[0] for path in tmp_path.rglob("*.html")]
    assert any("revised figures" in title for title in titles)
    assert all(title.count("figures") == 1 for title in titles)


def test_a_funnel_whose_limits_are_withheld_is_drawn_without_them_and_says_so(tmp_path: Path) -> None:
    tables = made_tables()
    for row in tables["funnel_limits"]:
        if row["metric"] == "coverage_rate":
            row["adjusted_funnel_place"] = "inside" if row["row_kind"] == "area" else None
            if row["row_kind"] == "area" and row["area_code"] == "NE":
                withhold(row, "value", "value_num", "adjusted_funnel_place")
            for side in ("low_95", "high_95", "low_998", "high_998"):
                row[f"adjusted_{side}"] = None
            row["centre_rate"] = None
    page = report_of(tmp_path, tables)["index"]
    finding = next(title for title in page.chart_titles if title.startswith("Funnel plot. For coverage"))
    assert "no Area with a published figure lies outside the limits" in finding
    # What differs by more than chance may still lie inside limits that allow for more than chance.
    assert "chance would explain" not in finding
    text = (tmp_path / "report" / "index.html").read_text()
    assert text.count("The limits are not drawn") == 1


def test_themes_that_are_level_are_all_named_as_the_most_common(tmp_path: Path) -> None:
    tables = made_tables()
    for row in tables["themes"]:
        row["theme_rate"] = 0.2
    page = report_of(tmp_path, tables)["index"]
    assert any(
        "The most common issues are late service (disclosure) and test misapplied (disclosure)" in title
        for title in page.chart_titles
    )


def test_markup_in_a_name_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    tables = made_tables(NE="North <b>East</b> & \"Co\" <script>alert('x')</script>")
    for row in tables["leniency"]:
        if row["dimension"] == "question":
            row["dimension_name"] = "Is x < y & z <i>here</i>?"
    build_report(write_release(tmp_path / "release", tables), tmp_path / "report")
    for path in (tmp_path / "report").glob("*.html"):
        text = path.read_text()
        assert "<script" not in text and "<b>East" not in text and "<i>here" not in text
    assert "Is x &lt; y &amp; z &lt;i&gt;here" in (tmp_path / "report" / "index.html").read_text()


def test_the_file_of_an_area_is_named_by_plain_letters_whatever_its_name(tmp_path: Path) -> None:
    pages = report_of(tmp_path, made_tables(NE="../Nørth/East & Co."))
    assert sorted(pages) == ["index", "n-rth-east-co"]


def test_the_same_release_gives_the_same_report_to_the_byte(made: Made, tmp_path: Path) -> None:
    build_report(made.release, tmp_path / "again")
    first = {path.name: path.read_bytes() for path in made.report.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first


def test_what_moved_since_the_last_release_is_told_and_withheld_figures_are_not_compared(
    tmp_path: Path,
) -> None:
    tables = made_tables()
    before = write_release(tmp_path / "20241001T000000Z-aaaaaa", copy.deepcopy(tables))
    for row in tables["compliance"]:
        if row["area_code"] == "ALL" and row["period_start"] == QUARTERS[-1][0]:
            row["prosecutors_covered"], row["coverage_rate"] = 120, 0.75
        if row["area_code"] == "NE" and row["period_start"] == QUARTERS[-1][0]:
            withhold(row, "prosecutors_covered", "coverage_rate")
    release = write_release(tmp_path / "release", tables)
    build_report(release, tmp_path / "report", before=before)

    nation = read_page(tmp_path / "report" / "index.html")
    moved = nation.tables["Headline figures that differ from the release before"]
    assert moved[1] == [
        "Prosecutors covered by a casework assessment",
        "July to September 2024",
        "91.9%",
        "75.0%",
        "147 of 160 prosecutors",
        "120 of 160 prosecutors",
        "Provisional",
    ]
    assert len(moved) == 2
    area = read_page(tmp_path / "report" / "north-east.html")
    assert "Headline figures that differ from the release before" not in area.tables
    assert "moved" in area.ids


def test_a_release_of_test_areas_alone_has_a_page_of_its_inspection(tmp_path: Path) -> None:
    tables = made_tables()
    for name, rows in tables.items():
        if name in ("compliance", "dip_sampling"):
            for row in rows:
                row["area_code"] = "U01"
        elif name not in ("release_info", "leniency", "question_quality", "metric_registry", "dim_area"):
            tables[name] = rows[:1]
    pages = report_of(tmp_path, tables)
    assert list(pages) == ["index"]
    assert pages["index"].cards["lenient_iqa"] == "12.1% [p]"
    assert "coverage" not in pages["index"].cards


def test_tables_that_a_release_lacks_leave_their_sections_empty(tmp_path: Path) -> None:
    tables = {
        name: rows
        for name, rows in made_tables().items()
        if name in ("release_info", "dim_area", "compliance", "dip_sampling", "leniency")
    }
    pages = report_of(tmp_path, tables)
    assert set(pages) == {"index", *(name.lower().replace(" ", "-") for name in AREAS.values())}


def test_a_release_without_what_every_report_needs_is_refused_in_four_parts(tmp_path: Path) -> None:
    tables = made_tables()
    del tables["release_info"]
    release = write_release(tmp_path / "release", tables)
    with pytest.raises(ReportError) as error:
        build_report(release, tmp_path / "report")
    assert "release_info" in error.value.what
    assert error.value.where and error.value.expected and error.value.next_step
    assert not (tmp_path / "report").exists()


def test_twelve_months_are_named_by_their_months(pages: dict[str, Page]) -> None:
    assert f"{YEAR[0]:%B %Y} to {YEAR[1]:%B %Y}" == "October 2023 to September 2024"
    assert any("October 2023 to September 2024" in caption for caption in pages["index"].tables)
