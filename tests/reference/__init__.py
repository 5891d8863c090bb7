"""The rules of the private domain with one mesa agent per customer: plain numbers, plain loops, no vectors.

It is the specification in executable form, and slow. The engine must agree with it event for event.
"""

from .world import ReferenceWorld

__all__ = ["ReferenceWorld"]
