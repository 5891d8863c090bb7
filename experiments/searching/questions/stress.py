"""What a recommendation rests on: assumptions made weaker and stronger, and what it is worth to know them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy
from agents.scenario import Scenario
from experiments.compare import difference
from experiments.experiment import Experiment
from experiments.ground import Ground
from experiments.run import seeds_for
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO
from experiments.searching.finals.finals import Finalist, Finals
from experiments.searching.plan import SearchPlan
from experiments.searching.questions.assumptions import (
    AssumedEffect,
    Assumption,
    assumed_effects,
    assumed_values,
    unknowns,
)
from experiments.searching.questions.flips import Robustness, find_flips
from experiments.searching.questions.information import Information, fewest_replicates, value_of_information
from experiments.searching.replicates.lives import Lives, uplifts
from experiments.searching.result import Alternative
from experiments.searching.worlds import World

Floats = NDArray[np.float64]

FACTORS = (0.5, 2.0)  # strengths of each assumed effect that a report tells of beside the flip points


class Stress:
    """Tries a recommendation.

    Parameters
    ----------
    worlds : the ensemble that every policy meets.
    lives : who lives them.
    """

    def __init__(
        self, design: Experiment, ground: Ground, plan: SearchPlan, worlds: Sequence[World], lives: Lives
    ) -> None:  # fmt: skip
        self.design, self.ground, self.plan, self.worlds, self.lives = design, ground, plan, worlds, lives
        self.assumptions: list[Assumption] = [
            *assumed_effects(ground.scenario, ground.assumed),
            *assumed_values(ground.scenario, design.uncertain),
        ]

    def robustness(self, finals: Finals) -> Robustness | None:
        """Flip points of the recommendation; None without assumptions or rivals, or when none are asked for."""
        asked, shortlist = self.design.sensitivity.replicates, self._shortlist(finals)
        if not self.assumptions or len(shortlist) < 2 or asked == 0:
            return None
        n = max(asked, self.plan.objective.fewest_replicates(len(self.worlds)))

        def run(policies: Sequence[Policy], seeds: Sequence[int], scenarios: Sequence[Scenario]) -> Floats:
            # The status quo is among the policies; doing without it would leave levels of luck, not uplifts.
            lived = self.lives.elsewhere(policies, seeds, scenarios)
            at = next(i for i, policy in enumerate(policies) if policy is self.ground.status_quo)
            return uplifts(lived, lived[at])

        return find_flips(
            run, self.worlds, [f.policy for f in shortlist], [f.label for f in shortlist],
            seeds_for("assumptions", n, self.plan.seed), self.assumptions, objective=self.plan.objective,
        )  # fmt: skip

    def alternatives(self, robustness: Robustness) -> tuple[Alternative, ...]:
        """The recommendation where one assumed effect is halved or doubled."""
        found = []
        for swept in robustness.swept:
            if not isinstance(swept.assumption, AssumedEffect):
                continue
            for factor in FACTORS:
                up = swept.at(factor)
                best = int(np.argmax(up.mean(axis=1)))
                found.append(
                    Alternative(
                        effect=swept.assumption.name,
                        factor=factor,
                        uplift=difference("clv", up[0]),
                        best=robustness.labels[best],
                        behind=difference("clv", up[best] - up[0]),
                    )
                )
        return tuple(found)

    def information(self, finals: Finals, robustness: Robustness | None) -> Information | None:
        """What each assumption is worth to know; None where nothing is uncertain or there are too few replicates.

        What no policy depends on, as the sweep of ``robustness`` showed, is worth nothing and asks for no replicates.
        """
        n = finals.uplift.shape[1]
        scenario, world = self.ground.scenario, self.lives.world_of(n)
        known = unknowns(
            scenario, self.design.uncertain, self.worlds, seeds_for("final", n, self.plan.seed), world
        )  # fmt: skip
        idle = {s.assumption.name for s in robustness.swept if not s.matters} if robustness else set()
        known = tuple(u for u in known if u.name not in self._measured() | idle)
        if not known or n < fewest_replicates(known):
            return None
        base = finals.holdout[STATUS_QUO]
        customers = float(np.mean([o.values["acquired"] for o in base]))
        orders = float(np.mean([o.values["n_order"] for o in base]))
        per_day = min(max(orders / max(customers, 1.0) / scenario.horizon_days, 1e-6), 0.5)
        sizes = {
            effect.name: self.design.field_test.prior_size(
                effect.name, effect.effect, orders_per_day=per_day, rate_sd=scenario.traits.rate_sd
            )
            for effect in assumed_effects(scenario, self.ground.assumed)
            if effect.effect.sd > 0 and self.design.field_test.can_measure(effect.name)
        }
        # A policy that breaks a limit is no choice, however much is known.
        allowed = [all(k.kept for k in f.limits) for f in finals.finalists]
        if sum(allowed) < 2:  # nothing to choose between
            return None
        return value_of_information(
            finals.uplift[allowed], known, customers=customers, prior_sizes=sizes, test=self.design.field_test
        )

    def _measured(self) -> set[str]:
        """Effects that the logs identified: what is left open there is the logs' own error, not an assumption."""
        names = {effect.name for effect in assumed_effects(self.ground.scenario)}
        return names - set(self.ground.assumed)

    def _shortlist(self, finals: Finals) -> list[Finalist]:
        """The recommended policy first, its nearest rivals, and the status quo."""
        winner = finals.winner
        rivals = [f for f in finals.finalists if f.label != STATUS_QUO and (f.label != NOTHING or f is winner)]
        rivals = rivals[: self.design.sensitivity.shortlist]
        status_quo = next(f for f in finals.finalists if f.label == STATUS_QUO)
        return [status_quo, *rivals] if winner is status_quo else [*rivals, status_quo]
