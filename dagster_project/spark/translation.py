"""DuckDB SQL of a compiled model, as Spark SQL that means the same.

Here: syntax (names of functions, literals, `unnest`), and those meanings that a statement shows by itself:
what an aggregate does with NULL, sums in a stated order, what a pattern matches. Not here: what depends on
the type of a column, such as the difference of two dates; a model calls a dispatched macro of
`dbt/macros/dialect/` for that. The one trap: sqlglot parses without knowing the tables, so a rule may look
at the statement, never assume a type.

sqlglot carries most of it, where NULLs sort included. The rules are what it leaves out or takes
differently.
"""

from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark

from dagster_project.spark.patterns import java_pattern, java_replacement


def to_spark(statement: str) -> str:
    """The statement in Spark's dialect.

    Raises:
        sqlglot.errors.SqlglotError: the statement cannot be read, or has something Spark lacks.
    """
    tree = sqlglot.parse_one(statement, read="duckdb")
    # The innermost first, so that what a rule moves has been through the rules already.
    for node in reversed(list(tree.walk())):
        new = _translated(node)
        if new is not node:
            node.replace(new)
    return tree.sql(dialect="spark", pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)


# Spark reads a `with` inside another. Hive does not, and sqlglot would lift it out, over one of its name. Its
# generators are compiled and cannot be subclassed, so the set is emptied.
Spark.Generator.EXPRESSIONS_WITHOUT_NESTED_CTES.clear()


def _translated(node: exp.Expr) -> exp.Expr:
    for kind, rule in _RULES:
        if isinstance(node, kind):
            return rule(node)
    return node


def _literal(node: exp.Literal) -> exp.Expr:
    """DuckDB reads 0.5 as a decimal and divides it as a double; Spark would stay decimal, and round."""
    if node.is_string or "." not in node.this or "e" in node.this.lower():
        return node
    return exp.Literal.number(f"{node.this}e0")


def _sum(node: exp.Sum) -> exp.Expr:
    """`sum(x order by key)`: the values sorted, then added one after the other. NULL for none."""
    if not isinstance(node.this, exp.Order):
        return node
    values = _in_order(node.this)
    return _sql("CASE WHEN SIZE({0}) > 0 THEN {1} END", values, _folded(values, "0e0", "+"))


def _product(node: exp.Anonymous) -> exp.Expr:
    """`product(x)` over a window, or in a stated order."""
    (value,) = node.expressions
    if isinstance(value, exp.Order):
        values = _in_order(value)
        return _sql("CASE WHEN SIZE({0}) > 0 THEN {1} END", values, _folded(values, "1e0", "*"))
    raise sqlglot.errors.UnsupportedError("product() without an order has no fixed result: state one")


def _window(node: exp.Window) -> exp.Expr:
    """`product(x) over (...)`: the frame's values in its order, multiplied."""
    function = node.this
    if not (isinstance(function, exp.Anonymous) and function.name.lower() == "product"):
        return node
    values = node.copy()
    values.set("this", exp.Anonymous(this="COLLECT_LIST", expressions=[function.expressions[0].copy()]))
    return _folded(values, "1e0", "*")


def _in_order(order: exp.Order) -> exp.Expr:
    """The values that are not NULL as an array of doubles, by the keys, which have to rise."""
    keys = [key.this if isinstance(key, exp.Ordered) else key for key in order.expressions]
    if any(isinstance(key, exp.Ordered) and key.args.get("desc") for key in order.expressions):
        raise sqlglot.errors.UnsupportedError("a sum in falling order: state a rising one")
    fields = ", ".join(f"{{{position + 1}}} AS k{position}" for position in range(len(keys)))
    return _sql(
        f"TRANSFORM(ARRAY_SORT(COLLECT_LIST(CASE WHEN {{0}} IS NOT NULL THEN STRUCT({fields}, "
        "CAST({0} AS DOUBLE) AS item) END)), entry -> entry.item)",
        order.this,
        *keys,
    )


def _folded(values: exp.Expr, start: str, operator: str) -> exp.Expr:
    return _sql(f"AGGREGATE({{0}}, {start}, (total, item) -> total {operator} item)", values)


def _list(node: exp.ArrayAgg) -> exp.Expr:
    """`list(x order by key)`; NULL, not an empty list, where there is none."""
    if isinstance(node.parent, exp.Filter):
        return node
    return _listed(node, None)


def _filter(node: exp.Filter) -> exp.Expr:
    if isinstance(node.this, exp.ArrayAgg):
        return _listed(node.this, node.expression.this)
    return node


def _listed(node: exp.ArrayAgg, condition: exp.Expr | None) -> exp.Expr:
    inner = node.this
    keys: list[exp.Expr] = []
    if isinstance(inner, exp.Order):
        keys = [key.this if isinstance(key, exp.Ordered) else key for key in inner.expressions]
        inner = inner.this
    fields = "".join(f"{{{position + 2}}} AS k{position}, " for position in range(len(keys)))
    collected = f"COLLECT_LIST(CASE WHEN {{0}} THEN STRUCT({fields}{{1}} AS item) END)"
    if keys:
        collected = f"ARRAY_SORT({collected})"
    return _sql(
        f"NULLIF(TRANSFORM({collected}, entry -> entry.item), ARRAY())",
        exp.true() if condition is None else condition,
        inner,
        *keys,
    )


def _string_agg(node: exp.GroupConcat) -> exp.Expr:
    """`string_agg(distinct x, ';' order by x)`: Spark's own fails beside another distinct aggregate."""
    inner = node.this.this if isinstance(node.this, exp.Order) else node.this
    if not isinstance(inner, exp.Distinct):
        return node
    (value,) = inner.expressions
    if not isinstance(node.this, exp.Order) or [key.this for key in node.this.expressions] != [value]:
        raise sqlglot.errors.UnsupportedError("string_agg(distinct x) in another order than that of x")
    return _sql(
        "CASE WHEN COUNT({0}) > 0 THEN ARRAY_JOIN(ARRAY_SORT(COLLECT_SET({0})), {1}) END",
        value,
        node.args["separator"],
    )


def _max_by(node: exp.ArgMax) -> exp.Expr:
    """DuckDB passes over rows whose value is NULL; Spark would return the NULL."""
    return _sql("MAX_BY({0}, {1}) FILTER (WHERE NOT {0} IS NULL)", node.this, node.expression)


def _date_trunc(node: exp.TimestampTrunc) -> exp.Expr:
    """Of a date, which stays one; the project truncates no times."""
    return exp.Anonymous(this="TRUNC", expressions=[node.this, exp.Literal.string(node.text("unit"))])


def _iso_weekday(node: exp.DayOfWeekIso) -> exp.Expr:
    return _sql("(WEEKDAY({0}) + 1)", node.this)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """Month boundaries crossed; Spark counts whole months."""
    if node.text("unit").lower() != "month":
        return node
    return _sql(
        "((YEAR({0}) - YEAR({1})) * 12 + MONTH({0}) - MONTH({1}))",
        node.this,
        node.expression,
    )


def _regexp_like(node: exp.RegexpLike) -> exp.Expr:
    flags = node.text("flag")
    return exp.RegexpLike(this=node.this, expression=_pattern(node.expression, flags))


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    flags = node.text("modifiers")
    pattern = node.expression
    if "g" not in flags and not pattern.name.startswith("^"):
        raise sqlglot.errors.UnsupportedError(f"a replacement of the first match only: {pattern.name}")
    replacement = node.args["replacement"]
    return exp.RegexpReplace(
        this=node.this,
        expression=_pattern(pattern, flags),
        replacement=exp.Literal.string(java_replacement(replacement.name)),
    )


def _regexp_split(node: exp.Anonymous) -> exp.Expr:
    text, pattern = node.expressions
    return _sql("SPLIT({0}, {1}, -1)", text, _pattern(pattern, ""))


def _length(node: exp.Length) -> exp.Expr:
    """How many matches: `len` of a list."""
    if not isinstance(node.this, exp.RegexpExtractAll):
        return node
    matches = node.this
    return _sql("REGEXP_COUNT({0}, {1})", matches.this, matches.expression)


def _regexp_extract_all(node: exp.RegexpExtractAll) -> exp.Expr:
    flags = node.text("parameters")
    return exp.RegexpExtractAll(this=node.this, expression=_pattern(node.expression, flags))


def _pattern(pattern: exp.Expr, flags: str) -> exp.Expr:
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise sqlglot.errors.UnsupportedError("a pattern that is not a literal")
    return exp.Literal.string(java_pattern(pattern.name, ignore_case="i" in flags))


def _select(node: exp.Select) -> exp.Expr:
    """`unnest` among the columns: Spark takes one, and not inside an expression."""
    found = [unnest for column in node.expressions for unnest in column.find_all(exp.Explode)]
    found = [unnest for unnest in found if unnest.find_ancestor(exp.Select) is node]
    if not found:
        return node
    names = [f"entry_{position}" for position in range(len(found))]
    arrays = [unnest.this.copy() for unnest in found]
    for unnest, name in zip(found, names, strict=True):
        unnest.replace(exp.column(name, table="unnested"))
    view = f"SELECT 1 FROM one LATERAL VIEW INLINE(zipped) unnested AS {', '.join(names)}"
    lateral = sqlglot.parse_one(view, read="spark").find(exp.Lateral)
    assert lateral is not None
    lateral.find(exp.Column).replace(exp.Anonymous(this="ARRAYS_ZIP", expressions=arrays))  # type: ignore[union-attr]
    if node.args.get("from_") is None:
        node = node.from_("(SELECT 1) AS one", dialect="spark", copy=False)
    node.append("laterals", lateral)
    return node


_ANONYMOUS: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "regexp_split_to_array": _regexp_split,
    "to_months": lambda node: _sql("MAKE_YM_INTERVAL(0, CAST({0} AS INT))", node.expressions[0]),
    "list_sum": lambda node: _folded(node.expressions[0], "0e0", "+"),
}


def _anonymous(node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    if name == "product" and not isinstance(node.parent, exp.Window):
        return _product(node)
    rule = _ANONYMOUS.get(name)
    return node if rule is None else rule(node)


def _to_days(node: exp.Expr) -> exp.Expr:
    return _sql("MAKE_INTERVAL(0, 0, 0, {0})", node.this)


def _sql(template: str, *parts: exp.Expr) -> exp.Expr:
    """A Spark expression with `{0}`, `{1}` ... filled by expressions."""
    names = [f"part_{position}_" for position in range(len(parts))]
    tree = sqlglot.parse_one(template.format(*names), read="spark")
    for column in list(tree.find_all(exp.Column)):
        if column.name in names and not column.table:
            part = parts[names.index(column.name)].copy()
            part = exp.paren(part) if isinstance(part, exp.Binary | exp.Unary) else part
            if column is tree:
                return part
            column.replace(part)
    return tree


# The first that fits a node is applied to it.
_RULES: tuple[tuple[type[exp.Expr], Callable[..., exp.Expr]], ...] = (
    (exp.Literal, _literal),
    (exp.Sum, _sum),
    (exp.Window, _window),
    (exp.Filter, _filter),
    (exp.ArrayAgg, _list),
    (exp.GroupConcat, _string_agg),
    (exp.ArgMax, _max_by),
    (exp.TimestampTrunc, _date_trunc),
    (exp.DayOfWeekIso, _iso_weekday),
    (exp.DateDiff, _date_diff),
    (exp.RegexpLike, _regexp_like),
    (exp.RegexpReplace, _regexp_replace),
    (exp.RegexpExtractAll, _regexp_extract_all),
    (exp.Length, _length),
    (exp.Select, _select),
    (exp.ToDays, _to_days),
    (exp.Anonymous, _anonymous),
)
