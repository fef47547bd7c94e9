"""From results to the page `docs/benchmarks.md`.

Here: words and tables. Not here: measuring. The one trap: nothing on the page may say where it was made
beyond the kind of machine: no path, no host name.
"""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

BASE = "compiled SQL, models and tests"
_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "pandas", "polars", "numpy")
_GROUPS = {
    "ingest": ("Ingest",),
    "dbt (models, seeds and tests, in process)": ("Build",),
    "gate (statuses, expectations, disclosure control, decision)": ("Assure", "Expect", "Protect", "Gate"),
    "release": ("Release",),
    "start-up, Dagster's records, shut-down": ("Start, Dagster, end",),
}


def machine() -> dict[str, Any]:
    """What kind of machine this is."""
    memory = 0
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            memory = round(int(line.split()[1]) / 1024 / 1024)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": memory,
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def table(result: Mapping[str, Any]) -> str:
    """The measures of one set as a Markdown table: seconds, ratio to plain SQL, processor time, memory."""
    base = result["costs"][BASE]["seconds"]
    lines = [
        "| what | seconds | ratio to the compiled SQL | processor seconds | peak memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, cost in result["costs"].items():
        # A run has a second process, for the expectations, beside the main one.
        memory = f"{cost['peak_mb']:,.0f}"
        if cost["peak_all_mb"] > cost["peak_mb"] * 1.05:
            memory += f" ({cost['peak_all_mb']:,.0f} with its side process)"
        lines.append(
            f"| {name} | {cost['seconds']:.1f} | {cost['seconds'] / base:.2f} "
            f"| {cost['cpu_seconds']:.1f} | {memory} |"
        )
        if name == "iqa run":
            for group, steps in _GROUPS.items():
                seconds = sum(result["steps"].get(step, 0.0) for step in steps)
                lines.append(f"| - of it {group} | {seconds:.1f} | {seconds / base:.2f} | | |")
    return "\n".join(lines) + "\n"


def _budgets(result: Mapping[str, Any]) -> str:
    costs = result["costs"]
    full = costs["iqa run"]["seconds"]
    lines = [
        f"- A full run adds {full / costs[BASE]['seconds'] - 1:.1f} times the time of the compiled SQL.",
        f"- A new quarter on top costs {costs['iqa run, newest quarter on top']['seconds'] / full:.2f} of a "
        "full run.",
    ]
    if "iqa run, nothing changed" in costs:
        share = costs["iqa run, nothing changed"]["seconds"] / full
        lines.append(f"- A run without a change costs {share:.2f} of a full run.")
    if "headlines in pandas" in costs:
        read = costs["headlines read from the release"]["seconds"]
        pandas, polars = (costs[f"headlines in {name}"]["seconds"] / read for name in ("pandas", "polars"))
        lines.append(
            f"- The headline figures come {pandas:.1f} times faster from a release than from the pandas "
            f"script and {polars:.1f} times faster than from the polars script. Both gave every number of "
            "the marts."
        )
    return "\n".join(lines) + "\n"


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page."""
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`; edit `bench/`, not this page. Compare ratios within a table: times are "
        "those of one machine on one day, which was doing other work too.\n",
        "`make bench` measures the checked-in sample and a small set. `make bench SETS=national` and "
        "`make bench SETS=ten` measure more, and take their time; `RUNS=5` measures each five times. "
        "Figures are medians. Of the largest set only the run, its SQL and a new quarter are measured.\n",
        "- **The compiled SQL** is what dbt ran, in the same order, straight in DuckDB: the models, then "
        "every data test. Seeds are already there.\n"
        "- **dbt build** is dbt's own command line on a warehouse that holds the extracts, with parsing.\n"
        "- **Headlines** are compliance, dip samples and leniency for each Area and the nation, by quarter "
        "or inspection. The scripts are written as an analyst would who has no warehouse: they read the "
        "extracts, keep the newest row of each key, and know no rules, so they get extracts without faults.\n"
        "- **Parts of a run** are its stages as it prints them. Once the marts are finished, the "
        "expectations, the plan of disclosure control and the restricted files are worked on while Dagster "
        "stores what dbt reported; that stretch is in the last part.\n"
        "- **Peak memory** is the largest resident set of the process itself (VmHWM).\n",
    ]
    for result in results.values():
        kind = result["machine"]
        packages = ", ".join(f"{name} {number}" for name, number in kind["packages"].items())
        parts += [
            f"## {result['title']}\n",
            f"{result['rows']:,} rows accepted, {result['answers']:,} of them answers. Measured on "
            f"{result['date']}, {result['runs']} time{'s' if result['runs'] != 1 else ''}, on "
            f"{kind['cores']} cores with {kind['memory_gb']} GB of memory, {kind['system']}, "
            f"Python {kind['python']}, {packages}.\n",
            table(result),
            _budgets(result),
        ]
    growth = _growth(results)
    return "\n".join([*parts, growth] if growth else parts)


def _growth(results: Mapping[str, Mapping[str, Any]]) -> str:
    if not {"national", "ten"} <= results.keys():
        return ""
    small, large = results["national"], results["ten"]
    data = large["answers"] / small["answers"]
    time = large["costs"]["iqa run"]["seconds"] / small["costs"]["iqa run"]["seconds"]
    return f"## Growth\n\n{data:.1f} times the answers take {time:.1f} times the time of a full run.\n"
