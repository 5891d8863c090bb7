"""Word of mouth: customers speak of the brand to their next friend, from liking or for a reward; some friends join."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.behaviours.base import Behaviour
from agents.customers import is_contact
from agents.friends import friend_keys, has_friend, people_who_are_friends
from agents.invitations import UNASKED, WORD_OF_MOUTH, Inviting, invites, programme_at
from agents.models.hazard import Singles, sigmoid
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.invitations import Invitation
    from agents.policy import Policy
    from agents.scenario import Scenario
    from sim.columns import Columns

ByLevel = tuple[float, float, float, float, float, float]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

SLACK = 1.001  # on bounds in single precision


@dataclass(frozen=True)
class _Motives:
    """The best offer that these customers have for bringing a friend."""

    rows: Rows
    wish: Floats  # log(1 + worth / scale), times ``prompt`` where it is asked right after an order
    programme: NDArray[np.int8]  # number of the action; -1 where there is none


class WordOfMouth(Behaviour):
    """Two motives add up to a hazard of speaking: liking (by level, trust and a recent order) and reward.

    Both are proportional to sociability; a reward moves the price-sensitive more, which is why bargain hunters invite.
    One friend is asked at a time, in the order of the graph, and each once; the friend joins with a chance that rises
    with the inviter's trust and with the newcomer's benefit. The same luck decides whenever a friend is asked.
    """

    kind = "word_of_mouth"
    phase = "refer"

    talk: float = parameter(
        0.0, ge=0, le=100, doc="how much people speak of such goods unasked, times unasked_per_day; 0: only for pay",
        source="assumed: a world without logged referrals has none that nobody asked for",
    )  # fmt: skip
    unasked_per_day: ByLevel = parameter(
        (0.0, 0.0, 0.0001, 0.0005, 0.002, 0.006), doc="hazard a day of speaking at full trust, L0 … L5",
        source="S3: super users bring new customers by word of mouth; sizes assumed",
    )  # fmt: skip
    fresh: float = parameter(
        3.0, ge=0, le=100, doc="times more that one speaks on the day of an order than long after, less one",
        source="assumed",
    )  # fmt: skip
    fresh_half_life_days: float = parameter(7.0, gt=0, doc="half-life of that freshness", source="assumed")
    paid_per_day: float = parameter(
        0.004, ge=0, le=10, doc="hazard a day that a reward adds, per unit of log(1 + worth / worth_scale_cny)",
        source="assumed; rewards raise it, less and less: Ryu & Feick (2007)",
    )  # fmt: skip
    worth_scale_cny: float = parameter(20.0, gt=0, doc="worth at which a reward begins to sate, CNY", source="assumed")
    prompt: float = parameter(
        10.0, ge=0, le=1000, doc="times as ready when asked right after an order", source="assumed"
    )
    care: float = parameter(
        1.5, ge=0, le=100, doc="times more that one speaks whom staff cultivate; a gift adds to it like a reward",
        source="assumed",
    )  # fmt: skip
    join: float = parameter(-3.0, doc="log-odds that a friend joins, without trust or benefit", source="assumed")
    join_trust: float = parameter(
        3.0, ge=0, doc="log-odds from no trust of the inviter to full trust", source="assumed"
    )
    join_benefit: float = parameter(
        0.5, ge=0, doc="log-odds per unit of log(1 + benefit / worth_scale_cny)", source="assumed"
    )

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return invites(scenario, policy)

    def carries(self) -> tuple[type[Columns], ...]:
        return (Inviting,)

    def apply(self, world: PrivateDomain) -> None:
        most = self._wish_at_most(world, prompted=False), self._wish_at_most(world, prompted=True)
        found = [(np.empty(0, np.intp), np.empty(0)), *(self._near(world, chunk, *most) for chunk in world.chunks())]
        rows, programme = self._speak(world, *(np.concatenate(part) for part in zip(*found, strict=True)))
        if len(rows):
            self._ask(world, rows, programme)

    # -- why somebody speaks ------------------------------------------------------------------------------------

    def _wish(self, world: PrivateDomain, invitation: Invitation, rows: Rows) -> Floats:
        """How much an offer moves these customers. Shape (n,)."""
        wish: Floats = np.log1p(invitation.action.worth(world, rows) / self.worth_scale_cny)
        return wish * self.prompt if invitation.action.prompted else wish

    def _motives(self, world: PrivateDomain, rows: Rows) -> _Motives:
        """The best offer of each; of equal ones the first of the policy."""
        c = world.customers
        wish, programme = np.zeros(len(rows)), np.full(len(rows), UNASKED, np.int8)
        for invitation in world.today.invitations:
            place = np.minimum(np.searchsorted(invitation.rows, rows), len(invitation.rows) - 1)
            open_to = invitation.rows[place] == rows
            if invitation.action.prompted:
                open_to &= c.last_order[rows] == world.day
            (at,) = open_to.nonzero()
            offered = self._wish(world, invitation, rows[at])
            better = (offered > wish[at]) | (programme[at] == UNASKED)
            wish[at[better]], programme[at[better]] = offered[better], invitation.index
        return _Motives(rows, wish, programme)

    def _hazard(self, world: PrivateDomain, motives: _Motives) -> Floats:
        """Hazard of speaking today. Shape (n,)."""
        c, rows = world.customers, motives.rows
        since = world.day - c.last_order[rows]
        fresh = 1.0 + self.fresh * np.where(c.orders[rows] > 0, np.exp2(-since / self.fresh_half_life_days), 0.0)
        liking = self.talk * np.array(self.unasked_per_day)[c.level[rows]] * _trust(world, rows) * fresh
        reward = self.paid_per_day * c.price_sensitivity[rows] * motives.wish
        hazard: Floats = c.sociability[rows] * (liking + reward) * self._care(world, rows)
        return hazard

    def _care(self, world: PrivateDomain, rows: Rows) -> Floats | float:
        """How many times as much the cultivated speak as they would."""
        c = world.customers
        if "koc_until" not in c.DECLARED:
            return 1.0
        cared = c.koc_until[rows] >= world.day
        factor: Floats = 1.0 + self.care * cared * (
            1.0 + np.log1p(c.koc_gift[rows].astype(np.float64) / self.worth_scale_cny)
        )
        return factor

    def _wish_at_most(self, world: PrivateDomain, *, prompted: bool) -> float:
        """What no offer of today moves anybody beyond, of those made right after an order or of the others."""
        offers = [one for one in world.today.invitations if one.action.prompted == prompted]
        worth = max((one.action.worth_at_most(world, one.rows) for one in offers), default=0.0)
        return math.log1p(worth / self.worth_scale_cny) * (self.prompt if prompted else 1.0)

    def _at_most(self, world: PrivateDomain, chunk: slice, most: float, most_prompted: float) -> Singles:
        """What the hazard, and so the chance, cannot exceed: at the best offer and full trust after an order."""
        c = world.customers
        sociability, sensitivity = c.sociability[chunk], c.price_sensitivity[chunk]
        liking = self.talk * max(self.unasked_per_day) * (1.0 + self.fresh)
        bound: Singles = sensitivity * np.float32(self.paid_per_day * most * SLACK)
        bound += np.float32(liking * SLACK)
        bound *= sociability
        if most_prompted > most:
            (asked,) = (c.last_order[chunk] == world.day).nonzero()
            paid = self.paid_per_day * most_prompted * sensitivity[asked]
            bound[asked] = sociability[asked] * (liking + paid) * SLACK
        if "koc_until" in c.DECLARED:
            bound[c.koc_until[chunk] >= world.day] = np.inf
        return bound

    # -- who speaks, and who is asked ------------------------------------------------------------------------------

    def _near(self, world: PrivateDomain, chunk: slice, most: float, most_prompted: float) -> tuple[Rows, Floats]:
        """Contacts whose luck may let them speak today, and this luck. They are few."""
        c = world.customers
        u = world.draws.uniform("referral.speak", world.day, c.key[chunk])
        (near,) = (u < self._at_most(world, chunk, most, most_prompted)).nonzero()
        rows = near + chunk.start
        here = is_contact(c.contact[rows])
        return rows[here], u[near[here]]

    def _speak(self, world: PrivateDomain, rows: Rows, u: Floats) -> tuple[Rows, NDArray[np.int8]]:
        """Who of these speaks and has a friend left to ask, and under which programme."""
        motives = self._motives(world, rows)
        speaks = u < -np.expm1(-self._hazard(world, motives))
        rows, programme = rows[speaks], motives.programme[speaks]
        has = has_friend(world, rows, world.customers.asked[rows])
        return rows[has], programme[has]

    def _ask(self, world: PrivateDomain, rows: Rows, programme: NDArray[np.int8]) -> None:
        """Each asks the next friend."""
        world.customers.asked[rows] += 1
        for index in np.unique(programme).tolist():
            name = WORD_OF_MOUTH if index == UNASKED else programme_at(world, index)[0]
            world.record("referral", rows[programme == index], 0, name)
        self._answer(world, rows, programme)

    def _answer(self, world: PrivateDomain, rows: Rows, programme: NDArray[np.int8]) -> None:
        """The friends asked agree or not; those who do come tomorrow."""
        c = world.customers
        keys = friend_keys(world, c.key[rows], c.asked[rows] - 1)
        friends, _ = people_who_are_friends(world, rows, keys)
        benefit = np.zeros(len(rows))
        for index in np.unique(programme[programme >= 0]).tolist():
            mine = programme == index
            welcome = programme_at(world, index)[1].welcome(world, rows[mine])
            benefit[mine] = np.log1p(welcome / self.worth_scale_cny)
        logit = self.join + self.join_trust * _trust(world, rows)
        logit += self.join_benefit * friends["price_sensitivity"] * benefit
        agrees = world.draws.uniform("referral.join", 0, keys) < sigmoid(logit)
        c.guest[rows[agrees]] = c.asked[rows[agrees]]
        c.guest_programme[rows[agrees]] = programme[agrees]


def _trust(world: PrivateDomain, rows: Rows) -> Floats:
    c = world.customers
    trust: Floats = np.minimum(np.maximum(c.resting_trust[rows].astype(np.float64) + c.goodwill[rows], 0.0), 1.0)
    return trust
