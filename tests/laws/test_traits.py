"""Traits and learned histories: what a model has learned of a customer is not counted a second time."""

from __future__ import annotations

import numpy as np

from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.models import Basket, History, default_models
from agents.policy import DO_NOTHING
from agents.scenario import Scenario

WELL_OFF = {"gate": {"volume": 400, "cost_per_reach_cny": 1.0, "organic_per_day": 20, "add_rate": 1.0, "trust": 0.9,
                     "basket_shift": 1.0}}  # fmt: skip


def test_newcomers_baskets_do_not_feed_on_themselves() -> None:
    """A model that reads the personal mean and a trait of e: once explosive, orders of 100,000 within half a year."""
    defaults = default_models(orders_per_year=150, basket_cents=3000, basket_log_sd=0.5)
    basket = Basket(
        features=("net_known", "net_mean"), coef=(-8.0 * 0.95, 0.95), intercept=float(np.log(3000)),
        quantiles=defaults.basket.quantiles, source="test",
    )  # fmt: skip
    models = defaults.model_copy(update={"basket": basket})
    nobody = History()
    nobody.append(1, key=0, joined=-1)
    learned = Learned(models, nobody, np.zeros(1), np.zeros(1, np.int64))
    scenario = Scenario.model_validate(
        {"title": "newcomers", "horizon_days": 300, "channels": WELL_OFF, "traits": {"basket_sd": 0.0},
         "behaviours": {"purchase": {"kind": "purchase", "first_order": 0.0}}}
    )  # fmt: skip
    world = PrivateDomain(scenario, DO_NOTHING, seed=1, learned=learned)
    world.run()
    orders = world.ledger.of("order")
    late = orders.amount[orders.day > 200]
    assert len(late) > 2000
    assert np.mean(late) < 3000 * np.e * 3  # the trait, and what the model's own persistence makes of it
