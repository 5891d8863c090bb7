"""Learned models: history, covariates, hazards, basket values, and cited defaults where there are no logs."""

from .basket import Basket
from .bundle import CustomerModels
from .contact import ContactModels
from .defaults import default_models
from .exposure import Exposure, record_touch
from .features import FEATURES, covariates
from .hazard import Hazard, sigmoid
from .history import NO_ORDER, History, record_orders

__all__ = [
    "FEATURES", "NO_ORDER", "Basket", "ContactModels", "CustomerModels", "Exposure", "Hazard", "History", "covariates",
    "default_models", "record_orders", "record_touch", "sigmoid",
]  # fmt: skip
