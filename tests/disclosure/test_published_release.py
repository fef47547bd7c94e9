"""A whole run on planted extracts: nothing planted leaves, and the files give no small count away.

The extracts name people, cases and words that occur nowhere else. The attack uses nothing of this project: it
reads the published files as anybody could, and sets up its own linear programs.
"""

import stat
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from scipy.optimize import linprog

from dagster_project.disclosure.policy import POLICY_FILE, read_policy
from dagster_project.orchestration.runner import run_flow
from dagster_project.settings import DBT_DIR, EXPECTATIONS_DIR, Settings
from tests.report.reading import read_page
from tests.support.extracts import write_extract

EXTRACT_DATE = "2024-07-26"
QUARTERS = ("2023-08", "2023-11", "2024-02", "2024-05")
QUARTER_STARTS = dict(zip(QUARTERS, ("2023-07-01", "2023-10-01", "2024-01-01", "2024-04-01"), strict=True))
# Assessments of a quarter, by Area and unit; some are small, some Areas have one small unit.
SIZES = {
    ("WES", "MC"): 14,
    ("WES", "CC"): 3,
    ("WES", "RASSO"): 7,
    ("EM", "MC"): 11,
    ("EM", "CC"): 6,
    ("NE", "MC"): 2,
    ("NE", "CC"): 9,
    ("SW", "MC"): 8,
}
# Long enough that chance does not write it into a compressed file, which a mark of three letters met.
MARK = "zqxwvk"


class Planted:
    """Words that occur nowhere else, and where each was planted."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self._numbers = count(1)

    def word(self, place: str) -> str:
        text = f"{MARK}{next(self._numbers):05d}{MARK}"
        self.words[text] = place
        return text

    def person(self, place: str) -> str:
        return f"Ottoline-{self.word(place)}"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Planted, Path]]:
    """The planted words and the release that a run made of them."""
    folder = tmp_path_factory.mktemp("planted")
    words = write_planted_extracts(folder / "raw")
    settings = Settings(
        raw_dir=folder / "raw", marts_dir=folder / "marts", warehouse=folder / "warehouse" / "iqa.duckdb"
    )
    outcome = run_flow(settings, release=True)
    decision = outcome.pipeline.decision
    assert outcome.exit_code == 0, (
        outcome.error,
        decision and [(check.id, check.detail) for check in decision.blocking],
    )
    assert outcome.pipeline.release is not None
    # What was refused could not leak.
    assert outcome.pipeline.intake is not None
    assert outcome.pipeline.intake.rows("quarantined") == 0
    yield words, outcome.pipeline.release.path


def write_planted_extracts(raw_dir: Path) -> Planted:
    words = Planted()
    staff: dict[str, str] = {}

    def person(role: str) -> str:
        return staff.setdefault(role, words.person(f"staff: {role}"))

    postings, iqas, answers, dips, dip_answers, actions = [], [], [], [], [], []
    number = 0
    for (area, unit), size in SIZES.items():
        manager, sampler = person(f"manager {area} {unit}"), person(f"sampler {area}")
        postings.append({"staff_id": manager, "grade": "DCP", "area_code": area, "unit_type": unit})
        for place in range(size + 2):
            postings.append(
                {
                    "staff_id": person(f"prosecutor {area} {unit} {place}"),
                    "grade": "SCP",
                    "area_code": area,
                    "unit_type": unit,
                    "line_manager_id": manager,
                }
            )
        for quarter in QUARTERS:
            for place in range(size):
                number += 1
                iqa_id = f"I{number}"
                day = f"{quarter}-{place % 20 + 1:02d}"
                iqas.append(
                    {
                        "iqa_id": iqa_id,
                        "urn": words.word("iqa.urn"),
                        "area_code": area,
                        "unit_type": unit,
                        "subject_id": person(f"prosecutor {area} {unit} {place}"),
                        "assessor_id": manager,
                        **dict.fromkeys(("opened_on", "assessed_on", "conversation_on", "closed_on"), day),
                        "feedback_on": day,
                        "feedback_comment": words.person("iqa.feedback_comment"),
                        "theme_campaign": words.word("iqa.theme_campaign") if place == 0 else "",
                        "overall_rating": "Y" if place % 3 else "N",
                    }
                )
                # A theme of one unit that is withheld in one quarter and shown in the others.
                is_poor = (area, unit) == ("EM", "MC") and place < (3 if quarter == QUARTERS[0] else 7)
                said = "The schedule was poor" if is_poor else "The schedule was late"
                for question in ("CR01", "CR02", "DI01"):
                    answers.append(
                        {
                            "iqa_id": iqa_id,
                            "question_code": question,
                            "answer": "N" if place % 3 == 0 else "Y",
                            "comment": f"{said}, {words.person('iqa_answers.comment')}.",
                        }
                    )
                if place % 2 == 0:
                    dips.append(
                        {
                            "dip_sample_id": f"D{number}",
                            "iqa_id": iqa_id,
                            "sampler_id": sampler,
                            "sampled_on": f"{quarter}-25",
                            "opinion": "challenge" if place % 4 == 0 else "agree",
                            "comment": words.person("dip_samples.comment"),
                            "action_for_assessor": words.person("dip_samples.action_for_assessor"),
                        }
                    )
                    dip_answers.append(
                        {
                            "dip_sample_id": f"D{number}",
                            "question_code": "CR01",
                            "comment": words.person("dip_sample_answers.comment"),
                        }
                    )
                    actions.append(
                        {
                            "action_id": f"A{number}",
                            "iqa_id": iqa_id,
                            "description": words.person("actions.description"),
                            "owner_id": person(f"owner {area}"),
                            "verified_by_id": person(f"verifier {area}"),
                        }
                    )
    postings = [row | {"posting_id": f"P{place}"} for place, row in enumerate(postings)]
    for area in {area for area, _ in SIZES}:
        postings.append(
            {
                "posting_id": f"PS{area}",
                "staff_id": staff[f"sampler {area}"],
                "grade": "SDCP",
                "area_code": area,
            }
        )
    inspector = person("inspector")
    write_extract(raw_dir, "postings", EXTRACT_DATE, postings)
    write_extract(raw_dir, "iqa", EXTRACT_DATE, iqas)
    write_extract(raw_dir, "iqa_answers", EXTRACT_DATE, answers)
    write_extract(raw_dir, "dip_samples", EXTRACT_DATE, dips)
    write_extract(raw_dir, "dip_sample_answers", EXTRACT_DATE, dip_answers)
    write_extract(raw_dir, "actions", EXTRACT_DATE, actions)
    write_extract(
        raw_dir,
        "absences",
        EXTRACT_DATE,
        [
            {
                "staff_id": staff["prosecutor WES MC 0"],
                "absence_type": words.word("absences.absence_type"),
                "start_date": "2024-05-01",
                "end_date": "2024-05-03",
            }
        ],
    )
    write_extract(
        raw_dir,
        "reassessments",
        EXTRACT_DATE,
        [
            {"reassessment_id": f"R{place}", "iqa_id": f"I{place}", "inspector_id": inspector}
            for place in range(1, 31)
        ],
    )
    write_extract(
        raw_dir,
        "reassessment_answers",
        EXTRACT_DATE,
        [
            {
                "reassessment_id": f"R{place}",
                "question_code": "CR01",
                "agrees": "false" if place % 4 == 0 else "true",
                "reason_text": words.person("reassessment_answers.reason_text"),
            }
            for place in range(1, 31)
        ],
    )
    write_extract(raw_dir, "feedback_quality", EXTRACT_DATE, 1)
    write_extract(
        raw_dir,
        "evidence_requests",
        EXTRACT_DATE,
        [{"document_type": words.word("evidence_requests.document_type")}],
    )
    write_extract(
        raw_dir,
        "governance_items",
        EXTRACT_DATE,
        [{"decision": words.person("governance_items.decision")}],
    )
    write_extract(
        raw_dir,
        "control_totals",
        EXTRACT_DATE,
        [
            {
                "area_code": area,
                "unit_type": unit,
                "quarter_start": QUARTER_STARTS[quarter],
                "measure": measure,
                "value": str(size),
                "supplied_by": words.person("control_totals.supplied_by"),
            }
            for (area, unit), size in SIZES.items()
            for quarter in QUARTERS
            for measure in ("iqas_assessed", "dips_valid", "prosecutors_required")
        ],
    )
    return words


# --- nothing planted leaves ---


def test_every_free_text_column_of_the_contracts_is_planted(planted: tuple[Planted, Path]) -> None:
    places = set(planted[0].words.values())
    for path in sorted((EXPECTATIONS_DIR / "extracts").glob("*.yml")):
        contract = yaml.safe_load(path.read_text())
        for column in contract["fields"]:
            if column["type"] == "text" or column["name"] == "urn":
                assert f"{contract['dataset']}.{column['name']}" in places


def test_no_planted_word_is_in_any_byte_of_the_release(planted: tuple[Planted, Path]) -> None:
    words, release = planted
    files = sorted(path for path in release.rglob("*") if path.is_file())
    assert files
    for path in files:
        for name, content in contents_of(path):
            assert MARK.encode() not in content, (name, sample(content, words))
            assert b"Ottoline" not in content, name


def contents_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The file as it is, and what is packed inside it."""
    yield path.name, path.read_bytes()
    if path.suffix == ".parquet":
        yield f"{path.name} unpacked", rows_of(f"from '{path}'")
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                yield f"{path.name} {table}", rows_of(f'from "{table}"', connection)
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield f"{path.name} {name}", archive.read(name)


def rows_of(query: str, connection: duckdb.DuckDBPyConnection | None = None) -> bytes:
    held = (connection or duckdb).execute(query)
    return repr(held.fetchall()).encode()


def sample(content: bytes, words: Planted) -> list[str]:
    return [place for word, place in words.words.items() if word.encode() in content][:5]


# --- the board pack ---


PACK_TABLES = {
    "Prosecutors covered by a casework assessment, by quarter": (
        "compliance",
        "policy = 'half' and prosecutors_required is not null",
        {"Prosecutors covered": "prosecutors_covered", "Prosecutors required": "prosecutors_required"},
    ),
    "Dip samples of casework assessments, by quarter": (
        "dip_sampling",
        "dips_required is not null",
        {"Valid dip samples": "dips_valid", "Required": "dips_required", "Assessments done": "iqas_assessed"},
    ),
}


def test_the_pack_shows_what_is_published_and_marks_what_is_withheld(planted: tuple[Planted, Path]) -> None:
    release = planted[1]
    withheld = shown = 0
    with duckdb.connect(str(release / "iqa_marts.duckdb"), read_only=True) as marts:
        areas = marts.execute(
            "select distinct area_code, area_name from compliance where level in ('area', 'national')"
        ).fetchall()
        assert len(areas) == 5
        for code, name in areas:
            file = "index" if code == "ALL" else name.lower().replace(" ", "-")
            page = read_page(release / "report" / f"{file}.html")
            for caption, (mart, condition, columns) in PACK_TABLES.items():
                header, *rows = page.tables[caption]
                published = marts.execute(
                    f"""
                    select {", ".join(columns.values())}
                    from {mart}
                    where
                        area_code = $code and unit_type = 'ALL' and period_type = 'quarter'
                        and assessment_type = 'casework' and period_end < as_of and {condition}
                    order by period_start
                    """,
                    {"code": code},
                ).fetchall()[-len(rows) :]
                assert len(published) == len(rows) > 0
                for row, figures in zip(rows, published, strict=True):
                    for heading, figure in zip(columns, figures, strict=True):
                        assert row[header.index(heading)] == ("[c]" if figure is None else f"{figure:,}")
                        withheld, shown = withheld + (figure is None), shown + (figure is not None)
    assert withheld > 0 and shown > 0


# --- the restricted part ---


def test_only_the_owner_may_enter_the_restricted_part(planted: tuple[Planted, Path]) -> None:
    restricted = planted[1] / "restricted"
    inside = list(restricted.rglob("*"))
    assert inside
    for path in [restricted, *inside]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_rows_about_assessors_are_only_in_the_restricted_part(planted: tuple[Planted, Path]) -> None:
    release = planted[1]
    query = "select count(*) from '{}' where dimension = 'assessor'"
    shared = duckdb.sql(query.format(release / "parquet" / "leniency.parquet")).fetchall()
    held = duckdb.sql(query.format(release / "restricted" / "parquet" / "leniency.parquet")).fetchall()
    assert shared == [(0,)]
    assert held[0][0] > 0


# --- an attack from the published files alone ---

KEY = ("level", "area_code", "unit_type", "period_type", "period_start", "assessment_type")
# Counts that add up over units, Areas and quarters, with the table and rows they are read from.
ADDITIVE = {
    "compliance": ("iqas_assessed", "prosecutors_required", "prosecutors_covered", "late_closed_share_num"),
    "dip_sampling": ("dips_valid", "challenge_num", "challenge_den", "dips_late"),
    "assessment_quality": ("q1_num", "q1_den", "t2_num", "t4_num"),
}
RATES = {
    ("compliance", "coverage_rate"): ("prosecutors_covered", "prosecutors_required"),
    ("compliance", "late_closed_share"): ("late_closed_share_num", "iqas_assessed"),
    ("dip_sampling", "raw_rate"): ("dips_valid", "iqas_assessed"),
    ("dip_sampling", "challenge_rate"): ("challenge_num", "challenge_den"),
    ("assessment_quality", "q1_rate"): ("q1_num", "q1_den"),
}

Rows = dict[tuple[object, ...], tuple[float | None, bool]]


def published(release: Path, mart: str, column: str, folder: str = "parquet") -> Rows:
    """Key -> figure and whether it is withheld."""
    where = "where policy = 'half'" if mart == "compliance" else ""
    found = duckdb.sql(
        f"select {', '.join(KEY)}, period_end, {column}, "
        f"coalesce(list_contains(string_split(suppressed_columns, ';'), '{column}'), false) "
        f"from '{release / folder / mart}.parquet' {where} order by all"
    ).fetchall()
    return {row[:7]: (row[7], row[8]) for row in found if row[7] is not None or row[8]}


def equations(rows: Rows) -> Iterator[tuple[tuple[object, ...], list[tuple[object, ...]]]]:
    """Each total with its parts: Areas of the nation, units of an Area, quarters of a window."""
    for key in rows:
        level, area, unit, period, start, kind, end = key
        if level != "unit":
            parts = [
                other
                for other in rows
                if other[0] == ("area" if level == "national" else "unit")
                and (level == "national" or other[1] == area)
                and other[3:6] == key[3:6]
            ]
            if parts:
                yield key, parts
        if period != "quarter":
            quarters = [
                other
                for other in rows
                if other[:3] == (level, area, unit)
                and other[3] == "quarter"
                and other[5] == kind
                and start <= other[4] <= end  # type: ignore[operator]
            ]
            if quarters:
                yield key, quarters


@pytest.mark.parametrize(("mart", "column"), [(m, c) for m, columns in ADDITIVE.items() for c in columns])
def test_no_small_count_can_be_worked_out_from_the_published_tables(
    planted: tuple[Planted, Path], mart: str, column: str
) -> None:
    release = planted[1]
    rows = published(release, mart, column)
    truth = published(release, mart, column, "restricted/parquet")
    unknown = {key: place for place, key in enumerate(key for key, (_, hidden) in rows.items() if hidden)}
    lines, right = [], []
    for total, parts in equations(rows):
        line, known = np.zeros(len(unknown)), 0.0
        for key, weight in ((total, -1.0), *((part, 1.0) for part in parts)):
            value, hidden = rows[key]
            if hidden:
                line[unknown[key]] += weight
            else:
                known += weight * float(value or 0)
        if line.any():
            lines.append(line)
            right.append(-known)
    small = [key for key in unknown if 1 <= float(truth[key][0] or 0) <= 4]
    for key in small:
        reach = []
        for direction in (1.0, -1.0):
            goal = np.zeros(len(unknown))
            goal[unknown[key]] = direction
            found = linprog(
                goal, A_eq=np.array(lines) if lines else None, b_eq=right or None, bounds=(0, 10_000)
            )
            assert found.status in (0, 3), (mart, column, key, found.message)
            reach.append(found.x[unknown[key]] if found.status == 0 else 10_000)
        assert reach[0] <= 1 + 1e-6 and reach[1] >= 4 - 1e-6, (mart, column, key, reach)
    if column in ("iqas_assessed", "prosecutors_required"):
        assert small, "the planted extracts are meant to hold small counts"


@pytest.mark.parametrize(("mart", "rate"), sorted(RATES))
def test_no_rate_stands_beside_a_withheld_count(planted: tuple[Planted, Path], mart: str, rate: str) -> None:
    release = planted[1]
    rates = published(release, mart, rate)
    for column in RATES[mart, rate]:
        for key, (_, hidden) in published(release, mart, column).items():
            if hidden and key in rates:
                assert rates[key][1], (mart, rate, column, key)


def test_a_number_is_withheld_in_every_table_that_has_it(planted: tuple[Planted, Path]) -> None:
    release = planted[1]
    tables = [
        published(release, mart, "iqas_assessed")
        for mart in ("compliance", "dip_sampling", "assessment_quality")
    ]
    for key, (_, hidden) in tables[0].items():
        assert [table[key][1] for table in tables if key in table] == [hidden] * sum(
            key in table for table in tables
        )


def test_no_published_count_is_small_but_those_that_say_so(planted: tuple[Planted, Path]) -> None:
    release = planted[1]
    for mart, columns in ADDITIVE.items():
        for column in columns:
            shown = [value for value, hidden in published(release, mart, column).values() if not hidden]
            assert not [value for value in shown if value is not None and 0 < value <= 4], (mart, column)


def test_a_withheld_cell_is_empty_and_says_why(planted: tuple[Planted, Path]) -> None:
    found = duckdb.sql(
        "select count(*), count(iqas_assessed), bool_and(is_suppressed), "
        "bool_and(contains(null_reason, 'iqas_assessed:suppressed')) "
        f"from '{planted[1] / 'parquet' / 'compliance.parquet'}' "
        "where list_contains(string_split(suppressed_columns, ';'), 'iqas_assessed')"
    ).fetchall()
    assert found[0][0] > 0 and found[0][1:] == (0, True, True)


def test_the_columns_named_as_withheld_are_those_whose_reason_is_suppressed(
    planted: tuple[Planted, Path],
) -> None:
    for path in sorted((planted[1] / "parquet").glob("*.parquet")):
        columns = {row[0] for row in duckdb.sql(f"describe select * from '{path}'").fetchall()}
        if not {"suppressed_columns", "null_reason"} <= columns:
            continue
        found = duckdb.sql(
            f"""
            with named as (
                select
                    is_suppressed,
                    list_filter(string_split(coalesce(suppressed_columns, ''), ';'), lambda name: name <> '')
                        as withheld,
                    list_transform(
                        list_filter(
                            string_split(coalesce(null_reason, ''), ';'),
                            lambda entry: split_part(entry, ':', 2) = 'suppressed'
                        ),
                        lambda entry: split_part(entry, ':', 1)
                    ) as explained
                from '{path}'
            )
            select count(*)
            from named
            where list_sort(withheld) <> list_sort(explained) or is_suppressed <> (len(withheld) > 0)
            """
        ).fetchall()
        assert found == [(0,)], path.name


# The same number from other tables: mart, column, where the cell is in it, and a query that gives it by key.
ELSEWHERE = {
    "a control total": (
        "compliance",
        "iqas_assessed",
        "from {reconciliation} where measure = 'iqas_assessed'",
    ),
    "a control total of people": (
        "compliance",
        "prosecutors_required",
        "from {reconciliation} where measure = 'prosecutors_required'",
    ),
    "a control total of dips": (
        "dip_sampling",
        "dips_valid",
        "from {reconciliation} where measure = 'dips_valid'",
    ),
    "the months of a chart": (
        "compliance",
        "iqas_assessed",
        """
        select
            level, area_code, unit_type, 'quarter' as period_type, assessment_type,
            date_trunc('quarter', month)::date as period_start,
            case when count(*) = count(value_num) then sum(value_num) end as actual
        from {control_charts} where metric = 'iqas_assessed' group by all
        """,
    ),
    "the rows of a data set": (
        "compliance",
        "iqas_assessed",
        """
        select level, area_code, 'ALL' as unit_type, 'quarter' as period_type, 'casework' as assessment_type,
            period_start, max(rows_checked) as actual
        from {data_quality} where dataset = 'iqa' and period_start is not null group by all
        """,
    ),
    "answers less those with the top mark": (
        "assessment_quality",
        "q1_den",
        "select *, n - value_num as actual from {funnel_limits} "
        "where metric = 'met_rate' and row_kind = 'area'",
    ),
    "the categories of the themes": (
        "assessment_quality",
        "q1_den",
        """
        with categories as (
            select level, area_code, unit_type, period_type, period_start, assessment_type, question_category,
                max(below_met_den) as below_met
            from {themes} group by all
        )
        select * exclude (question_category, below_met),
            case when count(*) = count(below_met) then sum(below_met) end as actual
        from categories group by all
        """,
    ),
}


@pytest.mark.parametrize("place", sorted(ELSEWHERE))
def test_what_is_withheld_in_one_table_is_not_shown_by_another(
    planted: tuple[Planted, Path], place: str
) -> None:
    mart, column, query = ELSEWHERE[place]

    def compared(folder: str) -> tuple[int, int, int]:
        """Cells shown by both, those shown alike, and those withheld that the other shows."""
        tables = ("reconciliation", "control_charts", "data_quality", "funnel_limits", "themes")
        paths = {table: f"'{planted[1] / folder / table}.parquet'" for table in tables}
        where = "where policy = 'half'" if mart == "compliance" else ""
        ((both, alike, leaked),) = duckdb.sql(
            f"""
            with elsewhere as ({query.format(**paths)})
            select
                count(*) filter (where cells.{column} is not null and elsewhere.actual is not null),
                count(*) filter (where cells.{column} = elsewhere.actual),
                count(*) filter (
                    where list_contains(string_split(cells.suppressed_columns, ';'), '{column}')
                    and elsewhere.actual is not null
                )
            from (select * from '{planted[1] / folder / mart}.parquet' {where}) as cells
            inner join elsewhere using ({", ".join(KEY)})
            """
        ).fetchall()
        return both, alike, leaked

    both, alike, _ = compared("restricted/parquet")
    assert both == alike > 0, "the other table does not hold the same number"
    assert compared("parquet")[2] == 0


def test_no_month_can_be_worked_out_from_its_quarter(planted: tuple[Planted, Path]) -> None:
    folder = planted[1] / "parquet"
    found = duckdb.sql(
        f"""
        with quarters as (
            select
                level, area_code, assessment_type, date_trunc('quarter', month)::date as period_start,
                count(*) - count(value_num) as withheld
            from '{folder / "control_charts"}.parquet'
            where metric = 'iqas_assessed'
            group by all
        )
        select count(*) filter (where withheld = 1 and iqas_assessed is not null), count(*)
        from quarters
        inner join '{folder / "compliance"}.parquet' as compliance
            using (level, area_code, assessment_type, period_start)
        where policy = 'half' and period_type = 'quarter' and unit_type = 'ALL'
        """
    ).fetchall()
    assert found[0][0] == 0
    assert found[0][1] > 0


# --- figures of all the rows of a family, which give away the rows that are withheld ---


def test_the_centre_of_a_funnel_does_not_show_what_the_nation_withholds(
    planted: tuple[Planted, Path],
) -> None:
    def compared(folder: str) -> tuple[int, int]:
        """Families whose centre is the nation's rate, and those that show it beside a withheld number."""
        path = planted[1] / folder
        ((alike, leaked),) = duckdb.sql(
            f"""
            select
                count(*) filter (where abs(centre_rate - dips_valid / iqas_assessed) < 1e-12),
                count(*) filter (
                    where dips_valid is null
                    and coalesce(centre_rate, centre_num, low_95, z_score, adjusted_low_95) is not null
                )
            from '{path / "funnel_limits"}.parquet' as funnel
            inner join '{path / "dip_sampling"}.parquet' as nation
                using (assessment_type, period_type, period_start)
            where funnel.metric = 'dip_raw_rate' and nation.level = 'national'
            """
        ).fetchall()
        return alike, leaked

    assert compared("restricted/parquet")[0] > 0, "the centre is not the nation's rate"
    assert compared("parquet")[1] == 0


def test_the_assessments_of_one_type_are_not_those_of_both_less_those_of_the_other(
    planted: tuple[Planted, Path],
) -> None:
    found = duckdb.sql(
        f"""
        select count(*) filter (where hidden = 1), count(*)
        from (
            select count(*) - count(n_clusters) as hidden
            from '{planted[1] / "parquet" / "leniency"}.parquet'
            group by comparison, sample, basis, dimension, dimension_value
        )
        """
    ).fetchall()
    assert found[0][0] == 0 and found[0][1] > 0


def test_what_only_the_manager_called_not_applicable_is_not_a_difference_of_two_counts(
    planted: tuple[Planted, Path],
) -> None:
    found = duckdb.sql(
        f"""
        select count(*) filter (where n_na_mismatch is null and na_leniency_den is not null), count(*)
        from '{planted[1] / "parquet" / "leniency"}.parquet'
        where list_contains(string_split(suppressed_columns, ';'), 'n_na_mismatch')
        """
    ).fetchall()
    assert found[0][0] == 0


FAMILIES = {
    "funnel_limits": (
        ("metric", "assessment_type", "sample"),
        "row_kind = 'area' and (n is null or value_num is null)",
        ("phi", "tau2", "winsor_low", "winsor_high", "adjusted_low_95", "adjusted_z_score", "q_value"),
    ),
    "leniency": (
        ("comparison", "sample", "assessment_type", "basis", "dimension"),
        "n_compared is null or n_lenient is null",
        ("anova_rho", "shrunk_rate", "q_value"),
    ),
}


@pytest.mark.parametrize("mart", sorted(FAMILIES))
def test_what_is_worked_out_from_all_of_a_family_goes_with_any_of_it(
    planted: tuple[Planted, Path], mart: str
) -> None:
    family, is_withheld, columns = FAMILIES[mart]
    shown = " + ".join(f"count({column})" for column in columns)
    ((families, leaking),) = duckdb.sql(
        f"""
        with found as (
            select {", ".join(family)}, bool_or({is_withheld}) as is_withheld, {shown} as shown
            from '{planted[1] / "parquet" / mart}.parquet'
            group by all
        )
        select
            count(*) filter (where is_withheld),
            count(*) filter (where is_withheld and shown > 0)
        from found
        """
    ).fetchall()
    assert families > 0 and leaking == 0


def test_whether_a_theme_lasts_is_said_where_every_quarter_it_is_judged_on_is_shown(
    planted: tuple[Planted, Path],
) -> None:
    series = "level, area_code, unit_type, assessment_type, question_category, theme_code"
    ((quarters_of,),) = duckdb.sql(
        f"select policy_value::int from read_csv('{DBT_DIR / 'seeds' / 'policies.csv'}') "
        "where policy_key = 'theme_persistent_quarters_of'"
    ).fetchall()
    judged_on = [item.quarters for item in read_policy(POLICY_FILE).marts["themes"].derived if item.quarters]
    assert judged_on == [quarters_of]
    ((flags, beside_withheld),) = duckdb.sql(
        f"""
        with themes as (
            select row_number() over () as row_id, * from '{planted[1] / "parquet" / "themes"}.parquet'
        ),
        quarters as (select * from themes where period_type = 'quarter'),
        judged as (
            select bool_or(quarters.iqas_with_theme is null or quarters.iqas_eligible is null) as is_withheld
            from themes
            inner join quarters using ({series})
            where
                themes.is_persistent is not null
                and quarters.period_end <= themes.period_end
                and quarters.period_end > themes.period_end - to_months({3 * quarters_of})
            group by themes.row_id
        )
        select count(*), count(*) filter (where is_withheld) from judged
        """
    ).fetchall()
    assert flags > 0 and beside_withheld == 0


def test_the_steps_of_a_funnel_name_no_denominator(planted: tuple[Planted, Path]) -> None:
    found = duckdb.sql(
        f"""
        select list(n order by n), max(n)
        from '{planted[1] / "parquet" / "funnel_limits"}.parquet'
        where row_kind = 'limit'
        group by metric, assessment_type, sample
        """
    ).fetchall()
    assert found
    for steps, widest in found:
        assert widest % 10 == 0
        assert steps == sorted({-(-widest * step // 40) for step in range(1, 41)})
