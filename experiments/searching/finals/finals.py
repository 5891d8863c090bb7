"""The final round: nominees meet fresh seeds until they can be told apart, one is named, and its claim is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import DO_NOTHING, Policy
from experiments.compare import Difference, difference
from experiments.listener import Listener
from experiments.results import paired
from experiments.searching.aims import Kept, Limit, kept
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO, Nominee
from experiments.searching.finals.judgement import Judgement, judge, simplest, split_claim
from experiments.searching.objective import Objective
from experiments.searching.plan import SearchPlan
from experiments.searching.replicates.lives import Lives, Outcomes, uplifts
from experiments.searching.space.paths import Value
from sim.errors import StudyError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Finalist:
    """A policy of the final round.

    Attributes
    ----------
    label : ``trial 17``, ``trial 17, simpler``, ``status quo``.
    params : coordinates; None for what lies outside the space.
    values : policy path to value; empty for what lies outside the space.
    changes : levers that it sets differently from the status quo.
    claimed : uplift that the search expected of it, per customer.
    ranked : uplift on the fresh seeds that told the finalists apart.
    tied : whether it could not be told apart from the leader there.
    probability_best : chance that it is the best of all finalists, given those seeds.
    holdout : uplift on the holdout seeds, for the recommended policy: the only number that is claimed.
    spend : mean spend on the last seeds that it met.
    limits : how it stands to each limit there.
    """

    label: str
    policy: Policy
    params: dict[str, Any] | None
    values: dict[str, Value]
    changes: int
    claimed: float
    ranked: Difference
    tied: bool
    probability_best: float
    holdout: Difference | None
    spend: float
    limits: tuple[Kept, ...]


@dataclass(frozen=True)
class Finals:
    """How the final round ended.

    Attributes
    ----------
    finalists : the recommended policy first, the others by their mean on the fresh seeds.
    leader : label of the policy with the highest mean there.
    rounds : replicates seen after each round that was played.
    margin : shortfall below which policies counted as equal, in units of the objective.
    value : CLV of the recommended policy itself on the holdout seeds, per acquired customer.
    objective : of the recommended policy on the holdout seeds.
    reference : uplift of doing nothing there.
    holdout : outcomes on the holdout seeds of the recommended policy, the status quo and doing nothing.
    uplift : of each finalist, in their order, on the fresh seeds of the first round. Shape (finalists, replicates).
    """

    finalists: tuple[Finalist, ...]
    leader: str
    rounds: tuple[int, ...]
    margin: float
    value: Difference
    objective: Difference
    reference: Difference
    holdout: Mapping[str, Outcomes]
    uplift: Floats

    @property
    def winner(self) -> Finalist:
        """The recommended policy; the status quo when nothing beat it."""
        return self.finalists[0]


def play(plan: SearchPlan, base: Policy, nominees: Sequence[Nominee], lives: Lives, hear: Listener) -> Finals:
    """Judge the nominees and claim for the one that is named.

    Raises
    ------
    StudyError
        When not even one of them keeps the limits.
    """
    final = _Final(plan, base, list(nominees), lives, hear)
    final.rounds()
    return final.named()


class _Final:
    """State of the final round."""

    def __init__(
        self, plan: SearchPlan, base: Policy, nominees: list[Nominee], lives: Lives, hear: Listener
    ) -> None:  # fmt: skip
        self.plan, self.base, self.nominees, self.lives, self.hear = plan, base, nominees, lives, hear
        self.limits: dict[str, Limit] = plan.all_limits()
        self.objective: Objective = plan.objective
        self.reference = next(i for i, n in enumerate(nominees) if n.label == STATUS_QUO)
        self.outcomes: list[Outcomes] = [[] for _ in nominees]
        self.schedule = tuple(plan.final_replicates * 2**k for k in range(plan.final_rounds))
        self.played: list[int] = []
        self.out: set[int] = set()
        self.judgement: Judgement | None = None

    def rounds(self) -> None:
        """Meet fresh seeds, twice as many each time, until nobody is in doubt."""
        low = 0
        for high in self.schedule:
            going = [i for i in range(len(self.nominees)) if i not in self.out or i == self.reference]
            self.hear.stage(f"judging {len(going)} finalists on fresh seeds", len(going))
            policies = [self.nominees[i].policy for i in going]
            for done, (place, lived) in enumerate(self.lives.as_done(policies, "final", high, low), start=1):
                self.outcomes[going[place]] += lived
                self.hear.step(done)
            low = high
            self.played.append(high)
            self.out |= {i for i in going if not self._within(i)}
            if len(self.out) == len(self.nominees):
                raise StudyError(
                    "no finalist keeps the limits on fresh seeds, and neither does the status quo",
                    place="final judgement", value=", ".join(f"{n} {x.words()}" for n, x in self.limits.items()),
                    cure="loosen the limit, or widen the bounds of what moves it",
                )  # fmt: skip
            self.judgement = judge(
                self._values(high), reference=self.reference, rounds=self.schedule, out=frozenset(self.out)
            )
            self.out |= self.judgement.out
            if self.judgement.settled:
                return

    def _within(self, i: int) -> bool:
        return all(k.kept for k in kept(self.limits, self.outcomes[i]))

    def _values(self, seen: int) -> Floats:
        """What is judged: pseudovalues of the objective, whose means are the objective. Rows that are out hold 0."""
        base = self.outcomes[self.reference]
        left = [i for i in range(len(self.nominees)) if i not in self.out]
        up = uplifts([self.outcomes[i] for i in left], base)
        values = np.zeros((len(self.nominees), seen))
        values[left] = self.objective.judge(up, self.lives.world_of(seen)).pseudo
        if self.reference in self.out:  # beyond its limits, or told apart; the others are still compared with it
            values[self.reference] = 0.0
        return values

    # -- naming -------------------------------------------------------------------------------------------------

    def named(self) -> Finals:
        """Name the simplest tied policy that keeps the limits on the holdout seeds too, and claim for it."""
        assert self.judgement is not None  # there is at least one round
        n = self.plan.holdout_replicates
        tied = set(self.judgement.tied)
        means = [self._ranked(i).mean for i in range(len(self.nominees))]
        changes = [nominee.changes for nominee in self.nominees]
        self.hear.stage("claiming on holdout seeds", 3)
        base, nothing = self.lives.live([self.base, DO_NOTHING], "holdout", n)
        while True:
            name = simplest(tied, changes, [-mean for mean in means])
            held = base if name == self.reference else self.lives.live([self.nominees[name].policy], "holdout", n)[0]
            if all(k.kept for k in kept(self.limits, held)) or len(tied) == 1:
                break
            tied.discard(name)
        self.hear.step(3)
        claim = split_claim("clv", paired(held, base, "clv"))
        up = np.array([paired(held, base, "clv")])
        pseudo = self.objective.judge(up, self.lives.world_of(n)).pseudo[0]
        order = [name, *sorted((i for i in range(len(means)) if i != name), key=lambda i: self._place(i, means))]
        first = self.plan.final_replicates
        base_first = self.outcomes[self.reference][:first]
        return Finals(
            finalists=tuple(self._finalist(i, claim if i == name else None, held) for i in order),
            leader=self.nominees[self.judgement.leader].label,
            rounds=tuple(self.played),
            margin=self.judgement.margin,
            value=difference("clv", np.array([o.values["clv"] for o in held])),
            objective=difference("clv", pseudo),
            reference=difference("clv", paired(nothing, base, "clv")),
            holdout={"winner": held, STATUS_QUO: base, NOTHING: nothing},
            uplift=uplifts([self.outcomes[i][:first] for i in order], base_first),
        )

    def _place(self, i: int, means: list[float]) -> tuple[bool, float]:
        return not self._within(i), -means[i]

    def _ranked(self, i: int) -> Difference:
        mine = self.outcomes[i]
        return difference("clv", paired(mine, self.outcomes[self.reference][: len(mine)], "clv"))

    def _finalist(self, i: int, claim: Difference | None, held: Outcomes) -> Finalist:
        assert self.judgement is not None
        nominee, last = self.nominees[i], held if claim is not None else self.outcomes[i]
        return Finalist(
            label=nominee.label,
            policy=nominee.policy,
            params=nominee.params,
            values=nominee.values,
            changes=nominee.changes,
            claimed=nominee.claimed,
            ranked=self._ranked(i),
            tied=i in self.judgement.tied and self._within(i),
            probability_best=float(self.judgement.probability_best[i]),
            holdout=claim,
            spend=float(np.mean([o.values["spend"] for o in last])),
            limits=kept(self.limits, last),
        )
