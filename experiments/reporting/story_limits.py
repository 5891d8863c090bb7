"""Limits in words: what the recommendation uses of each, and what one more unit of it would earn."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.reporting.searched import Front, Searched
from experiments.reporting.story import counted, listed, plus_minus
from experiments.reporting.words import METRIC_NAMES, amount_words, number, range_words
from experiments.searching.aims import METRICS, Kept, Limit
from experiments.searching.questions.shadow import ShadowPrice, a_customer

UNITS = {  # metric: one more unit of it, as many units as that is
    "spend": ("{} of budget", 1.0), "spend_discounted": ("{} of discounted spend per customer", 1.0),
    "hours": ("staff hour a week", 1.0), "messages": ("message a week to each customer", 1.0),
    "margin": ("percentage point of profit margin", 0.01), "revenue": ("{} of revenue", 1.0),
    "profit": ("{} of profit", 1.0), "n_order": ("order", 1.0), "n_mute": ("mute", 1.0), "n_delete": ("deletion", 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class LimitRow:
    """A limit in words: what is allowed, what the recommendation has, where it stands, what loosening it earns."""

    name: str
    meaning: str
    allowed: str
    used: str
    standing: str
    within: bool
    price: str


def name(metric: str) -> str:
    """``staff hours``."""
    return METRIC_NAMES.get(metric, metric)


def allowed(metric: str, limit: Limit, currency: str) -> str:
    """``at most 40 hours a week``."""
    parts = [
        f"{words} {bound:,.6g}" if metric.startswith("n_") else f"{words} {amount_words(metric, bound, currency)}"
        for words, bound in (("at most", limit.at_most), ("at least", limit.at_least))
        if bound is not None
    ]
    return " and ".join(parts)


def rows(searched: Searched, currency: str) -> list[LimitRow]:
    """All limits with the recommended policy's standing on the holdout seeds."""
    found = []
    for kept in searched.winner.limits:
        metric, limit = kept.metric, searched.limits[kept.metric]
        prices = [_price_words(p, searched, currency) for p in searched.prices if p.metric == metric]
        spread = range_words(metric, kept.low, kept.high, currency)
        found.append(
            LimitRow(
                name=name(metric),
                meaning=METRICS[metric].meaning,
                allowed=allowed(metric, limit, currency),
                used=f"{amount_words(metric, kept.mean, currency)}\n95 % interval {spread}",
                standing=_standing(kept),
                within=kept.kept,
                price=" ".join(prices) or "not asked",
            )
        )
    return found


def _standing(kept: Kept) -> str:
    if kept.sure:
        return "kept" if kept.kept else "broken"
    return "kept, within the noise" if kept.kept else "broken, within the noise"


def kept(searched: Searched, currency: str) -> tuple[str, ...]:
    """Whether the limits are kept, in a sentence."""
    limits = searched.winner.limits
    if not limits:
        return ()
    broken = [k for k in limits if not k.kept]
    if broken:
        where = [
            f"{name(k.metric)} of {amount_words(k.metric, k.mean, currency)} where "
            f"{allowed(k.metric, searched.limits[k.metric], currency)} is allowed"
            for k in broken
        ]
        return (f"It breaks {counted(len(broken), 'limit')} on the holdout seeds: {listed(where)}.",)
    text = f"On the holdout seeds it keeps {'the limit' if len(limits) == 1 else f'all {len(limits)} limits'}: "
    each = [f"{name(k.metric)} {amount_words(k.metric, k.mean, currency)} "
            f"({allowed(k.metric, searched.limits[k.metric], currency)})" for k in limits]  # fmt: skip
    unsure = [name(k.metric) for k in limits if not k.sure]
    noise = f", {listed(unsure)} by no more than the noise" if unsure else ""
    return (f"{text}{listed(each)}{noise}.",)


# -- prices -----------------------------------------------------------------------------------------------------------


def prices(searched: Searched, currency: str) -> tuple[str, ...]:
    """What one more unit of each limit earns, a sentence each; limits that do not bind in one."""
    idle = [p for p in searched.prices if not p.binding and not _is_broken(p, searched)]
    told = [_price_words(p, searched, currency) for p in searched.prices if p not in idle]
    if idle:
        names = list(dict.fromkeys(name(p.metric) for p in idle))
        what, do = ("The limit on", "does") if len(names) == 1 else ("The limits on", "do")
        told.append(f"{what} {listed(names)} {do} not bind: more would earn nothing.")
    return tuple(told)


def _is_broken(price: ShadowPrice, searched: Searched) -> bool:
    return any(k.metric == price.metric and not k.kept for k in searched.winner.limits)


def _price_words(price: ShadowPrice, searched: Searched, currency: str) -> str:
    """``One more CNY of budget earns 1.4 CNY (1.3 to 1.5).``"""
    if not price.binding or not price.told:
        if _is_broken(price, searched) or price.binding:
            return f"What more of {name(price.metric)} would earn could not be told."
        return "Does not bind: more would earn nothing."
    unit, scale = UNITS[price.metric]
    least = searched.limits[price.metric].at_least == price.limit
    more = "less required" if least else "more"
    mean, low, high = (number(scale * value) for value in (price.price, price.low, price.high))
    per = f"{currency} of CLV" if a_customer(price.metric) else currency
    head = f"One {unit.format(currency)} {more}" if least else f"One more {unit.format(currency)}"
    own = " beyond its own cost" if price.metric in ("spend", "spend_discounted") and not least else ""
    text = f"{head} earns {mean} {per}{own} ({low} to {high})"
    return f"{text}, which cannot be told from nothing." if price.low <= 0 <= price.high else f"{text}."


# -- fronts -----------------------------------------------------------------------------------------------------------


def front_words(metric: str, front: Front, currency: str) -> str:
    """Both ends of a front in a sentence."""
    first, last = front.points[0], front.points[-1]
    what = name(metric)
    if len(front.points) == 1:
        return (
            f"One policy is best at every amount of {what}: {plus_minus(first.uplift)} {currency} per customer at "
            f"{amount_words(metric, first.amount, currency)}."
        )
    return (
        f"From {plus_minus(first.uplift)} {currency} per customer at {amount_words(metric, first.amount, currency)} to "
        f"{plus_minus(last.uplift)} at {amount_words(metric, last.amount, currency)}; the status quo has "
        f"{amount_words(metric, front.status_quo, currency)}."
    )
