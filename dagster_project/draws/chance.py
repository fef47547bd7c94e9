"""Chance without a generator: a number for every id, from a hash of the seed and the id.

Belongs here: draw numbers and fingerprints. The one trap: a sequence of random numbers depends on the order
of the rows; a hash of the id doesn't, so the same seed gives the same draw whatever order rows arrive in.
"""

import hashlib
import json
import math
from collections.abc import Iterable

SEED_MAX = 2**63 - 1
_NUMBERS = 2**64


def fingerprint(document: object) -> str:
    """The sha256 of a JSON-ready document, in hex; mappings are taken in the order of their keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def draw_number(seed: int, *key: str) -> int:
    """A whole number from 0 to 2**64 - 1 that only the seed and the key decide."""
    return int(fingerprint([seed, *key])[:16], 16)


def weighted_rank(seed: int, weight: float, *key: str) -> float:
    """A number whose lowest values make a sample without replacement, with chances in proportion to weight.

    Efraimidis and Spirakis (2006), "Weighted random sampling with a reservoir": -ln(u) / weight.
    """
    chance = (draw_number(seed, *key) + 1) / (_NUMBERS + 1)
    return -math.log(chance) / weight


def seed_from_frame(frame_hash: str) -> int:
    """The seed where nobody named one: nobody can choose it, and the same frame gives it again."""
    return int(frame_hash[:8], 16)


def in_draw_order(seed: int, purpose: str, ids: Iterable[str]) -> list[str]:
    """The ids by their draw numbers for `purpose`; equal numbers, if ever, by the id."""
    return sorted(ids, key=lambda one: (draw_number(seed, purpose, one), one))
