"""Trying a recommendation: strengths of an effect meet the same people with the same luck."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from experiments.experiment import Experiment
from experiments.run import Workers, seeds_for
from experiments.searching.finals.finalists import STATUS_QUO
from experiments.searching.plan import SearchPlan
from experiments.searching.questions.stress import Stress
from experiments.searching.replicates.lives import Lives, uplifts
from experiments.searching.worlds import World
from tests.worlds import policy, scenario


def test_only_what_a_policy_uses_matters() -> None:
    """Exact zeros: what nobody's life depends on changes no number, as long as the seeds are the same."""
    here = scenario(40, 12)
    status_quo = policy(posts={"kind": "content", "calendar": {"per_week": 3}})
    friday = {"kind": "coupon", "depth": 0.2, "valid_days": 3, "calendar": {"every_days": 3}}
    coupons = policy(posts={"kind": "content", "calendar": {"per_week": 3}}, friday=friday)
    design = Experiment.model_validate(
        {"title": "t", "scenario": "s", "policy": "p", "sensitivity": {"replicates": 2}}
    )  # fmt: skip
    plan = SearchPlan.model_validate({"title": "t", "space": {"actions.friday.depth": {"low": 0, "high": 0.3}}})
    ground = SimpleNamespace(scenario=here, status_quo=status_quo, assumed=("coupon", "content", "chat"))
    finals = SimpleNamespace(
        winner=None,
        finalists=[
            SimpleNamespace(label="trial 3", policy=coupons),
            SimpleNamespace(label=STATUS_QUO, policy=status_quo),
        ],
    )
    with Workers([here], None, 1) as workers:
        lives = Lives(workers, (here,), plan.seed)
        stress = Stress(design, ground, plan, (World(here, {}),), lives)  # type: ignore[arg-type]
        robustness = stress.robustness(finals)  # type: ignore[arg-type]
        assert robustness is not None
        seeds = seeds_for("assumptions", 2, plan.seed)
        lived = lives.elsewhere([coupons, status_quo], seeds, [here, here])
    coupon, content, chat = robustness.swept
    assert (coupon.matters, content.matters, chat.matters) == (True, True, False)
    assert coupon.at(1.0) == pytest.approx(uplifts(lived, lived[1]))
    assert [outcome.seed for outcome in lived[0]] == list(seeds)
    told = {(a.effect, a.factor): a.uplift.mean for a in stress.alternatives(robustness)}
    assert told["coupon", 0.5] != told["coupon", 2.0]
    assert told["chat", 0.5] == told["chat", 2.0] == coupon.at(1.0)[0].mean()
