"""`iqa themes`: evaluation against coders, worklist, effect of an edit."""

import csv
import json
import shutil
import stat

import pytest
from statsmodels.stats.proportion import proportion_confint

from dagster_project.cli import call
from dagster_project.errors import IqaError
from dagster_project.statistics.proportion import wilson_interval
from dagster_project.themes.effect import HistoricComment, pattern_effects
from dagster_project.themes.evaluation import evaluate, read_coded_comments
from dagster_project.themes.matching import comments_with_nothing_to_say, themes_of_comments
from dagster_project.themes.patterns import THEMES_SEED, PatternSet, Theme, load_pattern_set
from dagster_project.themes.worklist import uncaught_clusters


@pytest.fixture(scope="module")
def patterns():
    return load_pattern_set()


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def edited_set(tmp_path, **new_patterns):
    with THEMES_SEED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["pattern"] = new_patterns.get(row["theme_code"].replace("-", "_"), row["pattern"])
    return write_csv(tmp_path / "edited.csv", rows)


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("There was limited  \n analysis of the evidence.", set()),
        ("There was limited  analysis of the evidence.", {"CR-T01"}),
        ("There was limited\u00a0analysis of the evidence!", {"CR-T01"}),
        ("No issues. There was limited analysis of the evidence", {"CR-T01"}),
        ("No issues with the limited analysis of the evidence.", set()),
        ("Limited thought, e.g. in the analysis", set()),
        ("", set()),
    ],
)
def test_a_sentence_ends_where_the_rules_say_it_does(patterns, comment, codes):
    assert themes_of_comments([comment], patterns) == [codes]


def test_a_comment_that_only_says_there_is_nothing_to_say_needs_no_theme(patterns):
    comments = ["No issues.", "No issues. The parking was bad.", "A dull day."]
    assert comments_with_nothing_to_say(comments, patterns) == {"No issues."}


def test_the_tool_finds_the_same_themes_as_the_models(marts, patterns):
    rows = marts.sql(
        """
        select
            comments.comment,
            list(distinct hits.theme_code order by hits.theme_code) filter (where hits.theme_code is not null)
        from intermediate.int_answer_comments as comments
        left join intermediate.int_theme_hits as hits
            on comments.iqa_id = hits.iqa_id and comments.question_code = hits.question_code
        group by comments.comment
        """
    ).fetchall()
    assert len(rows) > 10
    found = themes_of_comments([comment for comment, _ in rows], patterns)
    assert [sorted(codes) for codes in found] == [codes or [] for _, codes in rows]


def test_precision_and_recall_follow_the_coders(tmp_path, patterns):
    coded_file = write_csv(
        tmp_path / "coded.csv",
        [
            {"comment": "Limited analysis of the evidence.", "theme_codes": "CR-T01"},
            {"comment": "The reasoning is thin.", "theme_codes": "CR-T01"},
            {"comment": "A limited role, and good analysis.", "theme_codes": ""},
            {"comment": "Nothing of note here today.", "theme_codes": ""},
        ],
    )
    coded = read_coded_comments(coded_file, patterns)
    result = evaluate(coded, patterns, comments_min=100)
    score = next(score for score in result.scores if score.theme_code == "CR-T01")
    assert (score.coded, score.found, score.agreed) == (2, 2, 1)
    assert (score.precision, score.recall) == (0.5, 0.5)
    assert score.missed_rows == (3,) and score.wrong_rows == (4,)
    assert score.precision_interval == pytest.approx(proportion_confint(1, 2, method="wilson"))
    assert not result.is_enough


def test_a_theme_nobody_coded_or_found_has_no_precision(tmp_path, patterns):
    coded_file = write_csv(tmp_path / "coded.csv", [{"comment": "A quiet day.", "theme_codes": ""}])
    result = evaluate(read_coded_comments(coded_file, patterns), patterns, comments_min=1)
    assert all(score.precision is None and score.recall is None for score in result.scores)
    assert result.is_enough and len(result.uncaught) == 1


def test_an_unknown_theme_in_the_coding_is_named_with_its_record(tmp_path, patterns):
    coded_file = write_csv(tmp_path / "coded.csv", [{"comment": "Late.", "theme_codes": "CR-T01; XX-T99"}])
    with pytest.raises(IqaError, match="XX-T99") as error:
        read_coded_comments(coded_file, patterns)
    assert "record 2" in error.value.where


def test_a_pattern_that_the_database_cannot_run_is_refused(tmp_path):
    with pytest.raises(IqaError, match="cannot be used") as error:
        load_pattern_set(edited_set(tmp_path, CR_T01="(?=late)review"))
    assert "CR-T01" in error.value.where
    with pytest.raises(IqaError, match="empty"):
        load_pattern_set(edited_set(tmp_path, CR_T01=" "))


def test_uncaught_comments_with_the_same_words_are_put_together_whatever_their_order():
    comments = [
        "The body worn video was never viewed.",
        "Nobody viewed the body worn video.",
        "Body worn video was viewed by nobody.",
        "Parking at court caused delay.",
        "Court parking caused a long delay.",
    ]
    clusters = uncaught_clusters(comments)
    assert [cluster.comments for cluster in clusters] == [3, 2]
    assert {"body", "worn", "video"} <= set(clusters[0].terms)
    assert clusters == uncaught_clusters(reversed(comments))


def test_an_edit_is_shown_by_theme_and_quarter():
    def one_theme(pattern: str) -> PatternSet:
        return PatternSet((Theme("T1", "disclosure", "late", False, pattern),), ())

    history = [
        HistoricComment("I1", "2024-01-01", "disclosure", "Served late."),
        HistoricComment("I1", "2024-01-01", "disclosure", "Late again."),
        HistoricComment("I2", "2024-01-01", "disclosure", "Overdue."),
        HistoricComment("I3", "2024-04-01", "disclosure", "Overdue."),
    ]
    effects = pattern_effects(history, one_theme("late"), one_theme("overdue"))
    assert [(e.quarter_start, e.before, e.after, e.gained, e.lost) for e in effects] == [
        (None, 1, 2, 2, 1),
        ("2024-01-01", 1, 1, 1, 1),
        ("2024-04-01", 0, 1, 1, 0),
    ]
    assert pattern_effects(history, one_theme("late"), one_theme("late")) == []


def test_the_interval_is_the_published_one():
    for count, total in ((0, 5), (5, 5), (14, 400), (1, 3)):
        assert wilson_interval(count, total) == pytest.approx(
            proportion_confint(count, total, method="wilson"), abs=1e-9
        )
    assert wilson_interval(0, 0) is None


def test_the_command_prints_scores_and_keeps_the_worklist_private(tmp_path, capsys):
    coded_file = write_csv(
        tmp_path / "coded.csv",
        [
            {"comment": "Limited analysis of the evidence.", "theme_codes": "CR-T01"},
            {"comment": "=The car park was full.", "theme_codes": ""},
        ],
    )
    worklist = tmp_path / "worklist.csv"
    code = call(["themes", "evaluate", str(coded_file), "--worklist", str(worklist), "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert code == printed["exit_code"] == 1  # two comments are not the hundred that the policy asks for
    assert printed["uncaught"] == 1
    assert stat.S_IMODE(worklist.stat().st_mode) == 0o600
    assert "'=The car park was full." in worklist.read_text()


def test_the_command_says_what_an_edit_would_move_in_the_last_run(tmp_path, marts, capsys):
    warehouse = marts.sql("select path from duckdb_databases() where path is not null").fetchall()[0][0]
    copy = shutil.copy(warehouse, tmp_path / "iqa.duckdb")
    edited = edited_set(tmp_path, CR_T01=r"\bno such words\b")
    assert call(["themes", "effect", str(edited), "--warehouse", str(copy), "--format", "json"]) == 0
    effects = json.loads(capsys.readouterr().out)["effects"]
    total = next(e for e in effects if e["theme_code"] == "CR-T01" and e["quarter_start"] is None)
    # 44 of the worked example and one comment on a fully met answer.
    assert (total["before"], total["after"], total["lost"]) == (45, 0, 45)


def test_a_missing_warehouse_is_said_and_not_made(tmp_path, capsys):
    missing = tmp_path / "none.duckdb"
    assert call(["themes", "worklist", str(tmp_path / "out.csv"), "--warehouse", str(missing)]) == 2
    assert "no warehouse" in capsys.readouterr().err
    assert not missing.exists()


def test_the_rule_for_constructive_comments_is_compared_with_people(tmp_path, patterns):
    coded_file = write_csv(
        tmp_path / "coded.csv",
        [
            {"comment": comment, "theme_codes": "", "is_constructive": answer}
            for comment, answer in (
                ("The schedule was not served, which led to an adjournment.", "yes"),
                ("The letter was late, so that the victim did not attend.", "Yes"),
                ("Not served in time. A better plan would have helped us all.", "yes"),
                ("Fine.", "no"),
                ("Not good.", "no"),
                ("Nobody was asked about this one.", ""),
            )
        ],
    )
    result = evaluate(read_coded_comments(coded_file, patterns), patterns, comments_min=1)
    score = result.constructive
    assert score is not None
    assert (score.comments, score.both_yes, score.both_no) == (5, 2, 2)
    assert score.missed_rows == (4,) and score.wrong_rows == ()
    # Observed agreement 4/5; by chance 2/5 x 3/5 + 3/5 x 2/5 = 12/25.
    assert score.kappa == pytest.approx((4 / 5 - 12 / 25) / (1 - 12 / 25))


def test_an_answer_that_is_neither_yes_nor_no_is_named_with_its_record(tmp_path, patterns):
    coded_file = write_csv(
        tmp_path / "coded.csv", [{"comment": "Late.", "theme_codes": "", "is_constructive": "perhaps"}]
    )
    with pytest.raises(IqaError, match="perhaps") as error:
        read_coded_comments(coded_file, patterns)
    assert "record 2, column is_constructive" in str(error.value)
