"""Markdown pages from the sources: one per metric, one per table, one per dataset, one of policies.

Belongs here: the wording around what the sources say. Does not: reading them. The one trap: a cell of a table
must hold neither a line break nor a bare `|`, so every value passes `cell`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_project.documentation.sources import MetricEntry, Sources
from dagster_project.release.tables import ReleasedTable

DIRECTIONS = {"up": "Higher is better.", "down": "Lower is better."}
TOLD = (
    ("definition", "What it is"),
    ("numerator", "Numerator"),
    ("denominator", "Denominator"),
    ("exclusions", "Left out"),
    ("edge_cases", "Edge cases"),
    ("worked_example", "Worked example"),
    ("deviation", "How it differs from the official method"),
)


def all_pages(sources: Sources) -> dict[str, str]:
    """Path under the output folder -> text, for every page."""
    pages = {"index.md": _index(), "metrics/index.md": _metric_index(sources)}
    for metric_id, entries in sources.by_id.items():
        pages[f"metrics/{metric_id.lower()}.md"] = _metric_page(metric_id, entries, sources)
    pages["tables/index.md"] = _table_index(sources)
    for table in sources.tables.values():
        pages[f"tables/{table.name}.md"] = _table_page(table, sources)
    pages["extracts/index.md"] = _extract_index(sources)
    for contract in sources.contracts:
        pages[f"extracts/{contract['dataset']}.md"] = _extract_page(contract)
    pages["policies.md"] = _policy_page(sources)
    return pages


def cell(value: object) -> str:
    """A value that is safe in a cell of a Markdown table."""
    return " ".join(str(value if value is not None else "").split()).replace("|", "\\|")


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines) + "\n"


def _index() -> str:
    return (
        "# Reference\n\n"
        "Made from the registry of metrics, the dbt models, the contracts of the extracts and the policy "
        "rows that the figures are computed from.\n\n"
        "- [Metrics](metrics/index.md)\n- [Tables of a release](tables/index.md)\n"
        "- [Extracts](extracts/index.md)\n- [Policies](policies.md)\n"
    )


def _metric_index(sources: Sources) -> str:
    rows = [
        (
            f"[{metric_id}]({metric_id.lower()}.md)",
            entries[0].values["metric_name"],
            entries[0].values["definition"],
        )
        for metric_id, entries in sources.by_id.items()
    ]
    return f"# Metrics\n\n{markdown_table(['Metric', 'Name', 'What it is'], rows)}"


def _metric_page(metric_id: str, entries: Sequence[MetricEntry], sources: Sources) -> str:
    title = f"# {metric_id}: {entries[0].values['metric_name']}\n"
    return "\n".join([title, *(_metric_entry(entry, len(entries) > 1, sources) for entry in entries)])


def _metric_entry(entry: MetricEntry, is_one_of_several: bool, sources: Sources) -> str:
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
        f"Table: [{model.name}](../tables/{model.name}.md). SQL: `{model.path}`, from "
        f"{', '.join(f'`{parent}`' for parent in model.parents)}.\n"
    )
    if model.policies:
        parts.append(_switches(model.policies, sources, "../policies.md"))
    return "\n".join(parts)


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


def _table_page(table: ReleasedTable, sources: Sources) -> str:
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
            f"SQL: `{model.path}`.\n",
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
