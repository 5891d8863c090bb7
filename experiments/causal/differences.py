"""Differences: windows of days before and during campaigns, stacked, and two estimators that compare the changes.

Every campaign is its own small experiment: those whom it targeted against those whom it did not, the days from its
start against as many days before (stacked difference in differences; Cengiz, Dube, Lindner & Zipperer 2019). Staggered
starts are thereby never each other's controls by accident, and overlapping campaigns enter as covariates: the change,
between the two windows, in the share of days on which a customer was in another campaign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from experiments.causal.effect import Estimate
from experiments.data.logs import Ints, Logs

Floats = NDArray[np.float64]

LONGEST_DAYS = 28  # four weeks, which nearly all campaigns last; longer windows drift further apart
SHORTEST_DAYS = 21  # assumed; of a longer campaign that the cut-off interrupts, less is not used
HISTORY_DAYS = 91  # 13 weeks, the cap of the clock of tenure as well
OVERLAP = "overlap_"  # and the kind of the other campaigns
FURTHEST = 8.0  # a log-odds ratio beyond this is separation: nobody, or everybody, visited


@dataclass(frozen=True)
class Window:
    """The days compared of one campaign: ``days`` from ``start``, against as many from ``start - shift``.

    ``shift`` is whole weeks, so that both windows have the same days of the week.
    """

    campaign_id: str
    start: int
    days: int
    shift: int

    @property
    def earliest(self) -> int:
        """First day of the placebo's window before."""
        return self.start - 2 * self.shift


def windows(campaigns: pd.DataFrame, kind: str, *, cut_off_day: int) -> list[Window]:
    """Windows of all campaigns of a kind that lie within day 0 and the cut-off, placebo included."""
    about = campaigns[campaigns["kind"] == kind].groupby("campaign_id")[["start_day", "end_day"]].first()
    found = []
    for campaign_id, start, end in about.itertuples():
        lasted = min(end - start + 1, LONGEST_DAYS)
        days = min(lasted, cut_off_day - start + 1)
        days = days // 7 * 7 if days >= 7 else days
        window = Window(str(campaign_id), int(start), int(days), 7 * -(-int(days) // 7))
        if days >= min(lasted, SHORTEST_DAYS) // 7 * 7 and days > 0 and window.earliest >= 0:
            found.append(window)
    return found


def stack(logs: Logs, kind: str, *, cut_off_day: int, placebo: bool = False) -> pd.DataFrame:
    """One row per campaign of a kind and customer seen before its earliest window.

    Parameters
    ----------
    placebo : pretend that every campaign started one window earlier; the customers are the same.

    Returns
    -------
    ``customer``, ``campaign_id``, ``targeted`` (0 or 1), ``days``, ``visits_before``, ``visits_after``; spend a week in
    currency units as ``spend_before``, ``spend_after`` and, over the 13 weeks until ``start - shift``,
    ``spend_history``; ``visits_history`` a week; one ``overlap_<kind>`` for each kind that others of these customers
    were targeted by, the change in their number of such campaigns. Empty if no campaign has a complete window.
    """
    if logs.campaigns is None:
        return pd.DataFrame()
    rows = [
        _rows(logs, logs.campaigns, window, window.start - (window.shift if placebo else 0))
        for window in windows(logs.campaigns, kind, cut_off_day=cut_off_day)
    ]
    if not rows:
        return pd.DataFrame()
    both = pd.concat(rows, ignore_index=True)
    return both.fillna(dict.fromkeys(overlaps(both), 0.0))


def _rows(logs: Logs, campaigns: pd.DataFrame, window: Window, start: int) -> pd.DataFrame:
    n = logs.n_customers
    first_day = logs.customers["first_day"].to_numpy()
    until = window.start - window.shift  # history ends here for the placebo too: both have the same covariates
    since = max(0, until - HISTORY_DAYS)
    weeks = np.maximum(until - np.maximum(first_day, since), 1) / 7
    visits_history, spend_history = _sums(logs, since, until)
    visits_before, spend_before = _sums(logs, start - window.shift, start - window.shift + window.days)
    visits_after, spend_after = _sums(logs, start, start + window.days)
    mine = campaigns.loc[campaigns["campaign_id"] == window.campaign_id, "customer"].to_numpy()
    frame = pd.DataFrame(
        {
            "customer": np.arange(n),
            "campaign_id": window.campaign_id,
            "targeted": np.isin(np.arange(n), mine).astype(np.float64),
            "days": window.days,
            "visits_before": visits_before,
            "visits_after": visits_after,
            "spend_before": spend_before / window.days * 7,
            "spend_after": spend_after / window.days * 7,
            "visits_history": visits_history / weeks,
            "spend_history": spend_history / weeks,
            **_overlaps(campaigns, window, start - window.shift, start, n),
        }
    )
    return frame[first_day < window.earliest]


def _sums(logs: Logs, first: int, end: int) -> tuple[Ints, Floats]:
    """Visits and spend (currency units) of each customer in ``first <= day < end``."""
    visits = logs.visits[(logs.visits["day"] >= first) & (logs.visits["day"] < end)]
    customer = visits["customer"].to_numpy()
    count = np.bincount(customer, minlength=logs.n_customers).astype(np.int64)
    spend: Floats = np.bincount(customer, visits["net"].to_numpy() / 100, logs.n_customers).astype(np.float64)
    return count, spend


def _overlaps(campaigns: pd.DataFrame, window: Window, before: int, after: int, n: int) -> dict[str, Floats]:
    """Change in the number of other campaigns that a customer is in on a day, mean over each window, by their kind."""
    others = campaigns[campaigns["campaign_id"] != window.campaign_id]
    first, end = others["start_day"].to_numpy(), others["end_day"].to_numpy() + 1
    earlier, later = (
        np.maximum(np.minimum(end, day + window.days) - np.maximum(first, day), 0) for day in (before, after)
    )
    change = pd.Series((later - earlier) / window.days, index=others.index)
    return {
        f"{OVERLAP}{kind}": np.bincount(others.loc[rows.index, "customer"], rows, n).astype(np.float64)
        for kind, rows in change[change != 0].groupby(others["kind"])
    }


def overlaps(rows: pd.DataFrame) -> tuple[str, ...]:
    """Names of the overlap columns of a stack."""
    return tuple(name for name in rows.columns if name.startswith(OVERLAP))


def design(rows: pd.DataFrame, covariates: tuple[str, ...]) -> Floats | None:
    """Columns: targeted, one for each campaign, and the covariates that vary. None if targeting cannot be told apart.

    That is so when only targeted or only untargeted customers are left, or when another campaign went to the same
    customers on the same days.
    """
    targeted = rows["targeted"].to_numpy(np.float64)
    kept = [*pd.get_dummies(rows["campaign_id"]).to_numpy(np.float64).T]
    for name in covariates:
        column = rows[name].to_numpy(np.float64)
        if _is_new(column, kept):
            kept.append(column)
    return np.column_stack([targeted, *kept]) if _is_new(targeted, kept) else None


def _is_new(column: Floats, others: list[Floats]) -> bool:
    """Whether a column is more than a mixture of the others."""
    x = np.column_stack(others)
    rest = column - x @ np.linalg.lstsq(x, column, rcond=None)[0]
    return bool(np.square(rest).sum() > 1e-6 * np.square(column).sum())


def conditional_logit(rows: pd.DataFrame) -> Estimate | None:
    """Effect of being targeted on the log-odds of a visit on a day, with a free level for every customer.

    Given that a customer visited on m days of both windows together, the number in the second window follows Fisher's
    noncentral hypergeometric distribution, whatever the customer's own level is (conditional maximum likelihood;
    Chamberlain 1980). That level would else bias the estimate: with few days each, and because log-odds do not average
    over unequal customers. Only customers with 0 < m < 2 days inform. Standard errors are clustered by customer, since
    one customer is in many rows and days are not independent.

    Returns
    -------
    None if the effect is not identified or runs off to infinity.
    """
    if rows.empty:
        return None
    total = (rows["visits_before"] + rows["visits_after"]).to_numpy()
    rows = rows[(total > 0) & (total < 2 * rows["days"].to_numpy())]
    x = design(rows, overlaps(rows)) if len(rows) else None
    if x is None:
        return None
    after = rows["visits_after"].to_numpy()
    total = after + rows["visits_before"].to_numpy()
    cells, cell = np.unique(np.column_stack([rows["days"], total, x]), axis=0, return_inverse=True)
    fit = _fit(cells, np.bincount(cell), np.bincount(cell, after).astype(np.float64))
    if fit is None:
        return None
    beta, mean, inverse = fit
    scores = (after - mean[cell])[:, None] * x
    _, customer = np.unique(rows["customer"].to_numpy(), return_inverse=True)
    sums = np.column_stack([np.bincount(customer, column) for column in scores.T])
    covariance = inverse @ (sums.T @ sums) @ inverse * len(sums) / max(len(sums) - 1, 1)
    return Estimate(float(beta[0]), float(np.sqrt(covariance[0, 0])))


def _fit(cells: Floats, count: Ints, after: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Newton's method on equal rows put together; ``cells`` holds days, total visits and the design of each.

    Returns
    -------
    Coefficients, mean visits in the second window of each cell, inverse information; None if there is no maximum.
    """
    x = cells[:, 2:]
    weight, k = _log_weights(cells[:, :1], cells[:, 1:2])
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        mean, variance = _moments(weight, k, x @ beta)
        inverse = np.linalg.pinv((x * (count * variance)[:, None]).T @ x).astype(np.float64)
        step = inverse @ (x.T @ (after - count * mean))
        if np.abs(step).max() < 1e-9:
            return beta, mean, inverse
        beta += np.clip(step, -1, 1)
        if np.abs(beta[0]) > FURTHEST:
            return None
    return None


def _log_weights(days: Floats, total: Floats) -> tuple[Floats, Floats]:
    """log C(days, k) + log C(days, total - k) for k = 0 .. the most days; minus infinity where impossible."""
    k = np.arange(int(days.max()) + 1, dtype=np.float64)[None, :]
    rest = total - k
    possible = (k <= days) & (rest >= 0) & (rest <= days)
    a, b = np.where(possible, k, 0), np.where(possible, rest, 0)
    ways = 2 * gammaln(days + 1) - gammaln(a + 1) - gammaln(days - a + 1) - gammaln(b + 1) - gammaln(days - b + 1)
    return np.where(possible, ways, -np.inf), k


def _moments(weight: Floats, k: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the visits in the second window, given the total. Shape (cells,)."""
    power = weight + k * eta[:, None]
    p = np.exp(power - power.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    mean = (p * k).sum(axis=1)
    return mean, (p * k * k).sum(axis=1) - mean**2


def least_squares(rows: pd.DataFrame, outcome: pd.Series, covariates: tuple[str, ...]) -> Estimate | None:
    """Ordinary least squares of an outcome on targeting, campaigns and covariates; errors clustered by customer.

    Returns
    -------
    None if the effect of being targeted is not identified.
    """
    from statsmodels.regression.linear_model import OLS  # a second to import, and seldom needed

    x = design(rows, covariates) if len(rows) else None
    if x is None:
        return None
    groups = {"groups": rows["customer"].to_numpy()}
    fit = OLS(outcome.to_numpy(), x).fit(cov_type="cluster", cov_kwds=groups)
    return Estimate(float(fit.params[0]), float(fit.bse[0]))
