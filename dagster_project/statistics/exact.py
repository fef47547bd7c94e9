"""Exact tails and quantiles that SQL has no function for.

What belongs here: vectorised probabilities of one count, one proportion or one chi-square, by
`scipy.special` (`scipy.stats` says the same but takes seconds to import). What does not: anything that needs
a list per row (see `sign_flip`, `bootstrap`) and anything SQL can do (Wilson, Bonett-Price,
Benjamini-Hochberg are macros). The one trap: a two-sided mid-p is twice the one-sided mid-p, so it can pass 1
in the middle of the distribution and has to be capped.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def mcnemar_exact_p(lenient: npt.ArrayLike, harsh: npt.ArrayLike) -> Floats:
    """Two-sided exact McNemar (sign) test on the discordant counts; arrays of any one shape.

    The binomial test of `lenient` in `lenient + harsh` at one half. NaN where nothing is discordant: there
    is no evidence either way, which is not the same as p = 1.
    """
    b, c = _counts(lenient), _counts(harsh)
    p = 2.0 * _cdf(np.minimum(b, c), b + c, 0.5)
    return np.where(b + c == 0, np.nan, np.minimum(p, 1.0))


def mcnemar_mid_p(lenient: npt.ArrayLike, harsh: npt.ArrayLike) -> Floats:
    """Two-sided mid-p McNemar test (Fagerland, Lydersen and Laake 2013); NaN where nothing is discordant."""
    b, c = _counts(lenient), _counts(harsh)
    smaller = np.minimum(b, c)
    one_sided = _cdf(smaller, b + c, 0.5) - 0.5 * _pmf(smaller, b + c, 0.5)
    return np.where(b + c == 0, np.nan, np.minimum(2.0 * one_sided, 1.0))


def binomial_upper_p(count: npt.ArrayLike, total: npt.ArrayLike, probability: npt.ArrayLike) -> Floats:
    """P(X >= count) for X ~ Binomial(total, probability); NaN where the total is zero."""
    k, n = _counts(count), _counts(total)
    return np.where(n == 0, np.nan, _upper(k, n, np.asarray(probability, dtype=np.float64)))


def binomial_upper_mid_p(count: npt.ArrayLike, total: npt.ArrayLike, probability: npt.ArrayLike) -> Floats:
    """P(X > count) + P(X = count) / 2 for X ~ Binomial(total, probability); NaN where the total is zero."""
    k, n = _counts(count), _counts(total)
    p = np.asarray(probability, dtype=np.float64)
    return np.where(n == 0, np.nan, _upper(k, n, p) - 0.5 * _pmf(k, n, p))


def binomial_two_sided_mid_p(
    count: npt.ArrayLike, total: npt.ArrayLike, probability: npt.ArrayLike
) -> Floats:
    """Twice the smaller one-sided mid-p, capped at 1; NaN where the total is zero."""
    k, n = _counts(count), _counts(total)
    p = np.asarray(probability, dtype=np.float64)
    smaller = np.minimum(_cdf(k, n, p), _upper(k, n, p)) - 0.5 * _pmf(k, n, p)
    return np.where(n == 0, np.nan, np.minimum(2.0 * smaller, 1.0))


def beta_quantile(probability: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike) -> Floats:
    """Quantile of Beta(alpha, beta).

    A parameter of zero is the limit, not an error: all mass at 0 (alpha = 0) or at 1 (beta = 0).
    """
    q = np.asarray(probability, dtype=np.float64)
    a, b = np.asarray(alpha, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    safe_a, safe_b = np.where(a > 0, a, 1.0), np.where(b > 0, b, 1.0)
    inside = special.betaincinv(safe_a, safe_b, q)
    result = np.where(a <= 0, 0.0, np.where(b <= 0, 1.0, inside))
    return np.where(np.isnan(a) | np.isnan(b) | np.isnan(q), np.nan, result)


def chi_squared_tail(statistic: npt.ArrayLike, degrees: npt.ArrayLike) -> Floats:
    """P(chi-square with `degrees` >= `statistic`); NaN where there is no degree of freedom."""
    x, df = np.asarray(statistic, dtype=np.float64), np.asarray(degrees, dtype=np.float64)
    return np.where(df > 0, special.chdtrc(np.where(df > 0, df, 1.0), x), np.nan)


def _cdf(count: Ints, total: Ints, probability: Floats | float) -> Floats:
    """P(X <= count) as an incomplete beta function; 1 at the total."""
    below = count < total
    rest = np.where(below, total - count, 1)
    inside = special.betainc(rest, np.where(below, count, 0) + 1.0, 1.0 - np.asarray(probability))
    return np.where(below, inside, 1.0)


def _upper(count: Ints, total: Ints, probability: Floats | float) -> Floats:
    """P(X >= count), without the cancellation of 1 - P(X < count)."""
    above = count > 0
    inside = special.betainc(np.where(above, count, 1), np.where(above, total - count, 0) + 1.0, probability)
    return np.where(above, inside, 1.0)


def _pmf(count: Ints, total: Ints, probability: Floats | float) -> Floats:
    log_ways = (
        special.gammaln(total + 1.0) - special.gammaln(count + 1.0) - special.gammaln(total - count + 1.0)
    )
    return np.asarray(
        np.exp(log_ways + special.xlogy(count, probability) + special.xlog1py(total - count, -probability))
    )


def _counts(values: npt.ArrayLike) -> Ints:
    return np.asarray(values, dtype=np.int64)
