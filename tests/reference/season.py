"""What the logs leave open, and what all customers of a day have in common, drawn one number at a time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from agents.models import CustomerModels
from sim.draws import Draws

from .people import normal

if TYPE_CHECKING:
    from agents.models.hazard import Linear

PARTS = ("repurchase", "lapse", "comeback", "basket")


def drawn(models: CustomerModels, draws: Draws) -> CustomerModels:
    """The models of one replicate."""
    return models.model_copy(update={part: _drawn(getattr(models, part), part, draws) for part in PARTS})


def _drawn(model: Linear, part: str, draws: Draws) -> Linear:
    if not model.spread:
        return model
    luck = [normal(draws, f"models.{part}", number, 0) for number in range(len(model.spread))]
    moved = [sum(s * z for s, z in zip(row, luck, strict=False)) for row in model.spread]
    coef = tuple(c + m for c, m in zip(model.coef, moved, strict=False))
    return model.model_copy(update={"coef": coef, "intercept": model.intercept + moved[-1], "spread": ()})


def season(models: CustomerModels, draws: Draws, start: dt.date, day: int) -> tuple[float, float]:
    """Log-odds of an order and log of its amount that a day adds for everybody."""
    s, date = models.season, start + dt.timedelta(days=day)
    return (
        s.order_by_day[date.day - 1] + _weather("order", s.order_noise, s.order_drift, draws, day // 7),
        s.basket_by_day[date.day - 1] + _weather("basket", s.basket_noise, s.basket_drift, draws, day // 7),
    )


def _weather(name: str, noise: float, drift: float, draws: Draws, week: int) -> float:
    steps = [drift * normal(draws, f"season.{name}.drift", w, 0) for w in range(week + 1)]
    return sum(steps[:-1]) + steps[-1] / 2 + noise * normal(draws, f"season.{name}.noise", week, 0)
