"""Group buying: who opens a group, whom they ask, who joins, and what becomes of the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import cents
from agents.actions.group_buy import GroupBuy, group_buys
from agents.behaviours.item_demand import ItemDemand, Rows
from agents.customers import is_contact
from agents.models.hazard import Singles, possible, sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario


class GroupBuying(ItemDemand):
    """Log-odds of opening a group and of joining one when asked.

    Every open group asks some contacts a day, of the host's community, or of the same group of interest for those in
    none, where there are such; which host asks is luck of the one who is asked. A customer takes part in one group at
    a time.
    """

    kind = "group_buying"
    phase = "purchase"

    open: float = parameter(
        -8.0,
        doc="log-odds of opening a group at neutral trust, at list price, at median sociability",
        source="assumed: one in three thousand a day; at 30 % off one in 800, and one in eight of those who hunt",
    )
    per_sociability: float = parameter(1.0, ge=0, doc="log-odds per unit of log sociability", source="assumed")
    asks_per_day: float = parameter(
        8.0, ge=0, doc="contacts whom an open group asks a day, at sociability 1", source="assumed"
    )
    join: float = parameter(
        -3.0,
        doc="log-odds of joining when asked, at neutral trust and at list price",
        source="assumed, so that of groups of three half or more are filled: 50 to 60 % in the manual of one vendor",
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return bool(group_buys(policy.actions))

    def apply(self, world: PrivateDomain) -> None:
        for name, action in group_buys(world.policy.actions):
            code = world.ledger.source_code(name)
            if action.opens_on(world):
                self._open(world, name, action, code)
            (there,) = (world.customers.deal == code).nonzero()
            if len(there):
                self._ask(world, name, action, code)
                self._settle(world, name, action, code)

    # -- people -------------------------------------------------------------------------------------------------

    def _open(self, world: PrivateDomain, name: str, action: GroupBuy, code: int) -> None:
        c = world.customers
        rows = np.flatnonzero(action.audience.mask(c, world.day) & (c.deal < 0))
        for piece in world.pieces(rows):
            u = world.draws.uniform(f"deal.open.{name}", world.day, c.key[piece])
            near = possible(u, self._open_at_most(world, piece, action))
            piece, u = piece[near], u[near]
            logit = self.appeal(world, piece, action.item) + self.open
            logit += self.per_sociability * np.log(c.sociability[piece].astype(np.float64))
            hosts = piece[u < sigmoid(logit)]
            until = min(world.day + action.days_open, world.horizon_days) - 1
            c.deal[hosts], c.deal_host[hosts], c.deal_until[hosts], c.deal_paid[hosts] = code, c.key[hosts], until, 0
            world.record("deal_opened", hosts, 0, name)

    def _open_at_most(self, world: PrivateDomain, rows: Rows, action: GroupBuy) -> Singles:
        """What the log-odds of opening cannot exceed: those of somebody who trusts and can afford it. Shape (n,)."""
        c = world.customers
        most: Singles = np.log(c.sociability[rows])
        most *= np.float32(self.per_sociability)
        most += np.float32(self.open)
        most += np.float32(world.effects["coupon"] * action.item.depth) * c.price_sensitivity[rows]
        return most

    def _ask(self, world: PrivateDomain, name: str, action: GroupBuy, code: int) -> None:
        """Let hosts ask, circle by circle. Everybody who can be asked has the same chance of it within a circle."""
        c = world.customers
        hosts = np.flatnonzero((c.deal == code) & (c.deal_host == c.key))
        hosts = hosts[np.argsort(c.key[hosts])]
        free = np.flatnonzero((c.deal < 0) & is_contact(c.contact))
        if len(hosts) and len(free):
            self._ask_those(world, name, action, hosts, free)

    def _circles(self, world: PrivateDomain, rows: Rows) -> NDArray[np.int64]:
        """Whom each can ask: the others of one's community; those in none, the others of one's group of interest."""
        c = world.customers
        circle: NDArray[np.int64] = -2 - c.interest_group[rows].astype(np.int64)
        if "community" in c.DECLARED:
            circle = np.where(c.community[rows] >= 0, c.community[rows], circle)
        return circle

    def _ask_those(self, world: PrivateDomain, name: str, action: GroupBuy, hosts: Rows, free: Rows) -> None:
        c = world.customers
        circle_of_host, circle_of_free = self._circles(world, hosts), self._circles(world, free)
        lowest = min(circle_of_host.min(), circle_of_free.min())
        circle_of_host, circle_of_free = circle_of_host - lowest, circle_of_free - lowest
        # Hosts of one circle side by side, in the order of their keys, each with the asks up to and with its own.
        hosts = hosts[np.argsort(circle_of_host, kind="stable")]
        circles, first, count = np.unique(np.sort(circle_of_host), return_index=True, return_counts=True)
        own = self.asks_per_day * c.sociability[hosts].astype(np.float64)
        asks = np.concatenate([np.cumsum(own[low : low + n]) for low, n in zip(first, count, strict=True)])
        total = asks[first + count - 1]
        # No more can be asked than are there.
        people = np.bincount(circle_of_free, minlength=circles[-1] + 1)
        chance = np.zeros(len(people))
        chance[circles] = total / np.maximum(people[circles], 1)
        near, u = world.draws.below(f"deal.asked.{name}", world.day, c.key[free], float(chance.max()))
        near = near[u < chance[circle_of_free[near]]]
        joins = np.concatenate([self._join(world, name, action, free[piece]) for piece in world.pieces(near)] or [near])
        near = near[joins]
        near = near[np.argsort(circle_of_free[near], kind="stable")]
        rows, at = free[near], np.searchsorted(circles, circle_of_free[near])
        asked_by = world.draws.uniform(f"deal.by.{name}", world.day, c.key[rows]) * total[at]
        host = hosts[first_above(asks, asked_by, first[at], first[at] + count[at] - 1)]
        for column in (c.deal, c.deal_host, c.deal_until):
            column[rows] = column[host]
        c.deal_paid[rows] = 0
        world.record("deal_joined", rows, 0, name)

    def _join(self, world: PrivateDomain, name: str, action: GroupBuy, rows: Rows) -> NDArray[np.bool_]:
        """Which of those who are asked join. Shape (n,)."""
        c = world.customers
        u = world.draws.uniform(f"deal.join.{name}", world.day, c.key[rows])
        most: Singles = c.price_sensitivity[rows] * np.float32(world.effects["coupon"] * action.item.depth)
        near = possible(u, most + np.float32(self.join))  # trust and what they can afford only lower it
        joins = np.zeros(len(rows), bool)
        joins[near] = u[near] < sigmoid(self.appeal(world, rows[near], action.item) + self.join)
        return joins

    # -- money --------------------------------------------------------------------------------------------------

    def _settle(self, world: PrivateDomain, name: str, action: GroupBuy, code: int) -> None:
        """Fill groups that have their people, give back what others paid when time is up, hold the rest overnight."""
        c = world.customers
        members = np.flatnonzero(c.deal == code)
        # Whoever opened a group never leaves it, so hosts in the order of their keys are the groups.
        hosts = members[c.deal_host[members] == c.key[members]]
        hosts = hosts[np.argsort(c.key[hosts])]
        _, group, size = np.unique(c.deal_host[members], return_inverse=True, return_counts=True)
        full, late = size >= action.people, c.deal_until[hosts] <= world.day
        world.record("deal_filled", hosts[full], size[full], name)
        world.record("deal_failed", hosts[late & ~full], size[late & ~full], name)
        self._fill(world, name, action, members[full[group]])
        if action.commission_cny:
            world.record("commission", hosts[full], cents(action.commission_cny), name)
        self._pay_back(world, name, action, members[(late & ~full)[group]])
        c.deal[members[(late | full)[group]]] = -1
        waiting = members[~(late | full)[group]]
        self._pay(world, name, action, waiting[c.deal_paid[waiting] == 0])

    def _fill(self, world: PrivateDomain, name: str, action: GroupBuy, rows: Rows) -> None:
        """Turn payments into orders while stock lasts; the others get theirs back."""
        c, item = world.customers, action.item
        got = np.ones(len(rows), np.int64)
        if item.stock is not None:
            got = item.allot(world, got, world.draws.uniform(f"deal.stock.{name}", world.day, c.key[rows]))
        held = rows[(got > 0) & (c.deal_paid[rows] > 0)]
        world.record(
            "refund", held, c.deal_paid[held].astype(np.int64), name
        )  # the deposit is set off against the order
        item.sell(world, rows[got > 0], got[got > 0], name)
        self._pay_back(world, name, action, rows[got == 0])

    def _pay(self, world: PrivateDomain, name: str, action: GroupBuy, rows: Rows) -> None:
        price = cents(action.item.price_cny)
        world.record("fee", rows, price, name)
        world.customers.deal_paid[rows] = price

    def _pay_back(self, world: PrivateDomain, name: str, action: GroupBuy, rows: Rows) -> None:
        """Give back what was paid, today or before."""
        c = world.customers
        self._pay(world, name, action, rows[c.deal_paid[rows] == 0])
        world.record("refund", rows, c.deal_paid[rows].astype(np.int64), name)


def first_above(values: NDArray[np.float64], limits: NDArray[np.float64], low: Rows, high: Rows) -> Rows:
    """First place from ``low`` at which ``values`` exceed a limit, or ``high``; they rise from ``low`` to ``high``.

    All limits at once, each between its own places: by halving. Shape (n,).
    """
    while (low < high).any():
        middle = (low + high) // 2
        later = (low < high) & (values[middle] <= limits)
        low, high = np.where(later, middle + 1, low), np.where(later, high, middle)
    return low
