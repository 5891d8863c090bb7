"""Priors: what the literature says of effects that logs cannot tell, with its range and source.

The scenario's defaults (``agents.effects.Effects`` and the behaviours) lie within these ranges; a report shows the line
of every effect that it had to assume.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prior:
    """One parameter of the scenario.

    Attributes
    ----------
    parameter : its name in a scenario; the last part of an effect's is the effect's name.
    value : the scenario's default.
    low, high : range that the source, or its absence, leaves open.
    unit, source : of the value; what was measured, and how it was turned into this.
    """

    parameter: str
    value: float
    low: float
    high: float
    unit: str
    source: str


PRIORS = (
    Prior(
        "effects.coupon", 4.4, 1.5, 7.3, "log-odds per unit of depth",
        "Gönül & Shi (1998), catalogue coupons: 4.4. Bijmolt, van Heerde & Pieters (2005), 1,851 price elasticities: "
        "mean −2.62, which is 2.6 per unit of depth where orders are rare; width assumed",
    ),
    Prior(
        "effects.member_price", 2.0, 0.6, 3.4, "log-odds per unit of discount",
        "half of a coupon's, since a standing price loses novelty: assumed; the mean elasticity of Bijmolt, van "
        "Heerde & Pieters (2005), 2.6, lies within",
    ),
    Prior(
        "effects.advert", 0.12, 0.02, 2.0, "log-odds on the day, buyer at rest",
        "Sethuraman, Tellis & Briesch (2011), 751 advertising elasticities: mean 0.12 for sales in the period. The "
        "upper end is one e-mail after none (Hillstrom, in this document), which is no broadcast among many",
    ),
    Prior(
        "effects.content", 0.04, 0.0, 0.12, "log-odds on the day",
        "no size on this scale is published; a third of an advert: assumed",
    ),
    Prior(
        "effects.chat", 0.4, 0.1, 0.7, "log-odds on the day of an answered chat",
        "Tan, Wang & Tan (2019), Alibaba, selection controlled: purchase probability of tablets up by 16 %, which is "
        "0.15 where orders are rare; chats that staff open with known customers assumed stronger",
    ),
    Prior(
        "effects.trust", 1.0, 0.2, 1.8, "log-odds from no goodwill to full goodwill",
        "Kim & Peterson (2017), 150 studies: trust goes with loyalty and the intention to buy again; their "
        "correlations are of answers, not of orders, so the size is assumed",
    ),
    Prior(
        "effects.quote", 1.5, 0.5, 2.5, "log-odds on the day of an answered request for a quote",
        "no size on this scale is published; somebody who asks is nearer to an order than somebody whom staff write "
        "to, so above an answered chat: assumed",
    ),
    Prior(
        "effects.bait", 2.0, 0.6, 3.4, "log-odds of adding per share of an order",
        "no size on this scale is published; half of a coupon's on ordering, since adding is not buying yet: assumed",
    ),
    Prior(
        "effects.community", 0.05, 0.01, 0.09, "log-odds that a day in a community of usual activity adds",
        "Manchanda, Packard & Pattabhiramaiah (2015): who joins a firm's community brings 19 % more revenue, 0.17 in "
        "log-odds where orders are rare; what a day adds halves in two days, so a day adds 0.29 of that",
    ),
    Prior(
        "effects.live", 0.6, 0.1, 1.1, "log-odds on the day of a live stream watched",
        "no size on this scale is published; above an answered chat, since one comes to buy: assumed",
    ),
    Prior(
        "effects.novelty", 0.5, 0.1, 0.9, "log-odds on the day, one new product that was looked at",
        "no size on this scale is published; S4 names the day and its two items: assumed",
    ),
    Prior(
        "behaviours.attention.fatigue_half_life_days", 4.0, 1.0, 14.0, "days",
        "no half-life of messages in a private domain is published; assumed, and learned where logs hold messages",
    ),
)  # fmt: skip


def prior_of(effect: str) -> Prior | None:
    """The prior of an effect of the scenario; None for one that has none."""
    return next((prior for prior in PRIORS if prior.parameter == f"effects.{effect}"), None)
