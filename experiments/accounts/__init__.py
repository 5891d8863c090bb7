"""Accounts of one lived world: identities of sales, the trust funnel, tiers and members month by month."""

from experiments.accounts.identities import Factor, Identity, identities

__all__ = ["Factor", "Identity", "identities"]
