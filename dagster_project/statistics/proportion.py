"""Intervals of one proportion, for the few places that do not compute in the database.

What belongs here: the Python twin of the macro `wilson_interval`. The one trap: the marts never use this; a
figure that is published is computed in one place only.
"""

import math

from scipy import special


def wilson_interval(count: int, total: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson (1927) score interval of `count` in `total`; None for a total of zero."""
    if total == 0:
        return None
    z = float(special.ndtri((1 + confidence) / 2))
    centre = count + z * z / 2
    half = z * math.sqrt(count * (total - count) / total + z * z / 4)
    low = 0.0 if count == 0 else (centre - half) / (total + z * z)
    high = 1.0 if count == total else (centre + half) / (total + z * z)
    return low, high
