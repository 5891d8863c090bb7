"""In a world: what an estimate means on the scale of the scenario's effects, under the scenario's own assumptions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import expit, logit, ndtri

from agents.behaviours.attention import Attention
from agents.customers import Level
from agents.scenario import Scenario
from experiments.causal.comparison import Comparison, cross_predicted, folds_of, outcome_model
from experiments.causal.dose import (
    FARTHEST,
    LEAST_FIT,
    REFERENCE_DEPTH,
    CouponDose,
    CouponWave,
    coupon_dose,
    message_dose,
    thinned,
)
from experiments.causal.effect import PRIOR, Effect, Estimate
from experiments.causal.episodes import Episodes
from experiments.causal.orders import Diary, Floats
from experiments.causal.touches import DIFFERENCES, Studied, by_wave
from experiments.data.logs import Ints, Logs

RECALLED_DAYS = 28  # of messages for fatigue; older ones are forgotten at any half-life that is plausible
NODES = 7  # of quadratures over what customers differ in
FEWEST_PAIRS = 500  # assumed; fewer tell no spread


def in_world(studied: Studied, logs: Logs, scenario: Scenario) -> Effect:
    """The estimate with its size as the scenario's effect; without one where it stands for none or was refused."""
    effect = studied.effect
    if not effect.replaces or studied.comparison is None or not effect.passed:
        return effect
    if studied.kind == "coupon_issued":
        return _coupon(studied, studied.comparison, logs, scenario)
    attention = scenario.behaviours.get("attention", Attention())
    assert isinstance(attention, Attention)
    seen = _seen(studied.kind, studied.data, logs, scenario, attention)
    days = studied.data.waves[0].days
    found = message_dose(
        Estimate(effect.mean, effect.sd), days=days, half_life_days=attention.stimulus_half_life_days, seen=seen
    )
    source = f"{effect.source}; on the day, {seen:.2f} of a pull arriving under the scenario's receptivity and fatigue"
    return replace(effect, in_world=found.mean, in_world_sd=found.sd, source=source)


# -- coupons ----------------------------------------------------------------------------------------------------------


def _coupon(studied: Studied, found: Comparison, logs: Logs, scenario: Scenario) -> Effect:
    effect, data = studied.effect, studied.data
    if data.redeemed[data.sent == 1].sum() == 0:
        return replace(effect, passed=False, verdict=f"refused: no redemption was logged; {PRIOR}")
    measured, covariance = measure(data, found, logs, shared=effect.method == DIFFERENCES)
    dose = coupon_dose(measured, covariance, scenario.traits.price_sensitivity_sd)
    depths = sorted({wave.depth for wave in measured})
    assumed = not np.isfinite([wave.depth for wave in data.waves]).all()
    about = f"an assumed depth of {REFERENCE_DEPTH:.0%}" if assumed else f"depths of {_list(depths)}"
    source = f"{effect.source}; per unit of depth at {about} and a take-up of {dose.take_up.mean:.1%}"
    return _with_dose(replace(effect, source=source), dose)


def _with_dose(effect: Effect, dose: CouponDose) -> Effect:
    if dose.fits < LEAST_FIT:
        why = f"refused: coupons of different terms do not share one effect per unit of depth (p {dose.fits:.1g})"
        return replace(effect, passed=False, verdict=f"{why}; {PRIOR}")
    if not dose.effect.known or abs(dose.effect.mean) + dose.effect.sd > FARTHEST:
        return replace(
            effect,
            passed=False,
            verdict=f"refused: extra orders and logged redemptions fix no effect per unit of depth together; {PRIOR}",
        )
    return replace(effect, in_world=dose.effect.mean, in_world_sd=dose.effect.sd, take_up=dose.take_up.mean)


def _list(depths: list[float]) -> str:
    return ", ".join(f"{depth:.0%}" for depth in depths)


def measure(data: Episodes, found: Comparison, logs: Logs, *, shared: bool = False) -> tuple[list[CouponWave], Floats]:
    """Excess orders and redemptions by terms of the coupon, and their covariance, clustered by customer.

    ``shared``: the excesses are one estimate spread over all coupons, as differences give it, with one error.
    """
    terms = [(w.depth if w.depth == w.depth else REFERENCE_DEPTH, w.days, w.min_spend) for w in data.waves]
    kinds = sorted(set(terms))
    of = np.array([kinds.index(term) for term in terms])[data.wave]
    spread = unseen_spread(data)
    measured, influences = [], []
    for number, (depth, days, minimum) in enumerate(kinds):
        rows = of == number
        sent = rows & (found.sent == 1)
        n = sent.sum()
        if n == 0:
            continue
        excess, redeemed = found.of(rows).mean, float(data.redeemed[sent].mean())
        chances = np.clip(found.untouched[sent], 1e-5, 1 - 1e-5)
        keep = thinned(chances)
        reach = np.repeat(_reach(logs, minimum)[found.customer[sent]][keep], NODES)
        measured.append(CouponWave(depth, days, spread_out(chances[keep], spread), reach, excess, redeemed))
        influences += [found.influence(rows), np.where(sent, (data.redeemed - redeemed) / n, 0.0)]
    _, place = np.unique(found.customer, return_inverse=True)
    sums = np.array([np.bincount(place, influence) for influence in influences])
    if not shared:
        return measured, sums @ sums.T
    sums[::2] = 0.0
    errors = np.tile([found.effect.sd, 0.0], len(measured))  # one shift moves all coupons together
    return measured, sums @ sums.T + np.outer(errors, errors)


def _reach(logs: Logs, minimum: int) -> Floats:
    """Share of each customer's orders that reach a minimum, drawn to everybody's by as much as two orders weigh."""
    reaches = (logs.visits["gross"].to_numpy() >= minimum).astype(np.float64)
    customer = logs.visits["customer"].to_numpy()
    own, n = np.bincount(customer, reaches, logs.n_customers), np.bincount(customer, minlength=logs.n_customers)
    found: Floats = (own + 2 * reaches.mean()) / (n + 2)
    return found


def unseen_spread(data: Episodes) -> float:
    """Standard deviation, in log-odds, of how ready customers are to order beyond what their history tells.

    Two windows of one customer who was sent nothing go together beyond the predictions of both to the extent that such
    a difference lasts: E[r r'] is about sd² F (1 − F) F' (1 − F').
    """
    rows = np.isfinite(data.later) & (data.sent == 0)
    if rows.sum() < FEWEST_PAIRS:
        return 0.0
    part = data.where(rows)
    x, fold, every = np.column_stack([part.history, by_wave(part)]), folds_of(part.customer), np.ones(len(part), bool)
    now, then = (cross_predicted(outcome_model(), x, y, fold, every) for y in (part.ordered, part.later))
    together = ((part.ordered - now) * (part.later - then)).sum()
    return math.sqrt(max(float(together / (now * (1 - now) * then * (1 - then)).sum()), 0.0))


def spread_out(chances: Floats, sd: float) -> Floats:
    """Chances of customers who differ in log-odds by ``sd`` around each of these, with the same means."""
    z = ndtri((np.arange(NODES) + 0.5) / NODES)
    levels = logit(chances)[:, None] + sd / z.std() * z
    for _ in range(30):  # Newton: moves each row until its mean is the chance it began with
        told = expit(levels)
        levels += ((chances - told.mean(axis=1)) / np.maximum((told * (1 - told)).mean(axis=1), 1e-9))[:, None]
    found: Floats = expit(levels).ravel()
    return found


# -- messages ---------------------------------------------------------------------------------------------------------


def _seen(kind: str, data: Episodes, logs: Logs, scenario: Scenario, attention: Attention) -> float:
    """What arrives of a message's pull, mean over the sent: receptivity, freshness, who sees it, who answers."""
    rows = np.flatnonzero(data.sent == 1)
    customer = data.customer[rows]
    day = np.array([wave.day for wave in data.waves], np.int64)[data.wave[rows]]
    assert logs.touches is not None
    arrives = _freshness(customer, day, logs, scenario, attention)
    muted = Diary(logs.touches[logs.touches["kind"] == "mute"]).count(customer, 0 * day, day) > 0
    if kind == "message_advert":
        arrives = arrives * np.array(attention.advert_receptivity)[_levels(logs)[customer]]
    elif kind == "message_content":
        arrives = arrives * math.exp(scenario.traits.interest_sd**2 / 2)
    else:
        replies = Diary(logs.touches[logs.touches["kind"] == "reply"]).count(customer, day, day + 1) > 0
        arrives = arrives * replies * np.array(attention.chat_receptivity)[_levels(logs)[customer]]
    return float((arrives * np.where(muted, attention.muted_reach, 1.0)).mean())


def _levels(logs: Logs) -> Ints:
    """Trust level of each customer by the operator's tags; a buyer where there is none."""
    if "trust_level" not in logs.customers:
        return np.full(logs.n_customers, Level.BUYER)
    return logs.customers["trust_level"].fillna(Level.BUYER).to_numpy(np.int64)


def _freshness(customer: Ints, day: Ints, logs: Logs, scenario: Scenario, attention: Attention) -> Floats:
    """Share of a pull that fatigue by earlier messages leaves, mean over tolerances."""
    loads = {"message_advert": 1.0, "message_content": attention.content_load, "chat": attention.chat_load}
    fatigue = np.zeros(len(customer))
    assert logs.touches is not None
    for kind, load in loads.items():
        told = logs.touches[logs.touches["kind"] == kind]
        if len(told):
            diary = Diary(told)
            for back in range(1, RECALLED_DAYS + 1):
                weight = load * 2 ** (-back / attention.fatigue_half_life_days)
                fatigue += weight * diary.count(customer, np.maximum(day - back, 0), np.maximum(day - back + 1, 0))
    tolerance = np.exp(scenario.traits.tolerance_sd * ndtri((np.arange(NODES) + 0.5) / NODES))
    left: Floats = np.exp2(-fatigue[:, None] / (attention.fatigue_scale * tolerance)).mean(axis=1)
    return left
