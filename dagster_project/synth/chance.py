"""Repeatable chance: every draw is a hash of the seed, a stream name and the number of the thing drawn for.

A draw does not depend on the order of the work, on how much was drawn before, or on the random generator of
a library version, so any quarter can be generated alone and again. Distributions beyond the uniform, the
rough normal and the exponential do not belong here. The one trap: two draws with the same stream name and
the same key are the same number, so every question asked of chance needs a stream name of its own.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Chance:
    """All draws of one seed."""

    seed: int

    def _bits(self, stream: str, keys: ArrayLike) -> NDArray[np.uint64]:
        offset = np.uint64(
            int.from_bytes(blake2b(f"{self.seed}/{stream}".encode(), digest_size=8).digest(), "little")
        )
        # The finaliser of splitmix64, applied twice because the keys are small consecutive numbers.
        with np.errstate(over="ignore"):
            mixed = np.asarray(keys, dtype=np.int64).astype(np.uint64) * _GOLDEN + offset
            for _ in range(2):
                mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
                mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
                mixed = mixed ^ (mixed >> np.uint64(31))
        return mixed

    def uniform(self, stream: str, keys: ArrayLike) -> Floats:
        """Numbers in [0, 1), one per key."""
        return (self._bits(stream, keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def pick(self, stream: str, keys: ArrayLike, count: ArrayLike) -> Ints:
        """Whole numbers from 0 to count - 1, one per key; `count` may differ by key."""
        return (self.uniform(stream, keys) * np.asarray(count)).astype(np.int64)

    def happens(self, stream: str, keys: ArrayLike, probability: ArrayLike) -> NDArray[np.bool_]:
        """True with the given probability, one per key."""
        return self.uniform(stream, keys) < np.asarray(probability)

    def normal(self, stream: str, keys: ArrayLike) -> Floats:
        """Roughly standard normal numbers (four 16-bit uniforms summed), one per key, within 3.5."""
        bits = self._bits(stream, keys)
        total = np.zeros(bits.shape, dtype=np.float64)
        for shift in (0, 16, 32, 48):
            total += ((bits >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64)
        return (total / 65536.0 - 2.0) * np.sqrt(3.0)

    def exponential(self, stream: str, keys: ArrayLike, mean: float) -> Floats:
        """Exponential waiting times with the given mean, one per key."""
        return -np.log1p(-self.uniform(stream, keys)) * mean
