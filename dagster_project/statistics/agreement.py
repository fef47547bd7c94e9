"""Agreement between raters, from square tables of counts or from ratings with gaps.

What belongs here: kappa, Gwet's AC1 and AC2, Krippendorff's alpha, Stuart-Maxwell and Bowker. Functions of
tables take any leading dimensions `(..., q, q)`, rows the rated, columns the reference, so that a bootstrap
evaluates all its draws at once. What does not: the point estimates of the marts, which are SQL macros; the
bootstrap is what calls this module. The one trap: q is the number of values of the *scale*, also of those
that nobody used; take it from the table's shape and never drop an empty row.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from dagster_project.statistics.exact import chi_squared_tail

Floats = npt.NDArray[np.float64]
Weights = Literal["identity", "linear", "quadratic"]
Metric = Literal["nominal", "ordinal", "interval"]


def agreement_weights(categories: int, weights: Weights = "identity") -> Floats:
    """Weights of shape (q, q): 1 on the diagonal, falling with the distance of the ranks."""
    ranks = np.arange(categories)
    distance = np.abs(ranks[:, None] - ranks[None, :])
    if weights == "identity":
        return (distance == 0).astype(np.float64)
    share = distance / max(categories - 1, 1)
    return 1.0 - (share if weights == "linear" else share**2)


def raw_agreement(table: npt.ArrayLike) -> Floats:
    """Share on the diagonal; NaN for an empty table."""
    counts = np.asarray(table, dtype=np.float64)
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def cohens_kappa(table: npt.ArrayLike, weights: Weights = "identity") -> Floats:
    """Cohen's kappa, or the weighted one; NaN if chance alone agrees everywhere."""
    counts = np.asarray(table, dtype=np.float64)
    weight = agreement_weights(counts.shape[-1], weights)
    total = counts.sum(axis=(-2, -1))
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    observed = _ratio((counts * weight).sum(axis=(-2, -1)), total)
    expected = _ratio(np.einsum("...k,kl,...l->...", rows, weight, columns), total**2)
    return _ratio(observed - expected, 1.0 - expected)


def gwet_ac(table: npt.ArrayLike, weights: Weights = "identity") -> Floats:
    """Gwet's AC1 (identity weights) or AC2; q is the table's width. NaN for an empty table or q < 2."""
    counts = np.asarray(table, dtype=np.float64)
    categories = counts.shape[-1]
    weight = agreement_weights(categories, weights)
    total = counts.sum(axis=(-2, -1))
    mean_share = _ratio(counts.sum(axis=-1) + counts.sum(axis=-2), 2.0 * total[..., None])
    observed = _ratio((counts * weight).sum(axis=(-2, -1)), total)
    spread = (mean_share * (1.0 - mean_share)).sum(axis=-1)
    expected = weight.sum() * spread / (categories * max(categories - 1, 1))
    return _ratio(observed - expected, 1.0 - expected)


def alpha_from_table(table: npt.ArrayLike, metric: Metric = "nominal") -> Floats:
    """Krippendorff's alpha of two raters without gaps."""
    counts = np.asarray(table, dtype=np.float64)
    return alpha_from_coincidences(counts + np.swapaxes(counts, -1, -2), metric)


def alpha_from_coincidences(coincidences: npt.ArrayLike, metric: Metric = "nominal") -> Floats:
    """Krippendorff's alpha from a symmetric coincidence matrix (..., q, q); NaN if all values are equal.

    The ordinal distance uses cumulative frequencies (Krippendorff 2011), which is not irrCAC's "ordinal"
    weighting.
    """
    pairs = np.asarray(coincidences, dtype=np.float64)
    values = pairs.sum(axis=-1)
    total = values.sum(axis=-1)
    distance = _squared_distance(values, metric)
    observed = (pairs * distance).sum(axis=(-2, -1))
    expected = np.einsum("...k,...l,...kl->...", values, values, distance)
    return 1.0 - _ratio((total - 1.0) * observed, expected)


def coincidences_of(ratings: npt.ArrayLike, categories: int) -> Floats:
    """Coincidence matrix of `ratings` (raters, units), ranks 0 to q - 1 with NaN for a gap.

    A unit with fewer than two ratings pairs with nothing and drops out.
    """
    counts = _rating_counts(ratings, categories)
    raters = counts.sum(axis=1)
    pairable = counts[raters >= 2]
    share = 1.0 / (raters[raters >= 2] - 1.0)
    off = np.einsum("u,uk,ul->kl", share, pairable, pairable)
    return off - np.diag(np.einsum("u,uk->k", share, pairable))


def krippendorff_alpha(ratings: npt.ArrayLike, categories: int, metric: Metric = "nominal") -> float:
    """Krippendorff's alpha of any number of raters with gaps; see `coincidences_of` for the shape."""
    return float(alpha_from_coincidences(coincidences_of(ratings, categories), metric))


def gwet_ac_raters(ratings: npt.ArrayLike, categories: int, weights: Weights = "identity") -> float:
    """Gwet's AC1 or AC2 of any number of raters with gaps; see `coincidences_of` for the shape.

    Agreement is the mean over units that two or more rated; chance uses every unit that anybody rated.
    """
    counts = _rating_counts(ratings, categories)
    raters = counts.sum(axis=1)
    weight = agreement_weights(categories, weights)
    rated, paired = raters >= 1, raters >= 2
    weighted = counts @ weight
    per_unit = (counts * (weighted - 1.0)).sum(axis=1)[paired] / (raters * (raters - 1.0))[paired]
    if per_unit.size == 0:
        return float("nan")
    mean_share = (counts[rated] / raters[rated][:, None]).mean(axis=0)
    spread = float((mean_share * (1.0 - mean_share)).sum())
    expected = float(weight.sum()) * spread / (categories * max(categories - 1, 1))
    return float(_ratio(np.asarray(per_unit.mean() - expected), np.asarray(1.0 - expected)))


def stuart_maxwell(table: npt.ArrayLike) -> tuple[float, int, float]:
    """Marginal homogeneity of one (q, q) table: chi-square, degrees of freedom, p.

    A value that neither rater used is dropped first. NaN if nothing is left or the covariance is singular.
    """
    counts = np.asarray(table, dtype=np.float64)
    used = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    counts = counts[np.ix_(used, used)]
    degrees = counts.shape[0] - 1
    if degrees < 1:
        return float("nan"), 0, float("nan")
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    difference = (rows - columns)[:-1]
    covariance = -(counts + counts.T)
    np.fill_diagonal(covariance, rows + columns - 2.0 * np.diag(counts))
    covariance = covariance[:-1, :-1]
    if np.linalg.matrix_rank(covariance) < degrees:
        return float("nan"), degrees, float("nan")
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    return statistic, degrees, float(chi_squared_tail(statistic, degrees))


def bowker(table: npt.ArrayLike) -> tuple[float, int, float]:
    """Bowker's symmetry test of one (q, q) table: chi-square, degrees of freedom, p; NaN if all agree."""
    counts = np.asarray(table, dtype=np.float64)
    upper = np.triu_indices(counts.shape[0], 1)
    above, below = counts[upper], counts.T[upper]
    discordant = above + below > 0
    degrees = int(discordant.sum())
    if degrees == 0:
        return float("nan"), 0, float("nan")
    gaps = (above - below)[discordant] ** 2 / (above + below)[discordant]
    statistic = float(gaps.sum())
    return statistic, degrees, float(chi_squared_tail(statistic, degrees))


def _rating_counts(ratings: npt.ArrayLike, categories: int) -> Floats:
    """Counts (units, q) of each value in each unit."""
    values = np.asarray(ratings, dtype=np.float64)
    return np.stack([(values == rank).sum(axis=0) for rank in range(categories)], axis=1).astype(np.float64)


def _squared_distance(values: Floats, metric: Metric) -> Floats:
    """Krippendorff's squared distances (..., q, q) for the value frequencies (..., q)."""
    ranks = np.arange(values.shape[-1])
    if metric == "nominal":
        return np.broadcast_to(ranks[:, None] != ranks[None, :], (*values.shape, values.shape[-1])).astype(
            np.float64
        )
    if metric == "interval":
        squared = (ranks[:, None] - ranks[None, :]).astype(np.float64) ** 2
        return np.broadcast_to(squared, (*values.shape, values.shape[-1]))
    # The sum from c to k less half of both ends is the difference of mid-cumulative frequencies.
    middle = values.cumsum(axis=-1) - values / 2.0
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Division that answers NaN for a zero denominator (to rounding error) instead of raising."""
    safe = np.abs(denominator) > 1e-12
    return np.where(safe, numerator / np.where(safe, denominator, 1.0), np.nan)
