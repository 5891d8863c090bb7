"""Effects of what the operator did that logs can tell, each with the placebo that it has to pass.

Touches that say when, to whom and how much are studied kind by kind (``causal.touches``): by the chances that a lot
gave, else doubly robust and by differences. Campaigns of which only periods and targets are known are studied by
differences below. Campaigns go to customers who differ from the rest, so a plain comparison measures whom the operator
chose; the placebo, the same estimate one window earlier, shows whether what is left moves by itself. An effect whose
placebo is not zero is refused: the caller then uses a cited prior and says so.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.causal.differences import conditional_logit, least_squares, overlaps, stack
from experiments.causal.effect import UNKNOWN, Effect, Estimate, Refutation, Segment, Z, verdict_of
from experiments.causal.threads import one_thread
from experiments.data.logs import Logs
from sim.errors import DataError

if TYPE_CHECKING:
    from agents.scenario import Scenario

__all__ = [
    "Effect", "Estimate", "Refutation", "Segment", "estimate_effects", "logged_effects", "naive_spend_effects",
    "redemption_rates", "robust_effects", "spend_effects",
]  # fmt: skip

HISTORY = ("visits_history", "spend_history")


def logged_effects(logs: Logs, *, cut_off_day: int, scenario: Scenario) -> dict[str, Effect]:
    """Every effect that the logs tell or refuse to tell, with its size as an effect of the scenario.

    Returns
    -------
    By kind of touch the estimate that stands, or the first that was refused, and under ``kind, method`` the others;
    coupons of campaigns that say no depth by kind of campaign. Nothing after ``cut_off_day`` is used.
    """
    _kinds(logs, cut_off_day)
    logs = logs.until(cut_off_day)
    issued = None if logs.touches is None else logs.touches[logs.touches["kind"] == "coupon_issued"]
    deep = issued is not None and bool(issued["depth"].notna().any())
    found = {} if deep else _campaigns_in_world(logs, cut_off_day=cut_off_day, scenario=scenario)
    if logs.touches is None:
        return found
    return dict(sorted({**found, **_touches_in_world(logs, cut_off_day, scenario, coupons=not found)}.items()))


@one_thread()
def _touches_in_world(logs: Logs, cut_off_day: int, scenario: Scenario, *, coupons: bool) -> dict[str, Effect]:
    """Effects of touches by kind, those that do not stand under ``kind, method``; of coupons only if asked."""
    from experiments.causal.in_world import in_world
    from experiments.causal.touches import KINDS, best, study

    found = {}
    for kind in KINDS:
        if kind == "coupon_issued" and not coupons:
            continue
        studies = study(logs, kind, cut_off_day=cut_off_day)
        first = best(studies)
        for one in studies:
            effect = in_world(one, logs, scenario)
            name = kind if one is first else f"{kind}, {effect.method}"
            found[name] = replace(effect, name=name)
    return found


def _campaigns_in_world(logs: Logs, *, cut_off_day: int, scenario: Scenario) -> dict[str, Effect]:
    """Campaigns without depth: the effect per unit of an assumed depth on those who mean to use a coupon.

    Redemption rates of windows of weeks are taken for the shares who mean to.
    """
    from experiments.causal.dose import REFERENCE_DEPTH, per_depth

    effects = estimate_effects(logs, cut_off_day=cut_off_day)
    rates = redemption_rates(logs, cut_off_day=cut_off_day).set_index("kind")["rate"]
    found = {}
    for name, effect in effects.items():
        rate = float(rates.get(name, 0.0))
        if not effect.passed or not 0 < rate < 1:
            found[name] = replace(effect, replaces="coupon")
            continue
        dose = per_depth(Estimate(effect.mean, effect.sd), rate, scenario.traits.price_sensitivity_sd)
        about = f"per unit of depth at a take-up of {rate:.1%} and an assumed depth of {REFERENCE_DEPTH:.0%}"
        found[name] = replace(
            effect, replaces="coupon", in_world=dose.effect.mean, in_world_sd=dose.effect.sd,
            take_up=dose.take_up.mean, source=f"{effect.source}; {about}",
        )  # fmt: skip
    return found


def estimate_effects(logs: Logs, *, cut_off_day: int) -> dict[str, Effect]:
    """Effect of each kind of campaign on the daily visit log-odds of a targeted customer; ``{}`` without campaigns.

    Difference in differences with a free level per customer (``differences.conditional_logit``) over the first four
    weeks of a campaign, or all of a shorter one, against as many days before. Nothing after ``cut_off_day`` is used.
    """
    effects = {}
    for kind in _kinds(logs, cut_off_day):
        real, placebo = (stack(logs, kind, cut_off_day=cut_off_day, placebo=pretended) for pretended in (False, True))
        estimates = conditional_logit(real), conditional_logit(placebo)
        effects[kind] = _judged(kind, real, *estimates, scale="logit", source=_source(logs, real, cut_off_day))
    return effects


def spend_effects(logs: Logs, *, cut_off_day: int) -> dict[str, Effect]:
    """Effect on a targeted customer's weekly spend, by the same differences; for comparison, no world uses it.

    Differences in currency suppose that everybody's spend moves by the same amount with the season. Where it moves in
    proportion, heavy shoppers move more, and the placebo says so; log-odds of visits do not share this weakness.
    """
    effects = {}
    for kind in _kinds(logs, cut_off_day):
        frames = [stack(logs, kind, cut_off_day=cut_off_day, placebo=pretended) for pretended in (False, True)]
        real, placebo = (_spend_change(rows) for rows in frames)
        source = _source(logs, frames[0], cut_off_day)
        effects[kind] = _judged(kind, frames[0], real, placebo, scale="currency_per_week", source=source)
    return effects


def _spend_change(rows: pd.DataFrame) -> Estimate | None:
    return None if rows.empty else least_squares(rows, rows["spend_after"] - rows["spend_before"], overlaps(rows))


def robust_effects(logs: Logs, *, cut_off_day: int) -> dict[str, Effect]:
    """Effect on a targeted customer's weekly spend, doubly robust differences in differences by DoubleML.

    Changes of spend are compared between targeted and other customers of like history (Sant'Anna & Zhao 2020).

    Raises
    ------
    DataError : when the extra ``causal`` is not installed.
    """
    from experiments.causal.doubly_robust import robust_change

    effects = {}
    for kind in _kinds(logs, cut_off_day):
        frames = [stack(logs, kind, cut_off_day=cut_off_day, placebo=pretended) for pretended in (False, True)]
        real, placebo = (
            None if rows.empty else robust_change(rows, rows["spend_after"] - rows["spend_before"], HISTORY)
            for rows in frames
        )
        source = _source(logs, frames[0], cut_off_day, method="doubly robust differences (DoubleML)")
        judged = _judged(kind, frames[0], real, placebo, scale="currency_per_week", source=source)
        effects[kind] = replace(judged, method="doubly robust")
    return effects


def naive_spend_effects(logs: Logs, *, cut_off_day: int) -> dict[str, Effect]:
    """What a regression of weekly spend on targeting and earlier visits and spend claims: the number to distrust.

    Its placebo is the same regression on the window before the campaigns, with the same controls, which end before it.
    It never passes: it is there to show how far selection alone goes.
    """
    effects = {}
    for kind in _kinds(logs, cut_off_day):
        rows = stack(logs, kind, cut_off_day=cut_off_day)
        real, placebo = (
            least_squares(rows, rows[name], HISTORY) if len(rows) else None for name in ("spend_after", "spend_before")
        )
        source = _source(logs, rows, cut_off_day, method="regression on 13 weeks of history")
        judged = _judged(kind, rows, real, placebo, scale="currency_per_week", source=source)
        claims = f"{judged.mean:+.3g} ± {judged.sd:.2g}; one window earlier {judged.placebo_mean:+.3g}"
        effects[kind] = replace(judged, passed=False, verdict=f"not used: a regression claims {claims}")
    return effects


def redemption_rates(logs: Logs, *, cut_off_day: int | None = None) -> pd.DataFrame:
    """Share of targeted customers who redeemed at least one coupon of a campaign, by kind of campaign.

    Parameters
    ----------
    cut_off_day : count only campaigns that ended by this day; None counts all.

    Returns
    -------
    ``kind``, ``n`` (campaign and customer pairs), ``redeemed``, ``rate``, and the 95 % Wilson interval ``low``,
    ``high`` for as many independent pairs as these are worth: one customer's answers to several campaigns are alike.
    """
    names = ["kind", "n", "redeemed", "rate", "low", "high"]
    if logs.campaigns is None:
        return pd.DataFrame(columns=names)
    rows = logs.campaigns if cut_off_day is None else logs.campaigns[logs.campaigns["end_day"] <= cut_off_day]
    table = []
    for kind, group in rows.groupby("kind"):
        n, rate = len(group), float(group["redeemed"].mean())
        away = (group["redeemed"] - rate).groupby(group["customer"]).sum()
        alone = n * rate * (1 - rate)
        alike = max(float(np.square(away).sum()) / alone, 1.0) if alone > 0 else 1.0
        low, high = _wilson(rate, n / alike)
        table.append((kind, n, int(group["redeemed"].sum()), rate, low, high))
    return pd.DataFrame(table, columns=names)


def _wilson(rate: float, n: float) -> tuple[float, float]:
    centre = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _kinds(logs: Logs, cut_off_day: int) -> list[str]:
    if not 0 <= cut_off_day <= logs.last_day:
        cure = f"choose a day from 0 to {logs.last_day}"
        raise DataError("cut-off lies outside the logs", place=logs.name, value=cut_off_day, cure=cure)
    return [] if logs.campaigns is None else sorted(logs.campaigns["kind"].unique())


def _source(logs: Logs, rows: pd.DataFrame, cut_off_day: int, method: str = "difference in differences") -> str:
    campaigns = rows["campaign_id"].nunique() if len(rows) else 0
    return f"{method}, {campaigns} campaigns of {logs.name}, days 0 to {cut_off_day}"


def _judged(
    name: str, rows: pd.DataFrame, real: Estimate | None, placebo: Estimate | None, *, scale: str, source: str
) -> Effect:
    n = int(rows["targeted"].sum()) if len(rows) else 0
    passed, verdict = verdict_of(n, real, placebo)
    real, placebo = real or UNKNOWN, placebo or UNKNOWN
    return Effect(name, real.mean, real.sd, scale, n, placebo.mean, placebo.sd, passed, source, verdict)
