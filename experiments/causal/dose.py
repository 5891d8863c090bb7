"""Dose: from what being sent a coupon or message did to what the world calls its effect.

The world's coupon works on those alone who mean to use it, in proportion to their price sensitivity and its depth, and
until it is used. Of logs with redemptions both unknowns can be told: how many would use it, and how strongly it pulls.
For a trial pair the world's own formulas say how many of the sent would order within the window and how many would
redeem; the pair that comes nearest to what was measured is the answer (method of moments).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.special import expit, logit
from scipy.stats import chi2

from experiments.causal.effect import Estimate
from experiments.causal.orders import Floats
from experiments.data.logs import Ints

REFERENCE_DEPTH = 0.10  # assumed depth of a logged coupon that says none
NODES = 9  # of the quadrature over price sensitivity
LEVELS = 200  # quantiles that stand for all untouched chances of a campaign's receivers
FARTHEST = 60.0  # log-odds per unit of depth; beyond is separation
FARTHEST_SHIFT = 8.0  # log-odds; beyond, everybody or nobody orders
MODEL_ERROR = 0.15  # of an effect; even hazards within a window and minimum spends leave errors of this size
LEAST_FIT = 1e-6  # campaigns that fit one effect worse than this do not share one


@dataclass(frozen=True)
class CouponWave:
    """What was measured of one kind of coupon.

    Attributes
    ----------
    depth, days : of the coupon, and of its window.
    untouched, usable : chance of an order within the window without it, and share of orders that reach its minimum
        spend, of each of those who stand for all who were sent it.
    excess, redeemed : effect on the share who ordered within the window, and share who redeemed.
    """

    depth: float
    days: int
    untouched: Floats
    usable: Floats
    excess: float
    redeemed: float


@dataclass(frozen=True)
class CouponDose:
    """The world's coupon effect per unit of depth, and the share of receivers who mean to use one.

    ``fits`` is the probability of campaigns at least as unlike each other if one effect moves them all; 1 for a single
    campaign.
    """

    effect: Estimate
    take_up: Estimate
    fits: float


def daily_log_odds(excess: float, untouched: Floats, days: Floats) -> float:
    """Shift of everybody's log-odds to order on a day, until the first order, that makes this excess.

    Parameters
    ----------
    excess : difference that being sent something made to the share who order within the window.
    untouched, days : chance of each to order within the window anyway, and its length.
    """
    anyway = np.clip(untouched, 1e-5, 1 - 1e-5)
    daily = logit(1 - (1 - anyway) ** (1 / days))

    def missed(shift: float) -> float:
        return float((1 - (1 - expit(daily + shift)) ** days - anyway).mean() - excess)

    if missed(-FARTHEST_SHIFT) >= 0 or missed(FARTHEST_SHIFT) <= 0:
        return math.copysign(FARTHEST_SHIFT, excess)
    return float(brentq(missed, -FARTHEST_SHIFT, FARTHEST_SHIFT, xtol=1e-8))


def log_odds(excess: Estimate, untouched: Floats, days: Floats) -> Estimate:
    """:func:`daily_log_odds` of an estimate, with its standard error."""
    keep = thinned(untouched)
    chances, lengths = untouched[keep], days[keep]
    step = max(excess.sd, 1e-9)
    at = [daily_log_odds(excess.mean + k * step, chances, lengths) for k in (-1, 0, 1)]
    return Estimate(at[1], (at[2] - at[0]) / 2)


def coupon_dose(measured: list[CouponWave], covariance: Floats, price_sensitivity_sd: float) -> CouponDose:
    """Effect and take-up that explain all coupons best.

    Parameters
    ----------
    covariance : of the measurements in the order excess, redeemed, excess, redeemed, … Shape (2 k, 2 k).
    price_sensitivity_sd : log-sd of price sensitivity between customers, as the scenario has it.
    """
    sensitivity, weight = _sensitivities(price_sensitivity_sd)
    found = np.array([value for wave in measured for value in (wave.excess, wave.redeemed)])
    # Shrunk to its diagonal a little, for moments that go together nearly perfectly.
    spread = covariance + np.diag(np.maximum(0.02 * np.diag(covariance), 1e-12))
    white = np.linalg.inv(np.linalg.cholesky(spread))

    def residuals(pair: Floats) -> Floats:
        take_up = float(expit(pair[1]))
        told = np.array([m for wave in measured for m in moments(wave, pair[0], take_up, sensitivity, weight)])
        missed: Floats = white @ (found - told)
        return missed

    bounds = ([-FARTHEST, logit(0.005)], [FARTHEST, logit(0.995)])
    tries = [
        least_squares(residuals, [start, logit(share)], bounds=bounds, x_scale=[1.0, 0.3])
        for start, share in ((0.0, 0.5), (5.0, 0.25))
    ]
    best = min(tries, key=lambda fit: fit.cost)
    spare = len(found) - 2
    # Campaigns that are less alike than chance makes them: that much wider (Birge 1932).
    unlike = math.sqrt(max(2 * best.cost / spare, 1.0)) if spare > 0 else 1.0
    sd = unlike * np.sqrt(np.diag(np.linalg.pinv(best.jac.T @ best.jac)))
    take_up = float(expit(best.x[1]))
    return CouponDose(
        effect=Estimate(float(best.x[0]), math.hypot(float(sd[0]), MODEL_ERROR * float(best.x[0]))),
        take_up=Estimate(take_up, float(sd[1]) * take_up * (1 - take_up)),
        fits=float(chi2.sf(2 * best.cost, spare)) if spare > 0 else 1.0,
    )


def moments(
    wave: CouponWave, effect: float, take_up: float, sensitivity: Floats, weight: Floats
) -> tuple[float, float]:
    """Excess share who order within the window and share who redeem, by the world's formulas (``Purchase._pull``)."""
    means_to = 1 - (1 - take_up) ** sensitivity
    daily = 1 - (1 - np.clip(wave.untouched, 1e-6, 1 - 1e-6)) ** (1 / wave.days)
    pulled = expit(logit(daily)[:, None] + effect * wave.depth * np.outer(wave.usable, sensitivity))
    orders = 1 - (1 - pulled) ** wave.days
    excess = ((orders - wave.untouched[:, None]) * (means_to * weight)).sum(axis=1).mean()
    used = 1 - (1 - pulled * wave.usable[:, None]) ** wave.days  # an order below the minimum leaves the coupon in hand
    redeemed = (used * (means_to * weight)).sum(axis=1).mean()
    return float(excess), float(redeemed)


def _sensitivities(sd: float) -> tuple[Floats, Floats]:
    """Values of price sensitivity and their weights."""
    z, weight = np.polynomial.hermite_e.hermegauss(NODES)
    return np.exp(sd * z), weight / weight.sum()


def thinned(chances: Floats) -> Ints:
    """Places of evenly spaced ones of the chances in order, to stand for all of them."""
    order = np.argsort(chances, kind="stable")
    keep: Ints = order[np.linspace(0, len(order) - 1, min(LEVELS, len(order))).astype(np.int64)]
    return keep


def per_depth(effect: Estimate, rate: float, price_sensitivity_sd: float) -> CouponDose:
    """Of campaigns without depth: what the mean log-odds over all who were sent one are per unit of assumed depth.

    Parameters
    ----------
    rate : share who redeemed, taken for the share who mean to; 0 < rate < 1.
    """
    sensitivity, weight = _sensitivities(price_sensitivity_sd)

    def means_to(take_up: float) -> Floats:
        shares: Floats = weight * (1 - (1 - take_up) ** sensitivity)
        return shares

    take_up = float(brentq(lambda t: float(means_to(t).sum()) - rate, 1e-9, 1 - 1e-9))
    scale = float((means_to(take_up) * sensitivity).sum()) * REFERENCE_DEPTH
    spread = Estimate(effect.mean / scale, effect.sd / scale)
    return CouponDose(spread, Estimate(take_up, math.nan), 1.0)


def message_dose(effect: Estimate, *, days: int, half_life_days: float, seen: float) -> Estimate:
    """Effect on the day of a message that is seen by a rested buyer, from the mean effect over ``days`` days.

    Parameters
    ----------
    seen : what arrives of a pull: receptivity times freshness times the share who see or answer it.
    """
    fading = float(np.mean(2.0 ** (-np.arange(days) / half_life_days)))
    scale = fading * seen
    if scale <= 0:
        return Estimate(math.nan, math.nan)
    return Estimate(effect.mean / scale, effect.sd / scale)
