"""The first look at a policy, in a smaller world: those that are surely worse there are never lived at full size.

The smaller world holds the first customers of the whole, on the same seeds. Whether it ranks policies as the whole does
is checked on the first trials of the search, which are lived in both; only then is it used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.run import seeds_for
from experiments.searching.replicates.lives import Lives, Outcomes
from experiments.searching.trials.pilot import FAITHFUL, FEWEST_RANKED, RankAgreement, rank_agreement
from experiments.searching.trials.small import smaller, smaller_policy

Floats = NDArray[np.float64]

FEWEST_REPLICATES = 4  # of a trial: against 50 rivals t must pass 11 with 4 replicates, 24 with 3, 371 with 2


@dataclass(frozen=True)
class FirstLook:
    """Whether policies are tried in a smaller world first, and why.

    Attributes
    ----------
    share : of the population.
    replicates : of a trial.
    agreement : how the smaller world ranks the first trials, against the whole. With too few of them to be compared
        nothing is known of the correlation.
    tried, dropped : trials that were lived in the smaller world before the whole, and those given up there.
    """

    share: float
    replicates: int
    agreement: RankAgreement
    tried: int = 0
    dropped: int = 0

    @property
    def used(self) -> bool:
        """Whether policies are tried there first."""
        return self.agreement.faithful and self.replicates >= FEWEST_REPLICATES

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for the study's facts."""
        return {"share": self.share, "replicates": self.replicates, "agreement": vars(self.agreement)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> FirstLook:
        """What :meth:`as_dict` gave."""
        return cls(data["share"], data["replicates"], RankAgreement(**data["agreement"]))

    @classmethod
    def unknown(cls, share: float, replicates: int, policies: int) -> FirstLook:
        """Nothing is known, for want of first trials."""
        return cls(share, replicates, RankAgreement(policies, 0.0, -1.0, 1.0, False))

    @classmethod
    def compared(cls, share: float, replicates: int, small: Sequence[Floats], whole: Sequence[Floats]) -> FirstLook:
        """What the first trials show: uplift of each in both worlds, on the same seeds. Shape (replicates,) each."""
        if len(whole) < FEWEST_RANKED:
            return cls.unknown(share, replicates, len(whole))
        return cls(share, replicates, rank_agreement(np.array(small), np.array(whole)))

    def words(self) -> str:
        """Whether it is used, and why, in a sentence."""
        a = self.agreement
        known = (
            f"rank correlation {a.correlation:.2f} with the whole (95 % interval {a.low:.2f} to {a.high:.2f}) over "
            f"{a.policies} policies"
        )
        if a.policies < FEWEST_RANKED:
            known = f"{a.policies} first policies are too few to compare their ranks"
        if self.used:
            return f"Policies are tried on {self.share * 100:g} % of the population first: {known}."
        why = "" if not a.faithful else f"; with {self.replicates} replicates of a trial no difference there is sure"
        wanted = f", and {FAITHFUL:g} must lie below it" if not a.faithful and a.policies >= FEWEST_RANKED else ""
        return f"Policies are lived at full size at once, not on {self.share * 100:g} % first: {known}{wanted}{why}."


class SmallWorlds:
    """The worlds of the search with this share of their customers.

    Parameters
    ----------
    lives : who lives policies in the whole worlds.
    """

    def __init__(self, share: float, lives: Lives) -> None:
        self.share, self.lives = share, lives

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The smaller scenarios."""
        return tuple(smaller(world, self.share) for world in self.lives.worlds)

    def live(self, policies: Sequence[Policy], high: int, low: int = 0) -> list[Outcomes]:
        """Outcomes of policies of the whole world, policy by policy, on the seeds of the search."""
        small = [smaller_policy(policy, self.share) for policy in policies]
        worlds = [self.scenarios[i % len(self.scenarios)] for i in range(low, high)]
        return self.lives.elsewhere(small, seeds_for("search", high, self.lives.root)[low:], worlds)
