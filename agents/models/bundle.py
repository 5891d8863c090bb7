"""The learned models of one population, as pure data."""

from __future__ import annotations

import datetime
import json
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sim import ModelError, Spec, SpecError
from sim.draws import Draws
from sim.problems import spec_error

from .basket import Basket
from .hazard import Hazard
from .season import Season

FORMAT: Literal["siyu-models/2"] = "siyu-models/2"
RETRAIN = "train the models again with this version"


class CustomerModels(Spec):
    """Everything that decides when a customer orders and for how much.

    A customer who orders lapses with the probability of ``lapse``. Whoever has not lapsed orders with the daily hazard
    ``repurchase``; whoever has been silent for more than ``lapse_days`` orders with ``comeback``.
    """

    format: Literal["siyu-models/2"] = FORMAT
    repurchase: Hazard = Field(description="P(order today | not lapsed, 1..lapse_days since the last order)")
    lapse: Hazard = Field(description="P(no order within lapse_days after this one), asked on the day of an order")
    comeback: Hazard = Field(description="P(order today | more than lapse_days since the last order)")
    basket: Basket = Field(description="net amount of an order")
    season: Season = Field(Season(), description="what all customers of a day have in common")
    lapse_days: int = Field(ge=2, description="days of silence after which a customer counts as lapsed")
    trained_on: str = Field(min_length=1, description="'cited defaults', or the digest of the logs")
    cut_off: datetime.date | None = Field(None, description="last day that training saw")

    @model_validator(mode="after")
    def _named(self) -> Self:
        for name in ("repurchase", "lapse", "comeback"):
            found = getattr(self, name).name
            if found != name:
                raise ValueError(f"the hazard '{name}' is named '{found}'")
        return self

    @property
    def knows_rates(self) -> bool:
        """Whether the repurchase hazard reads a customer's own past rate or gaps."""
        return _read(self.repurchase.features, ("rate_", "gap_mean", "late", "overdue"))

    @property
    def knows_baskets(self) -> bool:
        """Whether the basket reads a customer's own past baskets."""
        return _read(self.basket.features, ("net_",))

    def drawn(self, draws: Draws) -> CustomerModels:
        """The models of one replicate: what the logs leave open is drawn, the same under every policy."""
        parts = {name: getattr(self, name).drawn(draws, name) for name in ("repurchase", "lapse", "comeback", "basket")}
        return self.model_copy(update=parts)

    def to_json(self) -> str:
        """The models as text, with their digest."""
        return json.dumps({"digest": self.digest(), **self.model_dump(mode="json")}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, place: str = "models") -> CustomerModels:
        """Models from :meth:`to_json`. Raises ModelError for another format or version, a wrong hash, missing parts."""
        data = _mapping(text, place)
        found = data.get("format")
        if found != FORMAT:
            raise ModelError(f"the format must be '{FORMAT}'", place=place, value=found, cure=RETRAIN)
        digest = data.pop("digest", None)
        try:
            models = cls.model_validate(data)
        except ValidationError as error:
            problem: SpecError = spec_error(cls, error, None)
            where = ": ".join(p for p in (place, problem.place) if p)
            raise ModelError(problem.rule, place=where, value=problem.value, cure=RETRAIN) from None
        if digest != models.digest():
            rule = f"the contents do not match their hash, which would be {models.digest()}"
            raise ModelError(rule, place=place, value=digest, cure="use the file as it was written, or " + RETRAIN)
        return models


@lru_cache
def _read(features: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
    """Whether a feature begins with one of these; asked on every day."""
    return any(name.startswith(prefixes) for name in features)


def _mapping(text: str, place: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelError(f"not valid JSON: {error}", place=place, cure=RETRAIN) from None
    if not isinstance(data, dict):
        raise ModelError("a model file is one JSON object", place=place, cure=RETRAIN)
    return data
