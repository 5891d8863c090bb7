"""Addressed draws: published answers, one number at a time or many, and independence along every part of the address.

Seeds are fixed, so a test gives the same answer for ever; its false-alarm rate is that of the seeds chosen when it was
written: ALARM for each family of tests together (Bonferroni). Each family has a negative control that must fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sim.draws import Draws, address, decision_code, words

ALARM = 1e-4  # chance that a family of tests would have failed by bad luck when it was written
N = 1 << 16
KEYS = np.arange(N, dtype=np.int64)

Uniforms = NDArray[np.float64]
Source = Callable[[int, str, int, NDArray[np.int64]], Uniforms]


def ours(seed: int, decision: str, day: int, keys: NDArray[np.int64]) -> Uniforms:
    return Draws(seed).uniform(decision, day, keys)


def weyl(seed: int, decision: str, day: int, keys: NDArray[np.int64]) -> Uniforms:
    """Negative control: evenly spread and no luck at all."""
    return (0.6180339887498949 * (keys + 17.0 * day + 31.0 * seed + len(decision))) % 1.0


def coarse(seed: int, decision: str, day: int, keys: NDArray[np.int64]) -> Uniforms:
    """Negative control: a good generator that forgets the day and the decision."""
    return np.random.default_rng(seed).random(int(keys.max()) + 1)[keys]


def uniformity(source: Source) -> list[float]:
    """p-values of chi-square tests in 256 cells and of Kolmogorov-Smirnov tests, for several addresses."""
    found = []
    for seed, decision, day in [(0, "purchase", 0), (1, "purchase", 1), (2**63, "lapse", -1), (7, "trait.rate", 3659)]:
        u = source(seed, decision, day, KEYS)
        cells = np.bincount((u * 256).astype(int), minlength=256)
        chi2 = float(((cells - N / 256) ** 2).sum() / (N / 256))
        # Two-sided: numbers that are too even are no luck either.
        found.append(2 * min(stats.chi2.sf(chi2, 255), stats.chi2.cdf(chi2, 255)))
        found.append(float(stats.kstest(u, "uniform").pvalue))
    return found


def dependence(source: Source) -> list[float]:
    """p-values of independence of pairs of draws whose addresses differ in one part: correlation and 16 x 16 cells."""
    base = source(5, "purchase", 30, KEYS)
    neighbours = {
        "next decision": source(5, "basket", 30, KEYS),
        "similar decision": source(5, "purchase.", 30, KEYS),
        "next day": source(5, "purchase", 31, KEYS),
        "next week": source(5, "purchase", 37, KEYS),
        "next key": source(5, "purchase", 30, KEYS + 1),
        "key of a channel": source(5, "purchase", 30, KEYS + (1 << 14)),
        "next seed": source(6, "purchase", 30, KEYS),
        "next seed, day before": source(6, "purchase", 29, KEYS),
        "key and day against each other": source(5, "purchase", 31, KEYS[::-1].copy()),
    }
    found = []
    for other in neighbours.values():
        r = float(np.corrcoef(base, other)[0, 1])
        found.append(2 * stats.norm.sf(abs(r) * N**0.5))
        cells = np.bincount((base * 16).astype(int) * 16 + (other * 16).astype(int), minlength=256)
        chi2 = float(((cells - N / 256) ** 2).sum() / (N / 256))
        found.append(2 * min(stats.chi2.sf(chi2, 255), stats.chi2.cdf(chi2, 255)))
    return found


# -- known answers --------------------------------------------------------------------------------------------------


def test_words_are_the_published_splitmix64() -> None:
    """The first five outputs for state 1234567."""
    published = [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip
    assert words(1234567, np.arange(5, dtype=np.int64)).tolist() == published


def test_an_address_is_the_same_for_ever() -> None:
    """Published results are to be had again, so these numbers may never change."""
    digest = hashlib.blake2b(b"purchase", digest_size=8).digest()
    assert decision_code("purchase") == int.from_bytes(digest, "little") == 0x6B51759CC0F9D4EF
    assert address(1, "purchase", 30) == 0x7516957F432047DF
    assert Draws(1).one("purchase", 30, 5) == 0.23084969646272568


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize("day", [-200, -1, 0, 1, 3659])
def test_one_is_uniform_of_one(seed: int, day: int) -> None:
    keys = np.array([0, 1, -1, 999, (1 << 40) + 7, (9 << 40) + 1, 2**62], dtype=np.int64)
    draws = Draws(seed)
    assert draws.uniform("purchase", day, keys).tolist() == [draws.one("purchase", day, int(key)) for key in keys]


def test_draws_in_bulk_are_the_same_draws() -> None:
    draws, keys = Draws(4), np.array([5, 0, -1, (3 << 40) + 1, 77, 78], dtype=np.int64)
    both = draws.uniforms(("trait.rate", "lapse"), 8, keys)
    assert np.array_equal(both, [draws.uniform(name, 8, keys) for name in ("trait.rate", "lapse")])
    days = np.array([3, -20, 3, 0, 9, -1])
    theirs = [draws.one("lapse", int(day), int(key)) for day, key in zip(days, keys, strict=True)]
    assert draws.uniform_on("lapse", days, keys).tolist() == theirs


def test_below_is_a_comparison() -> None:
    """Strictly below, to the last bit, whatever the limit."""
    draws, keys = Draws(4), np.arange(500, dtype=np.int64)
    u = draws.uniform("lapse", 2, keys)
    edges = [limit for x in u[:50] for limit in (x, np.nextafter(x, 0), np.nextafter(x, 1))]
    for p in [0.0, 1.0, -0.1, 1.1, 0.3, 2.0**-53, 1e-300, *edges]:
        at, numbers = draws.below("lapse", 2, keys, float(p))
        assert np.array_equal(at, np.flatnonzero(u < p))
        assert np.array_equal(numbers, u[at])


def test_a_draw_depends_on_its_address_alone() -> None:
    """Not on other keys, their order, how often one asks, or the shape of memory."""
    draws, keys = Draws(3), np.arange(1000, dtype=np.int64)
    whole = draws.uniform("lapse", 9, keys)
    assert np.array_equal(whole, draws.uniform("lapse", 9, keys))
    assert np.array_equal(whole[::-1], draws.uniform("lapse", 9, keys[::-1]))
    assert np.array_equal(whole[::7], draws.uniform("lapse", 9, keys[::7]))
    assert np.array_equal(whole[500:], draws.uniform("lapse", 9, keys[500:]))
    assert np.array_equal(keys, np.arange(1000)), "keys are not written to"


def test_draws_lie_strictly_between_nought_and_one() -> None:
    """The least and the greatest word that there are give numbers whose logarithm and quantile are finite."""
    least, greatest = 0.5 * 2.0**-52, (2**52 - 1 + 0.5) * 2.0**-52
    assert 0 < least < greatest < 1
    u = ours(0, "x", 0, np.arange(1 << 18, dtype=np.int64))
    assert least <= u.min() < 1e-4
    assert 1 - 1e-4 < u.max() <= greatest


# -- statistics -----------------------------------------------------------------------------------------------------


def test_draws_are_uniform() -> None:
    p = uniformity(ours)
    assert min(p) > ALARM / len(p)


def test_uniformity_is_tested_at_all() -> None:
    p = uniformity(weyl)
    assert min(p) < ALARM / len(p)


def test_draws_of_different_addresses_are_independent() -> None:
    p = dependence(ours)
    assert min(p) > ALARM / len(p)


@pytest.mark.parametrize("bad", [weyl, coarse])
def test_independence_is_tested_at_all(bad: Source) -> None:
    p = dependence(bad)
    assert min(p) < ALARM / len(p)


def test_the_days_of_one_customer_are_independent() -> None:
    """One key over many days: uniform, and no day like the one before."""
    p = []
    for key in (0, 1, (1 << 40) + 5):
        u = np.array([Draws(11).one("purchase", day, key) for day in range(20_000)])
        p.append(float(stats.kstest(u, "uniform").pvalue))
        for lag in (1, 7, 28):
            r = float(np.corrcoef(u[:-lag], u[lag:])[0, 1])
            p.append(2 * stats.norm.sf(abs(r) * (len(u) - lag) ** 0.5))
    assert min(p) > ALARM / len(p)


def test_every_bit_of_an_address_matters() -> None:
    """A step in seed, day or decision turns over half of the 64 bits: mean 32, standard error 4 / 64."""
    changed = []
    for seed in range(2048):
        a = address(seed, "purchase", 3)
        changed += [(a ^ b).bit_count() for b in (address(seed + 1, "purchase", 3), address(seed, "purchase", 4))]
    z = (np.mean(changed) - 32) / (4 / len(changed) ** 0.5)
    assert abs(z) < stats.norm.isf(ALARM / 2)
    assert min(changed) > 4


def test_normal_draws_are_normal() -> None:
    z = Draws(2).normal("trait.rate", 0, KEYS)
    assert stats.kstest(z, "norm").pvalue > ALARM
    assert stats.kstest(z + 0.03, "norm").pvalue < ALARM, "negative control: a small shift is seen"


def test_raising_a_probability_only_adds() -> None:
    """The rule u < p: whoever is chosen at a low p is chosen at every higher one."""
    u = Draws(4).uniform("purchase", 1, KEYS)
    chosen = [set(np.flatnonzero(u < p).tolist()) for p in (0.0, 0.01, 0.1, 0.5, 1.0)]
    assert all(a <= b for a, b in pairwise(chosen))
    assert (len(chosen[0]), len(chosen[-1])) == (0, N)
