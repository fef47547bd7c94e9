"""SQL names of the statistics that SQL cannot compute, backed by `dagster_project.statistics`.

What belongs here: the names, the types and the handling of NULL; each function is pure and vectorised over
Arrow arrays. One function a statistic; the macro of the same name in `dbt/macros/statistics/` is what models
call, so that another engine can register its own. What does not: mathematics. The one trap: DuckDB hands over
NULL as well (`null_handling='special'`), so every function has to answer it, and NaN must go back as NULL.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

ArrowFunction = Callable[..., pa.Array]


def register_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Register every function on `connection`; registering twice is an error of DuckDB's."""
    for name, (function, parameters, returns) in _functions().items():
        connection.create_function(
            name, function, list(parameters), returns, type=ARROW, null_handling=SPECIAL
        )


def _functions() -> dict[str, tuple[ArrowFunction, Sequence[str], str]]:
    """SQL name -> (function, parameter types, return type)."""
    # Imported here: scipy costs a third of a second, which a connection that never computes need not pay.
    from dagster_project.statistics import exact

    def upper_mid_p(count: npt.ArrayLike, total: npt.ArrayLike, probability: npt.ArrayLike) -> npt.ArrayLike:
        return exact.binomial_upper_p(count, total, probability, mid=True)

    counts = ("BIGINT", "BIGINT")
    binomial = ("BIGINT", "BIGINT", "DOUBLE")
    return {
        "mcnemar_exact_p": (_elementwise(exact.mcnemar_exact_p), counts, "DOUBLE"),
        "mcnemar_mid_p": (_elementwise(exact.mcnemar_mid_p), counts, "DOUBLE"),
        "binomial_upper_p": (_elementwise(exact.binomial_upper_p), binomial, "DOUBLE"),
        "binomial_upper_mid_p": (_elementwise(upper_mid_p), binomial, "DOUBLE"),
        "binomial_two_sided_mid_p": (_elementwise(exact.binomial_two_sided_mid_p), binomial, "DOUBLE"),
        "beta_quantile": (_elementwise(exact.beta_quantile), ("DOUBLE", "DOUBLE", "DOUBLE"), "DOUBLE"),
        "chi_squared_tail": (_elementwise(exact.chi_squared_tail), ("DOUBLE", "BIGINT"), "DOUBLE"),
        "sign_flip_p": (_sign_flip, ("BIGINT[]", "BIGINT", "BIGINT", "BIGINT"), "DOUBLE"),
        "cluster_bootstrap": (
            _cluster_bootstrap,
            ("BIGINT[][]", "BIGINT", "DOUBLE", "BIGINT", "BIGINT"),
            "DOUBLE[]",
        ),
    }


def _elementwise(function: Callable[..., Any]) -> ArrowFunction:
    """Apply a numpy function to the rows in which no argument is NULL; NaN comes back as NULL."""

    def apply(*columns: pa.ChunkedArray) -> pa.Array:
        valid = np.logical_and.reduce([column.is_valid().to_numpy() for column in columns])
        result = np.full(len(columns[0]), np.nan)
        if valid.any():
            mask = pa.array(valid)
            arguments = [column.filter(mask).to_numpy() for column in columns]
            result[valid] = function(*arguments)
        return pa.array(result, type=pa.float64(), from_pandas=True)

    return apply


def _sign_flip(
    net: pa.ChunkedArray, exact_clusters: pa.ChunkedArray, draws: pa.ChunkedArray, seed: pa.ChunkedArray
) -> pa.Array:
    from dagster_project.statistics.sign_flip import sign_flip_p

    rows = zip(net, exact_clusters.to_pylist(), draws.to_pylist(), seed.to_pylist(), strict=True)
    results = [
        None if values.as_py() is None else _null_if_nan(sign_flip_p(values.values.to_numpy(), *limits))
        for values, *limits in rows
    ]
    return pa.array(results, type=pa.float64())


def _cluster_bootstrap(
    clusters: pa.ChunkedArray,
    categories: pa.ChunkedArray,
    confidence: pa.ChunkedArray,
    draws: pa.ChunkedArray,
    seed: pa.ChunkedArray,
) -> pa.Array:
    """Each cluster is one list: stratum number, rated points, reference points, then q x q counts by row."""
    from dagster_project.statistics.bootstrap import cluster_bootstrap

    results: list[list[float | None] | None] = []
    rows = zip(
        clusters,
        categories.to_pylist(),
        confidence.to_pylist(),
        draws.to_pylist(),
        seed.to_pylist(),
        strict=True,
    )
    for group, width, level, number, start in rows:
        if group.as_py() is None or not len(group.values) or width is None:
            results.append(None)
            continue
        flat = group.values.flatten().to_numpy().reshape(len(group.values), 3 + width * width)
        tables = flat[:, 3:].reshape(-1, width, width)
        intervals = cluster_bootstrap(tables, flat[:, 1:3], flat[:, 0], level, number, start)
        results.append([_null_if_nan(bound) for interval in intervals for bound in interval])
    return pa.array(results, type=pa.list_(pa.float64()))


def _null_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
