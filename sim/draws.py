"""Addressed draws: luck that is a pure function of (seed, decision, day, key).

There are no streams and no order: asking twice gives the same number, asking for one customer more changes nobody
else's. A word is the output ``key + 1`` of SplitMix64 (Steele, Lea and Flood 2014, constants as published; finaliser
variant 13 of Stafford 2011) whose state is a hash of (seed, decision, day). Decisions are made only as ``u < p`` or
through an inverse distribution function, so that raising p never undoes an event.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, SplitMix64's increment (Steele, Lea & Flood 2014, fig. 16)
MIX_1 = 0xBF58476D1CE4E5B9  # Stafford's variant 13, first multiplier
MIX_2 = 0x94D049BB133111EB  # Stafford's variant 13, second multiplier
_MASK = (1 << 64) - 1
_UNIT = 2.0**-52  # a 52-bit integer plus one half, times this, lies strictly between 0 and 1

# Made once: turning a Python number into one of NumPy's costs as much as using it on a hundred keys.
_INCREMENT, _MIX_1, _MIX_2 = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _FRACTION_SHIFT = (np.uint64(bits) for bits in (30, 27, 31, 12))
_ONE = np.float64(1.0).view(np.uint64)

# What the finaliser's last step may change: all below the upper 31 bits.
_UNSURE = (1 << 33) - 1

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


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
    return mix((_before_the_day(seed, decision) + GOLDEN * (day + 1)) & _MASK)


def _before_the_day(seed: int, decision: str) -> int:
    return mix(mix((seed + GOLDEN) & _MASK) ^ decision_code(decision))


def words(state: int, keys: Keys) -> Words:
    """Output number ``key + 1`` of SplitMix64 started at ``state``, for each key. Shape of ``keys``."""
    return _finish(_begun(state, keys))


def _begun(state: int, keys: Keys) -> Words:
    """What :func:`_finish` makes :func:`words` of."""
    z = _scrambled(keys)
    z += np.uint64((state + GOLDEN) & _MASK)
    return z


def _scrambled(keys: Keys) -> Words:
    """Keys times the increment: what the addresses of one customer have in common."""
    return keys.astype(np.int64, copy=False).view(np.uint64) * _INCREMENT


def _finish(z: Words) -> Words:
    """SplitMix64's finaliser, in place."""
    return _last_step(_all_but_the_last_step(z))


def _all_but_the_last_step(z: Words) -> Words:
    t = z >> _SHIFT_1
    z ^= t
    z *= _MIX_1
    np.right_shift(z, _SHIFT_2, out=t)
    z ^= t
    z *= _MIX_2
    return z


def _last_step(z: Words) -> Words:
    """The step that leaves the upper 31 bits as they are."""
    z ^= z >> _SHIFT_3
    return z


def _between_0_and_1(z: Words) -> Floats:
    """(the upper 52 bits + 1/2) / 2^52, in place. Exact: the bits become the fraction of a number from 1 to 2."""
    z >>= _FRACTION_SHIFT
    z |= _ONE
    u = z.view(np.float64)
    u -= 1.0 - _UNIT / 2
    return u


class Draws:
    """All the luck of one replicate.

    Parameters
    ----------
    seed : the replicate's seed, any integer; the same seed means the same luck in every arm.
    """

    __slots__ = ("_decisions", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)
        self._decisions: dict[str, int] = {}

    def _address(self, decision: str, day: int) -> int:
        """:func:`address`, of which the part that the day does not change is kept."""
        word = self._decisions.get(decision)
        if word is None:
            word = self._decisions[decision] = _before_the_day(self.seed, decision)
        return mix((word + GOLDEN * (day + 1)) & _MASK)

    def uniform(self, decision: str, day: int, keys: Keys) -> Floats:
        """Uniform numbers strictly inside (0, 1), one for each key."""
        return _between_0_and_1(words(self._address(decision, day), keys))

    def uniforms(self, decisions: Sequence[str], day: int, keys: Keys) -> Floats:
        """:meth:`uniform` of several decisions at once, shape (decisions, keys): for few keys it costs hardly more."""
        starts = np.array([(self._address(name, day) + GOLDEN) & _MASK for name in decisions], np.uint64)
        return _between_0_and_1(_finish(starts[:, None] + _scrambled(keys)))

    def uniform_on(self, decision: str, days: Keys, keys: Keys) -> Floats:
        """:meth:`uniform` with a day for each key. Shape of ``keys``."""
        first, last = int(days.min(initial=0)), int(days.max(initial=0))
        starts = np.array([self._address(decision, day) for day in range(first, last + 1)], np.uint64)
        z = _scrambled(keys) + starts[days - first]
        z += _INCREMENT
        return _between_0_and_1(_finish(z))

    def below(self, decision: str, day: int, keys: Keys, p: float) -> tuple[NDArray[np.intp], Floats]:
        """Positions of the keys whose uniform number is below ``p``, ascending, and these numbers.

        The same as comparing :meth:`uniform`, without turning everybody's bits into numbers.
        """
        # (n + 1/2) / 2^52 < p just when the whole number n is below ceil(2^52 p - 1/2); the shift drops 12 bits.
        limit = math.ceil(min(max(p, 0.0), 1.0) / _UNIT - 0.5) << 12
        if limit == 0:
            return np.empty(0, np.intp), np.empty(0)
        z = _all_but_the_last_step(_begun(self._address(decision, day), keys))
        # The step that is missing moves lower bits alone: it is made where the upper ones leave it open.
        (near,) = (z <= np.uint64((limit - 1) | _UNSURE)).nonzero()
        z = _last_step(z[near])
        (sure,) = (z <= np.uint64(limit - 1)).nonzero()
        near, z = near[sure], z[sure]
        return near, _between_0_and_1(z)

    def normal(self, decision: str, day: int, keys: Keys) -> Floats:
        """Standard normal numbers by the inverse distribution function, one for each key."""
        z: Floats = ndtri(self.uniform(decision, day, keys))
        return z

    def one(self, decision: str, day: int = 0, key: int = 0) -> float:
        """A single uniform number, equal to ``uniform`` of an array that holds this key."""
        word = mix((self._address(decision, day) + GOLDEN * (key + 1)) & _MASK)
        return ((word >> 12) + 0.5) * _UNIT
