"""SQL names of the statistics that SQL cannot compute, backed by `dagster_project.statistics`.

What belongs here: the names, the types and the handling of NULL; each function is pure and vectorised over
Arrow arrays. One function a statistic; the macro of the same name in `dbt/macros/statistics/` is what models
call, so that another engine can register its own. What does not: mathematics. The one trap: DuckDB hands over
NULL as well (`null_handling='special'`), so every function has to answer it, and NaN must go back as NULL.
"""

import math
from collections.abc import Callable, Sequence

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

ArrowFunction = Callable[..., pa.Array]


def register_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Register every function on `connection`; registering twice is an error of DuckDB's."""
    for name, (function, parameters, returns) in sql_functions().items():
        connection.create_function(
            name, function, list(parameters), returns, type=ARROW, null_handling=SPECIAL
        )


def sql_functions() -> dict[str, tuple[ArrowFunction, Sequence[str], str]]:
    """SQL name -> (function, parameter types, return type)."""
    binomial = ("BIGINT", "BIGINT", "DOUBLE")
    elementwise: dict[str, tuple[str, ...]] = {
        "mcnemar_exact_p": ("BIGINT", "BIGINT"),
        "mcnemar_mid_p": ("BIGINT", "BIGINT"),
        "binomial_upper_p": binomial,
        "binomial_upper_mid_p": binomial,
        "binomial_two_sided_mid_p": binomial,
        "beta_quantile": ("DOUBLE", "DOUBLE", "DOUBLE"),
        "chi_squared_tail": ("DOUBLE", "BIGINT"),
    }
    return {
        **{
            name: (_elementwise(name, len(parameters)), parameters, "DOUBLE")
            for name, parameters in elementwise.items()
        },
        "sign_flip_p": (_sign_flip, ("BIGINT[]", "BIGINT", "BIGINT", "BIGINT"), "DOUBLE"),
        "cluster_bootstrap": (
            _cluster_bootstrap,
            ("BIGINT[][]", "BIGINT[]", "DOUBLE", "BIGINT", "BIGINT"),
            "DOUBLE[]",
        ),
    }


def _elementwise(name: str, arguments: int) -> ArrowFunction:
    """The function of that name in `exact`, on rows without NULL; NaN comes back as NULL."""

    def apply(*columns: pa.ChunkedArray) -> pa.Array:
        # Imported at the first call: most connections never compute anything, and scipy takes its time.
        from dagster_project.statistics import exact

        valid = np.logical_and.reduce([column.is_valid().to_numpy() for column in columns])
        result = np.full(len(columns[0]), np.nan)
        if valid.any():
            mask = pa.array(valid)
            result[valid] = getattr(exact, name)(*(column.filter(mask).to_numpy() for column in columns))
        return pa.array(result, type=pa.float64(), from_pandas=True)

    # DuckDB counts the parameters of what it is given, and counts `*columns` as one.
    if arguments == 2:
        return lambda first, second: apply(first, second)
    return lambda first, second, third: apply(first, second, third)


def _sign_flip(
    net: pa.ChunkedArray, exact_clusters: pa.ChunkedArray, draws: pa.ChunkedArray, seed: pa.ChunkedArray
) -> pa.Array:
    from dagster_project.statistics.sign_flip import sign_flip_p

    rows = zip(net, exact_clusters.to_pylist(), draws.to_pylist(), seed.to_pylist(), strict=True)
    results = [
        None if not values.is_valid else _null_if_nan(sign_flip_p(values.values.to_numpy(), *limits))
        for values, *limits in rows
    ]
    return pa.array(results, type=pa.float64())


def _cluster_bootstrap(
    cells: pa.ChunkedArray,
    points: pa.ChunkedArray,
    confidence: pa.ChunkedArray,
    draws: pa.ChunkedArray,
    seed: pa.ChunkedArray,
) -> pa.Array:
    """Each cell is one list: stratum, cluster, rated rank, reference rank, count."""
    from dagster_project.statistics.bootstrap import cluster_bootstrap

    results: list[list[float | None] | None] = []
    settings = zip(confidence.to_pylist(), draws.to_pylist(), seed.to_pylist(), strict=True)
    for group, scale, limits in zip(cells, points, settings, strict=True):
        if not group.is_valid or not scale.is_valid or not len(group.values):
            results.append(None)
            continue
        rows = group.values.flatten().to_numpy().reshape(-1, 5)
        rank_points = scale.values.to_numpy()
        clusters, positions = np.unique(rows[:, 1], return_inverse=True)
        strata = np.zeros(clusters.size, dtype=np.int64)
        strata[positions] = rows[:, 0]
        tables = np.zeros((clusters.size, rank_points.size, rank_points.size), dtype=np.int64)
        np.add.at(tables, (positions, rows[:, 2], rows[:, 3]), rows[:, 4])
        intervals = cluster_bootstrap(tables, rank_points, strata, *limits)
        results.append([_null_if_nan(bound) for interval in intervals for bound in interval])
    return pa.array(results, type=pa.list_(pa.float64()))


def _null_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
