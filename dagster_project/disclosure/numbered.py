"""Numbered copies of the marts of a schema, and which of their rows belong together.

Belongs here: the conditions and keys of the policy turned into arrays of row numbers, by SQL. Does not: what
is made of them. The suppressor numbers the marts, an onlooker what is published. The trap: an answer holds
until a mart is numbered again; whoever writes a table anew has to say so.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import RLock
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from dagster_project.disclosure.policy import Policy, RowLine
from dagster_project.disclosure.suppression import Indices
from dagster_project.release.exports import quoted
from dagster_project.release.tables import ReleasedTable

_AREAS = "areas_of_the_nation"


class NumberedMarts:
    """The marts of `schema`, copied to temp tables `<prefix><mart>` of `connection` with a column `rid`.

    `rid` numbers the shareable rows from 0 in the order of the mart's key. Each question is put to the
    database once. Threads may share it: one asks at a time.

    left_out  columns that no copy needs
    place     the column that tells rows of the schema apart; a view has no `rowid`
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        schema: str,
        prefix: str,
        *,
        left_out: Collection[str] = (),
        place: str = "rowid",
    ) -> None:
        self.schema = schema
        self._left_out = left_out
        self._place = place
        self._connection = connection
        self._prefix = prefix
        self._lock = RLock()
        self._pairs: dict[tuple[object, ...], tuple[Indices, Indices]] = {}
        self._marts_of: dict[tuple[object, ...], set[str]] = {}
        self._areas = policy.areas_of_the_nation.format(marts=schema)
        self._has_areas = False

    def relation(self, mart: str) -> str:
        """The numbered copy of a mart, as a name for SQL."""
        return quoted(self._prefix + mart)

    def number(self, table: ReleasedTable) -> None:
        """Copy a mart as it is now, and forget what was known of the one before."""
        source = f"{self.schema}.{quoted(table.name)}"
        key = ", ".join(f"{quoted(column)} nulls first" for column in table.grain)
        columns = ", ".join(
            f"held.{quoted(column.name)}" for column in table.columns if column.name not in self._left_out
        )
        # Only the key is sorted: carrying the other columns through the sort would take half as long again.
        self.run(
            f"create or replace temp table {self.relation(table.name)} as "
            f"with numbered as (select {self._place} as place, row_number() over (order by {key}) - 1 as rid "
            f"from {source} where {table.shareable_condition}) "
            f"select numbered.rid, {columns} from {source} as held "
            f"inner join numbered on held.{self._place} = numbered.place"
        )
        with self._lock:
            for question in [asked for asked, marts in self._marts_of.items() if table.name in marts]:
                del self._pairs[question], self._marts_of[question]

    def run(self, sql: str) -> None:
        """Run a statement beside the copies."""
        with self._lock:
            self._connection.execute(sql)

    def arrays(self, sql: str) -> dict[str, NDArray[np.generic]]:
        """The columns of a query."""
        with self._lock:
            return self._connection.execute(sql).fetchnumpy()

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def rows_where(self, mart: str, condition: str) -> Indices:
        """The rows of a mart that fulfil a condition; unknown is no."""
        self._know_areas()
        found = self.arrays(f"select rid from {self.relation(mart)} where {condition}")
        return found["rid"].astype(np.int64)

    def row_pairs(self, line: RowLine, grain: Sequence[str], child_mart: str) -> tuple[Indices, Indices]:
        """The rows that add up, as two arrays: a total and one of its parts."""
        parent_mart = line.parent_mart or child_mart

        def ask() -> tuple[Indices, Indices]:
            on = line.on or tuple(column for column in grain if column not in line.over)
            equal = [f"parent.{quoted(column)} is not distinct from child.{quoted(column)}" for column in on]
            return self._two(
                f"select parent.rid as left_rid, child.rid as right_rid "
                f"from (select * from {self.relation(parent_mart)} where {line.parent}) as parent "
                f"inner join (select * from {self.relation(child_mart)} where {line.child}) as child "
                f"on {' and '.join([*equal, f'({line.within})'])}".format(marts=self.schema)
            )

        return self._once(("line", child_mart, line), {parent_mart, child_mart}, ask)

    def matching_rows(
        self, left: tuple[str, str], right: tuple[str, str], on: Sequence[str]
    ) -> tuple[Indices, Indices]:
        """The pairs of rows of two marts (each a name and a condition) that are alike in the columns `on`.

        Of the same rows of one mart: every row with the first of its group, for all pairs would be the
        square of them.
        """

        def ask() -> tuple[Indices, Indices]:
            if left == right and not any("=" in column for column in on):
                by = ", ".join(quoted(column) for column in on)
                return self._two(
                    f"select rid as left_rid, min(rid) over (partition by {by}) as right_rid "
                    f"from {self.relation(left[0])} where {left[1]}"
                )
            names = [column.partition("=") for column in on]
            equal = " and ".join(
                f"left_side.{quoted(mine)} is not distinct from right_side.{quoted(theirs or mine)}"
                for mine, _, theirs in names
            )
            return self._two(
                f"select left_side.rid as left_rid, right_side.rid as right_rid "
                f"from (select * from {self.relation(left[0])} where {left[1]}) as left_side "
                f"inner join (select * from {self.relation(right[0])} where {right[1]}) as right_side "
                f"on {equal}"
            )

        return self._once(("match", left, right, tuple(on)), {left[0], right[0]}, ask)

    def _two(self, sql: str) -> tuple[Indices, Indices]:
        found = self.arrays(sql)
        return found["left_rid"].astype(np.int64), found["right_rid"].astype(np.int64)

    def _once(
        self,
        question: tuple[object, ...],
        marts: set[str],
        ask: Callable[[], tuple[Indices, Indices]],
    ) -> tuple[Indices, Indices]:
        with self._lock:
            if question not in self._pairs:
                self._know_areas()
                self._pairs[question] = ask()
                self._marts_of[question] = marts
            return self._pairs[question]

    def _know_areas(self) -> None:
        """Make the table of the Areas that a national row is made of, which conditions of the policy name."""
        with self._lock:
            if not self._has_areas:
                self.run(f"create or replace temp table {_AREAS} as {self._areas}")
                self._has_areas = True
