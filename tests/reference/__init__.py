"""The rules of the private domain with one mesa agent per customer: plain numbers, plain loops, no vectors.

It is the specification in executable form, and slow. The engine must agree with it event for event.
"""

from . import handing_out  # noqa: F401  (registers the rules of coupons)
from .world import ReferenceWorld

__all__ = ["ReferenceWorld"]
