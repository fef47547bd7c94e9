"""Figures that differ between two versions of a mart: one row a count, with what it was and what it is.

Here: the SQL that finds them, for sign-offs that fell and for differences between releases. Not here: why
they differ. The trap: NULL. A key may hold NULL (an inspection has no period) and a withheld figure is NULL,
so everything is compared with `is distinct from`.
"""

from collections.abc import Sequence

from dagster_project.release.exports import literal, quoted

# The columns of a figure's key that `revisions` has as well.
PLACE = ("level", "area_code", "unit_type", "period_type", "period_start", "assessment_type")


def moved_figures_sql(old: str, new: str, keys: Sequence[str], columns: Sequence[str]) -> str:
    """SQL of the figures that differ between the relations `old` and `new`.

    Gives the `keys`, `column_name`, `old_value`, `new_value` (doubles; NULL where there is no figure).
    """
    matched = " and ".join(f"before.{quoted(key)} is not distinct from after.{quoted(key)}" for key in keys)
    either = ", ".join(
        f"coalesce(before.{quoted(key)}, after.{quoted(key)}) as {quoted(key)}" for key in keys
    )
    return (
        f"select {either}, coalesce(before.column_name, after.column_name) as column_name, "
        "before.figure as old_value, after.figure as new_value "
        f"from ({_figures(old, keys, columns)}) as before "
        f"full outer join ({_figures(new, keys, columns)}) as after "
        f"on before.column_name = after.column_name and {matched} "
        "where before.figure is distinct from after.figure"
    )


def figure_key_sql(relation: str, grain: Sequence[str]) -> str:
    """SQL of the part of a figure's key that has no column of its own in `revisions`: `policy=half`."""
    rest = [name for name in grain if name not in (*PLACE, "period_end")]
    return (
        " || ';' || ".join(
            f"{literal(name + '=')} || coalesce({relation}.{quoted(name)}::varchar, '')" for name in rest
        )
        or "''"
    )


def _figures(relation: str, keys: Sequence[str], columns: Sequence[str]) -> str:
    named = ", ".join(quoted(key) for key in keys)
    names = ", ".join(literal(column) for column in columns)
    values = ", ".join(f"cast({quoted(column)} as double)" for column in columns)
    return f"select {named}, unnest([{names}]) as column_name, unnest([{values}]) as figure from {relation}"
