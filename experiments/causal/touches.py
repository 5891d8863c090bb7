"""Touches: the effect of each kind of touch on orders, by every design that the logs allow, and which one stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from experiments.causal import doubly_robust as library
from experiments.causal.comparison import Comparison, Flags, compare, cross_predicted, folds_of, outcome_model
from experiments.causal.differences import conditional_logit
from experiments.causal.dose import log_odds
from experiments.causal.effect import (
    FEWEST_TARGETED,
    PRIOR,
    UNKNOWN,
    Effect,
    Estimate,
    Refutation,
    Segment,
    Z,
    verdict_of,
)  # fmt: skip
from experiments.causal.episodes import AFTERWARDS_DAYS, Episodes, episodes
from experiments.causal.orders import Floats
from experiments.causal.waves import waves
from experiments.data.logs import Ints, Logs

KINDS = {
    "coupon_issued": "coupon", "message_advert": "advert", "message_content": "content", "chat": "chat", "invite": "",
}  # fmt: skip
"""Kinds of touch that may have an effect on orders, and the effect of the scenario that each stands for."""

RANDOMISED, DIFFERENCES, DOUBLY_ROBUST = "randomised", "difference in differences", "doubly robust"
Z_REFUTE = 2.58  # two-sided 1 %: several refutations are tried, and chance alone should seldom refuse
LINGERS = 0.5  # assumed; an effect of which this much is left when it must be over is none
FEWEST_COMPARABLE = 0.3  # assumed; of those who were sent it, so many must be like somebody who was not
FEWEST_OTHERS = 100  # assumed; as many equal ones would weigh as much as those who were not sent it
SHARES_APART = 5  # shares of waves that differ by a fifth are taken for rules of their own; assumed
CONTRADICTS = 0.5  # assumed; designs with other assumptions may differ by less than this share of the effect
LARGEST_PLACEBO = 2.0  # assumed; a placebo wider than this against its estimate checks nothing

Estimator = Callable[[Floats, Floats, Floats, Flags], Comparison]  # outcome, sent, history, rows


@dataclass(frozen=True)
class Studied:
    """One kind of touch by one design.

    Attributes
    ----------
    kind, effect : of touch, and the estimate with its verdict.
    data : episodes that it stands on.
    comparison : per-row contributions; None for differences, which have none.
    """

    kind: str
    effect: Effect
    data: Episodes
    comparison: Comparison | None


def study(logs: Logs, kind: str, *, cut_off_day: int) -> list[Studied]:
    """Every estimate of a kind of touch that the logs allow, the most trusted first, each judged.

    A randomised one stands alone. Without one, each design assumes something else: the doubly robust one that targeting
    followed what the logs show, differences that those who were sent it would else have changed like the rest. Where
    both pass their own checks and contradict each other, neither stands.
    """
    found = waves(logs, kind, cut_off_day=cut_off_day)
    data = episodes(logs, kind, found, cut_off_day=cut_off_day) if found else None
    if data is None:
        return []
    source = f"{len(data.waves)} waves of {kind} in {logs.name}, days 0 to {cut_off_day}"
    drawn = np.isfinite(data.chance)
    if data.sent[drawn].sum() >= max(FEWEST_TARGETED, 0.5 * data.sent.sum()):
        return [_randomised(kind, data.where(drawn), source)]
    return _agreed([_doubly_robust(kind, data, source), _differences(kind, data, source)])


def best(studies: list[Studied]) -> Studied | None:
    """Of those that stand the most cautious, fewest errors from 0; the first where none does; None without any.

    What a design misses of how the operator chose makes effects out of nothing more often than the other way round.
    """
    passed = [one for one in studies if one.effect.passed]
    if not passed:
        return next(iter(studies), None)
    return min(passed, key=lambda one: abs(one.effect.mean) / one.effect.sd)


def _agreed(studies: list[Studied]) -> list[Studied]:
    if not all(one.effect.passed for one in studies):
        return studies
    a, b = (one.effect for one in studies)
    gap = abs(a.mean - b.mean)
    if gap <= max(Z_REFUTE * math.hypot(a.sd, b.sd), CONTRADICTS * max(abs(a.mean), abs(b.mean))):
        return studies
    why = f"{a.method} says {a.mean:+.3g} ± {a.sd:.2g}, {b.method} {b.mean:+.3g} ± {b.sd:.2g}"
    verdict = f"refused: {why}; {PRIOR}"
    return [replace(one, effect=replace(one.effect, passed=False, verdict=verdict)) for one in studies]


# -- designs ----------------------------------------------------------------------------------------------------------


def _randomised(kind: str, data: Episodes, source: str) -> Studied:
    def estimate(y: Floats, sent: Floats, x: Floats, rows: Flags) -> Comparison:
        return compare(y[rows], sent[rows], data.chance[rows], x[rows], data.customer[rows])

    return _judged(kind, RANDOMISED, data, estimate, f"augmented inverse propensities, {source}")


def _doubly_robust(kind: str, data: Episodes, source: str) -> Studied:
    source = f"augmented inverse propensities with learned chances (DoubleML), {source}"
    if not library.is_installed():
        return _refused(kind, DOUBLY_ROBUST, data, source, f"the package doubleml is missing; {library.CURE}")
    x = np.column_stack([data.history, by_wave(data)])
    chance, comparable = library.chances(x, data.sent, data.customer, alike(data))
    left = data.sent[comparable].sum()
    others = ((1 - data.sent) * chance / (1 - chance))[comparable]
    enough = others.sum() ** 2 / max(np.square(others).sum(), 1e-12)
    if left < max(FEWEST_TARGETED, FEWEST_COMPARABLE * data.sent.sum()) or enough < FEWEST_OTHERS:
        why = f"only {left:.0f} of {data.sent.sum():.0f} who were sent it are like some {enough:.0f} who were not"
        return _refused(kind, DOUBLY_ROBUST, data, source, why)
    data, chance = data.where(comparable), chance[comparable]

    def estimate(y: Floats, sent: Floats, x: Floats, rows: Flags) -> Comparison:
        return library.doubly_robust(y[rows], sent[rows], chance[rows], x[rows], data.customer[rows])

    return _judged(kind, DOUBLY_ROBUST, data, estimate, source)


def _differences(kind: str, data: Episodes, source: str) -> Studied:
    """Change from the window one shift earlier, against the change of the others; a free level for every customer."""
    x = np.column_stack([data.history, by_wave(data)])
    untouched = cross_predicted(outcome_model(), x, data.ordered, folds_of(data.customer), data.sent == 0)
    real = _excess(_changes(data, data.earlier, data.ordered), data, untouched)
    placebo = _excess(_changes(data, data.long_before, data.earlier), data, untouched)
    itt, before = (None if one is None else on_days(one, data.days) for one in (real, placebo))
    n = int(data.sent.sum())
    rows = np.isfinite(data.later)
    some = data.where(rows)
    later = _excess(_changes(some, some.earlier, some.later), some, untouched[rows])
    refutations = () if itt is None or later is None else (_lingers(itt, on_days(later, some.days)),)
    passed, verdict = verdict_of(n, itt, before, refutations)
    if passed and itt is not None and before is not None and before.sd > LARGEST_PLACEBO * itt.sd:
        passed, verdict = False, f"refused: its placebo is {before.sd / itt.sd:.1f} times as wide; {PRIOR}"
    itt, before = itt or UNKNOWN, before or UNKNOWN
    effect = Effect(
        name=kind, mean=itt.mean, sd=itt.sd, scale="logit", n=n, placebo_mean=before.mean, placebo_sd=before.sd,
        passed=passed, source=f"difference in differences, {source}", verdict=verdict, method=DIFFERENCES,
        replaces=KINDS[kind], refutations=refutations,
    )  # fmt: skip
    return Studied(kind, effect, data, real)


def _changes(data: Episodes, earlier: Floats, later: Floats) -> Estimate | None:
    """Effect on the log-odds of any order within the window."""
    rows = pd.DataFrame(
        {
            "customer": data.customer,
            "campaign_id": data.wave,
            "targeted": data.sent,
            "days": 1,
            "visits_before": earlier.astype(np.int64),
            "visits_after": later.astype(np.int64),
            "overlap_in_hand": data.in_hand,
        }
    )
    return conditional_logit(rows)


def _excess(found: Estimate | None, data: Episodes, untouched: Floats) -> Comparison | None:
    """What a shift of everybody's log-odds comes to in shares of the sent, whose levels differ as their histories do.

    The scores spread it over the sent as the shift would; their standard error is that of the shift.
    """
    if found is None:
        return None
    sent = data.sent == 1
    levels, share = logit(np.clip(untouched, 1e-5, 1 - 1e-5)), float(data.ordered[sent].mean())
    if not 0 < share < 1:
        return None

    def anyway(theta: float) -> Floats:
        """Chance of each without, such that with it as many order as did."""
        level = brentq(lambda c: float(expit(levels[sent] + c + theta).mean()) - share, -40, 40)
        found: Floats = expit(levels + level)
        return found

    without = anyway(found.mean)
    step = (anyway(found.mean - found.sd)[sent].mean() - anyway(found.mean + found.sd)[sent].mean()) / 2
    score = np.where(sent, expit(logit(without) + found.mean) - without, 0.0)
    return Comparison(
        Estimate(share - float(without[sent].mean()), float(step)), share, score, without, data.sent, data.customer
    )


def _refused(kind: str, method: str, data: Episodes, source: str, why: str) -> Studied:
    effect = Effect(
        name=kind, mean=math.nan, sd=math.nan, scale="logit", n=int(data.sent.sum()), placebo_mean=math.nan,
        placebo_sd=math.nan, passed=False, source=source, verdict=f"refused: {why}; {PRIOR}", method=method,
        replaces=KINDS[kind],
    )  # fmt: skip
    return Studied(kind, effect, data, None)


def shares(data: Episodes) -> Floats:
    """Share of its wave that was sent it, by row."""
    found: Floats = (np.bincount(data.wave, data.sent) / np.maximum(np.bincount(data.wave), 1))[data.wave]
    return np.clip(found, 0.01, 0.99)


def alike(data: Episodes) -> Ints:
    """Number of the rule by which each row's wave was sent, as far as terms and share tell rules apart.

    A rule of one campaign, learned together with another's, would be taken for something in between.
    """
    share = np.rint(shares(data) * SHARES_APART) / SHARES_APART
    kinds = [(w.depth if w.depth == w.depth else 0.0, w.min_spend, w.valid_days) for w in data.waves]
    table = np.column_stack([np.array(kinds, np.float64)[data.wave], share])
    _, rule = np.unique(table, axis=0, return_inverse=True)
    return rule.astype(np.int64)


def by_wave(data: Episodes) -> Floats:
    """What all of a wave share: how many were sent it, and how many of the others ordered within its window."""
    others = np.bincount(data.wave, (1 - data.sent) * data.ordered) / np.maximum(
        np.bincount(data.wave, 1 - data.sent), 1
    )
    return np.column_stack([shares(data), logit(np.clip(others[data.wave], 0.001, 0.999))])


# -- checks -----------------------------------------------------------------------------------------------------------


def _judged(kind: str, method: str, data: Episodes, estimate: Estimator, source: str) -> Studied:
    """An estimate with its placebo, refutations and segments."""
    every = np.ones(len(data), bool)
    levels = by_wave(data)
    now, then = (np.column_stack([x, levels]) for x in (data.history, data.before))
    real = estimate(data.ordered, data.sent, now, every)
    placebo = estimate(data.earlier, data.sent, then, every)
    itt, before = on_days(real, data.days), on_days(placebo, data.days)
    tried = (
        _afterwards(data, itt, estimate, now),
        _drawn_anew(data, now),
        _half(data, itt, estimate, now),
    )
    refutations = tuple(one for one in tried if one is not None)
    n = int(data.sent.sum())
    passed, verdict = verdict_of(n, itt, before, refutations)
    effect = Effect(
        name=kind, mean=itt.mean, sd=itt.sd, scale="logit", n=n, placebo_mean=before.mean, placebo_sd=before.sd,
        passed=passed, source=source, verdict=verdict, method=method, replaces=KINDS[kind], refutations=refutations,
        segments=_segments(data, real),
    )  # fmt: skip
    return Studied(kind, effect, data, real)


def _afterwards(data: Episodes, itt: Estimate, estimate: Estimator, x: Floats) -> Refutation | None:
    """The same two shifts later, over two weeks; None where the logs end before."""
    rows = np.isfinite(data.afterwards)
    if data.sent[rows].sum() < FEWEST_TARGETED or (1 - data.sent[rows]).sum() < FEWEST_TARGETED:
        return None
    found = estimate(data.afterwards, data.sent, x, rows)
    return _lingers(itt, on_days(found, np.full(rows.sum(), AFTERWARDS_DAYS)))


def _lingers(itt: Estimate, later: Estimate) -> Refutation:
    """Two shifts later it must be over: whom the operator chose would still differ, an effect would not.

    Orders that a coupon brought change a customer's later ones a little, so only what is clear and not small beside
    the effect refutes.
    """
    stays = abs(later.z) > Z and abs(later.mean) > LINGERS * abs(itt.mean)
    return Refutation("the same after it was over", later.mean, later.sd, not stays)


def _drawn_anew(data: Episodes, x: Floats) -> Refutation:
    """Who was sent it is drawn anew within each wave: there must be no effect. Its chances are the shares of waves."""
    luck = np.random.default_rng(1)
    sent = data.sent.copy()
    for number in np.unique(data.wave):
        rows = np.flatnonzero(data.wave == number)
        sent[rows] = luck.permutation(sent[rows])
    found = on_days(compare(data.ordered, sent, shares(data), x, data.customer), data.days)
    return Refutation("a random assignment in its place", found.mean, found.sd, abs(found.z) <= Z_REFUTE)


def _half(data: Episodes, itt: Estimate, estimate: Estimator, x: Floats) -> Refutation:
    """A random half of the customers must say the same within chance."""
    rows = (np.random.default_rng(2).random(int(data.customer.max()) + 1) < 0.5)[data.customer]
    found = on_days(estimate(data.ordered, data.sent, x, rows), data.days[rows])
    chance = math.sqrt(max(found.sd**2 - itt.sd**2, 1e-12))
    return Refutation("half of the customers", found.mean, found.sd, abs(found.mean - itt.mean) <= Z_REFUTE * chance)


def _segments(data: Episodes, found: Comparison) -> tuple[Segment, ...]:
    """The effect on thirds of the sent, by recency and by their own rate before."""
    parts = []
    for name, value in (("recency", data.recency), ("rate", data.rate)):
        low, high = np.quantile(value[data.sent == 1], [1 / 3, 2 / 3])
        for which, rows in (("low", value <= low), ("middle", (value > low) & (value <= high)), ("high", value > high)):
            n = int(data.sent[rows].sum())
            if n >= FEWEST_TARGETED:
                part = on_days(found, data.days, rows)
                parts.append(Segment(f"{name} {which}", n, part.mean, part.sd))
    return tuple(parts)


def on_days(found: Comparison, days: Ints, rows: Flags | None = None) -> Estimate:
    """An effect in probability as one on the log-odds of an order on a day."""
    part = found.effect if rows is None else found.of(rows)
    sent = (found.sent == 1) & (True if rows is None else rows)
    return log_odds(part, found.untouched[sent], days[sent].astype(np.float64))
