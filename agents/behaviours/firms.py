"""Firms: a few contacts buy for a company, now and then and for much money."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.actions.base import cents
from agents.behaviours.base import Behaviour
from agents.customers import is_contact
from sim.columns import Columns, column
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

UNKNOWN = -1


class Buyers(Columns):
    """Columns of customers where some buy for firms."""

    firm = column("i1", UNKNOWN, unit="flag", doc="buys for a firm; -1 before anybody asked", access="latent")


class FirmDeals(Behaviour):
    """Whoever buys for a firm looks for gifts some days a year and takes the dearest package within the budget."""

    kind = "firm_deals"
    phase = "respond"

    firm_share: float = parameter(0.01, ge=0, le=1, doc="share of contacts who buy for a firm", source="assumed")
    deals_per_year: float = parameter(2.0, ge=0, le=365, doc="deals that such a contact seeks a year", source="assumed")
    budget_cny: float = parameter(
        2500.0, gt=0, doc="median budget of a deal", source="assumed, amid the packages of 1,290 to 4,980 (S0)"
    )
    budget_log_sd: float = parameter(0.6, ge=0, le=3, doc="sd of the log budget between deals", source="assumed")

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return self.firm_share > 0 and any(getattr(action, "packages", None) for action in policy.actions.values())

    def carries(self) -> tuple[type[Columns], ...]:
        return (Buyers,)

    def apply(self, world: PrivateDomain) -> None:
        club, c = world.club, world.customers
        if club is None or not club.packages or not club.runs(world.day):
            return
        packages = sorted(club.packages.items(), key=lambda item: item[1].price_cny)
        deals: list[list[NDArray[np.intp]]] = [[] for _ in packages]
        prices = np.array([package.price_cny for _, package in packages])
        (new,) = (c.firm == UNKNOWN).nonzero()
        for rows in world.pieces(new):
            c.firm[rows] = world.draws.uniform("trait.firm", 0, c.key[rows]) < self.firm_share
        for rows in world.pieces((c.firm == 1).nonzero()[0]):
            rows = rows[is_contact(c.contact[rows])]
            near, _ = world.draws.below("firm.deal", world.day, c.key[rows], self.deals_per_year / 365)
            rows = rows[near]
            luck = self.budget_log_sd * world.draws.normal("firm.budget", world.day, c.key[rows])
            best = np.searchsorted(prices, np.exp(math.log(self.budget_cny) + luck), side="right") - 1
            for number, found in enumerate(deals):
                found.append(rows[best == number])
        for (name, package), found in zip(packages, deals, strict=True):
            buyers = np.concatenate([np.empty(0, np.intp), *found])
            world.record("package", buyers, cents(package.price_cny), f"{world.programme}.{name}")
            world.record("goods", buyers, cents(package.cost_cny), f"{world.programme}.{name}")
