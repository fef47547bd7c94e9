"""Percentile intervals by resampling whole assessments within their stratum.

What belongs here: the seeded cluster bootstrap of kappa, AC1, alpha and the relative gap, which have no
closed form once answers are clustered. What does not: intervals of rates, which are cluster-adjusted Wilson
in SQL. The one trap: draws are weights on clusters (how often each is taken), so clusters must arrive in a
fixed order for a seed to mean the same thing twice; this module sorts them itself.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dagster_project.statistics.agreement import alpha_from_table, cohens_kappa, gwet_ac

# At most this many weights are held at once (64 MB of doubles).
_WEIGHTS_HELD = 8_000_000


class Interval(NamedTuple):
    """A lower and an upper bound; NaN where fewer than two draws give the statistic."""

    low: float
    high: float


class BootstrapIntervals(NamedTuple):
    """Percentile intervals of one group of assessments."""

    kappa: Interval
    ac1: Interval
    alpha: Interval
    gap_relative: Interval


def cluster_bootstrap(
    tables: npt.ArrayLike,
    rank_points: npt.ArrayLike,
    strata: npt.ArrayLike,
    confidence: float = 0.95,
    draws: int = 2_000,
    seed: int = 20_180_101,
) -> BootstrapIntervals:
    """Percentile intervals from `draws` resamples of the clusters within each stratum.

    `tables` (C, q, q) holds each cluster's counts (rows rated, columns reference), `rank_points` (q,) the
    points of each value of the scale, `strata` (C,) any sortable label. Alpha is ordinal. The order of
    clusters never matters. A draw that leaves a statistic undefined is left out of its percentiles.
    """
    counts = np.asarray(tables, dtype=np.int64)
    points = np.asarray(rank_points, dtype=np.float64)
    clusters, categories = counts.shape[0], counts.shape[-1]
    labels = np.unique(np.asarray(strata), return_inverse=True)[1].reshape(-1)
    drawn = _resampled_sums(np.column_stack([labels, counts.reshape(clusters, -1)]), draws, seed)
    drawn = drawn.reshape(draws, categories, categories)
    rated, reference = drawn.sum(axis=2) @ points, drawn.sum(axis=1) @ points
    relative = np.where(reference > 0, rated / np.where(reference > 0, reference, 1.0) - 1.0, np.nan)
    tail = (1.0 - confidence) / 2.0
    return BootstrapIntervals(
        kappa=_percentiles(cohens_kappa(drawn), tail),
        ac1=_percentiles(gwet_ac(drawn), tail),
        alpha=_percentiles(alpha_from_table(drawn, "ordinal"), tail),
        gap_relative=_percentiles(relative, tail),
    )


def _resampled_sums(rows: npt.NDArray[np.int64], draws: int, seed: int) -> npt.NDArray[np.float64]:
    """Sums (draws, columns - 1) of `rows` over a resample of each stratum (the first column)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    # Clusters alike within a stratum are drawn as one: an assessment with one rating has at most four tables.
    kinds, kind_counts = np.unique(rows, axis=0, return_counts=True)
    starts = np.flatnonzero(np.diff(kinds[:, 0])) + 1
    values = kinds[:, 1:].astype(np.float64)
    sums = np.zeros((draws, values.shape[1]), dtype=np.float64)
    for members, counts in zip(np.split(values, starts), np.split(kind_counts, starts), strict=True):
        size = int(counts.sum())
        step = max(1, _WEIGHTS_HELD // counts.size)
        for start in range(0, draws, step):
            stop = min(start + step, draws)
            taken = generator.multinomial(size, counts / size, size=stop - start)
            # Whole numbers well under 2^53: the product is exact in whatever order it is summed.
            sums[start:stop] += taken.astype(np.float64) @ members
    return sums


def _percentiles(values: npt.NDArray[np.float64], tail: float) -> Interval:
    defined = values[~np.isnan(values)]
    if defined.size < 2:
        return Interval(math.nan, math.nan)
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return Interval(float(low), float(high))
