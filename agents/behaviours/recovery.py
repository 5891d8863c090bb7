"""Recovery: how a problem that was settled gives trust back, by how soon and how generously."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours.base import Behaviour
from agents.troubles import Troubled
from sim.columns import Columns
from sim.spec import parameter

if TYPE_CHECKING:
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario
    from agents.troubles import Settlement


class Recovery(Behaviour):
    """Satisfaction with a settlement is fairness × promptness × the staff's skill, at most 1, and gives back a share of
    the trust that is missing. A prompt and generous one may leave more trust than there was before (the service
    recovery paradox: found for satisfaction, small, and not for repurchase; de Matos, Henrique & Rossi 2007)."""

    kind = "recovery"
    phase = "respond"

    half_life_days: float = parameter(
        2.0, gt=0, doc="wait that halves satisfaction", source="Smith, Bolton & Wagner (1999): speed; size assumed"
    )
    fair_without: float = parameter(
        0.5, ge=0, le=1, doc="fairness of a settlement that gives nothing",
        source="Smith, Bolton & Wagner (1999): compensation; size assumed",
    )  # fmt: skip
    half_at: float = parameter(
        0.15, gt=0, doc="share of the order given that halves what is missing in fairness", source="assumed"
    )
    recovery: float = parameter(
        0.2, ge=0, le=1, doc="share of missing trust that full satisfaction gives back",
        source="de Matos, Henrique & Rossi (2007): at most a little above before; size assumed",
    )  # fmt: skip

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        return any(Troubled in action.carries() for action in policy.actions.values())

    def carries(self) -> tuple[type[Columns], ...]:
        return (Troubled,)

    def apply(self, world: PrivateDomain) -> None:
        for settlement in world.today.settled:
            self._recover(world, settlement)

    def _recover(self, world: PrivateDomain, done: Settlement) -> None:
        c = world.customers
        fairness = 1.0 - (1.0 - self.fair_without) * np.exp2(-done.given / self.half_at)
        promptness = np.exp2(-done.waited_days / self.half_life_days)
        satisfaction = np.minimum(fairness * promptness * world.staff.skill(world, "after_sales"), 1.0)
        trust = c.resting_trust[done.rows].astype(np.float64)
        c.resting_trust[done.rows] = trust + self.recovery * satisfaction * (1.0 - trust)
