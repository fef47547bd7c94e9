"""The headline figures that the plain scripts work out too, and the comparison with those of a release.

Here: which figures, and their form: a mapping from a key to whole numbers. Not here: working them out
(`headlines_pandas.py`, `headlines_polars.py`). The one trap: a script that is quick because it is wrong.
Each has to give every number of the marts, and a benchmark that finds a difference ends with an error.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

# (figure, then its grain as text) -> counts
Key = tuple[str, ...]
Figures = dict[Key, tuple[int, ...]]

REQUIRED_FROM = "2021-10-01"
COMPARISONS = ("manager_v_inspector", "manager_v_dip_sampler")

_QUERIES = {
    # Assessments done, by Area and for the nation.
    "assessed": """
        select area_code, period_start::varchar, iqas_assessed
        from {compliance}
        where
            level in ('national', 'area')
            and period_type = 'quarter'
            and assessment_type = 'casework'
            and policy = 'half'
            and iqas_assessed > 0
    """,
    # Prosecutors who had to be assessed, and were.
    "covered": """
        select area_code, period_start::varchar, prosecutors_required, prosecutors_covered
        from {compliance}
        where
            level in ('national', 'area')
            and period_type = 'quarter'
            and assessment_type = 'casework'
            and policy = 'half'
            and prosecutors_required > 0
    """,
    # Assessments that had to be dip sampled, and validly were.
    "dipped": """
        select area_code, period_start::varchar, dips_required, dips_valid
        from {dip_sampling}
        where
            level in ('national', 'area')
            and period_type = 'quarter'
            and assessment_type = 'casework'
            and dips_required > 0
    """,
    # What managers gave beside what inspectors and dip samplers gave.
    "leniency": """
        select comparison, sample, basis, dimension_value, n_examined, n_compared, n_lenient, n_harsh
        from {leniency}
        where
            comparison in ('manager_v_inspector', 'manager_v_dip_sampler')
            and assessment_type = 'casework'
            and basis in ('iqa', 'answer')
            and dimension in ('overall', 'area')
    """,
}
_KEY_COLUMNS = {"assessed": 2, "covered": 2, "dipped": 2, "leniency": 4}


def of_release(release: Path) -> Figures:
    """The figures of the unsuppressed marts of a release."""
    folder = release / "restricted" / "parquet"
    relations = {name: f"'{folder / name}.parquet'" for name in ("compliance", "dip_sampling", "leniency")}
    found: Figures = {}
    with duckdb.connect() as connection:
        for figure, query in _QUERIES.items():
            keys = _KEY_COLUMNS[figure]
            for row in connection.execute(query.format(**relations)).fetchall():
                found[figure, *map(str, row[:keys])] = tuple(int(value) for value in row[keys:])
    return found


def write(figures: Mapping[Key, tuple[int, ...]], target: Path) -> None:
    """Write figures as JSON."""
    target.write_text(json.dumps([[*key, list(values)] for key, values in figures.items()]))


def read(source: Path) -> Figures:
    """Read what `write` wrote."""
    return {tuple(row[:-1]): tuple(row[-1]) for row in json.loads(source.read_text())}


def require_same(name: str, found: Figures, expected: Figures) -> None:
    """Raise AssertionError unless `found` holds exactly the figures of `expected`."""
    differing = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    if differing:
        first = differing[0]
        raise AssertionError(
            f"{name} and the marts differ in {len(differing)} of {len(expected)} figures. First: "
            f"{' '.join(first)} is {found.get(first)}, in the marts {expected.get(first)}. A benchmark of "
            "different figures compares nothing: correct the script, or the marts."
        )


if __name__ == "__main__":
    write(of_release(Path(sys.argv[1])), Path(sys.argv[2]))
