"""The running world uses exactly what scikit-learn predicts."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from agents.behaviours import Purchase
from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.models import CustomerModels, Hazard, History, covariates, default_models, record_orders
from agents.policy import DO_NOTHING
from agents.scenario import Population, Scenario
from sim import Draws

FEATURES = ("log_since", "rate_28", "late", "weekend", "log_tenure")
DAYS = 120


def logged(n: int = 150) -> tuple[History, LogisticRegression]:
    """A history of orders lived at random, and scikit-learn's model of when the next one comes."""
    draws, keys = Draws(3), np.arange(n)
    history = History()
    history.append(n, key=keys, joined=-DAYS)
    rate = 0.03 + 0.2 * draws.uniform("rate", 0, keys)
    rows_x, rows_y = [], []
    for day in range(-DAYS, 0):
        orders = draws.uniform("order", day, keys) < (rate if day > -DAYS else 1.0)
        if day > -DAYS:
            rows_x.append(covariates(FEATURES, history, slice(None), day, day % 7))
            rows_y.append(orders)
        buyers = np.flatnonzero(orders)
        record_orders(history, buyers, day, np.full(len(buyers), 2500))
    model = LogisticRegression().fit(np.concatenate(rows_x, axis=1).T, np.concatenate(rows_y))
    return history, model


def world_of(history: History, model: LogisticRegression) -> PrivateDomain:
    defaults = default_models(orders_per_year=30, basket_cents=3000)
    repurchase = Hazard(
        name="repurchase",
        features=FEATURES,
        coef=tuple(model.coef_[0].tolist()),
        intercept=float(model.intercept_[0]),
        source="test",
    )
    models: CustomerModels = defaults.model_copy(update={"repurchase": repurchase})
    n = len(history)
    learned = Learned(models, history, np.zeros(n), np.zeros(n, np.int64))
    scenario = Scenario(title="learned", horizon_days=40, population=Population(size=1))
    return PrivateDomain(scenario, DO_NOTHING, seed=5, learned=learned)


def test_probabilities_in_the_running_world_equal_predict_proba() -> None:
    history, model = logged()
    world = world_of(history, model)
    purchase = next(b for b in world.behaviours if isinstance(b, Purchase))
    compared = 0
    while world.day < world.horizon_days:
        c, everyone = world.customers, slice(0, len(world.customers))
        follows = ~c.lapsed & (c.orders > 0) & (c.contact == 2)
        x = covariates(FEATURES, c.observed(), everyone, world.day, world.weekday)
        theirs = model.predict_proba(x.T)[:, 1]
        np.testing.assert_allclose(purchase.probability(world, everyone)[follows], theirs[follows], rtol=0, atol=1e-6)
        compared += int(follows.sum())
        world.step()
    assert compared > 4000


def test_order_frequencies_follow_the_probabilities() -> None:
    """Orders are drawn from these numbers and nothing else: summed over days the counts are within 4 sd."""
    history, model = logged()
    expected = variance = found = 0.0
    for seed in range(12):
        world = world_of(history, model)
        world.draws = Draws(seed)
        purchase = next(b for b in world.behaviours if isinstance(b, Purchase))
        while world.day < world.horizon_days:
            p = purchase.probability(world, slice(0, len(world.customers)))
            expected += float(p.sum())
            variance += float((p * (1 - p)).sum())
            world.step()
            found += sum(len(sale.rows) for sale in world.today.sales)
    assert abs(found - expected) < 4 * variance**0.5
