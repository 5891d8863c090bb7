"""Addressed draws: luck that is a pure function of (seed, decision, day, key).

There are no streams and no order: asking twice gives the same number, asking for one customer more changes nobody
else's. A word is the output ``key + 1`` of SplitMix64 (Steele, Lea and Flood 2014, constants as published; finaliser
variant 13 of Stafford 2011) whose state is a hash of (seed, decision, day). Decisions are made only as ``u < p`` or
through an inverse distribution function, so that raising p never undoes an event.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, SplitMix64's increment (Steele, Lea & Flood 2014, fig. 16)
MIX_1 = 0xBF58476D1CE4E5B9  # Stafford's variant 13, first multiplier
MIX_2 = 0x94D049BB133111EB  # Stafford's variant 13, second multiplier
_MASK = (1 << 64) - 1
_UNIT = 2.0**-52  # a 52-bit integer plus one half, times this, lies strictly between 0 and 1

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


def mix(word: int) -> int:
    """SplitMix64's finaliser on one 64-bit integer."""
    word = ((word ^ (word >> 30)) * MIX_1) & _MASK
    word = ((word ^ (word >> 27)) * MIX_2) & _MASK
    return word ^ (word >> 31)


@lru_cache(maxsize=4096)
def decision_code(decision: str) -> int:
    """64-bit code of a decision's name: the first eight bytes of its BLAKE2b digest, little-endian."""
    return int.from_bytes(hashlib.blake2b(decision.encode(), digest_size=8).digest(), "little")


def address(seed: int, decision: str, day: int) -> int:
    """State of the generator for one (seed, decision, day). ``day`` may be negative (before the run)."""
    word = mix((seed + GOLDEN) & _MASK)
    word = mix(word ^ decision_code(decision))
    return mix((word + GOLDEN * (day + 1)) & _MASK)


def words(state: int, keys: Keys) -> NDArray[np.uint64]:
    """Output number ``key + 1`` of SplitMix64 started at ``state``, for each key. Shape of ``keys``."""
    z = keys.astype(np.uint64)
    z += np.uint64(1)
    z *= np.uint64(GOLDEN)
    z += np.uint64(state)
    t = z >> np.uint64(30)
    z ^= t
    z *= np.uint64(MIX_1)
    np.right_shift(z, np.uint64(27), out=t)
    z ^= t
    z *= np.uint64(MIX_2)
    np.right_shift(z, np.uint64(31), out=t)
    z ^= t
    return z


class Draws:
    """All the luck of one replicate.

    Parameters
    ----------
    seed : the replicate's seed, any integer; the same seed means the same luck in every arm.
    """

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def uniform(self, decision: str, day: int, keys: Keys) -> Floats:
        """Uniform numbers strictly inside (0, 1), one for each key."""
        z = words(address(self.seed, decision, day), keys)
        z >>= np.uint64(12)
        u = z.view(np.int64).astype(np.float64)  # signed conversion has a vector instruction, unsigned has not
        u += 0.5
        u *= _UNIT
        return u

    def normal(self, decision: str, day: int, keys: Keys) -> Floats:
        """Standard normal numbers by the inverse distribution function, one for each key."""
        z: Floats = ndtri(self.uniform(decision, day, keys))
        return z

    def one(self, decision: str, day: int = 0, key: int = 0) -> float:
        """A single uniform number, equal to ``uniform`` of an array that holds this key."""
        word = mix((address(self.seed, decision, day) + GOLDEN * (key + 1)) & _MASK)
        return ((word >> 12) + 0.5) * _UNIT
