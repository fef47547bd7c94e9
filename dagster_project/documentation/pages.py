"""Markdown pages from the sources: one per metric, one per table, one per dataset, one of policies.

Belongs here: the wording around what the sources say. Does not: reading them. The one trap: links are
relative to the page they stand on, and pages lie one folder deep or none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster_project.documentation.markdown import cell, markdown_table
from dagster_project.documentation.sources import FAMILIES, MetricEntry, Sources
from dagster_project.release.tables import ReleasedTable

DIRECTIONS = {"up": "Higher is better.", "down": "Lower is better."}
TOLD = (
    ("definition", "What it is"),
    ("numerator", "Numerator"),
    ("denominator", "Denominator"),
    ("exclusions", "Left out"),
    ("edge_cases", "Edge cases"),
    ("recomputation", "Recompute it"),
    ("worked_example", "Worked example"),
    ("deviation", "How it differs from the official method"),
)


READ_FIRST = """## Read first

What holds for every metric, unless its page says otherwise.

- **Rows behind it.** The restricted part of a release holds the facts
  (`restricted/parquet/fct_*.parquet`), one row an assessment, answer, dip sample, comparison,
  requirement, action or theme hit. "Recompute it" names their columns. They hold neither withdrawn nor
  refused rows.
- **Period.** A row of a fact belongs to the quarter `quarter_start` of its assessment. The columns
  `period_start` and `period_end` of a mart say which days a row covers, both included: one quarter, four
  quarters or a financial year. Take the facts whose `quarter_start` lies between them.
- **Level.** `unit` is one `area_code` and `unit_type`, `area` all units of an `area_code`, `national`
  all Areas. Test Areas (`is_test` in `dim_area`) are left out of national rows as soon as the data holds
  real ones.
- **Type.** `assessment_type` is casework or advocacy; `ALL` is both.
- **Roll-ups.** Counts are added up and divided once. A rate is never the mean of rates.
- **No denominator.** A rate without a denominator is empty, never 0 or 1, and `null_reason` says why.
- **Scale.** Rates, scores and gaps run from 0 to 1. Multiply by 100 for text only.
- **Intervals.** 95%, by Wilson's formula unless the page names another: with `z` the normal quantile of
  0.975 (1.959964), `p` the rate and `n` its denominator, the limits are `(p + z²/2n ± z √(p(1-p)/n +
  z²/4n²)) / (1 + z²/n)`.
- **Intervals of clustered rates.** Where answers of one assessment count as a cluster, with `m` compared
  answers and `k` of them counted in each of `C` assessments: `p = Σk/Σm`; variance `= C/(C-1) · Σ(k -
  pm)² / (Σm)²`; design effect `= variance / (p(1-p)/Σm)`, at least 1; Wilson's formula with `n = Σm /
  design effect`.
"""


def all_pages(sources: Sources, dbt_docs: str | None = None) -> dict[str, str]:
    """Path under the output folder -> text, for every page. `dbt_docs`: where dbt's pages lie from there."""
    pages = {"index.md": _index(), "metrics/index.md": _metric_index(sources)}
    for metric_id, entries in sources.by_id.items():
        pages[f"metrics/{metric_id.lower()}.md"] = _metric_page(metric_id, entries, sources, dbt_docs)
    pages["tables/index.md"] = _table_index(sources)
    for table in sources.tables.values():
        pages[f"tables/{table.name}.md"] = _table_page(table, sources, dbt_docs)
    pages["extracts/index.md"] = _extract_index(sources)
    for contract in sources.contracts:
        pages[f"extracts/{contract['dataset']}.md"] = _extract_page(contract)
    pages["policies.md"] = _policy_page(sources)
    return pages


def _index() -> str:
    return (
        "# Reference\n\n"
        "Made from what the figures are computed with: the registry of metrics, the dbt models, the "
        "contracts of the extracts, the policy rows, the plan of checks, the commands and the settings.\n\n"
        "- [Metrics](metrics/index.md): what each figure means and how to recompute it\n"
        "- [Tables of a release](tables/index.md): every column\n"
        "- [Extracts](extracts/index.md): what comes in, and the rules that rows have to pass\n"
        "- [Checks](checks/index.md): what stands between the models and a release\n"
        "- [Policies](policies.md): thresholds, dates and switches\n"
        "- [Commands](commands.md) and [settings](settings.md)\n"
    )


def _metric_index(sources: Sources) -> str:
    parts = ["# Metrics\n", READ_FIRST]
    for letter, title in FAMILIES.items():
        rows = [
            (
                f"[{metric_id}]({metric_id.lower()}.md)",
                entries[0].values["metric_name"],
                entries[0].values["definition"],
            )
            for metric_id, entries in sources.by_id.items()
            if sources.family(metric_id) == letter
        ]
        if rows:
            parts += [f"## {title}\n", markdown_table(["Metric", "Name", "What it is"], rows)]
    return "\n".join(parts)


def _metric_page(
    metric_id: str, entries: Sequence[MetricEntry], sources: Sources, dbt_docs: str | None
) -> str:
    title = f"# {metric_id}: {entries[0].values['metric_name']}\n"
    parts = [_metric_entry(entry, len(entries) > 1, sources, dbt_docs) for entry in entries]
    return "\n".join([title, *parts, "Rows, periods and roll-ups: [read first](index.md#read-first).\n"])


def _metric_entry(entry: MetricEntry, is_one_of_several: bool, sources: Sources, dbt_docs: str | None) -> str:
    values, model = entry.values, sources.models[entry.values["mart"]]
    parts = [f"## {values['metric_name']} in `{values['mart']}`\n"] if is_one_of_several else []
    parts += [f"**{label}.** {values[key]}\n" for key, label in TOLD if values[key].strip()]
    direction = DIRECTIONS.get(values["direction"], "")
    parts.append(f"**Unit.** {values['unit']}. {direction}".rstrip() + "\n")
    parts.append(
        f"**Source.** {values['source']}. Owner: {values['owner']}. Formula {values['version']}.\n",
    )
    held = {column.name: column for column in sources.tables[values["mart"]].columns}
    rows = [
        (f"`{values['mart']}.{name}`", held[name].data_type, held[name].unit, held[name].description)
        for name in entry.columns
    ]
    parts.append(markdown_table(["Column", "Type", "Unit", "Meaning"], rows))
    parts.append(
        f"Table: [{model.name}](../tables/{model.name}.md). SQL: `{model.path}`"
        f"{_compiled(model.name, dbt_docs)}, from {', '.join(f'`{parent}`' for parent in model.parents)}.\n"
    )
    if model.policies:
        parts.append(_switches(model.policies, sources, "../policies.md"))
    return "\n".join(parts)


def _compiled(model: str, dbt_docs: str | None) -> str:
    return "" if dbt_docs is None else f" ([compiled](../{dbt_docs}#!/model/model.iqa.{model}))"


def _switches(keys: Sequence[str], sources: Sources, link: str) -> str:
    known = {row["policy_key"]: row for row in sources.policies}
    rows = [
        (f"`{key}`", known[key]["policy_value"] or known[key]["policy_text"], known[key]["unit"])
        for key in keys
        if key in known
    ]
    return f"[Policy rows]({link}) that the table reads:\n\n" + markdown_table(
        ["Policy", "Value", "Unit"], rows
    )


def _table_index(sources: Sources) -> str:
    rows = [
        (
            f"[{table.name}]({table.name}.md)",
            table.description,
            "yes" if table.is_shareable else "restricted only",
            table.owner,
        )
        for table in sources.tables.values()
    ]
    return (
        f"# Tables of a release\n\n{markdown_table(['Table', 'What it holds', 'Shareable', 'Owner'], rows)}"
    )


def _table_page(table: ReleasedTable, sources: Sources, dbt_docs: str | None) -> str:
    model = sources.models[table.name]
    rows = [
        (
            f"`{column.name}`",
            column.data_type,
            column.unit,
            _linked(column.metric, sources),
            column.description,
        )
        for column in table.columns
    ]
    where = "Shareable." if table.is_shareable else "In the restricted part of a release only."
    if table.restricted_when:
        where += f" Rows where `{cell(table.restricted_when)}` are in the restricted part only."
    return "\n".join(
        [
            f"# {table.name}\n",
            f"{table.description}\n",
            f"{where} Owner: {table.owner}. Key: {', '.join(f'`{name}`' for name in table.grain)}.\n",
            f"SQL: `{model.path}`{_compiled(model.name, dbt_docs)}.\n",
            markdown_table(["Column", "Type", "Unit", "Metric", "Meaning"], rows),
        ]
    )


def _linked(metric_id: str, sources: Sources) -> str:
    return f"[{metric_id}](../metrics/{metric_id.lower()}.md)" if metric_id in sources.by_id else metric_id


def _extract_index(sources: Sources) -> str:
    rows = [
        (f"[{contract['dataset']}]({contract['dataset']}.md)", contract["description"], contract["owner"])
        for contract in sources.contracts
    ]
    return f"# Extracts\n\n{markdown_table(['Dataset', 'What it holds', 'Owner'], rows)}"


def _extract_page(contract: Mapping[str, Any]) -> str:
    fields = [
        (
            f"`{entry['name']}`",
            entry["type"],
            "yes" if entry.get("required") else "no",
            entry.get("code_list") or "",
            entry.get("description", ""),
        )
        for entry in contract["fields"]
    ]
    parts = [
        f"# {contract['dataset']}\n",
        f"{cell(contract['description'])}\n",
        f"Owner: {contract['owner']}. Key: {', '.join(f'`{name}`' for name in contract['primary_key'])}.\n",
        markdown_table(["Column", "Type", "Required", "Code list", "Meaning"], fields),
    ]
    if references := contract.get("references"):
        parts.append("Must exist elsewhere:\n")
        parts.append(
            markdown_table(
                ["Column", "Where"], [(f"`{key}`", f"`{value}`") for key, value in references.items()]
            )
        )
    if rules := contract.get("rules"):
        parts.append("Rules beyond types and code lists:\n")
        parts.append(
            markdown_table(
                ["Rule", "What happens", "Column", "Why", "Expected"],
                [
                    (
                        f"`{rule['id']}`",
                        "quarantined" if rule["severity"] == "quarantine" else "kept, with a warning",
                        f"`{rule['column']}`",
                        rule["description"],
                        rule["expected"],
                    )
                    for rule in rules
                ],
            )
        )
    return "\n".join(parts)


def _policy_page(sources: Sources) -> str:
    readers: dict[str, list[str]] = {}
    for name in sources.tables:
        for key in sources.models[name].policies:
            readers.setdefault(key, []).append(name)
    rows = [
        (
            f"`{row['policy_key']}`",
            row["policy_value"] or row["policy_text"],
            row["unit"],
            row["source"],
            row["valid_from"],
            ", ".join(f"[{name}](tables/{name}.md)" for name in readers.get(row["policy_key"], [])),
        )
        for row in sources.policies
    ]
    return (
        "# Policies\n\nThresholds, dates and switches, each a row of `dbt/seeds/policies.csv`. Change the "
        "row and run again: no code changes.\n\n"
        + markdown_table(["Policy", "Value", "Unit", "Source", "Valid from", "Read by"], rows)
    )
