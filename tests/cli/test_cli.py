"""The command line as a person meets it: help, errors in four parts, exit codes, JSON."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dagster_project import cli
from dagster_project.commands import common, run, ui
from dagster_project.orchestration import pipeline
from dagster_project.release.locks import writer_lock
from dagster_project.settings import Settings
from tests.support.extracts import write_extract
from tests.support.small_flow import SmallFlow, make_small_flow

HEAVY = ("dagster", "dbt", "duckdb", "polars", "pandas", "great_expectations", "numpy", "scipy")


@pytest.fixture(autouse=True)
def text_format() -> Iterator[None]:
    """A call chooses the format for its process; here many calls share one."""
    yield
    common._format = "text"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallFlow]:
    """A small flow that `iqa run` takes for the product's."""
    flow = make_small_flow(tmp_path_factory.mktemp("small"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "DBT_DIR", flow.dbt_dir)
        patch.setattr(pipeline, "SUITES_DIR", flow.suites_dir)
        patch.setattr(pipeline, "POLICY_FILE", flow.policy_file)
        yield flow


def options_of(flow: SmallFlow) -> list[str]:
    settings = flow.settings
    return [
        *("--raw", str(settings.raw_dir), "--marts", str(settings.marts_dir)),
        *("--warehouse", str(settings.warehouse)),
    ]


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from dagster_project.cli import call\n"
        "assert call(['--help']) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name, says in cli.COMMANDS.items():
        assert name in done.stdout and says.split(".")[0][:40] in done.stdout


def test_listing_releases_imports_nothing_that_takes_long(small: SmallFlow) -> None:
    outcome = small.run()
    assert outcome.exit_code == 0
    program = (
        "import sys\n"
        "from dagster_project.cli import call\n"
        f"assert call(['releases', '--marts', {str(small.settings.marts_dir)!r}]) == 0\n"
        # duckdb alone takes less than a tenth of a second.
        f"print([name for name in {HEAVY!r} if name in sys.modules and name != 'duckdb'], len(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    listed, modules = done.stdout.splitlines()[-1].rsplit(" ", 1)
    assert "<- current" in done.stdout
    assert listed == "[]"
    # 250 of them when this was written; Dagster or dbt alone bring over a thousand.
    assert int(modules) < 500


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call([name, "--help"]) == 0
    assert f"iqa {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["run", "--no-such-option"], ["run", "--as-of", "26/07/2024"], ["rollback"], ["synth"]],
)
def test_a_call_that_cannot_be_understood_ends_with_2(arguments: list[str]) -> None:
    assert cli.call(arguments) == 2


def test_run_shows_each_step_then_the_headlines_then_the_release(
    small: SmallFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["run", *options_of(small)]) == 0
    lines = capsys.readouterr().out.splitlines()
    steps = [line.split()[0] for line in lines if line.split()[:1] and " s  " in line]
    assert steps == ["Ingest", "Build", "Assure", "Expect", "Protect", "Gate", "Release"]
    places = [
        next(number for number, line in enumerate(lines) if part in line)
        for part in ("Release  ", "12.1%", "14.3%", "is current:")
    ]
    assert places == sorted(places)
    assert any("demo key" in line for line in lines)


def test_json_is_one_document_with_the_same_facts(
    small: SmallFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["check", "--format", "json", *options_of(small)]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["exit_code"] == 0 and found["error"] is None and found["release"] is None
    assert found["as_of"] == "2024-07-26"
    assert found["ingest"]["files"] and found["gate"]["counts"]["failed"] == 0
    leniency = next(item for item in found["headlines"] if item["key"] == "leniency.REF2018")
    assert (leniency["lenient_pct"], leniency["gap_relative_pct"]) == ("12.1%", "14.3%")
    assert (leniency["n_compared"], leniency["n_not_comparable"]) == (439, 5)
    assert leniency["is_synthetic"] is True
    assert "Ingest" in captured.err


def test_a_failed_check_is_shown_with_its_reason_and_no_figure(
    small: SmallFlow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suites = tmp_path / "suites"
    suites.mkdir()
    expectation = {
        "id": "nobody_is_lenient",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "n_lenient", "max_value": 0},
        "reason": "Managers are never lenient.",
    }
    (suites / "leniency.yml").write_text(
        yaml.safe_dump({"mart": "leniency", "owner": "Testers", "expectations": [expectation]})
    )
    monkeypatch.setattr(pipeline, "SUITES_DIR", suites)
    assert cli.call(["run", *options_of(small)]) == 1
    out = capsys.readouterr().out
    assert "Failed: expect:leniency.nobody_is_lenient (leniency)" in out
    assert "Managers are never lenient. (owner: Testers)" in out
    assert "12.1%" not in out
    assert "Nothing was released; the last release stays in place." in out


def test_an_error_has_four_parts_and_no_stack_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["rollback", "nonsense", "--marts", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    for part in ("Error: ", "  where:     ", "  expected:  ", "  what next: "):
        assert part in error
    assert "Traceback" not in error


def test_an_error_in_json_is_a_document_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["rollback", "nonsense", "--marts", str(tmp_path), "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 2
    assert set(found["error"]) == {"what", "where", "expected", "what_next"}


def test_an_error_nobody_foresaw_is_said_to_be_one_and_traced_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*arguments: object) -> int:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(run, "execute", break_down)
    assert cli.call(["run"]) == 2
    error = capsys.readouterr().err
    assert "ZeroDivisionError: a defect" in error and "IQA_DEBUG=1" in error
    assert "Traceback" not in error
    monkeypatch.setenv("IQA_DEBUG", "1")
    assert cli.call(["run"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("IQA_AS_OF", "last Tuesday", "a date as YYYY-MM-DD"), ("IQA_THREADS", "two", "a whole number")],
)
def test_an_unreadable_setting_is_named_in_four_parts_that_do_not_repeat_each_other(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    expected: str,
) -> None:
    monkeypatch.setenv(name, text)
    assert cli.call(["run", "--format", "json"]) == 2
    parts = json.loads(capsys.readouterr().out)["error"]
    assert f"{name} is {text!r}" in parts["what"] and name in parts["where"]
    assert expected in parts["expected"] and expected not in parts["what"]
    assert "unset it" in parts["what_next"] and "unset" not in parts["what"].lower()


def test_a_reporting_date_before_every_extract_is_said_to_be_the_reason(
    small: SmallFlow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_extract(tmp_path / "raw", "postings", "2024-07-05")
    write_extract(tmp_path / "raw", "iqa", "2024-07-26")
    places = ("--raw", str(tmp_path / "raw"), "--warehouse", str(tmp_path / "w" / "iqa.duckdb"))
    arguments = ["run", *places, "--marts", str(tmp_path / "marts"), "--format", "json"]
    assert cli.call([*arguments, "--as-of", "2024-07-01"]) == 2
    parts = json.loads(capsys.readouterr().out)["error"]
    assert "all 2 extracts are dated after the reporting date 2024-07-01" in parts["what"]
    assert "2024-07-05" in parts["expected"]
    assert "--as-of" in parts["what_next"] and "2024-07-26" in parts["what_next"]
    assert "Put extracts there" not in parts["what_next"]


def test_releases_lists_what_run_made_and_rollback_moves_current(
    small: SmallFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    marts = ["--marts", str(small.settings.marts_dir)]
    while len(list(small.settings.marts_dir.glob("releases/*"))) < 2:
        assert cli.call(["run", *options_of(small)]) == 0
    capsys.readouterr()
    assert cli.call(["releases", "--format", "json", *marts]) == 0
    listed = json.loads(capsys.readouterr().out)["releases"]
    assert [row["is_current"] for row in listed] == [True, *[False] * (len(listed) - 1)]
    oldest = listed[-1]["release_id"]
    assert cli.call(["rollback", oldest, *marts]) == 0
    assert cli.call(["releases", *marts]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(oldest) and "<- current" in last and "demo key" in last


def test_doctor_finds_nothing_wrong_where_nothing_is(
    small: SmallFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["doctor", *options_of(small)]) == 0
    assert "All is well." in capsys.readouterr().out


def test_doctor_names_every_problem_it_is_given(
    small: SmallFlow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text("short")
    key.chmod(0o600)
    monkeypatch.setenv("IQA_PSEUDONYM_KEY_FILE", str(key))
    in_the_way = tmp_path / "a_file"
    in_the_way.touch()
    (tmp_path / "marts" / "releases" / ".staging-20240101T000000Z-abcdef").mkdir(parents=True)
    (tmp_path / "marts" / "current").symlink_to("releases/20240101T000000Z-abcdef")
    arguments = [
        *("--raw", str(tmp_path / "nowhere"), "--marts", str(tmp_path / "marts")),
        *("--warehouse", str(in_the_way / "iqa.duckdb"), "--format", "json"),
    ]
    assert cli.call(["doctor", *arguments]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    problems = {
        finding["subject"]: finding["message"] for finding in findings if finding["status"] == "problem"
    }
    assert set(problems) == {"extracts", "folders", "key", "releases"}
    assert "5 bytes" in problems["key"]
    assert any(".staging-" in finding["message"] for finding in findings if finding["status"] == "note")


def test_doctor_takes_no_release_in_the_making_for_what_a_crash_left(
    small: SmallFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small.settings
    making = settings.marts_dir / "releases" / ".staging-20240101T000000Z-abcdef"
    making.mkdir(parents=True)
    try:
        with writer_lock(settings.marts_dir, settings.warehouse):
            cli.call(["doctor", *options_of(small)])
        assert ".staging-" not in capsys.readouterr().out
        cli.call(["doctor", *options_of(small)])
        assert ".staging-" in capsys.readouterr().out
    finally:
        making.rmdir()


def test_synth_writes_extracts_that_run_accepts_and_never_beside_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "extracts"
    arguments = ["synth", "--out", str(out), "--years", "1", "--scale", "0.02", "--format", "json"]
    assert cli.call(arguments) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["iqa"] > 0
    assert cli.call(arguments) == 2
    assert "not empty" in json.loads(capsys.readouterr().out)["error"]["what"]


def test_the_interface_listens_on_this_machine_only_with_the_run_settings(tmp_path: Path) -> None:
    settings = Settings(raw_dir=tmp_path / "raw", warehouse=tmp_path / "iqa.duckdb")
    arguments, environment = ui.dagster_process(settings, 3456)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert environment["IQA_RAW_DIR"] == str(tmp_path / "raw")
    assert Path(environment["DAGSTER_HOME"]).parent == tmp_path
    assert environment["DAGSTER_DISABLE_TELEMETRY"] == os.environ["DAGSTER_DISABLE_TELEMETRY"] == "yes"


def test_a_port_in_use_is_an_error_in_four_parts(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert cli.call(["ui", "--port", str(taken.getsockname()[1])]) == 2
    assert "--port" in capsys.readouterr().err


def test_the_end_of_a_command_loses_no_output_no_exit_code_and_nothing_libraries_leave_to_the_end() -> None:
    program = (
        "import atexit, sys, threading, time\n"
        "from dagster_project import cli\n"
        "def call(arguments):\n"
        "    atexit.register(lambda: print('called at the end'))\n"
        "    threading.Thread(target=lambda: (time.sleep(0.2), print('from a thread'))).start()\n"
        "    sys.stderr.write('to people')\n"
        "    print('x' * 100_000)\n"
        "    return 1\n"
        "cli.call = call\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"{'x' * 100_000}\nfrom a thread\ncalled at the end\n"
    assert done.stderr == "to people"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["run", "--as-of", "2024-13-01"], "'2024-13-01' is not a day as YYYY-MM-DD."),
        (["run", "--as-of", "01/02/2024"], "'01/02/2024' is not a day as YYYY-MM-DD."),
        (["check", "--folder", "x"], "No such option"),
        (["rollback"], "Missing argument 'RELEASE_ID'."),
        (["publish"], "No such command 'publish'."),
        (["evidence", "--quarter", "2024-25 Q1", "--inspection", "REF2024"], "not both"),
    ],
)
def test_a_slip_on_the_command_line_is_an_error_in_four_parts(
    arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, *others = captured.err.splitlines()
    assert what in first
    assert [line.split(":")[0].strip() for line in others] == ["where", "expected", "what next"]

    assert cli.call([*arguments, "--format", "json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert what in error["what"]
    assert "--help" in error["what_next"]
