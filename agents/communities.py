"""Communities: the operator's groups, of which there are few, and the seats in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.columns import Columns, column
from sim.world import Actor

if TYPE_CHECKING:
    from agents.domain import PrivateDomain

NO_GROUP = -1
LONG_AGO = -20_000  # a day before every run

KEPT = {"interest": np.int16, "members": np.int64, "activity": np.float64, "load": np.float64, "alive": np.bool_,
        "quiet_days": np.int64}  # fmt: skip
"""What is kept of each community, and how."""


class InCommunity(Columns):
    """Columns of customers where the operator runs communities."""

    community = column("i4", NO_GROUP, unit="index", doc="community joined; -1 for none")
    seated_day = column("i2", LONG_AGO, unit="day", doc="day of joining it")
    invited_day = column("i2", LONG_AGO, unit="day", doc="last invitation to a community")


class Communities(Actor):
    """All communities, dead ones included; a number once given is never given again.

    Attributes
    ----------
    interest : group of interest of each, as of ``traits.interest_groups``; -1 where there is one audience.
    members : customers in each.
    activity : smoothed share of members who speak on a day.
    load : decaying number of adverts that a member has seen in the group.
    alive : whether anybody still looks.
    quiet_days : days in a row on which the activity lay below what keeps a group alive.
    name : action of the policy that runs them; empty without one.
    """

    def __init__(self, world: PrivateDomain) -> None:
        super().__init__(world)
        self.interest, self.members = np.empty(0, np.int16), np.empty(0, np.int64)
        self.activity, self.load = np.empty(0), np.empty(0)
        self.alive, self.quiet_days = np.empty(0, bool), np.empty(0, np.int64)
        self.name = ""

    def __len__(self) -> int:
        return len(self.alive)

    def seat(
        self, interest: NDArray[np.integer[Any]], *, size: int, most: int | None, opening: float
    ) -> NDArray[np.int32]:
        """Give people seats in the order of their interests, then in theirs; return the community of each, -1 without.

        Living communities of the same interest fill first, the oldest before the younger; then new ones open, with
        ``opening`` for their activity, as long as no more than ``most`` live.
        """
        seats = np.full(len(interest), NO_GROUP, np.int32)
        for group in np.unique(interest):
            (waiting,) = (interest == group).nonzero()
            (open_now,) = (self.alive & (self.interest == group) & (self.members < size)).nonzero()
            free = np.repeat(open_now, size - self.members[open_now])[: len(waiting)]
            missing = -(-(len(waiting) - len(free)) // size)
            if most is not None:
                missing = min(missing, max(most - int(np.count_nonzero(self.alive)), 0))
            first = len(self)
            self._open(missing, int(group), opening)
            new = np.repeat(np.arange(first, first + missing), size)[: len(waiting) - len(free)]
            given = np.concatenate([free, new])
            seats[waiting[: len(given)]] = given
        self.members += self.counted(seats)
        return seats

    def _open(self, n: int, interest: int, activity: float) -> None:
        fresh = {"interest": interest, "alive": True, "activity": activity}
        for name in KEPT:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.full(n, fresh.get(name, 0), old.dtype)]))

    def counted(self, groups: NDArray[np.int32]) -> NDArray[np.int64]:
        """How many of these numbers are each community's; -1 counts for none. Shape (communities,)."""
        return np.bincount(groups[groups >= 0], minlength=len(self)).astype(np.int64)

    def state(self) -> dict[str, Any]:
        return {"name": self.name} | {name: getattr(self, name).tolist() for name in KEPT}

    def restore(self, state: dict[str, Any]) -> None:
        self.name = state["name"]
        for name, dtype in KEPT.items():
            setattr(self, name, np.array(state[name], dtype))
