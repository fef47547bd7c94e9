"""`make bench`: measures each set of extracts and writes `docs/benchmarks.md`.

Here: what is run on a set, in which order. Not here: how a cost is taken (`measure.py`) and how it is shown
(`report.py`). The one trap: everything compared stands in the same run on the same machine, one after the
other; times of different days are never set against each other.

Call: python -m bench [SET ...] [--runs N], with SETs of `extracts.SETS`; without any, sample and small.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from bench import figures, measure, report
from bench.extracts import SETS, ExtractSet, folder_of, without_newest_quarter
from dagster_project.settings import DBT_DIR, PROJECT_ROOT

WORK = PROJECT_ROOT / "warehouse" / "bench"
RESULTS = PROJECT_ROOT / "bench" / "results.json"
BIN = Path(sys.executable).parent
_EXTENTS = {"compiled SQL, models": "models", "compiled SQL, models and tests": "all"}


class _Bench:
    """One set in one scratch folder."""

    def __init__(self, extracts: ExtractSet, raw: Path, scratch: Path) -> None:
        self.extracts, self.raw, self.scratch = extracts, raw, scratch
        self.costs: dict[str, list[measure.Cost]] = {}
        self.steps: dict[str, list[float]] = {}
        self.answers = 0
        self.rows = 0

    def take(self, name: str, command: list[str], **environment: str) -> measure.Cost:
        """Run a command, say what it cost, and keep it under `name`."""
        log = self.scratch / "command.log"
        cost = measure.run(command, cwd=PROJECT_ROOT, environment=self.environment(**environment), log=log)
        self.costs.setdefault(name, []).append(cost)
        click.echo(
            f"  {name:<34}{cost.seconds:>8.1f} s  cpu {cost.cpu_seconds:>7.1f} s  {cost.peak_mb:>6.0f} MB"
        )
        return cost

    def environment(self, **more: str) -> dict[str, str]:
        """The caller's environment without settings of its own, and with one cache of parsed manifests.

        Parsing is the cost of an edit, not of a run; so is compiling Python, which some machines never keep.
        """
        held = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE"
            and (not name.startswith("IQA_") or name in ("IQA_THREADS", "IQA_MEMORY_LIMIT", "IQA_SPILL"))
        }
        return {**held, "IQA_CACHE_DIR": str(WORK / "cache"), "PYTHONPATH": str(PROJECT_ROOT), **more}

    def iqa_run(self, name: str, raw: Path, folder: Path) -> dict[str, Any]:
        """A whole `iqa run`, as a document."""
        cost = self.take(
            name,
            [str(BIN / "iqa"), "run", "--format", "json"],
            IQA_RAW_DIR=str(raw),
            IQA_WAREHOUSE=str(folder / "warehouse" / "iqa.duckdb"),
            IQA_MARTS_DIR=str(folder / "marts"),
        )
        document: dict[str, Any] = json.loads(cost.output)
        return document

    def warm_up(self) -> None:
        """One run that is not measured: after an edit somebody has to compile Python and parse the models."""
        folder = self.scratch / "warm-up"
        self.iqa_run("warm-up, not counted", folder_of(SETS["sample"], WORK), folder)
        self.costs.clear()
        shutil.rmtree(folder)

    def once(self) -> None:
        """Everything there is to measure, once."""
        folder = self.scratch / "full"
        shutil.rmtree(folder, ignore_errors=True)
        document = self.iqa_run("iqa run", self.raw, folder)
        for step in document["steps"]:
            self.steps.setdefault(step["name"], []).append(step["seconds"])
        inside = sum(step["seconds"] for step in document["steps"])
        self.steps.setdefault("Start, Dagster, end", []).append(self.costs["iqa run"][-1].seconds - inside)
        self.count(document)
        warehouse = folder / "warehouse" / "iqa.duckdb"
        compiled = folder / "warehouse" / "dbt" / "target" / "compiled"
        release = (folder / "marts" / "current").resolve()

        copy = self.scratch / "copy" / "iqa.duckdb"
        for name, extent in _EXTENTS.items():
            if self.extracts.is_brief and extent != "all":
                continue
            self.copied(warehouse, copy)
            self.take(name, [sys.executable, "-m", "bench.direct", str(copy), str(compiled), extent])
        if not self.extracts.is_brief:
            self.compared(warehouse, copy, release)
            self.iqa_run("iqa run, nothing changed", self.raw, folder)
        shutil.rmtree(copy.parent)
        shutil.rmtree(folder)
        earlier = self.scratch / "earlier"
        if not earlier.exists():
            without_newest_quarter(self.raw, earlier)
        self.iqa_run("iqa run, without the newest quarter", earlier, folder)
        self.iqa_run("iqa run, newest quarter on top", self.raw, folder)
        shutil.rmtree(folder)

    def compared(self, warehouse: Path, copy: Path, release: Path) -> None:
        """What else does the same: dbt's command line, and scripts for the headline figures."""
        self.copied(warehouse, copy)
        self.take(
            "dbt build",
            [
                *(str(BIN / "dbt"), "build", "--full-refresh", "--quiet", "--project-dir", str(DBT_DIR)),
                *("--profiles-dir", str(DBT_DIR), "--target-path", str(self.scratch / "dbt")),
                *("--log-path", str(self.scratch / "dbt"), "--no-send-anonymous-usage-stats"),
            ],
            IQA_WAREHOUSE=str(copy),
            IQA_SPILL_DIR=str(self.scratch / "spill"),
        )
        expected = figures.of_release(release)
        answer = self.scratch / "figures.json"
        self.take(
            "headlines read from the release",
            [sys.executable, "-m", "bench.figures", str(release), str(answer)],
        )
        if self.extracts.is_clean:
            for library in ("pandas", "polars"):
                module = f"bench.headlines_{library}"
                self.take(
                    f"headlines in {library}", [sys.executable, "-m", module, str(self.raw), str(answer)]
                )
                figures.require_same(f"The {library} script", figures.read(answer), expected)

    @staticmethod
    def copied(warehouse: Path, copy: Path) -> None:
        """A fresh copy of the warehouse to build in."""
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        shutil.copyfile(warehouse, copy)

    def count(self, document: dict[str, Any]) -> None:
        """How much data that was."""
        files = document["ingest"]["files"]
        self.rows = sum(file["rows_accepted"] for file in files)
        self.answers = sum(file["rows_accepted"] for file in files if file["dataset"] == "iqa_answers")

    def result(self) -> dict[str, Any]:
        """Medians, as they are kept."""
        fields = [name for name in asdict(next(iter(self.costs.values()))[0]) if name != "output"]
        return {
            "title": self.extracts.title,
            "date": date.today().isoformat(),
            "machine": report.machine(),
            "runs": len(self.costs["iqa run"]),
            "rows": self.rows,
            "answers": self.answers,
            "costs": {
                name: {field: statistics.median(getattr(cost, field) for cost in costs) for field in fields}
                for name, costs in self.costs.items()
            },
            "steps": {name: statistics.median(seconds) for name, seconds in self.steps.items()},
        }


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(SETS)))
@click.option("--runs", type=click.IntRange(1), help="How often each is measured; the median counts.")
def main(names: tuple[str, ...], runs: int | None) -> None:
    """Measure sets of extracts and write docs/benchmarks.md."""
    WORK.mkdir(parents=True, exist_ok=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or ("sample", "small"):
        extracts = SETS[name]
        raw = folder_of(extracts, WORK)
        with tempfile.TemporaryDirectory(prefix="run-", dir=WORK) as scratch:
            bench = _Bench(extracts, raw, Path(scratch))
            bench.warm_up()
            number = runs or extracts.runs
            for turn in range(number):
                click.echo(f"{extracts.title}, run {turn + 1} of {number}")
                bench.once()
            results[name] = bench.result()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        text = report.page({key: results[key] for key in SETS if key in results})
        (PROJECT_ROOT / "docs" / "benchmarks.md").write_text(text)
        click.echo("\n" + report.table(results[name]))


if __name__ == "__main__":
    main()
