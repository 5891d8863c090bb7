"""Effects of coupon campaigns that logs can tell, each with the placebo that it has to pass.

Campaigns go to customers who differ from the rest, so a plain comparison measures whom the operator chose. Difference
in differences removes what is constant about them; the placebo, the same estimate with every campaign pretended to
start one window earlier, shows whether what is left moves by itself. An effect whose placebo is not zero is refused:
the caller then uses a cited prior and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from experiments.data.logs import Logs
from experiments.learning.differences import Estimate, conditional_logit, least_squares, overlaps, stack
from sim.errors import DataError

Z = 1.96  # two-sided 95 %
FEWEST_TARGETED = 30  # assumed; clustered standard errors of fewer are too small
HISTORY = ("visits_history", "spend_history")
UNKNOWN = Estimate(math.nan, math.nan)


@dataclass(frozen=True)
class Effect:
    """An estimated effect and whether it may enter a world.

    Attributes
    ----------
    name : the kind of campaign, or the user's campaign.
    mean, sd : estimate and its standard error; NaN where there is none.
    scale : ``logit``, the log-odds that a targeted customer visits on a day of the campaign; or
        ``currency_per_week`` and customer.
    n : targeted customers, counted once per campaign.
    placebo_mean, placebo_sd : the same estimate one window before the campaigns, where the truth is 0.
    passed : whether the placebo is within 1.96 standard errors of 0 and the targeted are enough.
    source : method, logs and days.
    verdict : one sentence for the report.
    """

    name: str
    mean: float
    sd: float
    scale: str
    n: int
    placebo_mean: float
    placebo_sd: float
    passed: bool
    source: str
    verdict: str

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the estimate."""
        return self.mean - Z * self.sd, self.mean + Z * self.sd


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
    passed, verdict = _verdict(n, real, placebo)
    real, placebo = real or UNKNOWN, placebo or UNKNOWN
    return Effect(name, real.mean, real.sd, scale, n, placebo.mean, placebo.sd, passed, source, verdict)


def _verdict(n: int, real: Estimate | None, placebo: Estimate | None) -> tuple[bool, str]:
    prior = "use a cited prior"
    if n == 0:
        return False, f"refused: no campaign has a complete window and two before it; {prior}"
    if n < FEWEST_TARGETED:
        return False, f"refused: {n} targeted customers are fewer than {FEWEST_TARGETED}; {prior}"
    if real is None or placebo is None or not real.sd > 0 or not placebo.sd > 0:
        return False, f"refused: targeting cannot be told from time or from other campaigns; {prior}"
    z = placebo.mean / placebo.sd
    told = f"{real.mean:+.3g} ± {real.sd:.2g}; one window earlier {placebo.mean:+.3g} ± {placebo.sd:.2g} (z {z:+.1f})"
    if abs(z) > Z:
        return False, f"refused: {told}, where nothing had happened yet; {prior}"
    return True, f"accepted: {told}, as it should be near 0"
