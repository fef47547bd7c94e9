"""The cluster sign-flip test: is the net leniency of whole assessments centred on zero?

What belongs here: one test, exact where clusters are few and by seeded draws where they are many. What does
not: how clusters are formed (that is SQL). The one trap: answers within an assessment move together, so the
unit that is flipped is the assessment, never the answer: golden example E16 is 0.125, where a test of single
answers would claim 0.003.
"""

import math

import numpy as np
import numpy.typing as npt


def sign_flip_p(
    net: npt.ArrayLike, exact_clusters: int = 20, draws: int = 9_999, seed: int = 20_180_101
) -> float:
    """Two-sided p of the sum of `net` (integers, one per cluster) when every sign is a fair coin.

    Clusters at zero carry no sign and are left out; ties count (>=). NaN if all are zero. Up to
    `exact_clusters` the whole distribution of the 2^C sums is built by convolution, in integers; beyond,
    `draws` sign vectors are drawn and p is (1 + hits) / (1 + draws). The order of `net` never matters.
    """
    values = np.abs(np.asarray(net, dtype=np.int64))
    values = values[values > 0]
    if values.size == 0:
        return math.nan
    observed = abs(int(np.asarray(net, dtype=np.int64).sum()))
    sizes, counts = np.unique(values, return_counts=True)
    if values.size <= exact_clusters:
        return _exact(sizes, counts, observed)
    return _drawn(sizes, counts, observed, draws, seed)


def sign_flip_one_sided_p(net: npt.ArrayLike) -> float:
    """Exact one-sided p that the sum is as large as seen; for up to 62 clusters that are not zero."""
    signed = np.asarray(net, dtype=np.int64)
    values = np.abs(signed[signed != 0])
    if values.size == 0:
        return math.nan
    sizes, counts = np.unique(values, return_counts=True)
    ways = _ways(sizes, counts)
    total = int((sizes * counts).sum())
    return float(ways[total + int(signed.sum()) :].sum()) / float(2**values.size)


def _ways(sizes: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many of the 2^C sign vectors give each sum from -S to S (index = sum + S)."""
    ways = np.ones(1, dtype=np.int64)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        for _ in range(count):
            longer = np.zeros(ways.size + 2 * size, dtype=np.int64)
            longer[: ways.size] += ways
            longer[2 * size :] += ways
            ways = longer
    return ways


def _exact(sizes: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], observed: int) -> float:
    clusters = int(counts.sum())
    if clusters > 62:
        raise ValueError(
            f"sign_flip_p was asked for an exact test of {clusters} clusters: integers hold at most 2^62 "
            "sign vectors. Set the policy sign_flip_exact_clusters to 62 or less."
        )
    ways = _ways(sizes, counts)
    total = int((sizes * counts).sum())
    sums = np.arange(-total, total + 1)
    return float(ways[np.abs(sums) >= observed].sum()) / float(2**clusters)


def _drawn(
    sizes: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    observed: int,
    draws: int,
    seed: int,
) -> float:
    # Clusters of one size are alike: how many of them keep their sign is one binomial draw, so the cost does
    # not grow with the number of clusters.
    generator = np.random.Generator(np.random.PCG64(seed))
    sums = np.zeros(draws, dtype=np.int64)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        sums += size * (2 * generator.binomial(count, 0.5, size=draws) - count)
    return float(1 + np.count_nonzero(np.abs(sums) >= observed)) / float(1 + draws)
