"""Metrics: every number is a function of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.customers import Contact, Source
from agents.events import DISCOUNTS, OPERATOR_COSTS, OPERATOR_INCOME, SALES
from agents.scenario import Scenario
from sim.ledger import Ledger

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

DAYS_A_WEEK = 7


@dataclass(frozen=True)
class Outcome:
    """What one replicate came to. Money in the scenario's currency.

    Attributes
    ----------
    values : name to number: ``clv`` (per acquired customer), ``equity`` (discounted sum), ``profit``, ``revenue``,
        ``spend`` (operator costs less fees), ``spend_discounted`` (the same as it enters ``clv``: discounted, per
        acquired customer), ``hours`` (paid staff hours a week), ``messages`` (adverts, content and chats received a
        week by one acquired customer), ``margin`` (profit as a share of revenue), ``contacts_start``, ``acquired`` and
        counts of events (``n_order``, ...).
    money : (source, kind) to undiscounted sum, signed as it enters profit.
    weekly : name to one number per week: ``profit``, ``equity`` (cumulative), ``revenue``, ``orders``, ``spend``,
        ``mutes``, ``deletes``, ``chats``, ``replies``.
    census : (day, axis.state) to count; ``step.L1-L2`` counts who moved between two trust levels since the last one.
    """

    seed: int
    values: dict[str, float]
    money: dict[tuple[str, str], float]
    weekly: dict[str, NDArray[np.float64]]
    census: dict[tuple[int, str], int]


COUNTED = ("order", "join", "reached", "mute", "unmute", "delete", "lapse", "comeback", "reply", "interact", "chat",
           "message_advert", "message_content", "coupon_issued", "voucher_issued", "coupon_redeemed", "coupon_expired",
           "problem", "settled", "refused", "quarrel", "referral", "distributor")  # fmt: skip


MESSAGES = ("message_advert", "message_content", "chat")
WEEKLY_COUNTS = (("mutes", "mute"), ("deletes", "delete"), ("chats", "chat"), ("replies", "reply"))


def outcome(world: PrivateDomain) -> Outcome:
    """Metrics of a finished world."""
    return ledger_outcome(
        world.ledger, world.spec, world.draws.seed, contacts_at_start(world), world.staff.wage_cny_per_hour
    )


def contacts_at_start(world: PrivateDomain) -> int:
    """Customers who were contacts before day 0: neither a channel nor a friend brought them."""
    c = world.customers
    return int(np.count_nonzero((c.channel == Source.BEFORE_THE_START) & (c.contact >= Contact.CONTACT)))


def ledger_outcome(ledger: Ledger, scenario: Scenario, seed: int, contacts: int, wage: float) -> Outcome:
    """Metrics of a ledger, in which an hour of staff cost this wage."""
    t = ledger.totals()
    sign = ledger.signs()[t.kind]
    signed = sign * t.amount / 100
    factor = (1 + scenario.discount_rate) ** (-t.day / 365)
    names = [kind.name for kind in ledger.kinds]
    counts = np.bincount(t.kind, t.n, minlength=len(names))
    sums = np.bincount(t.kind, t.amount / 100, minlength=len(names))
    kinds = dict(zip(names, zip(counts.tolist(), sums.tolist(), strict=True), strict=True))
    cost_codes = [ledger.code[name] for name in OPERATOR_COSTS]
    income_codes = [ledger.code[name] for name in OPERATOR_INCOME]
    spent = (np.isin(t.kind, cost_codes) * 1.0 - np.isin(t.kind, income_codes)) * t.amount / 100
    acquired = contacts + kinds["join"][0]
    equity = float((signed * factor).sum())
    profit = float(signed.sum())
    revenue = sum(kinds[name][1] for name in SALES) - sum(kinds[name][1] for name in DISCOUNTS)
    values: dict[str, float] = {
        "clv": equity / acquired if acquired else 0.0,
        "equity": equity,
        "profit": profit,
        "revenue": revenue,
        "margin": profit / revenue if revenue > 0 else 0.0,
        "gross_sales": sum(kinds[name][1] for name in SALES),
        "spend": float(spent.sum()),
        **_pressure(kinds, scenario, acquired, wage),
        "spend_discounted": float((spent * factor).sum()) / acquired if acquired else 0.0,
        "contacts_start": float(contacts),
        "acquired": float(acquired),
        **{f"n_{name}": float(kinds[name][0]) for name in COUNTED},
    }
    return Outcome(
        seed=seed,
        values=values,
        money=_money(ledger, t, signed),
        weekly=_weekly(ledger, t, signed, factor, spent, scenario.horizon_days),
        census=_census(ledger, t),
    )


def _pressure(kinds: dict[str, tuple[int, float]], scenario: Scenario, acquired: int, wage: float) -> dict[str, float]:
    """What staff and customers bear, a week."""
    weeks = scenario.horizon_days / DAYS_A_WEEK
    looked_at = kinds["settled"][0] + kinds["refused"][0]
    messages = sum(kinds[name][0] for name in MESSAGES)
    return {
        "hours": kinds["wages"][1] / wage / weeks if wage else 0.0,
        "response_days": 100 * (kinds["settled"][1] + kinds["refused"][1]) / looked_at if looked_at else 0.0,
        "messages": messages / acquired / weeks if acquired else 0.0,
    }


def _money(ledger: Ledger, t: Any, signed: NDArray[np.float64]) -> dict[tuple[str, str], float]:
    money: dict[tuple[str, str], float] = {}
    for source, kind, amount in zip(t.source.tolist(), t.kind.tolist(), signed.tolist(), strict=True):
        if ledger.kinds[kind].sign:
            where = (ledger.sources[source], ledger.kinds[kind].name)
            money[where] = money.get(where, 0.0) + amount
    return {where: round(amount, 2) for where, amount in sorted(money.items())}


def _weekly(
    ledger: Ledger,
    t: Any,
    signed: NDArray[np.float64],
    factor: NDArray[np.float64],
    spent: NDArray[np.float64],
    horizon_days: int,
) -> dict[str, NDArray[np.float64]]:
    weeks = -(-horizon_days // DAYS_A_WEEK)
    week = t.day // DAYS_A_WEEK
    is_order = t.kind == ledger.code["order"]
    sold, off = (np.isin(t.kind, [ledger.code[name] for name in names]) for names in (SALES, DISCOUNTS))

    def by_week(amount: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(week, amount, minlength=weeks).astype(np.float64)

    return {
        "profit": by_week(signed),
        "equity": np.cumsum(by_week(signed * factor)),
        "revenue": by_week((sold * 1.0 - off) * t.amount / 100),
        "orders": by_week(is_order * t.n.astype(np.float64)),
        "spend": by_week(spent),
        **{name: by_week((t.kind == ledger.code[kind]) * t.n.astype(np.float64)) for name, kind in WEEKLY_COUNTS},
    }


def _census(ledger: Ledger, t: Any) -> dict[tuple[int, str], int]:
    rows = np.flatnonzero(t.kind == ledger.code["census"])
    census = {(int(t.day[i]), ledger.sources[t.source[i]]): int(t.amount[i]) for i in rows}
    days = np.unique(t.day[rows])
    for i in np.flatnonzero(t.kind == ledger.code["trust_level"]).tolist() if len(days) else ():
        day = int(days[min(np.searchsorted(days, t.day[i]), len(days) - 1)])
        where = (day, f"step.{ledger.sources[t.source[i]].partition('.')[2]}")
        census[where] = census.get(where, 0) + int(t.n[i])
    return census
