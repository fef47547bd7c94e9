"""Numbers of the policy seed, for Python that applies a policy to tables.

Here: reading them from the warehouse, where dbt put them, so that a run and its SQL use the same ones. Not
here: what a number is for. The one trap: there is no default; a policy that is not written down is an error.
"""

from collections.abc import Sequence

import duckdb

from dagster_project.errors import IqaError


def policy_numbers(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], schema: str = "seeds"
) -> dict[str, float]:
    """Policy key -> number, for each of `names`, in their order.

    Raises:
        IqaError: a row, or its number, is missing.
    """
    found = dict(
        connection.execute(
            f"select policy_key, policy_value::double from {schema}.policies "
            "where list_contains($names, policy_key)",
            {"names": list(names)},
        ).fetchall()
    )
    missing = [name for name in names if found.get(name) is None]
    if missing:
        raise IqaError(
            f"Policy rows are missing: {', '.join(missing)}.",
            where="dbt/seeds/policies.csv",
            expected="a row with a number for each",
            next_step="Add the rows, then run again.",
        )
    return {name: float(found[name]) for name in names}
