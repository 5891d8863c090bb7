"""What every customer behaviour is: parameters with limits and sources, a phase of the day, and a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sim.columns import Columns
from sim.spec import Kind

if TYPE_CHECKING:
    from agents.coupon_book import CouponTerms
    from agents.domain import PrivateDomain
    from agents.policy import Policy
    from agents.scenario import Scenario

PhaseName = Literal["arrive", "receive", "respond", "purchase", "serve", "update", "churn", "refer", "observe"]


class Behaviour(Kind):
    """A customer behaviour.

    A new one is a file in ``agents/behaviours/`` with a class that sets ``kind`` and ``phase``, and its name in the
    list of ``agents/behaviours/__init__.py``.
    """

    phase: ClassVar[PhaseName]

    extensive: ClassVar[tuple[str, ...]] = ()
    """Fields (dotted, ``*`` for any step) that are numbers of customers, or amounts for all of them together: a world
    of half as many has half of them."""

    def acts_in(self, scenario: Scenario, policy: Policy) -> bool:
        """Whether it has anything to do in this scenario under this policy; a world without it is the same world."""
        return True

    def carries(self) -> tuple[type[Columns], ...]:
        """Columns that customers have for its sake, beside those that everybody has."""
        return ()

    def begin(self, world: PrivateDomain) -> None:
        """Prepare the initial population, once, before day 0."""

    def coupons_given(self, world: PrivateDomain, terms: CouponTerms, rows: NDArray[np.intp]) -> None:
        """Hear at once that these customers, each once, were given coupons on these terms."""

    def apply(self, world: PrivateDomain) -> None:
        """Act on this day."""
        raise TypeError(f"{type(self).__name__} does not say what it does: define apply()")
